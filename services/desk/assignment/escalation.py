"""Tickets that nobody got to in time: the timeline tells which skills are no longer asked for, and
the next team gets them.

What is due is read off the tickets each time (`tickets/escalation.py`): any number of processes do
this, and one that was killed, or away for an hour, leaves nothing undone.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from services.desk.context import Desk
from services.desk.tickets import commands, grouping, repository, store
from services.desk.tickets.domain.lifecycle import Escalate
from services.desk.tickets.models import TICKETS
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.waiting import wait

LONGEST = 5.0
"""Seconds between two looks. A policy counts in minutes, so whatever is new by then is not due
before."""
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
    """Escalates tickets as they become due, until `stop`; waits for PostgreSQL while it is
    unavailable."""
    while not stop.is_set():
        try:
            seconds = await escalate(desk)
        except Unavailable as error:
            log.warning("tickets wait for the next team", error=str(error))
            seconds = LONGEST
        await wait(stop, seconds)


async def escalate(desk: Desk) -> float:
    """Escalates all tickets that are due. Returns the seconds until there may be more. Raises
    Unavailable."""
    now = utc_now()
    async with desk.unit_of_work() as work:
        rows = list(await work.session.execute(_DUE.where(TICKETS.c.widens_at <= now)))
        for row in rows:
            await commands.execute(work, store.ticket_of(row), Escalate(), now)
        following = await work.session.scalar(
            select(func.min(TICKETS.c.widens_at)).where(*_WAITS, TICKETS.c.widens_at > now)
        )
    if len(rows) == _MOST:
        return _SHORTEST
    left = (following - utc_now()).total_seconds() if following else LONGEST
    return min(LONGEST, max(_SHORTEST, left))
