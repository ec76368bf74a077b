"""What the router is told of a customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import select

from services.desk.bulk import among
from services.desk.customers import contacts
from services.desk.customers.domain import answered_too_late
from services.desk.customers.models import CONTACT_POINTS, CUSTOMERS
from services.desk.search import indexing
from services.desk.tickets import summaries
from services.desk.unit_of_work import UnitOfWork
from shared.events import Observed, Profile, Stated
from shared.kernel import ContactPoint
from shared.topics import CUSTOMERS_UPDATED

MOST_POINTS, MOST_CHANNELS, LONGEST_NAME = 100, 20, 200
"""As `Profile` promises. It is read with every message and kept in every router's memory."""


async def publish(work: UnitOfWork) -> None:
    """Publish a profile for each contact point of the customers that this transaction touched, as they are at its end. They are
    locked and their version is raised, so that profiles of one customer leave in the order of their versions."""
    customers = work.customers.keys()
    if not customers:
        return
    await contacts.raise_version(work.session, {customer for customer, raised in work.customers.items() if not raised})
    rows = (await work.session.execute(select(CUSTOMERS).where(among(CUSTOMERS.c.id, customers)))).all()
    points: dict[str, list[Any]] = defaultdict(list)
    known = select(CONTACT_POINTS).where(among(CONTACT_POINTS.c.customer_id, customers))
    oldest = (CONTACT_POINTS.c.verified.desc(), CONTACT_POINTS.c.created_at, CONTACT_POINTS.c.point)
    for point in await work.session.execute(known.order_by(*oldest)):
        points[point.customer_id].append(point)
    await indexing.put_customers(work.session, rows, {own: [p.point for p in of] for own, of in points.items()})
    threads = await summaries.threads_of(work.session, customers)
    for row in rows:
        tickets = threads.get(row.id, summaries.NO_THREADS)
        for point in points[row.id]:
            own = published_points(points[row.id], point)
            profile = Profile(
                contact_point=ContactPoint(point.point),
                customer_id=row.id,
                version=row.version,
                updated_at=row.updated_at,
                name=row.name[:LONGEST_NAME],
                contact_points=tuple(ContactPoint(p.point) for p in own),
                opted_out=tuple(ContactPoint(p.point) for p in own if p.opted_out),
                birth_year=row.birth_year,
                stated=stated(row.stated),
                observed=observed(row.observed),
                language=row.language,
                tier=row.tier,
                open_tickets=tickets.open,
                generations=tickets.generations,
                recent_contacts=tuple(map(datetime.fromisoformat, row.recent_contacts)),
                missed_sla=answered_too_late(row.late_at, row.updated_at),
            )
            work.send(CUSTOMERS_UPDATED, point.point, profile)


def published_points(points: Sequence[Any], own: Any) -> list[Any]:
    """Those of a customer's contact points that the profile of one of them names, in the same order: at most as many as a profile
    promises, and always this one, so that what its owner wishes about it is never forgotten."""
    if len(points) <= MOST_POINTS:
        return list(points)
    first = list(points[:MOST_POINTS])
    return first if own in first else [*first[:-1], own]


def stated(value: dict[str, str] | None) -> Stated | None:
    """The preference as it is stored."""
    return (
        Stated(channel=value["channel"], source=value["source"], at=datetime.fromisoformat(value["at"]))
        if value
        else None
    )


def observed(value: dict[str, Any]) -> dict[str, Observed]:
    """By channel as it is stored, most used first, at most 20."""
    found = {
        c: Observed(
            messages=seen["messages"],
            last_at=datetime.fromisoformat(seen["last_at"]),
            answer_seconds=float(median(answers)) if (answers := seen.get("answers")) else None,
        )
        for c, seen in value.items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1].messages)[:MOST_CHANNELS])
