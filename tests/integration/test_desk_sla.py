"""Who was answered too late, as the router is told of it, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from services.desk.calls import applying, distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.customers.domain import LATE_COUNTS
from services.desk.intake.messages import apply
from services.desk.profiles import service as customers
from services.desk.profiles import sla
from services.desk.tickets import service as tickets
from shared.clock import utc_now
from shared.events import CallOutcome, Profile, RoutedMessage
from shared.kernel import ContactPoint
from tests.integration.desk_calls import agent, answered, call_message, caller, requests, ticket_of
from tests.integration.desk_parts import acting, desk_on, migrate, outbox, with_channels
from tests.unit.desk.examples import routed
from tests.unit.router.makers import codes, decided, mail

ANN = "email:ann@example.org"
BO = "bo@desk.example"


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        one, other = [await stack.enter_async_context(desk_on(database, storage_url)) for _ in range(2)]
        yield with_channels(one), with_channels(other)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def asked(minutes_ago: float, *, within: int = 30, sender: str = ANN) -> RoutedMessage:
    """A new matter of Ann's, promised an answer within so many minutes."""
    own, at = f"<{uuid4()}@example.org>", utc_now() - timedelta(minutes=minutes_ago)
    return routed(own, sender=sender, thread=f"email:{own}", received_at=at, reply_within=within * 60)


async def told(desk: Desk, point: str = ANN) -> Profile:
    """What the router knows of this customer now."""
    found: list[Profile] = [p for p in await outbox(desk, "customers-updated") if p.contact_point == point]
    assert [profile.version for profile in found] == sorted({profile.version for profile in found})
    return found[-1]


async def later(desk: Desk, passed: timedelta) -> None:
    """So much time goes by."""
    for table, columns in (("tickets", ("due_at", "waiting_since")), ("customers", ("late_at",))):
        moved = ", ".join(f"{column} = {column} - CAST(:passed AS interval)" for column in columns)
        async with desk.database.transaction() as session:
            await session.execute(text(f"UPDATE desk.{table} SET {moved}"), {"passed": passed})


async def test_a_customer_who_was_answered_too_late_is_told_to_the_router_and_for_a_month(desk: Desk) -> None:
    late = asked(40)
    await apply(desk, [late])
    assert not (await told(desk)).missed_sla, "so far nobody has looked"
    await tickets.reply(desk, late.decision.ticket_id, tickets.Draft(text="Here."), actor=acting(BO))
    assert (await told(desk)).missed_sla
    again = decided(mail(), await told(desk))
    assert "missed-sla" in codes(again), "and the router counts it for what they write next"

    await later(desk, LATE_COUNTS - timedelta(hours=1))
    await apply(desk, [asked(0)])
    assert (await told(desk)).missed_sla
    assert await sla.record_breaches(desk) == 0

    await later(desk, timedelta(hours=1))
    await tickets.set_status(desk, late.decision.ticket_id, "solved", actor=acting(BO))
    assert not (await told(desk)).missed_sla, "a month is over"


async def test_after_a_month_the_router_forgets_it_though_the_customer_is_silent(desk: Desk) -> None:
    late = asked(40)
    await apply(desk, [late])
    await tickets.reply(desk, late.decision.ticket_id, tickets.Draft(text="Here."), actor=acting(BO))
    await later(desk, LATE_COUNTS)
    assert (await told(desk)).missed_sla
    assert await sla.record_breaches(desk) == 1
    assert not (await told(desk)).missed_sla
    assert await sla.record_breaches(desk) == 0, "that is told once"


@pytest.mark.parametrize("within", [30, 0], ids=["promised", "nothing promised"])
async def test_who_was_answered_in_time_is_not(desk: Desk, within: int) -> None:
    early = asked(20, within=within)
    await apply(desk, [early])
    await tickets.reply(desk, early.decision.ticket_id, tickets.Draft(text="Here."), actor=acting(BO))
    await later(desk, timedelta(days=2))
    assert await sla.record_breaches(desk) == 0
    await apply(desk, [asked(0)])
    assert not (await told(desk)).missed_sla
    assert "missed-sla" not in codes(decided(mail(), await told(desk)))


async def test_every_answer_counts_not_only_the_first(desk: Desk) -> None:
    first = asked(20)
    await apply(desk, [first])
    ticket, thread = first.decision.ticket_id, first.decision.thread.key
    await tickets.reply(desk, ticket, tickets.Draft(text="In time."), actor=acting(BO))
    again = routed("<2@x>", thread=thread, rule="root", received_at=utc_now(), reply_within=1800)
    await apply(desk, [again])
    await later(desk, timedelta(minutes=31))
    await tickets.reply(desk, ticket, tickets.Draft(text="Sorry."), actor=acting(BO))
    assert (await told(desk)).missed_sla


