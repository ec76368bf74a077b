"""Wakes whoever follows a conversation, in whichever process its new message was stored."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from shared.bus.handling import wait
from shared.bus.retry import delay
from shared.db import Database
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS

_CHECK = 10.0
"""Seconds between looks at a quiet connection: a cable that was pulled says nothing by itself."""


class Hub:
    """Followers by the contact point that owns the conversation. What is new they read themselves."""

    def __init__(self) -> None:
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

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
            await wait(stop, delay(attempt, random.random()) if attempt else 0)  # noqa: S311 - jitter

    async def _listen_once(self, database: Database, stop: asyncio.Event) -> None:
        connection = await database.connect_raw()
        try:
            await connection.add_listener(f"{database.schema}_messages", lambda *told: self.wake(str(told[3])))
            self.wake_all()
            while not stop.is_set() and not connection.is_closed():
                await wait(stop, _CHECK)
                if not stop.is_set() and not connection.is_closed():
                    await connection.execute("SELECT 1", timeout=5)
        except Exception as error:  # asyncpg raises its own errors, of several trees, for a lost connection
            raise Unavailable(f"the listening connection was lost: {error}") from error
        finally:
            connection.terminate()
