"""A reply that did not arrive is no reply: the customer waits as before it was written."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy import text as sql

from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.tickets import call_outcomes, deliveries
from services.desk.tickets import service as tickets
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import TicketQuery
from services.desk.wallboard import figures
from shared.clock import utc_now
from shared.events import DeliveryReport, DeliveryState, RoutedMessage
from shared.kernel import Level, stable_id, ticket_id
from tests.integration.desk_parts import acting, desk_on, migrate, with_channels
from tests.unit.desk.examples import routed

LEVELS = list(Level)
CLOCKS = ("waiting_since", "due_at", "level", "score", "rank", "reasons", "skills", "patience", "widens_at")


@pytest.fixture
async def desk(database: str, storage_url: str) -> AsyncIterator[Desk]:
    await migrate(database)
    async with desk_on(database, storage_url) as made:
        yield with_channels(made)


async def says(desk: Desk, outbound: str, state: DeliveryState, detail: str = "") -> None:
    what = {"outbound_id": outbound, "ticket_id": "", "channel": "email", "at": utc_now(), "detail": detail}
    await deliveries.report(desk, [DeliveryReport(id=stable_id(outbound, state), state=state, **what)])


async def clocks(desk: Desk, ticket: str) -> dict[str, Any]:
    async with desk.database.transaction() as session:
        columns = [TICKETS.c[name] for name in (*CLOCKS, "queue_at", "status", "first_reply_at")]
        return dict((await session.execute(select(*columns).where(TICKETS.c.id == ticket))).mappings().one())


def wrote(who: str, number: int, at: datetime, chance: random.Random) -> RoutedMessage:
    level = chance.choice(LEVELS)
    more = {"skill_timeouts": {"french": chance.choice((60, 600))}} if chance.random() < 0.5 else {}
    message = routed(
        f"<{who}{number}@x>",
        sender=f"email:{who}@x.example",
        thread=f"email:{who}",
        level=level,
        score=chance.randrange(101),
        received_at=at,
        reply_within=chance.choice((0, 600, 3600)),
    )
    decision = message.decision
    skills = {"skills": tuple(more.get("skill_timeouts", ())), **more}
    values = {name: getattr(decision, name) for name in decision.__struct_fields__} | skills
    return RoutedMessage(message=message.message, decision=type(decision)(**values))


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_was_written_around_it_a_reply_that_failed_leaves_the_customer_as_if_it_had_never_been_written(
    desk: Desk, seed: int
) -> None:
    start = utc_now() - timedelta(hours=2)
    for who, replies in (("ann", True), ("bob", False)):
        chance = random.Random(seed)
        sent: list[str] = []
        await apply(desk, [wrote(who, 0, start, chance)])
        for step in range(1, 7):
            action = chance.choice(("wrote", "reply", "solve"))
            if action == "wrote":
                await apply(desk, [wrote(who, step, start + timedelta(minutes=step), chance)])
            elif replies:
                status = "solved" if action == "solve" else "pending"
                made = await tickets.reply(
                    desk, ticket_id(f"email:{who}"), tickets.Draft(text="Hello", status=status), actor=acting("bo@desk")
                )
                sent.append(made.id)
                await says(desk, made.id, DeliveryState.SENT)
        chance.shuffle(sent)
        for reply in sent:
            await says(desk, reply, DeliveryState.FAILED, "550 no such user")
    ann, bob = [await clocks(desk, ticket_id(f"email:{who}")) for who in ("ann", "bob")]
    assert ann == bob
    assert (ann["status"], ann["queue_at"], ann["waiting_since"]) == ("open", start, start)


async def test_an_overdue_customer_whose_reply_bounced_is_overdue_again_and_everybody_can_see_it(desk: Desk) -> None:
    ann = ticket_id("email:ann")
    await apply(desk, [routed(thread="email:ann", received_at=utc_now() - timedelta(hours=1), reply_within=600)])
    before = await clocks(desk, ann)
    sent = await tickets.reply(desk, ann, tickets.Draft(text="Here you are.", status="solved"), actor=acting("bo@desk"))
    await says(desk, sent.id, DeliveryState.SENT)
    await says(desk, sent.id, DeliveryState.FAILED, "550 no such user")
    assert await clocks(desk, ann) == before
    (row,) = (await tickets.list_tickets(desk, TicketQuery(due="overdue"))).items
    assert (row.id, row.undelivered, row.status) == (ann, "failed", "open")
    counts = {view.name: view.count for view in await tickets.view_counts(desk, "")}
    assert (counts["overdue"], counts["waiting"]) == (1, 1)
    (queue,) = (await figures.work(desk.database, utc_now())).queues
    assert (queue.waiting, queue.late, queue.oldest) == (1, 1, before["waiting_since"])
    await tickets.reply(desk, ann, tickets.Draft(text="Once more."), actor=acting("bo@desk"))
    assert (await tickets.get_ticket(desk, ann)).row.undelivered == ""


async def test_who_was_reached_by_a_later_reply_waits_for_no_promised_time_until_that_one_fails_too(desk: Desk) -> None:
    ann = ticket_id("email:ann")
    await apply(desk, [routed(thread="email:ann", received_at=utc_now() - timedelta(hours=1), reply_within=600)])
    before = await clocks(desk, ann)
    first = await tickets.reply(desk, ann, tickets.Draft(text="One."), actor=acting("bo@desk"))
    second = await tickets.reply(desk, ann, tickets.Draft(text="Two."), actor=acting("bo@desk"))
    await says(desk, first.id, DeliveryState.FAILED)
    now = await clocks(desk, ann)
    assert (now["status"], now["waiting_since"], now["due_at"]) == ("open", first.at, None)
    assert now["first_reply_at"] == second.at
    await says(desk, second.id, DeliveryState.FAILED)
    assert await clocks(desk, ann) == before


async def test_who_was_spoken_with_since_does_not_wait_for_the_mail_that_bounced(desk: Desk) -> None:
    ann = ticket_id("email:ann")
    await apply(desk, [routed(thread="email:ann", received_at=utc_now() - timedelta(hours=1), reply_within=600)])
    sent = await tickets.reply(desk, ann, tickets.Draft(text="Here you are."), actor=acting("bo@desk"))
    async with desk.unit_of_work() as work:
        await call_outcomes.answered(work, ann, utc_now(), "bo@desk", "call")
    await says(desk, sent.id, DeliveryState.FAILED)
    after = await clocks(desk, ann)
    assert (after["status"], after["waiting_since"], after["due_at"]) == ("open", sent.at, None)


async def test_a_reply_found_to_have_been_sent_after_all_is_not_called_undelivered(desk: Desk) -> None:
    ann = ticket_id("email:ann")
    await apply(desk, [routed(thread="email:ann")])
    sent = await tickets.reply(desk, ann, tickets.Draft(text="Here you are."), actor=acting("bo@desk"))
    await says(desk, sent.id, DeliveryState.UNCERTAIN)
    assert (await tickets.get_ticket(desk, ann)).row.undelivered == "uncertain"
    await says(desk, sent.id, DeliveryState.SENT)
    assert (await tickets.get_ticket(desk, ann)).row.undelivered == ""


async def test_a_reply_from_before_an_update_that_fails_leaves_its_customer_waiting_since_then(desk: Desk) -> None:
    ann = ticket_id("email:ann")
    await apply(desk, [routed(thread="email:ann", reply_within=600)])
    sent = await tickets.reply(desk, ann, tickets.Draft(text="Here you are."), actor=acting("bo@desk"))
    async with desk.database.transaction() as session:
        await session.execute(sql("UPDATE desk.messages SET ended_wait = NULL"))
    await says(desk, sent.id, DeliveryState.FAILED)
    after = await clocks(desk, ann)
    assert (after["status"], after["waiting_since"], after["due_at"]) == ("open", sent.at, None)
