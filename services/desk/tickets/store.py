"""Reads and writes the table of tickets. Nothing else writes to it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk import bulk
from services.desk.bulk import among, update_all
from services.desk.cursors import as_uuid
from services.desk.tickets.domain import Ticket
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.errors import Rejected
from shared.statements import Part, fetch

_NAMES = tuple(field.name for field in fields(Ticket))
_CONCERNED = """
    SELECT to_json(t)::text, EXISTS (SELECT FROM desk.tickets AS member WHERE member.group_id = t.id)
    FROM desk.tickets AS t WHERE thread_key = ANY($1::text[]) OR id = ANY($2::uuid[]) ORDER BY id FOR UPDATE
"""
_UNOWNED = """
    SELECT to_json(t)::text FROM desk.tickets AS t
    WHERE id = ANY($1::uuid[]) AND status = 'open' AND waiting_since IS NOT NULL AND assignee_id IS NULL
    ORDER BY id FOR UPDATE SKIP LOCKED
"""
_FIXED = (
    "thread_key", "generation", "linked_to", "created_at", "channel", "subject", "assignee_id", "given_at", "group_id",
    "burst_id", "alone", "first_reply_at", "undelivered",
)  # fmt: skip
"""What messages do not change, once the ticket is there."""


def ticket_of(row: Any) -> Ticket:
    """Converts a row into a ticket."""
    return msgspec.convert({name: getattr(row, name) for name in _NAMES}, Ticket)


async def find(session: AsyncSession, ticket: str) -> str:
    """Finds a ticket's id by its id or number. Raises Rejected 404."""
    found = await session.scalar(select(TICKETS.c.id).where(known_as(ticket)))
    if found is None:
        raise not_found()
    return str(found)


def known_as(ticket: str) -> ColumnElement[bool]:
    """Returns the condition for the ticket of this id or number. Rejected 422 where it is
    neither."""
    number = re.fullmatch(r"#?(\d{1,15})", ticket.strip())
    return TICKETS.c.number == int(number[1]) if number else TICKETS.c.id == as_uuid(ticket.strip(), "ticket")


def not_found() -> Rejected:
    """Makes the refusal for a ticket that does not exist."""
    return Rejected(404, "no-such-ticket", "Ticket not found.")


async def locked(work: UnitOfWork, ticket: str) -> Any:
    """Locks a ticket by its id, after its customer, and reads its row."""
    await work.lock(tickets={ticket})
    return (await work.session.execute(select(TICKETS).where(TICKETS.c.id == ticket))).one()


def inserting(tickets: Iterable[Ticket]) -> Part:
    """Adds tickets, which nobody was given yet."""
    return bulk.inserting(TICKETS, [_row(ticket, ("given_at",)) for ticket in tickets])


def taking_in(tickets: Iterable[Ticket]) -> Part:
    """Writes what messages changed in these tickets, which are locked."""
    return bulk.updating(TICKETS, [{**_row(ticket, _FIXED), "overdue_since": None} for ticket in tickets])


def adding_history(tickets: Iterable[Ticket]) -> Part:
    """Writes what mails of an archive changed in these tickets, which are locked."""
    return bulk.updating(TICKETS, [_row(ticket) for ticket in tickets])


async def concerned(
    session: AsyncSession, threads: Collection[str], tickets: Collection[str]
) -> tuple[list[Ticket], bool]:
    """Locks the tickets of these threads and these tickets, each by id, and read them. Whether
    any of them is in a group."""
    rows = await fetch(session, _CONCERNED, list(threads), list(tickets)) if threads or tickets else []
    found = [msgspec.json.decode(ticket, type=Ticket) for ticket, _ in rows]
    return found, any(leads for _, leads in rows) or any(ticket.group_id for ticket in found)


async def unowned(session: AsyncSession, tickets: Collection[str]) -> list[Ticket]:
    """Locks and reads those of these tickets whose customer waits and that nobody has; without
    those that another transaction holds."""
    rows = await fetch(session, _UNOWNED, list(tickets))
    return [msgspec.json.decode(ticket, type=Ticket) for (ticket,) in rows]


