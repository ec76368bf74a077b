"""What the router decides on how long to wait, and what the desk tells it of how customers answer,
end to end on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text as sql

from services.desk.assignment import escalation
from services.desk.assignment import service as assignment
from services.desk.calls import distribution
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.intake.messages import apply
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketQuery, TicketView
from services.desk.wallboard import figures
from shared.clock import utc_now
from shared.events import InboundMessage, Profile, RoutedMessage
from shared.kernel import ContactPoint, message_id
from tests.integration.desk_calls import LINE, agent, caller, requests, ticket_of
from tests.integration.desk_parts import CHAT, EMAIL, acting, desk_on, migrate, outbox, with_channels
from tests.unit.desk.examples import routed
from tests.unit.router.makers import decided

OUTAGE = "Bonjour, notre boutique est en panne"
"""Urgent and technical: French is asked for for 10 minutes, then the skill is dropped, and support
gets the ticket."""
KNOWN = {"email": EMAIL, "chat": msgspec.structs.replace(CHAT, live=True, can_start=True)}


@pytest.fixture
async def two(database: str, storage_url: str) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes of the desk."""
    await migrate(database)
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(desk_on(database, storage_url)) for _ in range(2)]
        yield with_channels(made[0], *KNOWN.values(), LINE), with_channels(made[1], *KNOWN.values(), LINE)


@pytest.fixture
def desk(two: tuple[Desk, Desk]) -> Desk:
    return two[0]


def written(
    text: str = OUTAGE, *, minutes_ago: float = 0, profile: Profile | None = None, **more: Any
) -> RoutedMessage:
    """As the router decides on it, under the policy that comes with it."""
    provider_id = more.pop("provider_id", f"<{uuid4()}@example.org>")
    channel = more.pop("channel", "email")
    message = InboundMessage(
        id=message_id(channel, provider_id),
        channel=channel,
        provider_id=provider_id,
        sender=more.pop("sender", ContactPoint("email:ann@example.org")),
        received_at=more.pop("received_at", utc_now() - timedelta(minutes=minutes_ago)),
        text=text,
        language=more.pop("language", "fr"),
        **more,
    )
    return RoutedMessage(message=message, decision=decided(message, profile, KNOWN))


async def open_with(desk: Desk, *messages: RoutedMessage) -> TicketView:
    await apply(desk, messages)
    return await tickets.get_ticket(desk, messages[0].decision.ticket_id)


async def timeline(desk: Desk, ticket: str, *kinds: str) -> list[tuple[str, dict[str, str]]]:
    events = (await tickets.get_ticket(desk, ticket)).events
    return [(event.kind, event.data) for event in events if event.kind in kinds]


WIDER = ("ticket.widened", "ticket.overflowed")


async def test_a_ticket_that_nobody_got_to_is_for_more_people_and_then_for_the_next_team(desk: Desk) -> None:
    young = await open_with(desk, written(minutes_ago=1))
    old = await open_with(desk, written(minutes_ago=11))
    assert (young.row.team, young.asked, young.next_team) == ("technical", ("french",), "support")
    assert young.next_team_at == young.row.created_at + timedelta(minutes=10)
    assert old.asked == (), "true at once, whether or not anybody has told it yet"
    assert await escalation.escalate(desk) <= escalation.LONGEST
    row = (await tickets.get_ticket(desk, old.row.id)).row
    assert (row.team, row.waiting_since) == ("support", old.row.waiting_since)
    assert await timeline(desk, old.row.id, *WIDER) == [
        ("ticket.widened", {"skill": "french", "after": "600"}),
        ("ticket.overflowed", {"from": "technical", "team": "support", "after": "600"}),
    ]
    assert await timeline(desk, young.row.id, *WIDER) == []
    assert [t.id for t in (await tickets.list_tickets(desk, TicketQuery(team="support"))).items] == [old.row.id]
    told = [event.kind for event in await outbox(desk, "tickets-changed") if event.ticket_id == old.row.id]
    assert [kind for kind in told if kind in WIDER] == [*WIDER]


