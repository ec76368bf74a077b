"""What the router is told of a customer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Any

import msgspec

from services.desk.customers import contacts
from services.desk.customers.domain import answered_too_late
from services.desk.search import indexing
from services.desk.tickets import summaries
from services.desk.unit_of_work import UnitOfWork
from shared.events import Observed, Profile, Stated
from shared.kernel import ContactPoint
from shared.statements import fetch
from shared.topics import CUSTOMERS_UPDATED

MOST_POINTS, MOST_CHANNELS, LONGEST_NAME = 100, 20, 200
"""As `Profile` promises. It is read with every message and kept in every router's memory."""


class _Point(msgspec.Struct):
    point: str
    verified: bool
    opted_out: bool


class _Customer(msgspec.Struct):
    id: str
    name: str
    language: str
    tier: str
    birth_year: int | None
    stated: dict[str, str] | None
    observed: dict[str, Any]
    recent_contacts: list[str]
    facts: dict[str, Any]
    late_at: datetime | None
    updated_at: datetime
    version: int


class _Told(msgspec.Struct):
    """A customer as a row of `_TOLD` has them."""

    customer: _Customer
    points: list[_Point]
    threads: list[summaries.Thread]


_TOLD = f"""
    SELECT json_build_object(
        'customer', to_json(c),
        'points', (
            SELECT coalesce(json_agg(p ORDER BY p.verified DESC, p.created_at, p.point), '[]')
            FROM desk.contact_points AS p WHERE p.customer_id = c.id
        ),
        'threads', (SELECT coalesce(json_agg(t), '[]') FROM ({summaries.THREADS}) AS t)
    )::text FROM desk.customers AS c WHERE id = ANY($1::uuid[])
"""  # noqa: S608 - a part of ours


async def publish(work: UnitOfWork) -> None:
    """Publishes a profile for each contact point of the customers that this transaction touched,
    as they are at its end. They are locked and their version is raised, so that profiles of one
    customer are published in the order of their versions."""
    customers = work.customers.keys()
    if not customers:
        return
    await contacts.raise_version(work.session, {customer for customer, raised in work.customers.items() if not raised})
    found = await fetch(work.session, _TOLD, sorted(customers))
    told = [msgspec.json.decode(row[0], type=_Told) for row in found]
    points = {one.customer.id: [point.point for point in one.points] for one in told}
    work.parts.append(indexing.putting_customers([one.customer for one in told], points))
    for one in told:
        row, tickets = one.customer, summaries.threads_of(one.threads)
        for point in one.points:
            own = published_points(one.points, point)
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
    """Returns those of a customer's contact points that the profile of one of them names, in the
    same order: at most as many as a profile promises, and always this one, so that what its
    owner wishes about it is never forgotten."""
    if len(points) <= MOST_POINTS:
        return list(points)
    first = list(points[:MOST_POINTS])
    return first if own in first else [*first[:-1], own]


def stated(value: dict[str, str] | None) -> Stated | None:
    """Converts the stored preference of a customer; None if there is none."""
    return (
        Stated(channel=value["channel"], source=value["source"], at=datetime.fromisoformat(value["at"]))
        if value
        else None
    )


def observed(value: dict[str, Any]) -> dict[str, Observed]:
    """Converts the stored observations by channel, most used first, at most 20."""
    found = {
        c: Observed(
            messages=seen["messages"],
            last_at=datetime.fromisoformat(seen["last_at"]),
            answer_seconds=float(median(answers)) if (answers := seen.get("answers")) else None,
        )
        for c, seen in value.items()
    }
    return dict(sorted(found.items(), key=lambda item: -item[1].messages)[:MOST_CHANNELS])
