"""What can be done with customers."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.bulk import insert_all
from services.desk.context import Desk
from services.desk.cursors import as_uuid
from services.desk.customers import contacts, domain
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.customers.schemas import CustomerTicket, CustomerView, ObservedView, StatedView
from services.desk.profiles import publishing
from services.desk.tickets import summaries
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import CustomerChanged

KEEP: Final = "__keep__"
"""Leave this as it is; None and the empty string clear it."""
SOURCES = ("customer", "survey", "phone", "agent")
_LONGEST_NAME = 200


async def get_customer(desk: Desk, customer: str) -> CustomerView:
    """Returns a customer by id. Raises Rejected 404."""
    async with desk.database.snapshot() as session:
        return await _view(session, as_uuid(customer, "customer"))


async def find_customer(desk: Desk, contact_point: str) -> CustomerView | None:
    """Returns the customer who has this contact point (`email:ann@example.org`; converted into
    normal form here), or None."""
    point = domain.normal_point(contact_point)
    async with desk.database.snapshot() as session:
        customer = await session.scalar(select(CONTACT_POINTS.c.customer_id).where(CONTACT_POINTS.c.point == point))
        return await _view(session, customer) if customer else None


async def update_customer(
    desk: Desk,
    customer: str,
    *,
    actor: Actor,
    name: str = KEEP,
    birth_year: int | str | None = KEEP,
    preferred_channel: str | None = KEEP,
    source: str = "agent",
    add_contact_points: tuple[str, ...] = (),
    opted_out: dict[str, bool] | None = None,
) -> CustomerView:
    """Changes what we know, and tell the router. `preferred_channel` must be announced, or None
    to forget it; `source` says who told us: `customer`, `survey`, `phone` or `agent`.
    `opted_out`: contact point → whether. Rejected 403; 404; 422 with what is wrong; 409 `taken`
    for a contact point of another customer."""
    actor.require(Permission.CHANGE_CUSTOMERS)
    own, now = as_uuid(customer, "customer"), utc_now()
    changes: dict[str, Any] = {}
    if name != KEEP:
        changes["name"] = _name(name)
    if birth_year != KEEP:
        changes["birth_year"] = domain.birth_year(birth_year, now.year)
    if preferred_channel != KEEP:
        changes["stated"] = _stated(desk, preferred_channel, source, now.isoformat())
    points = {domain.normal_point(point) for point in add_contact_points}
    async with desk.unit_of_work() as work:
        await work.lock(points=points, customers={own})
        before = await _view(work.session, own)
        await _add_points(work.session, own, points)
        await _opt(work.session, before, opted_out or {})
        if changes:
            await work.session.execute(update(CUSTOMERS).where(CUSTOMERS.c.id == own).values(changes))
        await contacts.raise_version(work.session, {own})
        work.touch({own}, raised=True)
        fields = ",".join(
            sorted([*changes, *(["contact_points"] if points else []), *(["opted_out"] if opted_out else [])])
        )
        work.record(CustomerChanged(customer_id=own, fields=fields), "", now, actor, customer=own)
        return await _view(work.session, own)


async def _add_points(session: AsyncSession, customer: str, points: set[str]) -> None:
    rows = [
        {"point": p, "customer_id": customer, "verified": False, "opted_out": False, "created_at": utc_now()}
        for p in sorted(points)
    ]
    await insert_all(session, CONTACT_POINTS, rows)
    for point in sorted(points):
        owner = await session.scalar(select(CONTACT_POINTS.c.customer_id).where(CONTACT_POINTS.c.point == point))
        if owner != customer:
            raise Rejected(409, "taken", f"{point} belongs to another customer.")


async def _opt(session: AsyncSession, customer: CustomerView, opted_out: dict[str, bool]) -> None:
    known = {point.point for point in customer.contact_points}
    for point, out in opted_out.items():
        if point not in known:
            raise Rejected(422, "contact-point", f"{point[:200]} is not a contact point of this customer.")
        await session.execute(update(CONTACT_POINTS).where(CONTACT_POINTS.c.point == point).values(opted_out=out))


def _name(name: str) -> str:
    name = " ".join(name.replace("\x00", "").split())
    if len(name) > _LONGEST_NAME:
        raise Rejected(422, "name", f"A name has at most {_LONGEST_NAME} characters.")
    return name


def _stated(desk: Desk, channel: str | None, source: str, at: str) -> dict[str, str] | None:
    if not channel:
        return None
    if desk.channels.get(channel) is None:
        known = ", ".join(sorted(c.name for c in desk.channels.values())) or "none yet"
        raise Rejected(422, "preferred-channel", f"There is no channel {channel[:60]!r}. Channels are: {known}.")
    if source not in SOURCES:
        raise Rejected(422, "source", f"The source is one of {', '.join(SOURCES)}.")
    return {"channel": channel, "source": source, "at": at}


async def _view(session: AsyncSession, customer: str) -> CustomerView:
    row = (await session.execute(select(CUSTOMERS).where(CUSTOMERS.c.id == customer))).one_or_none()
    if row is None:
        raise Rejected(404, "no-such-customer", "Customer not found.")
    stated = publishing.stated(row.stated)
    observed = [
        ObservedView(channel=c, messages=o.messages, last_at=o.last_at, answer_seconds=o.answer_seconds)
        for c, o in publishing.observed(row.observed).items()
    ]
    return CustomerView(
        id=row.id,
        name=row.name,
        language=row.language,
        tier=row.tier,
        birth_year=row.birth_year,
        preferred=StatedView(channel=stated.channel, source=stated.source, at=stated.at) if stated else None,
        contact_points=await contacts.points_of(session, customer),
        observed=tuple(observed),
        facts=row.facts,
        tickets=tuple(
            CustomerTicket(
                id=t.id,
                number=t.number,
                subject=t.subject,
                status=t.status,
                level=t.level,
                channel=t.channel,
                created_at=t.created_at,
                last_message_at=t.last_message_at,
            )
            for t in await summaries.newest_of(session, customer)
        ),
        created_at=row.created_at,
        version=row.version,
    )
