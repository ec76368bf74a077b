"""`python -m services <channel> ledger`."""

from __future__ import annotations

from pydantic_settings import BaseSettings
from sqlalchemy import Table

from shared.db import Database
from shared.delivery.ledger import count
from shared.service import dsn_of


async def print_counts(table: Table, settings: BaseSettings) -> None:
    """Prints how many deliveries are in which state."""
    database = Database(dsn_of(settings), str(table.schema))
    try:
        async with database.transaction() as session:
            for state, number in sorted((await count(session, table)).items()):
                print(f"{state}: {number}")
    finally:
        await database.dispose()