async def test_an_answer_that_never_came_counts_once_the_promise_has_passed(desk: Desk) -> None:
    await apply(desk, [asked(20)])
    assert await sla.record_breaches(desk) == 0
    assert not (await told(desk)).missed_sla
    await later(desk, timedelta(minutes=11))
    assert await sla.record_breaches(desk) == 1
    assert (await told(desk)).missed_sla, "before they write again"
    assert await sla.record_breaches(desk) == 0, "that is told once"
    await later(desk, LATE_COUNTS)
    await sla.record_breaches(desk)
    await apply(desk, [asked(0)])
    assert (await told(desk)).missed_sla, "a month does not end it for somebody who still waits"


async def test_the_desk_looks_by_itself(desk: Desk) -> None:
    await apply(desk, [asked(40)])
    stop = asyncio.Event()
    looking = asyncio.create_task(sla.run(desk, stop))
    try:
        async with asyncio.timeout(30):
            while not (await told(desk)).missed_sla:
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await looking


async def test_who_is_given_up_on_without_an_answer_counts_only_where_it_was_too_late(desk: Desk) -> None:
    late, early = asked(40), asked(20, sender="email:cy@example.org")
    await apply(desk, [late, early])
    for one in (late, early):
        await tickets.set_status(desk, one.decision.ticket_id, "closed", actor=acting(BO))
    assert (await told(desk)).missed_sla
    assert not (await told(desk, "email:cy@example.org")).missed_sla


async def test_who_is_to_tell_us_more_is_not_kept_waiting(desk: Desk) -> None:
    mine = asked(20)
    await apply(desk, [mine])
    await tickets.set_status(desk, mine.decision.ticket_id, "pending", actor=acting(BO))
    await later(desk, timedelta(days=1))
    assert await sla.record_breaches(desk) == 0
    await tickets.set_status(desk, mine.decision.ticket_id, "solved", actor=acting(BO))
    assert not (await told(desk)).missed_sla


@pytest.mark.parametrize(("within", "late"), [(1, True), (3, False)])
async def test_a_caller_is_answered_when_somebody_speaks_with_them(desk: Desk, within: int, late: bool) -> None:
    """It is told five minutes after they came; somebody spoke with them after two."""
    ann = await agent(desk, "Ann")
    call = await caller(desk)
    await distribution.serve(desk)
    await calls.answer(desk, call, actor=acting(ann))
    (connect,) = await requests(desk, "connect")
    came = utc_now() - timedelta(minutes=5)
    async with desk.database.transaction() as session:
        values = {"came": came, "due": came + timedelta(minutes=within)}
        await session.execute(text("UPDATE desk.tickets SET waiting_since = :came, due_at = :due"), values)
    spoke = {"waiting_since": came, "connected_at": came + timedelta(minutes=2)}
    await applying.apply(desk, [answered(call, 2, connect, CallOutcome.CONNECTED, **spoke)])
    assert (await tickets.get_ticket(desk, ticket_of(call))).row.waiting_since is None
    assert (await told(desk, "tel:+33612345678")).missed_sla is late
    assert await sla.record_breaches(desk) == 0


@pytest.mark.parametrize(("minutes_ago", "late"), [(40, True), (20, False)])
async def test_who_was_called_back_too_late_counts_too(desk: Desk, minutes_ago: int, late: bool) -> None:
    at = utc_now() - timedelta(minutes=minutes_ago)
    message = call_message(f"CA{uuid4().hex}", kind="abandoned", received_at=at, reply_within=1800)
    await apply(desk, [message])
    await calls.callback_done(desk, message.decision.ticket_id, actor=acting(BO))
    assert (await told(desk, "tel:+33612345678")).missed_sla is late


async def test_it_is_told_of_each_of_their_contact_points_and_of_nobody_else(desk: Desk) -> None:
    await apply(desk, [asked(40), asked(20, sender="email:cy@example.org")])
    known = await customers.find_customer(desk, ANN)
    assert known
    await customers.update_customer(desk, known.id, actor=acting(BO), add_contact_points=("tel:+33612345678",))
    await sla.record_breaches(desk)
    for point, late in ((ANN, True), ("tel:+33612345678", True), ("email:cy@example.org", False)):
        assert (await told(desk, ContactPoint(point))).missed_sla is late


async def test_it_is_told_once_however_many_processes_look(two: tuple[Desk, Desk]) -> None:
    people = [f"email:p{number}@example.org" for number in range(20)]
    await apply(two[0], [asked(40, sender=person) for person in people])
    found = await asyncio.gather(*(sla.record_breaches(desk) for desk in two * 3))
    found.append(await sla.record_breaches(two[1]))
    assert sum(found) == len(people)
    for person in people:
        assert (await told(two[0], person)).missed_sla


async def test_a_customer_who_is_being_answered_right_now_is_not_waited_for(two: tuple[Desk, Desk]) -> None:
    desk, other = two
    await apply(desk, [asked(40)])
    async with desk.database.transaction() as session:
        await session.execute(text("SELECT 1 FROM desk.customers FOR UPDATE"))
        assert await sla.record_breaches(other) == 0
    assert await sla.record_breaches(other) == 1