async def test_it_is_told_once_however_many_processes_look_and_however_often_they_start(two: tuple[Desk, Desk]) -> None:
    one, other = two
    ticket = await open_with(one, written(minutes_ago=90))
    for desk in (one, other, one):
        await escalation.escalate(desk)
    assert len(await timeline(other, ticket.row.id, *WIDER)) == 2


async def test_what_somebody_took_or_answered_stays_where_it_is(desk: Desk) -> None:
    ann = await agent(desk, "Ann", state="away")
    taken = await open_with(desk, written(minutes_ago=20))
    answered = await open_with(desk, written(minutes_ago=20, sender=ContactPoint("email:bo@example.org")))
    await assignment.assign(desk, taken.row.id, actor=acting(ann), assignee=ann)
    await tickets.reply(desk, answered.row.id, tickets.Draft(text="C’est réparé."), actor=acting(ann))
    await escalation.escalate(desk)
    for ticket in (taken, answered):
        after = await tickets.get_ticket(desk, ticket.row.id)
        assert (after.row.team, after.next_team) == ("technical", "")
    await assignment.assign(desk, taken.row.id, actor=acting(ann), assignee="")
    await escalation.escalate(desk)
    assert (await tickets.get_ticket(desk, taken.row.id)).row.team == "support", "back in the queue, its age is kept"


async def test_where_an_agent_sent_it_by_hand_it_stays(desk: Desk) -> None:
    ticket = await open_with(desk, written(minutes_ago=5))
    await assignment.assign(desk, ticket.row.id, actor=acting("ann@desk.example"), team="escalations")
    async with desk.database.transaction() as session:
        await session.execute(
            sql("UPDATE desk.tickets SET widens_at = widens_at - interval '1 day' WHERE widens_at IS NOT NULL")
        )
    await escalation.escalate(desk)
    assert (await tickets.get_ticket(desk, ticket.row.id)).row.team == "escalations"


async def test_the_wallboard_counts_who_may_help_now(desk: Desk) -> None:
    await agent(desk, "Bo", "german")
    await open_with(desk, written(minutes_ago=5))
    (technical,) = (await figures.work(desk.database, utc_now())).queues
    assert (technical.waiting, technical.ready) == (1, 0), "Bo speaks no French"
    (later,) = (await figures.work(desk.database, utc_now() + timedelta(minutes=6))).queues
    assert (later.waiting, later.ready) == (1, 1)


async def french_caller(desk: Desk, *, waited: float) -> str:
    """Whose ticket asks for French for two minutes."""
    call = await caller(desk, waited=waited, skills=("french", "voice"))
    async with desk.database.transaction() as session:
        until = utc_now() - timedelta(seconds=waited) + timedelta(minutes=2)
        patience = msgspec.json.encode({"skills": {"french": until}}).decode()
        values = {"p": patience, "at": until, "id": ticket_of(call)}
        await session.execute(
            sql("UPDATE desk.tickets SET patience = CAST(:p AS jsonb), widens_at = :at WHERE id = :id"), values
        )
    return call


async def test_a_caller_waits_for_an_agent_who_speaks_french_and_then_gets_whoever_is_ready(desk: Desk) -> None:
    await agent(desk, "Chloe", "french", "voice", state="busy")
    bo = await agent(desk, "Bo", "german", "voice")
    call = await french_caller(desk, waited=100)
    await distribution.serve(desk)
    assert await requests(desk, "offer") == [], "Chloe is on a call, and it is worth waiting for her"
    async with desk.database.transaction() as session:
        moved = "UPDATE desk.tickets SET patience = jsonb_set(patience, '{skills,french}', to_jsonb(now() - interval '1 s'))"
        await session.execute(sql(moved))
    await distribution.serve(desk)
    (offer,) = await requests(desk, "offer")
    assert (offer.agent, offer.call_id) == (bo, call)
    (seen,) = await calls.waiting(desk)
    reasons = {reason.code: reason for reason in seen.reasons}
    assert reasons["call.dropped-skill"].values["skill"] == "french"
    assert "call.no-skill" not in reasons
    await escalation.escalate(desk)


async def test_nobody_without_a_telephone_is_ever_offered_a_call(desk: Desk) -> None:
    await agent(desk, "Dan", "voice", state="busy")
    await agent(desk, "Bo", "german")
    await french_caller(desk, waited=1000)
    await distribution.serve(desk)
    assert await requests(desk, "offer") == []


