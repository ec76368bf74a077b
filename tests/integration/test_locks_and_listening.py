"""Locks that end with their process, and waiting for what others notify."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from shared.db import Database
from shared.errors import Unavailable
from shared.listening import listening
from shared.locks import Leadership, Liveness
from tests.waiting import until


@pytest.fixture
async def store(database: str) -> AsyncIterator[Database]:
    made = Database(database, "public")
    yield made
    await made.dispose()


async def test_one_process_leads_and_another_takes_over(store: Database) -> None:
    first, second = Leadership(store, 4711), Leadership(store, 4711)
    stops = asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(first.run(stops[0]))]
    assert await first.mine(stops[0])
    tasks.append(asyncio.create_task(second.run(stops[1])))
    await asyncio.sleep(0)
    assert not second.held.is_set()
    stops[0].set()
    assert await second.mine(stops[1])
    assert not first.held.is_set()
    stops[1].set()
    await asyncio.gather(*tasks)


async def test_a_lost_connection_is_noticed_and_the_lock_taken_again(store: Database) -> None:
    lock, stop = Liveness(store), asyncio.Event()
    holding = asyncio.create_task(lock.run(stop))
    assert await lock.mine(stop)
    async with store.transaction() as session:
        others = (
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        )
        await session.execute(text(others))
    await until(lambda: not lock.held.is_set())
    assert await lock.mine(stop)
    stop.set()
    await holding


async def test_the_lock_is_held_until_the_work_has_returned(store: Database) -> None:
    lock, stop, seen = Liveness(store), asyncio.Event(), []

    async def work(stop: asyncio.Event) -> None:
        assert await lock.mine(stop)
        stop.set()
        seen.append(lock.held.is_set())

    await lock.around(work, stop)
    assert seen == [True]
    assert not lock.held.is_set()


async def test_notifications_wake_and_a_lost_connection_is_unavailable(store: Database) -> None:
    heard: list[str] = []
    stop = asyncio.Event()
    async with listening(store, {"news": heard.append}) as listener:
        async with store.transaction() as session:
            await session.execute(text("SELECT pg_notify('news', 'ann')"))
        assert await listener.next(stop, 30)
        assert heard == ["ann"]
        assert await listener.next(stop, 0.01)
        stop.set()
        assert not await listener.next(stop, 30)
    stop.clear()

    async def cut_off() -> None:
        async with listening(store, {"news": None}) as listener:
            async with store.transaction() as session:
                await session.execute(text(_CUT_OFF))
            while await listener.next(stop, 30):
                pass

    with pytest.raises(Unavailable):
        await cut_off()


_CUT_OFF = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND application_name = '' AND datname = current_database()"""
