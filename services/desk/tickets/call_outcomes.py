"""What a telephone call does to its ticket: somebody has spoken with the customer, which is an answer, and the timeline says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.customers import contacts
from services.desk.tickets import commands
from services.desk.tickets.domain import is_late
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.kernel import stable_id
from shared.metrics import METRICS


async def lock(session: AsyncSession, ticket: str) -> Any:
    """The row of the ticket with this id; first its customer is locked, then it is."""
    await commands.lock(session, {ticket})
    return (await session.execute(select(TICKETS).where(TICKETS.c.id == ticket))).one()


async def answered(work: UnitOfWork, ticket: str, at: datetime, actor: str, why: str) -> None:
    """The customer has been reached at this moment: who had waited since before it waits no more, and the router hears where that was
    too late."""
    row = await lock(work.session, ticket)
    changes: dict[str, Any] = {}
    if row.first_reply_at is None:
        changes["first_reply_at"] = at
        waited = max(0.0, (at - row.created_at).total_seconds())
        METRICS.first_reply_seconds.labels(channel=row.channel, level=row.level).observe(waited)
    reached = row.waiting_since is not None and row.waiting_since <= at
    if reached:
        changes |= {"waiting_since": None, "due_at": None, "queue_at": at}
        work.record("ticket.answered", ticket, at, actor, {"why": why})
    changes["undelivered"] = ""
    spoken = update(MESSAGES).where(MESSAGES.c.ticket_id == ticket, MESSAGES.c.direction == "out", MESSAGES.c.at <= at)
    await work.session.execute(spoken.values(ended_wait=None))
    if changes:
        await work.session.execute(update(TICKETS).where(TICKETS.c.id == ticket).values(changes))
    if reached and is_late(row.due_at, at):
        await contacts.promise_broken(work.session, row.customer_id, at)
        work.touch({row.customer_id})


async def add_note(work: UnitOfWork, ticket: str, text: str, at: datetime, actor: str, name: str, *, key: str) -> None:
    """A line in the timeline that only the team sees. `key`: the same again is nothing."""
    row = await lock(work.session, ticket)
    own = stable_id("call-note", ticket, key)
    values = {"id": own, "ticket_id": ticket, "direction": "note", "channel": "phone", "at": at, "text": text}
    values |= {"author": actor, "author_name": name}
    added = insert(MESSAGES).values(values).on_conflict_do_nothing()
    if (await work.session.execute(added.returning(MESSAGES.c.id))).one_or_none():
        work.wrote([values])
        work.record("note.added", ticket, at, actor, {"message_id": own})
        await work.session.execute(update(TICKETS).where(TICKETS.c.id == ticket).values(version=row.version + 1))
