"""Notifies whoever follows a conversation, in whichever process its new message was stored.

PostgreSQL lets transactions that notify commit one after the other, disk included, so messages do
not notify by themselves: processes notify each other after the commit, many conversations at once.
What a crash keeps unsent is found by the socket's own poll.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from shared.db import Database
from shared.loops import forever
from shared.metrics import METRICS
from shared.waiting import first_of

_NOTIFY = "SELECT pg_notify($1, owner) FROM unnest($2::text[]) AS owner"
_CHECK = 10.0
"""Seconds between checks of a quiet connection: a cable that was pulled says nothing by itself."""


class Hub:
    """Wakes followers by the contact point that owns the conversation. They read what is new
    themselves."""

    def __init__(self) -> None:
        self._followers: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._pending: set[str] = set()
        self._news = asyncio.Event()

    @contextmanager
    def follow(self, owner: str) -> Iterator[asyncio.Event]:
        """Gives an event that is set whenever there may be something new."""
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
        """Wakes the followers of a conversation, here and in every process, after the commit of a
        new message."""
        self.wake(owner)
        self._pending.add(owner)
        self._news.set()

    def wake(self, owner: str) -> None:
        """Wakes the followers of a conversation in this process."""
        for event in self._followers.get(owner, ()):
            event.set()

    def wake_all(self) -> None:
        """Wakes all followers: something may have been missed."""
        for owner in list(self._followers):
            self.wake(owner)

    async def listen(self, database: Database, stop: asyncio.Event) -> None:
        """Follows PostgreSQL's notifications until `stop`; after a lost connection all followers
        are woken."""
        await forever("dashboard-notifications", partial(self._listen, database, stop), stop)

    async def _listen(self, database: Database, stop: asyncio.Event) -> None:
        channel = f"{database.schema}_messages"
        async with database.connection() as connection:
            await connection.add_listener(channel, lambda *given: self.wake(str(given[3])))
            self.wake_all()
            while True:
                await first_of(stop, self._news, seconds=_CHECK)
                self._news.clear()
                if stop.is_set():
                    return
                owners = list(self._pending)
                await connection.execute(_NOTIFY, channel, owners, timeout=5)
                self._pending.difference_update(owners)
