"""Calls between the phone service's topics and the desk's agents, on real Kafka and PostgreSQL with
two desk processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.desk import consumer
from services.desk.calls import distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.people import presence
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import CallChanged, CallOutcome, CallRequested, CallState
from shared.events.base import Event
from shared.topics import CALLS_CHANGED, CALLS_REQUESTED, MESSAGES_ROUTED, all_topics
from tests.integration.desk_calls import LINE, agent, answered, call_message, changed, ticket_of
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, with_channels
from tests.topic import events_on, skip_to_end
from tests.waiting import until


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    await create_topics(kafka, all_topics(["email"]))
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    yield bus
    await bus.stop()


@pytest.fixture(autouse=True)
async def group(monkeypatch: pytest.MonkeyPatch, kafka: str, bus: KafkaBus) -> None:
    """A group of its own that starts after what is there: callers whom other tests left in line
    would be offered first."""
    name = f"desk-{uuid4().hex}"
    monkeypatch.setattr(consumer, "GROUP", name)
    await skip_to_end(kafka, name, MESSAGES_ROUTED)
    await skip_to_end(kafka, f"{name}-calls", CALLS_CHANGED)


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[asyncio.Event]:
    """One desk process; the event ends it."""
    stop = asyncio.Event()
    parts = (consumer.routed(desk).run, consumer.called(desk).run, desk.outbox.run)
    tasks = [asyncio.create_task(part(stop)) for part in parts]
    tasks.append(asyncio.create_task(distribution.run(desk, stop)))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def publish(bus: KafkaBus, *changes: CallChanged) -> None:
    items: list[tuple[Any, str, Event]] = [(CALLS_CHANGED, change.call_id, change) for change in changes]
    await bus.publish_all(items)


async def test_a_caller_goes_from_the_line_to_an_agent_although_a_desk_process_dies(
    bus: KafkaBus, kafka: str, database: str, storage_url: str
) -> None:
    await migrate(database)
    call = f"CA{uuid4().hex}"

    def asked(action: str) -> Callable[[], Awaitable[list[CallRequested]]]:
        async def look() -> list[CallRequested]:
            return [r for r in await events_on(kafka, CALLS_REQUESTED) if r.call_id == call and r.action == action]

        return look

    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url, bus, offer_seconds=2)) for _ in range(2)]
        one, other = (with_channels(desk, EMAIL, LINE) for desk in made)
        first = await stack.enter_async_context(running(one))
        ann = await agent(one, "Ann")
        waiting = changed(call, 1, CallState.QUEUED, waiting_since=utc_now() - timedelta(seconds=3))
        await publish(bus, waiting, waiting)
        (offer,) = await until(asked("offer"))
        assert offer.agent == ann
        await bus.publish(MESSAGES_ROUTED, ticket_of(call), call_message(call))
        first.set()

        bo = await agent(other, "Bo")
        await stack.enter_async_context(running(other))
        assert (await until(asked("offer")))[0].agent == ann

        async def offered_to_bo() -> bool:
            found = await calls.current(other, bo)
            return found is not None and found.ticket_id == ticket_of(call)

        await until(offered_to_bo)
        assert (await presence.state(other, ann)).reason == "missed a call"
        await calls.answer(other, call, actor=acting(bo))
        (connect,) = await until(asked("connect"))
        talk = {"connected_at": utc_now(), "waiting_since": waiting.waiting_since}
        accepted = answered(call, 2, connect, CallOutcome.ACCEPTED)
        await publish(bus, accepted, answered(call, 3, connect, CallOutcome.CONNECTED, **talk), accepted)

        async def connected() -> bool:
            found = await calls.current(other, bo)
            return found is not None and found.state == "connected"

        await until(connected)
        over = answered(call, 4, connect, CallOutcome.COMPLETED, ended_at=utc_now(), **talk)
        await publish(bus, over)

        async def notes() -> bool:
            return (await presence.state(other, bo)).presence == "wrap-up"

        await until(notes)
        await calls.finish(other, call, actor=acting(bo))
        assert (await presence.state(other, bo)).presence == "ready"
        assert await until(asked("finish"))
        assert len(await asked("connect")()) == 1
