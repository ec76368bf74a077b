"""What operators see of the desk: counted in the database every few seconds by one statement, and
not at each scrape."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from time import monotonic as clock
from typing import Any

from sqlalchemy import Row, text

from services.desk.context import Desk
from services.desk.tickets.domain import SOON
from shared.errors import Unavailable
from shared.kernel import Level
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

EVERY = 5.0
"""Seconds between two counts: fresher than any scrape needs, and a fraction of a percent of a
processor."""
_PATIENCE = 10.0
"""Seconds: a database that hangs must not hold the next count back for ever."""
_SHARE, _LONGEST = 50, 30.0
"""Counting takes a fiftieth of the time, however many wait; and what alerts look at is never older
than these seconds."""
SERVICE = "desk"
_WAITING = text(
    """
    SELECT channel, level, count(*) AS waiting,
        extract(epoch FROM now() - min(waiting_since)) AS oldest,
        count(*) FILTER (WHERE due_at <= now()) AS overdue,
        count(*) FILTER (WHERE due_at > now() AND due_at <= now() + :soon) AS due_soon
    FROM desk.tickets WHERE status = 'open' AND waiting_since IS NOT NULL GROUP BY channel, level
    """
)
_PAUSED = text("SELECT EXISTS (SELECT FROM desk.autoreply_brake)")


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Samples the metrics until `stop`. While the database is unavailable the last numbers stay,
    and `sampled` shows how old they are."""
    while not stop.is_set():
        began = clock()
        try:
            async with asyncio.timeout(_PATIENCE):
                await sample(desk)
        except (Unavailable, TimeoutError) as error:
            log.warning("tickets could not be counted", error=str(error)[:200])
        await wait(stop, max(EVERY, min(_LONGEST, _SHARE * (clock() - began))))


async def sample(desk: Desk) -> None:
    """Samples the metrics once. Raises Unavailable."""
    async with desk.database.transaction() as session:
        rows = (await session.execute(_WAITING, {"soon": SOON})).all()
        paused = await session.scalar(_PAUSED)
    free = await desk.storage.free()
    _tell(rows)
    METRICS.autoreplies_paused.set(bool(paused))
    if free is not None:
        METRICS.storage_free.labels(service=SERVICE).set(free)
    METRICS.sampled.labels(service=SERVICE).set_to_current_time()


def _tell(rows: Sequence[Row[Any]]) -> None:
    """Sets the gauges without a pause in which a scrape could see half of them. Every level is
    set, so that 0 is a number too."""
    METRICS.tickets_waiting.clear()
    oldest: dict[str, float] = {}
    overdue, due_soon = Counter[str](), Counter[str]()
    for row in rows:
        METRICS.tickets_waiting.labels(channel=row.channel, level=row.level).set(row.waiting)
        oldest[row.level] = max(oldest.get(row.level, 0.0), float(row.oldest))
        overdue[row.level] += row.overdue
        due_soon[row.level] += row.due_soon
    for level in Level:
        METRICS.tickets_oldest_waiting.labels(level=level).set(oldest.get(level, 0.0))
        METRICS.tickets_overdue.labels(level=level).set(overdue[level])
        METRICS.tickets_due_soon.labels(level=level).set(due_soon[level])
