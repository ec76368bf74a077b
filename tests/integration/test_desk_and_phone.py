"""The desk and the phone service together: what an agent presses, and what Twilio and the people on
the line get of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.desk import consumer
from services.desk.calls import distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.people import presence
from services.desk.tickets import service as tickets
from shared.events import InboundMessage, RoutedMessage
from shared.kernel import Level
from shared.topics import MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE
from tests.integration.desk_calls import AGE_71, LINE, agent, preferring
from tests.integration.desk_parts import EMAIL, acting, desk_on, migrate, with_channels
from tests.integration.phone_house import House, house
from tests.providers.twilio import Person
from tests.unit.desk.examples import routed
from tests.waiting import until

MARGARET = "+33612345678"


def press_one(heard: str) -> str:
    return "1" if "1" in heard else ""


def decided(message: InboundMessage) -> RoutedMessage:
    """As the router would hand on what the phone service tells."""
    by = routed(message.provider_id, channel="phone", thread=f"phone:{message.thread.conversation}", level=Level.NORMAL)
    return RoutedMessage(message=message, decision=by.decision)


@asynccontextmanager
async def running(desk: Desk, line: House) -> AsyncIterator[None]:
    async def take(records: Any) -> None:
        await apply(desk, [decided(record.event) for record in records])

    stop = asyncio.Event()
    lanes = line.bus.consumer([MESSAGES_RECEIVED_LIVE, MESSAGES_RECEIVED], "router", take)
    tasks = [asyncio.create_task(part(stop)) for part in (lanes.run, consumer.called(desk).run, desk.outbox.run)]
    tasks.append(asyncio.create_task(distribution.run(desk, stop)))
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


@pytest.fixture
async def whole(database: str, storage_url: str, tmp_path: Path) -> AsyncIterator[tuple[Desk, House]]:
    await migrate(database)
    async with house(database, tmp_path) as line, desk_on(database, storage_url, line.bus) as made:
        desk = with_channels(made, EMAIL, LINE)
        async with running(desk, line):
            yield desk, line


def shows(desk: Desk, who: str, state: str) -> Callable[[], Awaitable[Any]]:
    """What is on this agent's call bar, once it is in this state."""

    async def look() -> Any:
        found = await calls.current(desk, who)
        return found if found and found.state == state else None

    return look


def has(desk: Desk, who: str, state: str) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await presence.state(desk, who)).presence == state

    return look


async def test_an_agent_presses_answer_and_both_are_connected(whole: tuple[Desk, House]) -> None:
    desk, line = whole
    ann = await agent(desk, "Ann")
    number = (await presence.state(desk, ann)).phone
    margaret, ann_herself = Person(), Person(keys=press_one)
    line.twilio.people[number] = ann_herself
    line.twilio.call(MARGARET, margaret)
    offered = await until(shows(desk, ann, "offered"))
    await calls.answer(desk, offered.call_id, actor=acting(ann))
    await until(shows(desk, ann, "wrap-up"))
    assert margaret.connected_to == [number]
    assert ann_herself.connected_to == [MARGARET]
    await until(has(desk, ann, "wrap-up"))
    talk = await calls.get_call(desk, offered.call_id)

    async def noted() -> Any:
        found = await tickets.get_ticket(desk, talk.ticket_id)
        return found if found.messages[-1].direction == "note" else None

    ticket = await until(noted)
    assert ticket.row.assignee == ann
    assert ticket.first_reply_at == talk.connected_at
    assert ticket.messages[-1].author_name == "Ann"
    await calls.finish(desk, offered.call_id, actor=acting(ann))
    await line.reaches(offered.call_id, "ended")
    assert (await presence.state(desk, ann)).presence == "ready"


async def test_an_agent_who_does_not_press_one_is_away_and_the_next_one_gets_the_call(
    whole: tuple[Desk, House],
) -> None:
    desk, line = whole
    ann = await agent(desk, "Ann")
    margaret = Person()
    line.twilio.people[(await presence.state(desk, ann)).phone] = Person()
    line.twilio.call(MARGARET, margaret)
    offered = await until(shows(desk, ann, "offered"))
    await calls.answer(desk, offered.call_id, actor=acting(ann))
    await until(has(desk, ann, "away"))
    bo = await agent(desk, "Bo")
    number = (await presence.state(desk, bo)).phone
    line.twilio.people[number] = Person(keys=press_one)
    again = await until(shows(desk, bo, "offered"))
    assert (again.call_id, again.waiting_since) == (offered.call_id, offered.waiting_since)
    await calls.answer(desk, again.call_id, actor=acting(bo))
    await until(shows(desk, bo, "wrap-up"))
    assert margaret.connected_to == [number]


async def test_a_customer_of_71_writes_and_is_called(whole: tuple[Desk, House]) -> None:
    desk, line = whole
    ann = await agent(desk, "Ann", "voice")
    mail = preferring(routed(language="fr"), "phone", AGE_71, f"tel:{MARGARET}")
    await apply(desk, [mail])
    (todo,) = await calls.callbacks(desk, ann)
    assert todo.reason is not None
    assert todo.reason.text == "age 71, given by the customer"
    number, margaret = (await presence.state(desk, ann)).phone, Person()
    line.twilio.people |= {number: Person(keys=press_one), MARGARET: margaret}
    placed = await calls.call_back(desk, todo.ticket.id, actor=acting(ann))
    await until(shows(desk, ann, "wrap-up"))
    assert margaret.heard
    assert await calls.callbacks(desk) == ()
    await calls.finish(desk, placed.call_id, actor=acting(ann))
    assert (await presence.state(desk, ann)).presence == "ready"


async def test_a_caller_who_asks_for_a_callback_is_called_and_the_first_call_is_over(whole: tuple[Desk, House]) -> None:
    desk, line = whole
    ann = await agent(desk, "Ann", state="away")
    asking = Person(keys=lambda heard: "1" if "raccrochez" in heard else "")
    call = line.twilio.call(MARGARET, asking)

    async def listed() -> Any:
        return next((todo for todo in await calls.callbacks(desk) if todo.why == "asked"), None)

    todo = await until(listed)
    assert (todo.about, todo.number) == (call.sid, f"tel:{MARGARET}")
    line.twilio.people |= {(await presence.state(desk, ann)).phone: Person(keys=press_one), MARGARET: Person()}
    await calls.call_back(desk, todo.ticket.id, actor=acting(ann))
    await line.reaches(call.sid, "ended")
    await until(shows(desk, ann, "wrap-up"))
    assert await calls.callbacks(desk) == ()
