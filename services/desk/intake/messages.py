"""Apply routed messages: many in one transaction, each at most once, whatever comes twice or at the
same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from msgspec import structs
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import DESK
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Arrival
from services.desk.bulk import among, inserting
from services.desk.context import Desk
from services.desk.customers import contacts
from services.desk.intake import bursts, consent
from services.desk.mentions import service as mentions
from services.desk.people.models import AGENTS
from services.desk.signals import wake
from services.desk.tickets import grouping, store
from services.desk.tickets.domain import (
    SETTLED,
    Placement,
    Threads,
    Ticket,
    as_written,
    may_be_an_answer,
    opened,
    place,
    stranger_key,
    took_in,
)
from services.desk.tickets.models import MESSAGES
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Malformed, Unavailable
from shared.events import DeliveryState, InboundMessage, RoutedMessage
from shared.events.desk import (
    Change,
    MessageAdded,
    TicketOpened,
    TicketReopened,
    TicketRouted,
    TicketStatusChanged,
    kind_of,
)
from shared.events.older import typed
from shared.kernel import address_of, stable_id
from shared.metrics import METRICS
from shared.statements import fetch, write

_LONGEST_POINT = 1000


@dataclass(frozen=True, slots=True)
class Passed:
    """When a message had been handed to Kafka by its channel's service, and when by the router;
    None where that is not known."""

    taken_at: datetime | None = None
    routed_at: datetime | None = None


_UNKNOWN = Passed()
_FIND = """
    WITH part AS MATERIALIZED (
        SELECT id, thread_key, customer_id, group_id FROM desk.tickets
        WHERE thread_key = ANY($2::text[] || ARRAY(SELECT thread_key FROM desk.tickets WHERE id = ANY($3::uuid[])))
    ), leader AS MATERIALIZED (
        SELECT id, customer_id FROM desk.tickets
        WHERE id = ANY($4::uuid[] || ARRAY(SELECT group_id FROM part WHERE group_id IS NOT NULL))
    )
    SELECT ARRAY(SELECT id::text FROM desk.messages WHERE id = ANY($1::uuid[])),
           ARRAY(SELECT thread_key FROM part),
           ARRAY(SELECT id::text FROM leader),
           ARRAY(SELECT customer_id::text FROM part UNION SELECT customer_id::text FROM leader),
           EXISTS (SELECT FROM desk.autoreplies WHERE enabled),
           EXISTS (SELECT FROM desk.sla_versions)
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a batch meets. Nothing of it is locked yet."""

    known: frozenset[str]
    """Messages that are here already."""
    threads: frozenset[str]
    """Keys of threads that have tickets."""
    tickets: frozenset[str]
    """Leaders of these, and whatever else bursts concern."""
    owners: frozenset[str]
    """Customers of all of them."""
    answering: bool
    """Whether some team's customers are answered automatically."""
    promising: bool
    """Whether somebody has written service levels."""


async def apply(desk: Desk, batch: Sequence[RoutedMessage], passed: Mapping[str, Passed] = MappingProxyType({})) -> int:
    """Writes these messages, in order, with everything that follows from them. Returns how many
    were new. `passed`: by message.

    Raises Unavailable with nothing written, or Malformed where an id is none.
    """
    batch = [structs.replace(each, message=typed(each.message)) for each in batch]
    batch = list({routed.message.id: routed for routed in reversed(batch)}.values())[::-1]
    for routed in batch:
        _check(routed)
    told = [routed for routed in batch if routed.message.automatic == consent.AUTOMATIC]
    heard = await consent.apply(desk, [routed.message for routed in told]) if told else set()
    batch = [routed for routed in batch if routed.message.automatic != consent.AUTOMATIC]
    async with desk.unit_of_work() as work:
        batch = await _of_their_authors(work.session, batch)
        held = await bursts.lock(work, [routed.message for routed in batch])
        customers = await contacts.identify(work, [routed.message for routed in batch])
        found = await _find(work.session, batch, held.concerned)
        fresh = [routed for routed in batch if routed.message.id not in found.known]
        if fresh:
            arrivals = await _write(
                work, fresh, customers, held, found, timedelta(days=desk.settings.reopen_days), passed
            )
            if found.answering:
                await autoreplies.reply(work, desk, arrivals)
        if any(routed.message.call for routed in fresh):
            await wake(work.session)
    for routed in batch:
        if routed.message.id in found.known:
            METRICS.repeated.labels(channel=routed.message.channel).inc()
    now = utc_now()
    for routed in [*fresh, *(routed for routed in told if routed.message.id in heard)]:
        labels = {"channel": routed.message.channel, "level": routed.decision.level.value}
        METRICS.applied.labels(**labels).inc()
        METRICS.arrival_seconds.labels(**labels).observe(max(0.0, (now - routed.message.received_at).total_seconds()))
    return len(fresh)


