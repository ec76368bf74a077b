"""A unit of work: one transaction with its changes, its timeline events and everything it wants
published.

What goes wrong without it: an event is announced for a change that was rolled back, or a change is
committed and nobody hears.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor
from services.desk.bulk import document
from services.desk.signals import LIVE
from shared.events import DeskEvent
from shared.events.base import Event
from shared.events.desk import Change
from shared.outbox import Outbox
from shared.statements import Part, fetch, write
from shared.topics import TICKETS_CHANGED, Topic

_FEED_LOCK = 0x6465736B
"""Key of the advisory lock under which sequence numbers are given: ASCII of `desk`."""

_LOCK_POINTS = text("SELECT pg_advisory_xact_lock(hashtextextended(p, 0)) FROM unnest(CAST(:points AS text[])) AS p")
_LOCK_CUSTOMERS = (
    "SELECT id FROM desk.customers WHERE id = ANY($1::uuid[]"
    " || ARRAY(SELECT customer_id FROM desk.tickets WHERE id = ANY($2::uuid[]))) ORDER BY id FOR UPDATE"
)
_LOCK_TICKETS = "SELECT id FROM desk.tickets WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_NUMBERED = """
    WITH feed AS MATERIALIZED (SELECT pg_advisory_xact_lock({1}::bigint), pg_notify({2}, ''))
    INSERT INTO desk.ticket_events (id, ticket_id, kind, at, actor, data)
    SELECT e.id, e.ticket_id, e.kind, e.at, e.actor, e.data
    FROM feed, json_populate_recordset(NULL::desk.ticket_events, {0}::json) AS e
"""


@dataclass(slots=True)
class UnitOfWork:
    """Collects what one transaction has to publish. Locks are taken in this order, so that no two
    wait for each other: public posts and bursts, calls, agents, contact points, customers by id,
    tickets by id, and last the feed."""

    session: AsyncSession
    events: list[dict[str, Any]] = field(default_factory=list)
    publish: list[tuple[Topic[Any], str, Event]] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    """What else is written last, together with events and outbox."""
    messages: list[Mapping[str, Any]] = field(default_factory=list)
    """Rows of messages that were written, to be found by their words."""
    customers: dict[str, bool] = field(default_factory=dict)
    """Those whose profile is published anew, and whether their version was raised already."""
    clocks: set[str] = field(default_factory=set)
    """Tickets in which something changed that decides what is due when. They are locked."""
    late: dict[str, datetime] = field(default_factory=dict)
    """Those who were answered too late, and when."""

    def record(
        self, change: Change, ticket: str, at: datetime, actor: Actor, *, event_id: str = "", customer: str = ""
    ) -> None:
        """Adds a change to the timeline and to `tickets-changed`. `event_id`: fixed if a
        repetition must have the same id."""
        event = DeskEvent.of(change, id=event_id or str(uuid4()), ticket_id=ticket, at=at, actor=actor.stored)
        row = {"id": event.id, "ticket_id": ticket or None, "kind": event.kind, "at": at, "actor": event.actor}
        self.events.append(row | {"data": event.data})
        self.publish.append((TICKETS_CHANGED, ticket or customer, event))

    def send(self, topic: Topic[Any], key: str, event: Event) -> None:
        """Publishes an event after the commit."""
        self.publish.append((topic, key, event))

    def wrote(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Collects these messages, given as rows of their table, to be found by their words."""
        self.messages.extend(messages)

    def touch(self, customers: Iterable[str], *, raised: bool = False) -> None:
        """Publishes the profiles of these customers, who are locked, as they are at the end of
        this transaction. raised: their version was raised with the change."""
        for customer in customers:
            self.customers[customer] = raised or self.customers.get(customer, False)

    def answered_late(self, customer: str, at: datetime) -> None:
        """Records that an answer to this customer, who is locked, came too late at this moment,
        or not at all."""
        self.late[customer] = max(at, self.late.get(customer, at))

    async def lock(
        self, *, points: Iterable[str] = (), customers: Iterable[str] = (), tickets: Collection[str] = ()
    ) -> None:
        """Locks these until the commit, in the order of all locks: contact points, customers and
        whose tickets these are, tickets. Nobody else creates or moves a contact point that is
        locked, whether it exists or not."""
        if names := sorted(set(points)):
            await self.session.execute(_LOCK_POINTS, {"points": names})
        own, whose = sorted(set(customers)), sorted(tickets)
        if own or whose:
            await fetch(self.session, _LOCK_CUSTOMERS, own, whose)
        if whose:
            await fetch(self.session, _LOCK_TICKETS, whose)

    async def finish(self, subscribers: Sequence[Subscriber], outbox: Outbox) -> None:
        """Does what follows from the change, in the same transaction. Must come last before the
        commit."""
        for subscriber in subscribers:
            await subscriber(self)
        await write(self.session, *self.parts, outbox.adding(self.publish), _numbered(self.events))


Subscriber: TypeAlias = Callable[[UnitOfWork], Awaitable[None]]
"""What is done before each commit, with what the transaction changed."""


def _numbered(events: list[dict[str, Any]]) -> Part:
    """Writes the events as the last thing before the commit, one transaction at a time:
    PostgreSQL's sequences count when asked and not when committed, so without the lock a reader
    could see 8, go on from there, and never see the 7 that commits later. The lock is a row that
    those of the events are joined to, so that none is numbered before it is there."""
    if not events:
        return Part()
    return Part(_NUMBERED, (document(events), _FEED_LOCK, LIVE))  # a notification is sent with the commit
