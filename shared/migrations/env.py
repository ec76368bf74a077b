"""Alembic's environment, the same for every service: its own schema, its own version table inside
it."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 7_204_113_905
"""Two processes that start at the same moment migrate one after the other."""


def _migrate(connection: Connection, schema: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    context.configure(connection=connection, version_table_schema=schema, include_schemas=True)
    context.run_migrations()


async def _run(dsn: str, schema: str) -> None:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://", 1), hide_parameters=True)
    async with engine.begin() as connection:
        # IF NOT EXISTS would ask for the right to create schemas, which a service's role has no
        # need for.
        if not (await connection.execute(text("SELECT to_regnamespace(:name)"), {"name": schema})).scalar():
            await connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        await connection.execute(text(f'SET LOCAL search_path TO "{schema}", extensions'))
        await connection.run_sync(_migrate, schema)
    await engine.dispose()


asyncio.run(_run(context.config.attributes["dsn"], context.config.attributes["schema"]))
