"""A unit of work: one transaction with its changes, its timeline events and everything it wants published.

What goes wrong without it: an event is announced for a change that was rolled back, or a change is committed and nobody hears.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import insert_all
from services.desk.context import Desk
from services.desk.live import CHANNEL
from services.desk.tickets.models import EVENTS
from shared.events import DeskEvent
from shared.events.base import Event
from shared.topics import TICKETS_CHANGED, Topic

_FEED_LOCK = 0x6465736B
"""Key of the advisory lock under which sequence numbers are given: ASCII of `desk`."""


@dataclass(slots=True)
class Work:
    """What one transaction has to say. Locks are taken in this order, so that no two wait for each other:
    public posts and bursts, calls, agents, contact points, customers by id, tickets by id, and last the feed."""

    session: AsyncSession
    events: list[dict[str, Any]] = field(default_factory=list)
    publish: list[tuple[Topic[Any], str, Event]] = field(default_factory=list)

    def record(
        self,
        kind: str,
        ticket: str,
        at: datetime,
        actor: str,
        data: dict[str, str] | None = None,
        *,
        event_id: str = "",
        customer: str = "",
    ) -> None:
        """Add to the timeline and tell `tickets-changed`. `event_id`: fixed where a repetition has to meet itself."""
        event = DeskEvent(id=event_id or str(uuid4()), ticket_id=ticket, kind=kind, at=at, actor=actor, data=data or {})
        self.events.append(
            {"id": event.id, "ticket_id": ticket or None, "kind": kind, "at": at, "actor": actor, "data": event.data}
        )
        self.publish.append((TICKETS_CHANGED, ticket or customer, event))

    def send(self, topic: Topic[Any], key: str, event: Event) -> None:
        """Publish after the commit."""
        self.publish.append((topic, key, event))


@asynccontextmanager
async def unit_of_work(desk: Desk) -> AsyncIterator[Work]:
    """Commits at the end, then wakes the relay and every console's feed. Raises Unavailable, with nothing done."""
    async with desk.database.transaction() as session:
        work = Work(session)
        yield work
        await desk.outbox.add_all(session, work.publish)
        await _number(session, work.events)
    desk.outbox.wake()


async def _number(session: AsyncSession, events: list[dict[str, Any]]) -> None:
    """Write the events as the last thing before the commit, one transaction at a time: PostgreSQL's sequences count when asked and
    not when committed, so without the lock a reader could see 8, go on from there, and never see the 7 that commits later."""
    if not events:
        return
    lock = "SELECT pg_advisory_xact_lock(:key), pg_notify(:channel, '')"  # a notification is sent with the commit
    await session.execute(text(lock), {"key": _FEED_LOCK, "channel": CHANNEL})
    await insert_all(session, EVENTS, events)
