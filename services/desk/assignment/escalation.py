"""Tickets that nobody got to in time: the timeline tells which skills are no longer asked for, and the next team gets them.

What is due is read off the tickets each time (`tickets/escalation.py`): any number of processes do this, and one that was killed, or
away for an hour, leaves nothing undone.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from services.desk.context import Desk
from services.desk.tickets import grouping, repository
from services.desk.tickets.escalation import widened
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.waiting import wait

LONGEST = 5.0
"""Seconds between two looks. A policy counts in minutes, so whatever is new by then is not due before."""
_SHORTEST = 0.05
_MOST = 200
"""Tickets in one transaction."""
_WAITS = (*repository.waits(), TICKETS.c.assignee_id.is_(None))
_DUE = (
    select(TICKETS)
    .where(*_WAITS, ~grouping.stands_under_its_leader())
    .order_by(TICKETS.c.widens_at)
    .limit(_MOST)
    .with_for_update(of=TICKETS, skip_locked=True)
)


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Until `stop`; waits for PostgreSQL where it is away."""
    while not stop.is_set():
        try:
            seconds = await escalate(desk)
        except Unavailable as error:
            log.warning("tickets wait for the next team", error=str(error))
            seconds = LONGEST
        await wait(stop, seconds)


async def escalate(desk: Desk) -> float:
    """Everything that is due. Seconds until there may be more. Raises Unavailable."""
    now = utc_now()
    async with desk.unit_of_work() as work:
        rows = list(await work.session.execute(_DUE.where(TICKETS.c.widens_at <= now)))
        for row in rows:
            await _escalate(work, row, now)
        following = await work.session.scalar(
            select(func.min(TICKETS.c.widens_at)).where(*_WAITS, TICKETS.c.widens_at > now)
        )
    if len(rows) == _MOST:
        return _SHORTEST
    left = (following - utc_now()).total_seconds() if following else LONGEST
    return min(LONGEST, max(_SHORTEST, left))


async def _escalate(work: UnitOfWork, row: Any, now: datetime) -> None:
    patience = repository.patience(row.patience)
    found = widened(patience, now)
    for skill in found.skills:
        data = {"skill": skill, "after": _waited(row, patience.skills[skill])}
        work.record("ticket.widened", row.id, now, "desk", data)
    team = {}
    if found.overflow and patience.overflow_at:
        team = {"team": found.overflow.team}
        data = {"from": row.team, **team, "after": _waited(row, patience.overflow_at)}
        work.record("ticket.overflowed", row.id, now, "desk", data)
    values = repository.patience_values(found.after) | team
    await work.session.execute(update(TICKETS).where(TICKETS.c.id == row.id).values(values))


def _waited(row: Any, until: datetime) -> str:
    """Seconds that the customer had waited by then."""
    return str(max(0, round((until - row.waiting_since).total_seconds())))
