"""The wallboard of this process: figures are read while somebody watches, once for all who do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from services.desk.wallboard import figures
from services.desk.wallboard.pipeline import PipelineReader
from services.desk.wallboard.schemas import History, Mood, Pipeline, Reading, Snapshot, Times, Work
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.logs import log
from shared.waiting import wait

T = TypeVar("T")
EVERY = 1.0
"""Seconds between two looks at the database."""
PIPELINE_EVERY, TIMES_EVERY, MOOD_EVERY = 2.0, 5.0, 10.0
_PATIENCE = 4.0
"""Seconds after which a source that does not answer is told to be away."""
_SHARE = 5
"""A look takes a fifth of the time at most, however many tickets wait."""
_HISTORY_KEPT = timedelta(seconds=1)
"""So that many who open the page at once share one look."""


class Source(Generic[T]):
    """One place that figures come from. What could be had last is kept, with its time."""

    def __init__(self, name: str, every: float, read: Callable[[datetime], Awaitable[T]]) -> None:
        self.name, self.every = name, every
        self.reading: Reading[T] = Reading()
        self._read = read
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Reads the source, unless it was read just now."""
        async with self._lock:
            now, last = utc_now(), self.reading.at
            if last and self.reading.ok and now - last < timedelta(seconds=self.every / 2):
                return
            try:
                async with asyncio.timeout(_PATIENCE):
                    self.reading = Reading(value=await self._read(now), at=now)
            except (Unavailable, TimeoutError) as error:
                if self.reading.ok:
                    log.warning("the wallboard has no new figures", source=self.name, error=str(error))
                self.reading = replace(self.reading, ok=False)


class Wallboard:
    """One per process. `kafka`: its servers; empty where there is no Kafka, as in some tests."""

    def __init__(self, database: Database, kafka: str) -> None:
        self._database = database
        self._kafka = PipelineReader(kafka)
        self._work: Source[Work] = Source("database", EVERY, partial(figures.work, database))
        self._mood: Source[Mood] = Source("mood", MOOD_EVERY, partial(figures.mood, database))
        self._times: Source[Times] = Source("times", TIMES_EVERY, partial(figures.times, database))
        self._pipeline: Source[Pipeline] = Source("kafka", PIPELINE_EVERY, self._kafka.read)
        self._sources = (self._work, self._mood, self._times, self._pipeline)
        self._history: History | None = None
        self._watchers = 0
        self._watched, self._changed = asyncio.Event(), asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._stopped = False

    async def run(self, stop: asyncio.Event) -> None:
        """Reads the sources while somebody watches, until `stop`."""

        async def repeat(every: float, step: Callable[[], Awaitable[None]]) -> None:
            while not stop.is_set():
                await self._watched.wait()
                began = time.monotonic()
                await step()
                await wait(stop, max(every, _SHARE * (time.monotonic() - began)))

        async def end() -> None:
            await stop.wait()
            self._stopped = True
            self._watched.set()
            self._wake()

        try:
            await asyncio.gather(
                end(), repeat(EVERY, self._tell), *(repeat(source.every, source.refresh) for source in self._sources)
            )
        finally:
            await self._kafka.close()

    async def current(self) -> Snapshot:
        """Returns the current figures; a source that is unavailable shows its last ones, and
        says so."""
        await asyncio.gather(*(source.refresh() for source in self._sources))
        return self._take()

    async def history(self, channels: Sequence[str]) -> History:
        """Returns the last hour, for the charts to begin with; the last one that could be read
        while the database is unavailable."""
        now = utc_now().replace(microsecond=0)
        if self._history is None or now - self._history.times[-1] > _HISTORY_KEPT:
            try:
                async with asyncio.timeout(_PATIENCE):
                    self._history = await figures.history(self._database, now, channels)
            except (Unavailable, TimeoutError):
                return self._history or History(times=(), messages={}, first_reply=())
        return self._history

    async def watch(self) -> AsyncGenerator[Snapshot]:
        """Yields all figures once a second, until the desk stops. Read it to the end or
        `aclose()` it."""
        self._watchers += 1
        self._watched.set()
        try:
            while not self._stopped:
                changed = self._changed
                if self._snapshot:
                    yield self._snapshot
                if changed is self._changed:
                    await changed.wait()
        finally:
            self._watchers -= 1
            if not self._watchers and not self._stopped:
                self._watched.clear()

    async def _tell(self) -> None:
        self._take()
        self._wake()

    def _take(self) -> Snapshot:
        self._snapshot = Snapshot(
            at=utc_now(),
            work=self._work.reading,
            mood=self._mood.reading,
            pipeline=self._pipeline.reading,
            times=self._times.reading,
        )
        return self._snapshot

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
