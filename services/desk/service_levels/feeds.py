"""Holidays that somebody else keeps: feeds of calendars are read every few hours. Where one is
away, gigantic or no calendar, the newest good one counts, and a warning says so."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update

from services.desk.context import Desk
from services.desk.service_levels import repository
from services.desk.service_levels.ical import days_off
from services.desk.service_levels.models import CALENDARS
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.security import outgoing
from shared.text import storable
from shared.waiting import wait

EVERY = timedelta(hours=6)
AGAIN = timedelta(minutes=30)
"""After an attempt that failed, or that nobody saw the end of."""
MOST_BYTES = 1_000_000
SECONDS = 15.0
_LOOK = 30.0
_FAILING = select(func.count()).select_from(CALENDARS).where(CALENDARS.c.feed != "", CALENDARS.c.feed_error != "")


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Reads feeds when it is time, until `stop`; waits for PostgreSQL while it is unavailable."""
    while not stop.is_set():
        try:
            while not stop.is_set() and await read_next(desk):
                pass
            async with desk.database.transaction() as session:
                METRICS.calendar_feeds_failing.set(await session.scalar(_FAILING) or 0)
        except Unavailable as error:
            log.warning("feeds of holidays are read later", error=str(error))
        await wait(stop, _LOOK)


async def read_next(desk: Desk) -> bool:
    """Reads one feed whose time has come. Returns whether there was one. Raises Unavailable where
    PostgreSQL is away."""
    now = utc_now()
    due = select(CALENDARS.c.id).where(CALENDARS.c.feed != "", CALENDARS.c.feed_next_at <= now)
    claimed = due.order_by(CALENDARS.c.feed_next_at).limit(1).with_for_update(skip_locked=True).scalar_subquery()
    taken = update(CALENDARS).where(CALENDARS.c.id == claimed).values(feed_next_at=now + AGAIN)
    async with desk.database.transaction() as session:
        row = (await session.execute(taken.returning(CALENDARS))).one_or_none()
    if row is None:
        return False
    await _read(desk, row.id, row.feed, now)
    return True


async def _read(desk: Desk, calendar: str, feed: str, now: datetime) -> None:
    try:
        data = await outgoing.get(feed, most=MOST_BYTES, seconds=SECONDS, private=desk.settings.private_feeds)
        days = [str(day) for day in await asyncio.to_thread(days_off, data, range(now.year - 1, now.year + 3))]
    except (Rejected, Unavailable, ValueError) as error:
        log.warning("a feed of holidays cannot be read", calendar=calendar, error=str(error))
        values: dict[str, Any] = {"feed_error": storable(str(error))[:300] or type(error).__name__}
    else:
        values = {"feed_error": "", "feed_days": days, "feed_at": now, "feed_next_at": now + EVERY}
    async with desk.database.transaction() as session:
        same = (CALENDARS.c.id == calendar, CALENDARS.c.feed == feed)
        before = await session.scalar(select(CALENDARS.c.feed_days).where(*same).with_for_update())
        await session.execute(update(CALENDARS).where(*same).values(**values))
        if "feed_days" in values and before is not None and before != values["feed_days"]:
            await repository.changed(session)
