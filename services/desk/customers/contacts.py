"""What other subjects need of customers inside their own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among, insert_all, update_all
from services.desk.customers.domain import Book, learn
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.customers.schemas import ContactPointView
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events import InboundMessage
from shared.kernel import ContactPoint, address_of, kind_of

_LEARNED = ("id", "name", "language", "tier", "birth_year", "stated", "observed", "recent_contacts", "facts", "version")


async def identify(work: UnitOfWork, messages: Sequence[InboundMessage]) -> dict[str, str]:
    """The customer of each message by message id, created where they are new. Holds a lock on their contact points until the
    commit, so that two processes never handle messages of one sender at the same time."""
    named = {point for m in messages for point in (m.sender, *(m.also if m.sender_verified else ()))}
    session = work.session
    await work.lock(points=named)
    touched = select(CONTACT_POINTS.c.customer_id).where(among(CONTACT_POINTS.c.point, named))
    book = Book()
    columns = (CONTACT_POINTS.c.point, CONTACT_POINTS.c.customer_id, CONTACT_POINTS.c.verified)
    for point, customer, verified in await session.execute(
        select(*columns).where(CONTACT_POINTS.c.customer_id.in_(touched))
    ):
        book.owner[point] = customer
        if verified:
            book.verified.setdefault(customer, set()).add(point)
    found = {message.id: book.customer_of(message) for message in messages}
    await insert_all(session, CUSTOMERS, [{"id": customer, "version": 0} | _EMPTY for customer in book.new_customers])
    rows = [
        {"point": point, "customer_id": book.owner[point], "verified": v} | _WILLING
        for point, v in book.new_points.items()
    ]
    await insert_all(session, CONTACT_POINTS, rows)
    if book.proven:
        await session.execute(
            update(CONTACT_POINTS).where(among(CONTACT_POINTS.c.point, book.proven)).values(verified=True)
        )
    return found


_EMPTY: dict[str, Any] = {"name": "", "language": "", "tier": "", "observed": {}, "recent_contacts": [], "facts": {}}
_WILLING: dict[str, Any] = {"opted_out": False}


async def learn_from(
    session: AsyncSession, messages: Sequence[tuple[str, InboundMessage]], answered_in: Mapping[str, float]
) -> None:
    """Keep what these messages (customer id, message; in order) tell about their customers, who are locked already.
    `answered_in`: by message, seconds from our reply to those that are an answer on the same channel."""
    ids = {customer for customer, _ in messages}
    columns = [CUSTOMERS.c[name] for name in _LEARNED]
    rows = {
        row["id"]: dict(row)
        for row in (await session.execute(select(*columns).where(among(CUSTOMERS.c.id, ids)))).mappings()
    }
    now = utc_now()
    for customer, message in messages:
        learn(rows[customer], message, answered_in.get(message.id))
    for row in rows.values():
        row["version"] += 1
        row["updated_at"] = now
    await update_all(session, CUSTOMERS, list(rows.values()))


async def raise_version(session: AsyncSession, customers: set[str]) -> None:
    """Raise the version of these customers' profiles: something changed that they tell."""
    if customers:
        changed = {"version": CUSTOMERS.c.version + 1, "updated_at": utc_now()}
        await session.execute(update(CUSTOMERS).where(among(CUSTOMERS.c.id, customers)).values(changed))


async def points_of(session: AsyncSession, customer: str) -> tuple[ContactPointView, ...]:
    """Where this customer can be reached, oldest first."""
    statement = select(CONTACT_POINTS).where(CONTACT_POINTS.c.customer_id == customer)
    return tuple(
        point_view(row)
        for row in await session.execute(statement.order_by(CONTACT_POINTS.c.created_at, CONTACT_POINTS.c.point))
    )


async def name_of(session: AsyncSession, customer: str) -> str:
    """Empty where nobody told us."""
    return str(await session.scalar(select(CUSTOMERS.c.name).where(CUSTOMERS.c.id == customer)) or "")


async def opted_out(session: AsyncSession, point: str) -> bool:
    """Whether the person behind this contact point asked not to be written to there."""
    return bool(await session.scalar(select(CONTACT_POINTS.c.opted_out).where(CONTACT_POINTS.c.point == point)))


def point_view(row: Any) -> ContactPointView:
    """A contact point for readers."""
    point = ContactPoint(row.point)
    return ContactPointView(
        point=point, kind=kind_of(point), address=address_of(point), verified=row.verified, opted_out=row.opted_out
    )
