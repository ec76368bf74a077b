"""Polls a source from its cursor to its newest post. The cursor moves once all is published."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.social import repository
from services.social.connection import Connection
from services.social.domain import pace
from services.social.domain.posts import Account, Post, in_order
from services.social.ports import Denied, Later, Source, TooOld
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

_TOGETHER = 10
"""Pages that are read, then taken in oldest post first, so that conversations are in order."""
_LOOK = 1.0
"""Seconds after which polling takes over from a stream that went down."""


class Poller:
    """Polls one source. `now`, `rest` (until `stop`, or so many seconds): time and its passing."""

    def __init__(
        self,
        source: Source,
        connection: Connection,
        now: Callable[[], datetime] = utc_now,
        rest: Callable[[asyncio.Event, float], Awaitable[bool]] = wait,
    ) -> None:
        self._source, self._connection, self._network, self._name = (
            source,
            connection,
            connection.network,
            connection.name,
        )
        self._intake, self._availability, self._database = (
            connection.intake,
            connection.availability,
            connection.database,
        )
        self._schedule, self._now, self._rest = self._network.schedules[source], now, rest

    async def run(self, stop: asyncio.Event) -> None:
        """Polls until `stop`; nothing that a network does ends it."""
        attempt = 0
        while await self._connection.leadership.mine(stop) and await self._availability.signed_in(stop):
            looked = self._now()
            try:
                rest_until = await self.look(self._availability.account, stop)
                attempt = 0
                seconds = pace.after_success(self._schedule.every, rest_until, self._now())
            except Later as error:
                attempt += 1
                seconds = self._trouble(error, attempt, error.at)
            except Denied as error:
                if error.altogether:
                    self._availability.refused(self._source, error)
                self._availability.trouble(self._source, f"not allowed: {error}")
                log.warning("the network refuses", source=self._source, error=str(error))
                seconds = pace.DENIED
            except Unavailable as error:
                attempt += 1
                seconds = pace.after_failure(attempt, None, self._now(), random.random())
                log.warning("reading waits", source=self._source, error=str(error)[:300])
            await self._rest(stop, seconds)
            while not attempt and pace.relieved(
                looked, self._connection.streaming_since, self._now(), self._schedule.seldom
            ):
                if await self._rest(stop, min(_LOOK, self._schedule.every)):
                    break

    async def look(self, account: Account, stop: asyncio.Event) -> datetime | None:
        """Reads once from the cursor to the newest; when the rate limit opens again where it is
        used up. Raises Later, Denied, Unavailable; the cursor has not moved then."""
        start = self._network.id_at(self._now() - self._schedule.first)
        async with self._database.transaction() as session:
            cursor = await repository.cursor(session, self._name, self._source, start)
        since, token, newest = self._network.earlier(cursor, self._schedule.overlap), "", cursor
        rest_until: datetime | None = None
        collected: list[Post] = []
        pages = attempt = 0
        while not stop.is_set():
            try:
                page = await self._network.page(self._source, account, since, token)
            except TooOld:
                since, token = max(since, self._network.id_at(self._now() - self._network.remembered)), ""
                log.warning("the cursor is older than the network remembers", source=self._source, cursor=cursor)
                page = await self._network.page(self._source, account, since, token)
            except Later as error:
                if not collected and not pages:
                    raise
                await self._intake.take(in_order(collected), self._source, account)
                collected = []
                attempt += 1
                await self._rest(stop, self._trouble(error, attempt, error.at))
                continue
            attempt = 0
            await self._intake.reject(page.unreadable, self._source)
            collected += page.posts
            pages, token, rest_until = pages + 1, page.following, page.rest_until
            newest = max([newest, *(int(post.id) for post in page.posts)])
            if not token or rest_until or pages % _TOGETHER == 0:
                await self._intake.take(in_order(collected), self._source, account)
                collected = []
            if not token:
                await self._read_to(newest, cursor)
                return rest_until
            if rest_until:
                await self._rest(stop, pace.after_success(0, rest_until, self._now()))
        return None

    async def _read_to(self, newest: int, cursor: int) -> None:
        newest = min(
            newest, self._network.id_at(self._now())
        )  # no id is trusted to lie in the future: nothing would be read until then
        if newest > cursor:
            async with self._database.transaction() as session:
                await repository.move_cursor(session, self._name, self._source, newest)
        self._availability.trouble(self._source, "")
        METRICS.source_read.labels(network=self._name, source=self._source).set(time.time())

    def _trouble(self, error: Exception, attempt: int, at: datetime | None) -> float:
        seconds = pace.after_failure(attempt, at, self._now(), random.random())
        METRICS.retried.labels(what=f"{self._name}-{self._source}").inc()
        self._availability.trouble(self._source, str(error)[:200])
        log.warning(
            "the network does not answer now", source=self._source, error=str(error)[:300], seconds=round(seconds)
        )
        return seconds