def apart(batch: Sequence[RoutedMessage]) -> list[list[RoutedMessage]]:
    """Splits a batch in up to two of about the same size, each in order, that have neither a
    person nor a thread in common: written at the same time, they neither wait for each other nor
    overtake a message of the same ticket or customer."""
    leads: dict[str, str] = {}

    def leader(name: str) -> str:
        while (above := leads.setdefault(name, name)) != name:
            leads[name] = name = leads[above]
        return name

    for routed in batch:
        message, decision = routed.message, routed.decision
        for name in (message.sender, *message.also, decision.ticket_id, *filter(None, [message.forwarded_from])):
            leads[leader(name)] = leader(decision.thread.key)
    sides: dict[str, list[RoutedMessage]] = {}
    parts: tuple[list[RoutedMessage], list[RoutedMessage]] = ([], [])
    for routed in batch:
        own = leader(routed.decision.thread.key)
        sides.setdefault(own, min(parts, key=len)).append(routed)
    return [part for part in parts if part]


async def _of_their_authors(session: AsyncSession, batch: Sequence[RoutedMessage]) -> list[RoutedMessage]:
    """Attributes messages that agents forward to their original authors; what anybody else
    forwards stays their own."""
    senders = {address_of(routed.message.sender) for routed in batch if routed.message.forwarded_from}
    if not senders:
        return list(batch)
    agents = set(await session.scalars(select(AGENTS.c.email).where(among(AGENTS.c.email, senders), AGENTS.c.active)))
    return [
        as_written(routed) if routed.message.forwarded_from and address_of(routed.message.sender) in agents else routed
        for routed in batch
    ]


async def _write(
    work: UnitOfWork,
    fresh: Sequence[RoutedMessage],
    customers: dict[str, str],
    held: bursts.Bursts,
    found: _Found,
    reopen_within: timedelta,
    passed: Mapping[str, Passed],
) -> list[Arrival]:
    session, senders = work.session, {customers[routed.message.id] for routed in fresh}
    people = await contacts.locked(session, found.owners | senders)
    before, grouped = await store.concerned(session, found.threads, found.tickets)
    threads, touched = Threads(before), dict[str, Ticket]()
    rows, arrivals, answers = [], list[Arrival](), dict[str, Ticket]()
    for routed in fresh:
        customer = customers[routed.message.id]
        placement = place(routed, customer, threads, reopen_within)
        if placement.ticket and may_be_an_answer(routed.message, placement.ticket, customer):
            answers[routed.message.id] = placement.ticket
        ticket = _after(work, routed, placement, customer)
        threads.put(ticket)
        touched[ticket.id] = ticket
        rows.append(_message_row(routed, placement, passed.get(routed.message.id, _UNKNOWN)))
        arrivals.append(_arrival(routed, placement, ticket, people[customer]["name"]))
    existing = {ticket.id for ticket in before}
    new = [ticket for ticket in touched.values() if ticket.id not in existing]
    took = await _answered_in(session, fresh, answers)
    opened_now, *_ = await write(
        session,
        store.inserting(new),
        store.taking_in([ticket for ticket in touched.values() if ticket.id in existing]),
        inserting(MESSAGES, rows),
        contacts.learning(people, [(customers[routed.message.id], routed.message) for routed in fresh], took),
    )
    if opened_now < len(new):
        raise Unavailable("another process opened the same ticket at the same moment")
    work.wrote(rows)
    if found.promising:
        work.clocks.update(touched)
    await bursts.join(work, held, {row["id"]: row["ticket_id"] for row in rows})
    if grouped or held.of:
        await grouping.raise_leaders(work, {*touched, *held.concerned})
    await mentions.became_tickets(work, [routed.message for routed in fresh if routed.message.public])
    work.touch({ticket.customer_id for ticket in touched.values()})
    work.touch(senders, raised=True)
    return arrivals


async def _find(session: AsyncSession, batch: Sequence[RoutedMessage], more: set[str]) -> _Found:
    """Finds which of these messages are here, and which tickets they may concern, with their
    leaders and those of `more`. Those of messages that are here already are looked up too: no
    harm, and one statement."""
    keys = {routed.decision.thread.key for routed in batch}
    keys |= {stranger_key(routed.decision.thread.key, routed.message.sender) for routed in batch}
    ids = [routed.decision.ticket_id for routed in batch]
    arguments = ([routed.message.id for routed in batch], list(keys), ids, list(more))
    (row,) = await fetch(session, _FIND, *arguments)
    known, threads, tickets, owners, answering, promising = row
    return _Found(frozenset(known), frozenset(threads), frozenset(tickets), frozenset(owners), answering, promising)


