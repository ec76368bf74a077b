"""Who left without saying so: their console's connection is lost for longer than a grace period, or
nothing was done there for long. They get no more work until they say that they are back.

A console shows by its stream that it is there, and each process writes down whose streams it has.
The clock is PostgreSQL's, so that those of processes may differ. Whoever has had no console since
they said that they are ready, such as a program's agent, is not held to it.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from functools import partial

from sqlalchemy import and_, func, or_, select, update

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.live import Live
from services.desk.people import presence
from services.desk.people.models import AGENTS
from shared.loops import forever

EVERY = 10.0
"""Seconds between two looks: a few within the grace period, so that one that fails ends nothing."""
LOST, IDLE = "connection lost", "idle"
"""Reasons."""


async def run(desk: Desk, live: Live, stop: asyncio.Event) -> None:
    """Looks until `stop`; waits for PostgreSQL while it is unavailable."""
    await forever("presence", partial(Rounds(desk, live).look), stop, EVERY)


class Rounds:
    """Looks again and again. After a pause (a start, PostgreSQL away) nobody counts as lost before
    they had a whole grace period to come back."""

    def __init__(self, desk: Desk, live: Live) -> None:
        self._desk, self._live = desk, live
        self._last = self._steady = time.monotonic()

    async def look(self) -> None:
        """Writes down who is there, and sets away who is not. Raises Unavailable."""
        began, grace = time.monotonic(), self._desk.settings.grace_seconds
        mine = select(AGENTS.c.id).where(among(AGENTS.c.email, sorted(self._live.consoles)))
        in_order = mine.order_by(AGENTS.c.id).with_for_update(key_share=True)  # as `presence.locked` does
        here = update(AGENTS).where(AGENTS.c.id.in_(in_order))
        async with self._desk.database.transaction() as session:
            await session.execute(here.values(seen_at=func.now()))
        if began - self._last > grace / 2:
            self._steady = began
        self._last = began
        await away(self._desk, lost=began - self._steady >= grace)


async def away(desk: Desk, *, lost: bool = True) -> None:
    """Sets agents away who have been idle for too long, and, where `lost`, those without a console
    since the grace period. Raises Unavailable."""
    settings = desk.settings
    silent = AGENTS.c.seen_at < func.now() - timedelta(seconds=settings.grace_seconds)
    still = AGENTS.c.active_at < func.now() - timedelta(minutes=settings.idle_minutes)
    there = and_(AGENTS.c.active, or_(AGENTS.c.presence == "ready", AGENTS.c.presence_after == "ready"))
    whom = [*([silent] if lost else []), *([still] if settings.idle_minutes else [])]
    if not whom:
        return
    found = select(AGENTS.c.email).where(there, or_(*whom))
    async with desk.database.statements() as session:
        emails = list(await session.scalars(found))
    if not emails:
        return
    async with desk.unit_of_work() as work:
        for row in await presence.locked(work.session, emails, skip=True):
            left = select(silent, still).where(AGENTS.c.id == row.id)
            is_silent, is_still = (await work.session.execute(left)).one()
            if lost and is_silent:
                await presence.gone(work, row, LOST)
            elif settings.idle_minutes and is_still:
                await presence.gone(work, row, IDLE)
