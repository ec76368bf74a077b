"""What a telephone call does to its ticket: somebody has spoken with the customer, which is an
answer, and the timeline says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert

from services.desk.actors import Actor
from services.desk.tickets import commands, store
from services.desk.tickets.domain.lifecycle import CallAnswered, Note
from services.desk.tickets.models import MESSAGES
from services.desk.unit_of_work import UnitOfWork
from shared.kernel import stable_id
from shared.metrics import METRICS


async def answered(work: UnitOfWork, ticket: str, at: datetime, actor: Actor, why: str) -> None:
    """Records that the customer was reached at `at`: stops their wait and, if overdue, publishes
    the SLA breach."""
    row = await store.locked(work, ticket)
    if row.first_reply_at is None:
        waited = max(0.0, (at - row.created_at).total_seconds())
        METRICS.first_reply_seconds.labels(channel=row.channel, level=row.level).observe(waited)
    await commands.execute(work, store.ticket_of(row), CallAnswered(at=at, actor=actor, why=why), at)


async def add_note(
    work: UnitOfWork, ticket: str, text: str, at: datetime, actor: Actor, name: str, *, key: str
) -> None:
    """Adds a line to the timeline that only the team sees. `key`: repeating the same one has no
    effect."""
    row = await store.locked(work, ticket)
    own = stable_id("call-note", ticket, key)
    values = {"id": own, "ticket_id": ticket, "direction": "note", "channel": "phone", "at": at, "text": text}
    values |= {"author": actor.stored, "author_name": name}
    added = insert(MESSAGES).values(values).on_conflict_do_nothing()
    if (await work.session.execute(added.returning(MESSAGES.c.id))).one_or_none():
        work.wrote([values])
        await commands.execute(work, store.ticket_of(row), Note(message=own, actor=actor), at)
