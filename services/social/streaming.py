"""Posts in the moment in which they are written, where the plan has X's filtered stream. Polling goes on beside it, more seldom, and
finds what was written while the stream was down: a post is one message however it came."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing
from datetime import datetime

from services.social.domain import pace
from services.social.domain.posts import NETWORK, Post
from services.social.ports import Denied, Lost, Page, Stream
from services.social.receiving import Intake
from services.social.setting_aside import Oddities
from services.social.standing import Standing
from services.social.turn import Turn
from shared.attempts import delay
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

SOURCE = "stream"


class Live:
    """Whether the stream is heard, and since when without a break; for polling, which can rest meanwhile."""

    def __init__(self) -> None:
        self.since: datetime | None = None

    def set(self, since: datetime | None) -> None:
        """None: it is down."""
        self.since = since
        METRICS.stream_up.labels(network=NETWORK).set(since is not None)


class Streaming:
    """Listens as long as it is this process's turn."""

    def __init__(
        self, stream: Stream, intake: Intake, standing: Standing, turn: Turn, oddities: Oddities, live: Live
    ) -> None:
        self._stream, self._intake, self._standing, self._turn = stream, intake, standing, turn
        self._oddities, self._live = oddities, live

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; nothing that a network does ends it."""
        attempt = 0
        while await self._turn.mine(stop) and await self._standing.known(stop):
            try:
                await self._listen(stop)
                seconds = 0.0
            except Denied as error:
                seconds = pace.DENIED if error.credentials else pace.NOT_IN_PLAN
                self._standing.note(SOURCE, f"X does not allow it, so posts are polled: {error}")
                log.warning("no stream", error=str(error), seconds=round(seconds))
            except Lost as error:
                was = self._live.since
                steady = was is not None and (utc_now() - was).total_seconds() >= pace.STEADY
                attempt = 1 if steady else attempt + 1
                seconds = pace.before_reconnect(error.kind, attempt, error.at, utc_now(), random.random())
                METRICS.retried.labels(what=f"{NETWORK}-{SOURCE}").inc()
                self._standing.note(SOURCE, str(error)[:200])
                log.warning("the stream is down", error=str(error)[:300], seconds=round(seconds, 1))
            finally:
                self._live.set(None)
            await wait(stop, seconds)

    async def _listen(self, stop: asyncio.Event) -> None:
        account = self._standing.account
        async with aclosing(self._stream.listen(account)) as pages:
            async for page in pages:
                if stop.is_set() or not self._turn.held.is_set():
                    return
                if page is None:
                    continue
                if self._live.since is None:
                    self._live.set(utc_now())
                    self._standing.note(SOURCE, "")
                    log.info("the stream is up", network=NETWORK)
                await self._take(page, stop)
                METRICS.source_read.labels(network=NETWORK, source=SOURCE).set(time.time())

    async def _take(self, page: Page, stop: asyncio.Event) -> None:
        """Kafka or PostgreSQL may be away: meanwhile posts wait in memory, and beyond that polling finds them."""
        attempt = 0
        while page.posts or page.unreadable:
            try:
                await self._oddities.set_aside(SOURCE, page.unreadable)
                await self._intake.take(_in_order(page), SOURCE, self._standing.account)
            except Unavailable as error:
                attempt += 1
                log.warning("posts of the stream wait", error=str(error)[:300])
                if await wait(stop, delay(attempt, random.random())):
                    return
            else:
                return


def _in_order(page: Page) -> list[Post]:
    return sorted(page.posts, key=lambda post: int(post.id))
