"""Wakes whoever follows a conversation, in whichever process its new message was stored.

PostgreSQL lets transactions that notify commit one after the other, disk included, so messages do not notify by themselves:
processes tell each other after the commit, many conversations at once. What a crash keeps untold is found by the socket's
own look, once in a while.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from shared.attempts import delay
from shared.db import Database
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import first_of, wait

_NOTIFY = "SELECT pg_notify($1, owner) FROM unnest($2::text[]) AS owner"
_CHECK = 10.0
"""Seconds between looks at a quiet connection: a cable that was pulled says nothing by itself."""


class Hub:
    """Followers by the contact point that owns the conversation. What is new they read themselves."""

    def __init__(self) -> None:
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._untold: set[str] = set()
        self._news = asyncio.Event()

    @contextmanager
    def follow(self, owner: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be something new."""
        event = asyncio.Event()
        self._followers[owner].add(event)
        METRICS.live_viewers.labels(service="dashboard").inc()
        try:
            yield event
        finally:
            METRICS.live_viewers.labels(service="dashboard").dec()
            self._followers[owner].discard(event)
            if not self._followers[owner]:
                del self._followers[owner]

    def notify(self, owner: str) -> None:
        """A new message of this owner's conversation has been committed: wake its followers here and everywhere."""
        self.wake(owner)
        self._untold.add(owner)
        self._news.set()

    def wake(self, owner: str) -> None:
        """There is a new message in the conversation of this owner."""
        for event in self._followers.get(owner, ()):
            event.set()

    def wake_all(self) -> None:
        """Something may have been missed."""
        for owner in list(self._followers):
            self.wake(owner)

    async def listen(self, database: Database, stop: asyncio.Event) -> None:
        """Follow PostgreSQL's notifications until `stop`; after a lost connection everybody looks for themselves."""
        attempt = 0
        while not stop.is_set():
            try:
                await self._listen_once(database, stop)
                attempt = 0
            except (Unavailable, OSError) as error:
                attempt += 1
                log.warning("not hearing of new messages", error=str(error), attempt=attempt)
            await wait(stop, delay(attempt, random.random()) if attempt else 0)

    async def _pause(self, stop: asyncio.Event) -> bool:
        """Until there is something to tell, or it is time to look at the connection. Whether `stop` was set."""
        await first_of(stop, self._news, seconds=_CHECK)
        self._news.clear()
        return stop.is_set()

    async def _listen_once(self, database: Database, stop: asyncio.Event) -> None:
        connection = await database.connect_raw()
        try:
            await connection.add_listener(f"{database.schema}_messages", lambda *told: self.wake(str(told[3])))
            self.wake_all()
            while not await self._pause(stop):
                told = list(self._untold)
                await connection.execute(_NOTIFY, f"{database.schema}_messages", told, timeout=5)
                self._untold.difference_update(told)
        except Exception as error:  # asyncpg raises its own errors, of several trees, for a lost connection
            raise Unavailable(f"the listening connection was lost: {error}") from error
        finally:
            connection.terminate()
