"""PostgreSQL: one transaction per unit of work, a schema per service, migrations by Alembic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.errors import Malformed, Rejected, Unavailable
from shared.health import Health
from shared.loops import forever
from shared.waiting import first_of

_AWAY = ("08", "57P", "53", "55000", "40001", "40P01")
"""SQLSTATEs that mean "not now": connection exceptions, shutdown, out of resources, a database that
lets nobody in for a while, a serialization failure or a deadlock, after which the same transaction
may succeed (PostgreSQL, appendix A)."""
_CHECK = 5.0
"""Seconds between looks at whether PostgreSQL answers; where it ends a connection, it says so."""
_BAD_VALUE = "22"
"""Class of SQLSTATEs of "data exceptions"; asyncpg tells of what it cannot send by the same."""
_CANCELED = "57014"
"""SQLSTATE of a statement that took longer than it may."""
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A pool of connections to one schema. `dsn`: postgresql://role:password@host:port/database.

    `seconds`: a statement that takes longer is stopped, and so is waiting for a connection. For
    requests, whose reader does not wait for ever; 0, without a bound, for work that has to be done
    however long it takes.

    `by_key`: every statement looks its rows up by an index, so that plans are made once and kept,
    those of PostgreSQL's own checks of foreign keys too: a quarter of its work. They never read a
    whole table, which would be right for the small one they were made on and wrong for what it
    grows to.
    """

    def __init__(self, dsn: str, schema: str, pool_size: int = 8, seconds: float = 0, *, by_key: bool = False) -> None:
        self.dsn, self.schema, self.seconds = dsn, schema, seconds
        self.engine = create_async_engine(
            dsn.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # what customers wrote has no place in a log
            pool_timeout=seconds or 10,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "search_path": f"{schema},extensions",
                    "application_name": schema,
                    "timezone": "UTC",  # in JSON that PostgreSQL makes, too
                    # A prepared statement's generic plan made a peer's search drift to a sequential
                    # scan.
                    "plan_cache_mode": "auto" if by_key else "force_custom_plan",
                    "enable_seqscan": "off" if by_key else "on",
                    "idle_in_transaction_session_timeout": "30000",
                    "statement_timeout": str(int(seconds * 1000)),
                },
            },
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Commits at the end, rolls back on any error. Raises Unavailable where PostgreSQL is away;
        Malformed where a value is none that it takes: NUL, half a character, a number or a moment
        out of its range; and where there is a bound of time, Rejected 503 `busy` or `too-slow`."""
        try:
            async with self._sessions() as session, session.begin():
                yield session
        except Exception as error:
            if self.seconds and isinstance(error, PoolTimeout):
                raise Rejected(503, "busy", "Too many requests right now. Nothing was changed; try again.") from error
            if self.seconds and _sqlstate(error) == _CANCELED:
                raise Rejected(
                    503,
                    "too-slow",
                    f"This took longer than {self.seconds:g} seconds and was stopped. Nothing was changed; narrow it down or try again.",
                ) from error
            if is_away(error):
                raise Unavailable(f"PostgreSQL is unavailable: {error}") from error
            if _sqlstate(error).startswith(_BAD_VALUE):
                raise Malformed(
                    "a value cannot be stored or looked for: a character, number or date that no store takes"
                ) from error
            raise

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[AsyncSession]:
        """Opens a session for statements that need none of each other: each is committed by
        itself, which saves the two round trips around a transaction. Raises as `transaction`."""
        async with self.transaction() as session:
            await session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
            session.info["each by itself"] = True
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncSession]:
        """Yields a session in a read-only transaction, for an answer made by several statements:
        all of them see one snapshot, so that a message never appears beside the status from
        before it. Raises Unavailable."""
        async with self.transaction() as session:
            await session.connection(
                execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            )
            yield session

    async def connect_raw(self) -> asyncpg.Connection[asyncpg.Record]:
        """Opens a connection outside the pool, for LISTEN. Raises Unavailable."""
        try:
            return await asyncpg.connect(
                self.dsn, timeout=5, server_settings={"search_path": f"{self.schema},extensions"}
            )
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            raise Unavailable(f"PostgreSQL is unavailable: {error}") from error

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Yields a connection outside the pool, closed at the end. Raises Unavailable, also for
        what asyncpg raises in the body, where a lost connection has many names."""
        connection = await self.connect_raw()
        try:
            yield connection
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable(f"a connection to PostgreSQL was lost: {error!r}") from error
        finally:
            connection.terminate()

    async def keep_checking(self, health: Health, stop: asyncio.Event) -> None:
        """Keeps `/health/ready` right, on a connection of its own: that all others are in use does
        not mean that PostgreSQL is away."""

        async def check() -> None:
            try:
                async with self.connection() as connection:
                    lost = asyncio.Event()
                    connection.add_termination_listener(lambda _: lost.set())
                    while not stop.is_set():
                        await connection.execute("SELECT 1", timeout=5)
                        health.set("postgres", ok=True)
                        await first_of(stop, lost, seconds=_CHECK)
            except Unavailable as error:
                health.set("postgres", ok=False, detail=str(error)[:200])
                raise

        await forever("postgres", check, stop)

    async def dispose(self) -> None:
        await self.engine.dispose()


def is_away(error: BaseException) -> bool:
    """Whether this means that PostgreSQL cannot be reached now, rather than that a statement is
    wrong."""
    # PoolTimeout: every connection is in use, as when the server hangs.
    if isinstance(error, (OSError, TimeoutError, PoolTimeout, asyncpg.InterfaceError)):
        return True
    state = _sqlstate(error)
    if isinstance(error, DBAPIError):
        disconnected = isinstance(error, InterfaceError) or error.connection_invalidated
        return disconnected or state.startswith(_AWAY) or (isinstance(error, OperationalError) and not state)
    return isinstance(error, asyncpg.PostgresError) and state.startswith(_AWAY)


def _sqlstate(error: BaseException) -> str:
    # What asyncpg raises while it connects comes as it is; anything later comes wrapped.
    return str(getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", "") or "")


def metadata(schema: str) -> MetaData:
    """Tables of one schema, with constraint names that migrations can rely on."""
    return MetaData(
        schema=schema,
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        },
    )


def migrate(dsn: str, schema: str, folder: Path, revision: str = "head") -> None:
    """Migrates the schema to `revision`. `folder` holds `versions/`; the environment is the same
    for all services."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "newline")
    config.attributes["dsn"], config.attributes["schema"] = dsn, schema
    command.upgrade(config, revision)