async def chats_and_mails(desk: Desk, answers: dict[str, float]) -> Profile:
    """Ann writes six times on each channel, and takes so many seconds to answer each of our replies
    there. What the router knows."""
    at, sent = utc_now() - timedelta(days=20), 0
    for channel, seconds in answers.items():
        point = ContactPoint("email:ann@example.org" if channel == "email" else "chat:ann")
        also = (ContactPoint("chat:ann"),) if channel == "email" else (ContactPoint("email:ann@example.org"),)
        for number in range(6):
            sent += 1
            message = routed(
                f"{channel}-{number}",
                channel=channel,
                sender=point,
                also=also,
                sender_verified=True,
                thread=f"{channel}:{channel}",
                rule="new" if number == 0 else "root",
                received_at=at if number == 0 else await last_reply(desk, channel) + timedelta(seconds=seconds),
            )
            ticket = await open_with(desk, message)
            reply = await tickets.reply(
                desk, ticket.row.id, tickets.Draft(text=f"Here you are, {sent}."), actor=acting("ann@desk.example")
            )
            later = message.message.received_at + timedelta(minutes=1)
            async with desk.database.transaction() as session:
                await session.execute(
                    sql("UPDATE desk.messages SET at = :at WHERE id = :id"), {"at": later, "id": reply.id}
                )
    return (await outbox(desk, "customers-updated"))[-1]


async def last_reply(desk: Desk, channel: str) -> datetime:
    async with desk.database.transaction() as session:
        found = sql("SELECT max(at) FROM desk.messages WHERE direction = 'out' AND channel = :channel")
        return await session.scalar(found, {"channel": channel})  # type: ignore[no-any-return]


async def test_the_router_prefers_the_channel_on_which_the_customer_answers_quickly(desk: Desk) -> None:
    """As many mails as chats: only how long the answers take tells them apart."""
    profile = await chats_and_mails(desk, {"email": 30 * 3600, "chat": 40})
    assert (profile.observed["email"].messages, profile.observed["chat"].messages) == (6, 6)
    assert profile.observed["email"].answer_seconds == 30 * 3600
    assert profile.observed["chat"].answer_seconds == 40
    best = written("Hello", language="en", profile=profile).decision.channels[0]
    assert best.channel == "chat", "although this message came by mail"
    assert best.reasons[0].text.endswith("usually answered within 1 minute")
    unknown = {
        channel: msgspec.structs.replace(seen, answer_seconds=None) for channel, seen in profile.observed.items()
    }
    blind = written("Hello", language="en", profile=msgspec.structs.replace(profile, observed=unknown))
    assert blind.decision.channels[0].channel == "email", "what the desk tells makes the difference"


async def test_only_an_answer_on_the_same_channel_to_what_we_wrote_counts(desk: Desk) -> None:
    first = await open_with(desk, routed("1", received_at=utc_now() - timedelta(hours=2)))

    async def came(number: str, **more: Any) -> Profile:
        await apply(desk, [routed(number, **({"rule": "root", "received_at": utc_now()} | more))])
        return (await outbox(desk, "customers-updated"))[-1]

    assert (await came("2")).observed["email"].answer_seconds is None, "they went on before we had answered"
    await tickets.reply(desk, first.row.id, tickets.Draft(text="Hello"), actor=acting("ann@desk.example"))
    assert (await came("3", automatic="reply")).observed["email"].answer_seconds is None
    sms = await came("4", channel="sms", rule="token", thread="sms:1", ticket=first.row.id)
    assert sms.observed["sms"].answer_seconds is None, "our reply was a mail"
    await tickets.reply(
        desk, first.row.id, tickets.Draft(text="And?", channel="email"), actor=acting("ann@desk.example")
    )
    answer = await came("5", received_at=utc_now() + timedelta(minutes=5))
    assert answer.observed["email"].answer_seconds == pytest.approx(300, abs=30)
    more = (await came("6", received_at=utc_now() + timedelta(hours=5))).observed["email"]
    assert more.answer_seconds == answer.observed["email"].answer_seconds, "nothing of ours was answered"
