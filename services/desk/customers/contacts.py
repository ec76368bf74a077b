"""What other subjects need of customers inside their own transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among, inserting, updating
from services.desk.customers.domain import Book, learn
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.customers.schemas import ContactPointView
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events import InboundMessage
from shared.kernel import ContactPoint, address_of, kind_of
from shared.statements import Part, fetch, write

_OWNED = (
    "SELECT point, customer_id::text, verified FROM desk.contact_points"
    " WHERE customer_id IN (SELECT customer_id FROM desk.contact_points WHERE point = ANY($1::text[]))"
)
_LOCKED = "SELECT to_json(c)::text FROM desk.customers AS c WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
_LEARNED = ("id", "name", "language", "tier", "birth_year", "stated", "observed", "recent_contacts", "facts", "version")


async def identify(work: UnitOfWork, messages: Sequence[InboundMessage]) -> dict[str, str]:
    """Finds the customer of each message, by message id, and creates those who are new. Holds a
    lock on their contact points until the commit, so that two processes never handle messages of
    one sender at the same time."""
    named = {point for m in messages for point in (m.sender, *(m.also if m.sender_verified else ()))}
    session = work.session
    await work.lock(points=named)
    book = Book()
    for point, customer, verified in await fetch(session, _OWNED, list(named)):
        book.owner[point] = customer
        if verified:
            book.verified.setdefault(customer, set()).add(point)
    found = {message.id: book.customer_of(message) for message in messages}
    rows = [
        {"point": point, "customer_id": book.owner[point], "verified": v} | _WILLING
        for point, v in book.new_points.items()
    ]
    new = [{"id": customer, "version": 0} | _EMPTY for customer in book.new_customers]
    await write(session, inserting(CUSTOMERS, new), inserting(CONTACT_POINTS, rows))
    if book.proven:
        await session.execute(
            update(CONTACT_POINTS).where(among(CONTACT_POINTS.c.point, book.proven)).values(verified=True)
        )
    return found


_EMPTY: dict[str, Any] = {"name": "", "language": "", "tier": "", "observed": {}, "recent_contacts": [], "facts": {}}
_WILLING: dict[str, Any] = {"opted_out": False}


async def locked(session: AsyncSession, customers: Collection[str]) -> dict[str, dict[str, Any]]:
    """Keeps others from changing these customers until the commit, as `UnitOfWork.lock` does;
    what is known of each, by id."""
    rows = await fetch(session, _LOCKED, sorted(customers))
    return {row["id"]: row for row in (msgspec.json.decode(known) for (known,) in rows)}


def learning(
    known: Mapping[str, dict[str, Any]],
    messages: Sequence[tuple[str, InboundMessage]],
    answered_in: Mapping[str, float],
) -> Part:
    """Keeps what these messages (customer id, message; in order) tell about their customers.
    `known`: as they are, locked. `answered_in`: by message, seconds from our reply to those that
    are an answer on the same channel."""
    rows = {customer: {name: known[customer][name] for name in _LEARNED} for customer, _ in messages}
    now = utc_now()
    for customer, message in messages:
        learn(rows[customer], message, answered_in.get(message.id))
    for row in rows.values():
        row["version"] += 1
        row["updated_at"] = now
    return updating(CUSTOMERS, list(rows.values()))


async def raise_version(session: AsyncSession, customers: set[str]) -> None:
    """Raises the version of these customers' profiles, because something in them changed."""
    if customers:
        changed = {"version": CUSTOMERS.c.version + 1, "updated_at": utc_now()}
        await session.execute(update(CUSTOMERS).where(among(CUSTOMERS.c.id, customers)).values(changed))


async def points_of(session: AsyncSession, customer: str) -> tuple[ContactPointView, ...]:
    """Lists the contact points of this customer, oldest first."""
    statement = select(CONTACT_POINTS).where(CONTACT_POINTS.c.customer_id == customer)
    return tuple(
        point_view(row)
        for row in await session.execute(statement.order_by(CONTACT_POINTS.c.created_at, CONTACT_POINTS.c.point))
    )


async def name_of(session: AsyncSession, customer: str) -> str:
    """Returns the customer's name; empty if it is unknown."""
    return str(await session.scalar(select(CUSTOMERS.c.name).where(CUSTOMERS.c.id == customer)) or "")


async def opted_out(session: AsyncSession, point: str) -> bool:
    """Whether the person behind this contact point asked not to be written to there."""
    return bool(await session.scalar(select(CONTACT_POINTS.c.opted_out).where(CONTACT_POINTS.c.point == point)))


def point_view(row: Any) -> ContactPointView:
    """Converts a contact point's row into the view for readers."""
    point = ContactPoint(row.point)
    return ContactPointView(
        point=point, kind=kind_of(point), address=address_of(point), verified=row.verified, opted_out=row.opted_out
    )
