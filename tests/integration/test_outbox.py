"""The outbox: what a transaction promised to publish is published, once it is committed and not
before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone

import asyncpg
import pytest
from sqlalchemy import text

from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database, metadata
from shared.errors import Malformed, Unavailable
from shared.events import DeskEvent
from shared.outbox import Outbox, outbox_table
from shared.topics import TICKETS_CHANGED

TABLES = metadata("stage")
TABLE = outbox_table(TABLES)


def event(number: int) -> DeskEvent:
    return DeskEvent(id=str(number), ticket_id="t", kind="note.added", at=utc_now())


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Database]:
    db = Database(database, "stage")
    async with db.engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA stage"))
        await connection.run_sync(TABLES.create_all)
    yield db
    await db.dispose()


async def published(bus: MemoryBus, count: int) -> list[str]:
    async with asyncio.timeout(10):
        while len(bus.logs[TICKETS_CHANGED.name]) < count:
            await asyncio.sleep(0.01)
    return [found.id for found in bus.events(TICKETS_CHANGED)]


async def test_events_come_out_in_order_after_the_commit_and_never_after_a_rollback(stage: Database) -> None:
    bus = MemoryBus()
    outbox = Outbox(TABLE, stage, bus)
    stop = asyncio.Event()
    relay = asyncio.ensure_future(outbox.run(stop))
    with suppress(ZeroDivisionError):
        async with stage.transaction() as session:
            await outbox.add(session, TICKETS_CHANGED, "t", event(0))
            raise ZeroDivisionError
    async with stage.transaction() as session:
        await outbox.add_all(session, [(TICKETS_CHANGED, "t", event(n)) for n in range(1, 1201)])
        assert not bus.logs[TICKETS_CHANGED.name]
    outbox.wake()
    assert await published(bus, 1200) == [str(n) for n in range(1, 1201)]
    stop.set()
    await relay


async def test_while_kafka_is_away_the_events_wait_and_then_come_once(stage: Database) -> None:
    bus = MemoryBus(down=True)
    outbox = Outbox(TABLE, stage, bus)
    stop = asyncio.Event()
    async with stage.transaction() as session:
        await outbox.add(session, TICKETS_CHANGED, "t", event(1))
    relays = [asyncio.ensure_future(Outbox(TABLE, stage, bus).run(stop)) for _ in range(3)]
    bus.down = False
    assert await published(bus, 1) == ["1"]
    stop.set()
    await asyncio.gather(*relays)
    async with stage.transaction() as session:
        assert (await session.execute(text("SELECT count(*) FROM stage.outbox"))).scalar() == 0
    assert len(bus.logs[TICKETS_CHANGED.name]) == 1


async def test_a_database_that_is_away_says_so_in_one_word(free_port: int) -> None:
    db = Database(f"postgresql://x:y@127.0.0.1:{free_port}/z", "stage")
    with pytest.raises(Unavailable, match="PostgreSQL is unavailable"):
        async with db.transaction() as session:
            await session.execute(text("SELECT 1"))
    await db.dispose()


EDGES = {
    "NUL": ("text", "a\x00b"),
    "half a character": ("text", "a\ud83d"),
    "before the calendar": ("timestamptz", datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))),
    "after the calendar": ("timestamptz", datetime.max.replace(tzinfo=timezone(timedelta(hours=-14)))),
    "too large a number": ("bigint", 2**70),
}


@pytest.mark.parametrize(("kind", "value"), EDGES.values(), ids=EDGES)
async def test_a_value_that_no_store_takes_is_the_senders_fault_and_nothing_to_try_again(
    database: str, kind: str, value: object
) -> None:
    db = Database(database, "public")
    with pytest.raises(Malformed):
        async with db.transaction() as session:
            await session.execute(text(f"SELECT CAST(:value AS {kind})"), {"value": value})
    await db.dispose()


async def test_a_database_that_has_no_connection_left_is_away_too_so_that_nothing_is_set_aside(database: str) -> None:
    db = Database(database, "public", pool_size=1)
    db.engine.pool._timeout = 0.05
    async with db.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(Unavailable, match="PostgreSQL is unavailable"):
            async with db.transaction() as other:
                await other.execute(text("SELECT 1"))
    await db.dispose()


async def test_a_database_that_lets_nobody_in_for_a_while_is_away(database: str, postgres: str) -> None:
    """As while an administrator renames or restores it: calls met an error here, where they should
    have waited."""
    db, name = Database(database, "public"), database.rsplit("/", 1)[1]
    admin = await asyncpg.connect(postgres)
    await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
    with pytest.raises(Unavailable, match="PostgreSQL is unavailable"):
        async with db.transaction() as session:
            await session.execute(text("SELECT 1"))
    await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
    async with db.transaction() as session:
        assert await session.scalar(text("SELECT 1")) == 1
    await db.dispose()
    await admin.close()
