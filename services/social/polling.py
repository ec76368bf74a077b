"""Reading a source from its cursor to its newest post, again and again. The cursor moves once Kafka and PostgreSQL have all."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.social import repository
from services.social.domain import pace
from services.social.domain.posts import NETWORK, Account, Post, earlier, id_at
from services.social.ports import Denied, Later, Network, Source, TooOld
from services.social.receiving import Intake
from services.social.setting_aside import Oddities
from services.social.standing import Standing
from services.social.streaming import Live
from services.social.turn import Turn
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

_TOGETHER = 10
"""Pages that are read before they are taken in, oldest post first, so that a conversation arrives in its order."""
_REMEMBERED = timedelta(days=6, hours=20)
"""X's recent search knows seven days; a cursor further back is refused."""
_LOOK = 1.0
"""Seconds after which polling takes over from a stream that went down."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`every`, `overlap`: seconds; `first`: how far back the first look goes; `seldom`: seconds between two looks while the stream
    brings posts, not less than `every`."""

    every: float
    overlap: float
    first: timedelta
    seldom: float = 0


class Reader:
    """Reads one source. `now` and `rest` (until `stop`, or so many seconds): time and its passing."""

    def __init__(
        self,
        source: Source,
        network: Network,
        intake: Intake,
        standing: Standing,
        turn: Turn,
        database: Database,
        oddities: Oddities,
        live: Live,
        pace: Pace,
        now: Callable[[], datetime] = utc_now,
        rest: Callable[[asyncio.Event, float], Awaitable[bool]] = wait,
    ) -> None:
        self._source, self._network, self._intake, self._standing, self._turn = source, network, intake, standing, turn
        self._database, self._oddities, self._live, self._pace = database, oddities, live, pace
        self._now, self._rest = now, rest

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; nothing that a network does ends it."""
        attempt = 0
        while await self._turn.mine(stop) and await self._standing.known(stop):
            looked = self._now()
            try:
                rest_until = await self.look(self._standing.account, stop)
                attempt = 0
                seconds = pace.after_success(self._pace.every, rest_until, self._now())
            except Later as error:
                attempt += 1
                seconds = self._trouble(error, attempt, error.at)
            except Denied as error:
                if error.altogether:
                    self._standing.refused(self._source, error)
                self._standing.trouble(self._source, f"X does not allow this: {error}")
                log.warning("the network refuses", source=self._source, error=str(error))
                seconds = pace.DENIED
            except Unavailable as error:
                attempt += 1
                seconds = pace.after_failure(attempt, None, self._now(), random.random())
                log.warning("reading waits", source=self._source, error=str(error)[:300])
            await self._rest(stop, seconds)
            while not attempt and pace.relieved(looked, self._live.since, self._now(), self._pace.seldom):
                if await self._rest(stop, min(_LOOK, self._pace.every)):
                    break

    async def look(self, account: Account, stop: asyncio.Event) -> datetime | None:
        """Once from the cursor to the newest; when the rate limit opens again where it is used up. Raises Later, Denied,
        Unavailable; the cursor has not moved then."""
        start = id_at(self._now() - self._pace.first)
        async with self._database.transaction() as session:
            cursor = await repository.cursor(session, self._source, start)
        since, token, newest = earlier(cursor, self._pace.overlap), "", cursor
        rest_until: datetime | None = None
        collected: list[Post] = []
        pages = attempt = 0
        while not stop.is_set():
            try:
                page = await self._network.page(self._source, account, since, token)
            except TooOld:
                since, token = max(since, id_at(self._now() - _REMEMBERED)), ""
                log.warning("the cursor is older than the network remembers", source=self._source, cursor=cursor)
                page = await self._network.page(self._source, account, since, token)
            except Later as error:
                if not collected and not pages:
                    raise
                await self._intake.take(_in_order(collected), self._source, account)
                collected = []
                attempt += 1
                await self._rest(stop, self._trouble(error, attempt, error.at))
                continue
            attempt = 0
            await self._oddities.set_aside(self._source, page.unreadable)
            collected += page.posts
            pages, token, rest_until = pages + 1, page.following, page.rest_until
            newest = max([newest, *(int(post.id) for post in page.posts)])
            if not token or rest_until or pages % _TOGETHER == 0:
                await self._intake.take(_in_order(collected), self._source, account)
                collected = []
            if not token:
                await self._read_to(newest, cursor)
                return rest_until
            if rest_until:
                await self._rest(stop, pace.after_success(0, rest_until, self._now()))
        return None

    async def _read_to(self, newest: int, cursor: int) -> None:
        newest = min(
            newest, id_at(self._now())
        )  # no id is trusted to lie in the future: nothing would be read until then
        if newest > cursor:
            async with self._database.transaction() as session:
                await repository.move_cursor(session, self._source, newest)
        self._standing.trouble(self._source, "")
        METRICS.source_read.labels(network=NETWORK, source=self._source).set(time.time())

    def _trouble(self, error: Exception, attempt: int, at: datetime | None) -> float:
        seconds = pace.after_failure(attempt, at, self._now(), random.random())
        METRICS.retried.labels(what=f"{NETWORK}-{self._source}").inc()
        self._standing.trouble(self._source, str(error)[:200])
        log.warning(
            "the network does not answer now", source=self._source, error=str(error)[:300], seconds=round(seconds)
        )
        return seconds


def _in_order(posts: Sequence[Post]) -> list[Post]:
    return sorted(posts, key=lambda post: int(post.id))