async def _answered_in(
    session: AsyncSession, fresh: Sequence[RoutedMessage], answers: Mapping[str, Ticket]
) -> dict[str, float]:
    """Returns, by message, the seconds since our newest reply in its ticket, if that was on the
    same channel. `answers`: messages that may be one, with their tickets as they were before."""
    if not answers:
        return {}
    tickets = {ticket.id for ticket in answers.values()}
    sent = (
        MESSAGES.c.direction == "out",
        MESSAGES.c.automatic == "",
        MESSAGES.c.delivery != DeliveryState.FAILED.value,
    )
    newest = (
        select(MESSAGES.c.ticket_id, MESSAGES.c.channel, MESSAGES.c.at)
        .ext(distinct_on(MESSAGES.c.ticket_id))
        .where(among(MESSAGES.c.ticket_id, tickets), *sent)
        .order_by(MESSAGES.c.ticket_id, MESSAGES.c.at.desc())
    )
    replies = {row.ticket_id: row for row in await session.execute(newest)}
    found = {}
    for message in (routed.message for routed in fresh if routed.message.id in answers):
        ticket = answers[message.id]
        reply = replies.get(ticket.id)
        if reply and reply.channel == message.channel and ticket.last_inbound_at < reply.at < message.received_at:
            found[message.id] = (message.received_at - reply.at).total_seconds()
    return found


def _after(work: UnitOfWork, routed: RoutedMessage, placement: Placement, customer: str) -> Ticket:
    """Returns the ticket with this message in it; records what happened."""
    message, decision = routed.message, routed.decision

    def record(change: Change) -> None:
        own = stable_id(kind_of(change), message.id)
        work.record(change, placement.id, message.received_at, DESK, event_id=own)

    before = placement.ticket
    if before is None:
        before = opened(routed, placement, customer)
        record(
            TicketOpened(
                channel=message.channel,
                level=decision.level.value,
                linked=placement.linked_to or None,
                why=placement.why if placement.linked_to else None,
            )
        )
    ticket = took_in(before, routed)
    if placement.takes_over:
        ticket = replace(ticket, customer_id=customer)
    thread = decision.thread
    record(
        TicketRouted(
            rule=thread.rule,
            evidence=thread.evidence,
            score=str(decision.score),
            policy=decision.policy,
            level=decision.level.value,
            team=decision.team,
            message_id=message.id,
        )
    )
    record(MessageAdded(message_id=message.id, channel=message.channel, author=message.sender))
    if before.status in SETTLED and ticket.status == "open":
        record(TicketReopened(before=before.status, why="message"))
    elif before.status != ticket.status:
        record(TicketStatusChanged(before=before.status, to=ticket.status))
    return ticket


def _arrival(routed: RoutedMessage, placement: Placement, ticket: Ticket, name: str) -> Arrival:
    return Arrival(
        message=routed.message,
        decision=routed.decision,
        opened=placement.ticket is None,
        ticket=ticket.id,
        team=ticket.team,
        language=ticket.language,
        customer=ticket.customer_id,
        name=name,
    )


def _message_row(routed: RoutedMessage, placement: Placement, passed: Passed) -> dict[str, Any]:
    message = routed.message
    return {
        "id": message.id,
        "ticket_id": placement.id,
        "direction": "in",
        "channel": message.channel,
        "provider_id": message.provider_id,
        "conversation": message.thread.conversation,
        "author": message.sender,
        "author_name": message.sender_name,
        "verified": message.sender_verified,
        "doubt": message.doubt,
        "other_address": placement.other_address,
        "recipient": message.recipient,
        "also_to": list(message.also_to),
        "cc": list(message.cc),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "attachments": message.attachments,
        "at": message.received_at,
        "automatic": message.automatic,
        "account": message.account,
        "post": message.post,
        "call": message.call,
        "forwarded_by": message.forwarded_by,
        "missing_files": message.missing_files,
        "facts": message.facts,
        "raw_uri": message.raw_uri,
        "decision": routed.decision,
        "delivery": "",
        "delivery_detail": "",
        "public": message.public,
        "reach": message.reach,
        "complaint": message.complaint,
        "taken_at": passed.taken_at,
        "routed_at": passed.routed_at,
        "applied_at": utc_now(),
    }


def _check(routed: RoutedMessage) -> None:
    """Ids are UUIDs, and a contact point fits an index; anything else was not made by us."""
    message, decision = routed.message, routed.decision
    check(message, *filter(None, [message.forwarded_from]), ticket=decision.ticket_id)
    if decision.message_id != message.id:
        raise Malformed(f"the decision is about {decision.message_id}, not about {message.id}")


def check(message: InboundMessage, *points: str, ticket: str = "") -> None:
    """Raises Malformed where an id is none, or one of its contact points and `points`."""
    ids = [message.id, *filter(None, [ticket])]
    try:
        if any(str(UUID(one)) != one for one in ids):
            raise ValueError("not in normal form")
    except ValueError as error:
        raise Malformed(f"messages and tickets need ids that are UUIDs, not {ids!r:.200}: {error}") from error
    for point in (message.sender, *message.also, *points):
        if ":" not in point or len(point) > _LONGEST_POINT or "\x00" in point:
            raise Malformed(f"not a contact point: {point[:100]!r}")
