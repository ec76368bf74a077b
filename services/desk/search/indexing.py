"""Keeps the words of messages and customers, as they are written and, once, those from before there
was such a table."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among, document, insert_all, inserting
from services.desk.context import Desk
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.search import domain
from services.desk.search.models import MESSAGE_WORDS, SEARCH_PROGRESS
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.kernel import ContactPoint, address_of
from shared.logs import log
from shared.loops import forever
from shared.statements import Part, write

_CHUNK = 50
"""Tickets or customers at a time: a fraction of a second, in which nobody waits for us."""
_LOCK = 0x776F726473
"""Key of the advisory lock of who reads what is old: ASCII of `words`."""
_PUT_CUSTOMERS = (
    "INSERT INTO desk.customer_words (customer_id, words) SELECT customer_id, words"
    " FROM json_populate_recordset(NULL::desk.customer_words, {0}::json)"
    " ON CONFLICT (customer_id) DO UPDATE SET words = excluded.words WHERE customer_words.words <> excluded.words"
)
_OF_MESSAGE = ("id", "ticket_id", "direction", "author", "author_name", "subject", "text", "attachments", "facts")


async def add_messages(work: UnitOfWork) -> None:
    """Keeps the words of the messages that this transaction wrote, with its commit."""
    rows = [
        {"ticket_id": row["ticket_id"], "message_id": row["id"], "words": domain.document(_texts(row))}
        for row in work.messages
    ]
    work.parts.append(inserting(MESSAGE_WORDS, rows))


def putting_customers(customers: Sequence[Any], points: Mapping[str, Iterable[str]]) -> Part:
    """Writes the words of these customers as they are now. `points`: their contact points."""
    rows = [
        {
            "customer_id": row.id,
            "words": domain.document(
                [row.name, *map(_address, points.get(row.id, ())), *(str(value) for value in row.facts.values())]
            ),
        }
        for row in customers
    ]
    return Part(_PUT_CUSTOMERS, (document(rows),)) if rows else Part()


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Indexes the older tickets and customers, newest first, with as long a pause after each
    step as it took; then there is nothing to do."""

    async def work() -> float:
        began = time.monotonic()
        if not await step(desk):
            log.info("every message can be searched")
            await stop.wait()
        return time.monotonic() - began

    await forever("search", work, stop)


async def step(desk: Desk) -> bool:
    """Indexes one chunk in one transaction: a process that is killed continues from there.
    Returns False when all is done. Raises Unavailable."""
    async with desk.database.transaction() as session:
        await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        places = {row.what: row.place for row in await session.execute(select(SEARCH_PROGRESS))}
        if not places:
            return False
        what, place = max(places.items())  # tickets before customers
        next_place = await (_old_tickets if what == "tickets" else _old_customers)(session, place)
        known = SEARCH_PROGRESS.c.what == what
        await session.execute(
            update(SEARCH_PROGRESS).where(known).values(place=next_place)
            if next_place
            else delete(SEARCH_PROGRESS).where(known)
        )
    return True


async def _old_tickets(session: AsyncSession, place: str) -> str:
    statement = select(TICKETS.c.id, TICKETS.c.number).order_by(TICKETS.c.number.desc()).limit(_CHUNK)
    tickets = (await session.execute(statement.where(TICKETS.c.number < int(place)) if place else statement)).all()
    if not tickets:
        return ""
    columns = [MESSAGES.c[name] for name in _OF_MESSAGE if name != "text"]
    cut = func.left(MESSAGES.c.text, domain.LONGEST_TEXT).label("text")
    known = select(MESSAGE_WORDS.c.message_id).where(
        MESSAGE_WORDS.c.ticket_id == MESSAGES.c.ticket_id, MESSAGE_WORDS.c.message_id == MESSAGES.c.id
    )
    wanted = select(*columns, cut).where(among(MESSAGES.c.ticket_id, [row.id for row in tickets]), ~known.exists())
    found = [dict(row) for row in (await session.execute(wanted)).mappings()]
    rows = await asyncio.to_thread(
        lambda: [
            {"ticket_id": row["ticket_id"], "message_id": row["id"], "words": domain.document(_texts(row))}
            for row in found
        ]
    )
    await insert_all(session, MESSAGE_WORDS, rows)
    return str(tickets[-1].number)


async def _old_customers(session: AsyncSession, place: str) -> str:
    statement = select(CUSTOMERS).order_by(CUSTOMERS.c.id).limit(_CHUNK).with_for_update()
    customers = (await session.execute(statement.where(CUSTOMERS.c.id > place) if place else statement)).all()
    if not customers:
        return ""
    ids = [row.id for row in customers]
    points: dict[str, list[str]] = {own: [] for own in ids}
    for point in await session.execute(select(CONTACT_POINTS).where(among(CONTACT_POINTS.c.customer_id, ids))):
        points[point.customer_id].append(point.point)
    await write(session, putting_customers(customers, points))
    return str(ids[-1])


def _texts(row: Mapping[str, Any]) -> Iterable[str]:
    yield row.get("subject", "")
    if row["direction"] == "in":
        yield row["author_name"]
        yield _address(row["author"])
    for file in row.get("attachments", ()):
        yield file["name"] if isinstance(file, dict) else file.name
    yield from map(str, row.get("facts", {}).values())
    yield row["text"]


def _address(point: str) -> str:
    return address_of(ContactPoint(point))
