"""Promises that were broken while nobody did anything: the router hears of it when the time has
passed, and when it no longer counts.

What is to be told is read off customers and their tickets each time: any number of processes do
this, and one that was killed, or away for an hour, leaves nothing undone.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select, text, update

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.customers.domain import LATE_COUNTS
from services.desk.customers.models import CUSTOMERS
from services.desk.tickets import repository, store
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.waiting import wait

EVERY = 15.0
"""Seconds between two looks. Promises are of minutes or hours, and it is the customer's next
message that has to find it told."""
_SHORTEST = 0.05
_LATE = text(
    "UPDATE desk.customers AS c SET late_at = greatest(c.late_at, late.at)"
    " FROM unnest(CAST(:customers AS uuid[]), CAST(:at AS timestamptz[])) AS late (id, at) WHERE c.id = late.id"
)
_MOST = 200
"""Customers in one transaction, who are locked until it is over."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Records SLA breaches until `stop`; waits for PostgreSQL while it is unavailable."""
    while not stop.is_set():
        seconds = EVERY
        try:
            if (await _look(desk))[1]:
                seconds = _SHORTEST
        except Unavailable as error:
            log.warning("broken promises are told later", error=str(error))
        await wait(stop, seconds)


async def record_breaches(desk: Desk) -> int:
    """Records the customers whose due time has passed without an answer, and those whose SLA
    breach is too long ago to count. Returns for how many that is new; at most as many as fit
    into a transaction. Raises Unavailable."""
    return (await _look(desk))[0]


async def _look(desk: Desk) -> tuple[int, bool]:
    """Looks as `record_breaches` does; returns also whether there may be more."""
    now = utc_now()
    async with desk.unit_of_work() as work:
        passed = (await work.session.execute(_passed(now))).all()
        seen = await store.see_overdue(work.session, [row.id for row in passed], now)
        long_ago = (await work.session.execute(_long_ago(now))).all()
        late = {row.id for row in passed if row.late_at is None} | {row.id for row in long_ago if row.waits}
        over = {row.id for row in long_ago} - late
        for customers, late_at in ((late, now), (over, None)):
            if customers:
                changed = update(CUSTOMERS).where(among(CUSTOMERS.c.id, customers)).values(late_at=late_at)
                await work.session.execute(changed)
        work.touch(late | over)
    return len(late | over), max(seen, len(long_ago)) >= _MOST


async def mark_late(work: UnitOfWork) -> None:
    """Stores, for the customers whom this transaction answered too late, when that was."""
    if work.late:
        await work.session.execute(_LATE, {"customers": list(work.late), "at": list(work.late.values())})


def _passed(now: datetime) -> Select[Any]:
    """Selects who waits beyond what they were promised, of whom that was not seen yet."""
    unseen = select(TICKETS.c.customer_id).where(*_overdue(now), repository.UNSEEN)
    theirs = CUSTOMERS.c.id.in_(unseen.order_by(TICKETS.c.due_at).limit(_MOST))
    return _locked(select(CUSTOMERS.c.id, CUSTOMERS.c.late_at).where(theirs))


def _long_ago(now: datetime) -> Select[Any]:
    """Selects who was answered too late so long ago that it does not count any more, and whether
    they are kept waiting again or still."""
    waits = exists().where(TICKETS.c.customer_id == CUSTOMERS.c.id, *_overdue(now))
    return _locked(select(CUSTOMERS.c.id, waits.label("waits")).where(CUSTOMERS.c.late_at <= now - LATE_COUNTS))


def _overdue(now: datetime) -> list[ColumnElement[bool]]:
    return [*repository.waits(), TICKETS.c.due_at <= now]


def _locked(customers: Select[Any]) -> Select[Any]:
    """Locks those of these customers that no other transaction holds, as an answer may have just
    now; the others are looked at the next time."""
    return customers.limit(_MOST).with_for_update(of=CUSTOMERS, skip_locked=True)