async def save(session: AsyncSession, before: Ticket, after: Ticket) -> None:
    """Writes the columns that differ. The ticket is locked."""
    changed = {name: value for name in _NAMES if (value := getattr(after, name)) != getattr(before, name)}
    if not changed:
        return
    if "patience" in changed:
        changed["widens_at"] = after.patience.widens_at
    values = {name: _stored(value) for name, value in changed.items()}
    if "due_at" in changed:
        values["overdue_since"] = None  # a wait that comes back, or is another customer's, is seen and told anew
    await session.execute(update(TICKETS).where(TICKETS.c.id == before.id).values(values))


async def free(session: AsyncSession, condition: ColumnElement[bool]) -> list[str]:
    """Releases these tickets, which are locked, to their queues. Returns their ids, sorted."""
    freed = update(TICKETS).where(condition).values(assignee_id=None, given_at=None)
    return sorted(await session.scalars(freed.returning(TICKETS.c.id)))


async def give_all(session: AsyncSession, tickets: Sequence[Ticket]) -> None:
    """Writes who has these tickets, which are locked."""
    rows = [{"id": each.id, "assignee_id": each.assignee_id, "given_at": each.given_at} for each in tickets]
    await update_all(session, TICKETS, rows)


async def see_overdue(session: AsyncSession, customers: Collection[str], now: datetime) -> int:
    """Keeps with the tickets of these customers, who are locked, that their due time has passed.
    How many had not been seen."""
    passed = (TICKETS.c.status == "open", TICKETS.c.waiting_since.is_not(None), TICKETS.c.due_at <= now)
    unseen = TICKETS.c.overdue_since.is_distinct_from(TICKETS.c.due_at)
    theirs = select(TICKETS.c.id).where(among(TICKETS.c.customer_id, customers), *passed, unseen)
    found = list(await session.scalars(theirs.order_by(TICKETS.c.id).with_for_update()))
    await session.execute(update(TICKETS).where(among(TICKETS.c.id, found)).values(overdue_since=TICKETS.c.due_at))
    return len(found)


async def set_due(session: AsyncSession, due: Mapping[str, datetime | None]) -> None:
    """Writes when tickets, which are locked, are due."""
    rows = [{"id": ticket, "due_at": at, "overdue_since": None} for ticket, at in due.items()]
    await update_all(session, TICKETS, rows)


async def mark_burst(session: AsyncSession, bursts: Mapping[str, str]) -> None:
    """Stores with tickets which burst they are part of, unless they are part of one already."""
    unmarked = select(TICKETS.c.id).where(among(TICKETS.c.id, bursts), TICKETS.c.burst_id == "")
    marks = [{"id": ticket, "burst_id": bursts[ticket]} for ticket in await session.scalars(unmarked)]
    await update_all(session, TICKETS, marks)


async def put_under(session: AsyncSession, leader: str, tickets: Collection[str]) -> None:
    """Puts these tickets, and those under them, under a leader. All are locked."""
    them = or_(among(TICKETS.c.id, tickets), among(TICKETS.c.group_id, tickets))
    await session.execute(update(TICKETS).where(them).values(group_id=leader))
    await session.execute(update(TICKETS).where(TICKETS.c.id == leader).values(group_id=None))


async def raise_priority(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Writes level, score, rank and reasons, or due times, of leaders, which are locked. All
    rows have the same keys."""
    await update_all(session, TICKETS, rows)


def _row(ticket: Ticket, without: tuple[str, ...] = ()) -> dict[str, Any]:
    kept = {name: getattr(ticket, name) for name in _NAMES if name not in without}
    return {**kept, "widens_at": ticket.patience.widens_at}


def _stored(value: Any) -> Any:
    """Converts a value into the form that a column takes: structs as JSON, times unchanged."""
    return value if isinstance(value, datetime) else msgspec.to_builtins(value)
