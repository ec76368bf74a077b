"""Reads posts from a stream in the moment in which they are written. Polling goes on beside it,
more seldom, and finds what was written while the stream was down: a post is one message however it
came."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing

from services.social.connection import Connection
from services.social.domain import pace
from services.social.domain.posts import in_order
from services.social.ports import Denied, Lost, Page, Stream
from shared.clock import utc_now
from shared.logs import log
from shared.loops import persist
from shared.metrics import METRICS
from shared.waiting import wait

SOURCE = "stream"


class Streaming:
    """Listens as long as this process leads."""

    def __init__(self, stream: Stream, connection: Connection) -> None:
        self._stream, self._connection, self._name = stream, connection, connection.name
        self._intake, self._availability = connection.intake, connection.availability

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop`; nothing that a network does ends it."""
        attempt = 0
        while await self._connection.leadership.mine(stop) and await self._availability.signed_in(stop):
            try:
                await self._listen(stop)
                seconds = 0.0
            except Denied as error:
                seconds = pace.DENIED if error.credentials else pace.NOT_IN_PLAN
                self._availability.note(SOURCE, f"not allowed, so posts are polled: {error}")
                log.warning("no stream", error=str(error), seconds=round(seconds))
            except Lost as error:
                was = self._connection.streaming_since
                steady = was is not None and (utc_now() - was).total_seconds() >= pace.STEADY
                attempt = 1 if steady else attempt + 1
                seconds = self._stream.pause(error, attempt, utc_now(), random.random())
                METRICS.retried.labels(what=f"{self._name}-{SOURCE}").inc()
                self._availability.note(SOURCE, str(error)[:200])
                log.warning("the stream is down", error=str(error)[:300], seconds=round(seconds, 1))
            finally:
                self._connection.streams(None)
            await wait(stop, seconds)

    async def _listen(self, stop: asyncio.Event) -> None:
        account = self._availability.account
        async with aclosing(self._stream.listen(account)) as pages:
            async for page in pages:
                if stop.is_set() or not self._connection.leadership.held.is_set():
                    return
                if page is None:
                    continue
                if self._connection.streaming_since is None:
                    self._connection.streams(utc_now())
                    self._availability.note(SOURCE, "")
                    log.info("the stream is up", network=self._name)
                await self._take(page, stop)
                METRICS.source_read.labels(network=self._name, source=SOURCE).set(time.time())

    async def _take(self, page: Page, stop: asyncio.Event) -> None:
        """Takes a page in, with retries: posts wait in memory while Kafka or PostgreSQL is
        unavailable, and what does not fit there is found by polling."""

        async def take() -> None:
            await self._intake.reject(page.unreadable, SOURCE)
            await self._intake.take(in_order(page.posts), SOURCE, self._availability.account)

        if page.posts or page.unreadable:
            await persist(f"{self._name}-{SOURCE}-intake", take, stop)
