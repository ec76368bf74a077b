"""The live feed: nothing is left out, whoever commits when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from services.desk import watchers
from services.desk.api import stream
from services.desk.app import DeskService
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.live import Reset
from services.desk.tickets import service as tickets
from services.desk.timeline import EventView
from services.desk.watchers import Look
from shared.errors import Unavailable
from shared.events import RoutedMessage
from shared.kernel import ticket_id
from tests.integration.desk_parts import KNOWN, acting, migrate, scalar, service_on
from tests.unit.desk.examples import routed


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[DeskService, DeskService]]:
    """Two processes of the desk, the first with a small ring."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(service_on(database, storage_url, live_ring=10, channels=KNOWN))
        other = await stack.enter_async_context(service_on(database, storage_url, channels=KNOWN))
        stop = asyncio.Event()
        running = [asyncio.create_task(service.live.run(stop)) for service in (one, other)]
        try:
            yield one, other
        finally:
            stop.set()
            await asyncio.gather(*running)


async def take(service: DeskService, after: int, count: int) -> list[EventView]:
    events: list[EventView] = []
    source = service.live.subscribe(after)
    try:
        async with asyncio.timeout(20):
            async for event in source:
                events.append(event)
                if len(events) == count:
                    break
    finally:
        await source.aclose()
    return events


async def test_a_console_sees_what_another_process_did(two: tuple[DeskService, DeskService]) -> None:
    one, other = two
    waiting = asyncio.create_task(take(one, 0, 3))
    await apply(other.desk, [routed()])
    assert [event.kind for event in await waiting] == ["ticket.opened", "ticket.routed", "message.added"]


async def test_no_event_is_missed_while_many_commit_at_once(two: tuple[DeskService, DeskService]) -> None:
    one, other = two
    reading = asyncio.create_task(take(one, 0, 180))
    await asyncio.gather(
        *(
            apply((one, other)[i % 2].desk, [routed(f"<{i}@x>", sender=f"email:p{i}@x.y", thread=f"email:{i}")])
            for i in range(60)
        )
    )
    events = await reading
    numbers = [event.seq for event in events]
    assert numbers == sorted(set(numbers))
    assert len({(event.kind, event.ticket_id) for event in events}) == 180


async def test_after_a_lost_connection_the_console_gets_what_it_missed(
    two: tuple[DeskService, DeskService], database: str
) -> None:
    one, _ = two
    await apply(one.desk, [routed()])
    seen = (await take(one, 0, 3))[-1].seq
    admin = await asyncpg.connect(database)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'desk' OR query LIKE 'LISTEN%'"
    )
    await admin.close()
    for i in range(2, 8):
        message = [routed(f"<{i}@x>")]
        async with asyncio.timeout(20):
            while not await _applied(one.desk, message):
                await asyncio.sleep(0.05)
    events = await take(one, seen, 12)
    assert [event.kind for event in events] == ["ticket.routed", "message.added"] * 6


async def test_a_console_that_was_away_for_long_replays_from_the_database(two: tuple[DeskService, DeskService]) -> None:
    one, _ = two
    for i in range(10):
        await apply(one.desk, [routed(f"<{i}@x>")])
    events = await take(one, 0, 21)
    assert [event.seq for event in events] == sorted({event.seq for event in events})


async def test_a_number_from_the_future_asks_for_a_fresh_start(two: tuple[DeskService, DeskService]) -> None:
    await apply(two[0].desk, [routed()])
    with pytest.raises(Reset) as reset:
        await take(two[0], 10_000, 1)
    assert reset.value.seq == await scalar(two[0].desk, "SELECT max(seq) FROM desk.ticket_events")


async def test_the_stream_of_the_api_carries_numbers_to_resume_from(two: tuple[DeskService, DeskService]) -> None:
    one, _ = two
    await apply(one.desk, [routed()])
    await tickets.add_note(
        one.desk, ticket_id("email:<1@example.org>"), "<b>note</b>\n\nwith lines", actor=acting("bo@desk")
    )
    frames = stream(one.live, 0)
    got = [await anext(frames) for _ in range(5)]
    await frames.aclose()  # type: ignore[attr-defined]
    assert got[0].startswith(b":")
    assert [frame.split(b"\n")[0] for frame in got[1:]] == [b"id: 1", b"id: 2", b"id: 3", b"id: 4"]
    assert all(frame.count(b"\n") == 3 for frame in got[1:])


async def _applied(desk: Desk, messages: list[RoutedMessage]) -> bool:
    """The killed connections show up here, once each."""
    try:
        await apply(desk, messages)
    except Unavailable:
        return False
    return True


async def test_who_looks_at_a_ticket_is_known_in_every_process_and_kept_nowhere(
    two: tuple[DeskService, DeskService],
) -> None:
    one, other = two
    await apply(one.desk, [routed()])
    ticket = (await take(one, 0, 3))[0].ticket_id
    events = await scalar(one.desk, "SELECT count(*) FROM desk.ticket_events")

    async def told(state: str, names: list[tuple[str, bool]]) -> None:
        await watchers.publish(one.desk.database, Look(ticket, "kim@example.org", "Kim", "tab-1", state))  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            while await changes.get() != ticket:
                pass
        found = other.live.watchers.on(ticket, time.monotonic())
        assert [(each.name, each.typing) for each in found] == names

    with other.live.watched() as changes:
        await told("viewing", [("Kim", False)])
        await told("typing", [("Kim", True)])
        await told("gone", [])
    assert await scalar(one.desk, "SELECT count(*) FROM desk.ticket_events") == events
