"""Handling a batch at least once, the same for Kafka and for its twin."""

from __future__ import annotations

import asyncio
import random
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.attempts import delay
from shared.bus.api import DeadLetter, Handler, Record, TooManyDeadLetters
from shared.bus.unreadable import readable
from shared.errors import Unavailable
from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import Topic
from shared.waiting import wait

E = TypeVar("E", bound=Event)
FLOOD = 100
"""Dead letters a minute. A few bad records are the world's fault; a hundred in a minute are ours."""


class FloodGauge:
    """Counts dead letters within the last minute."""

    def __init__(self, limit: int = FLOOD) -> None:
        self._limit = limit
        self._times: deque[float] = deque()

    def add(self, now: float) -> None:
        """One more. `now`: monotonic seconds."""
        self._times.append(now)
        while self._times[0] < now - 60:
            self._times.popleft()

    def check(self) -> None:
        """Raises TooManyDeadLetters once the limit is passed. Call it when what was set aside is committed.

        A consumer that halted before the commit would set the same records aside after each restart, and never get on.
        """
        if len(self._times) > self._limit:
            raise TooManyDeadLetters(
                f"more than {self._limit} dead letters in a minute: see `dead-letters`, then start again"
            )


class Raw:
    """A record before it is decoded; the fields that aiokafka's records have."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class BatchHandler(Generic[E]):
    """Takes raw records of one partition and returns when each is handled or set aside."""

    def __init__(
        self,
        topics: Sequence[Topic[E]],
        group: str,
        handle: Handler[E],
        set_aside: Callable[[DeadLetter], Awaitable[None]],
    ) -> None:
        self._kinds = {topic.name: topic.value for topic in topics}
        self._group, self._handle, self._set_aside = group, handle, set_aside
        self.flood = FloodGauge()
        METRICS.handling_seconds.labels(stage=group)
        for topic in topics:
            METRICS.dead_lettered.labels(topic=topic.name)

    async def __call__(self, raws: Sequence[Raw], stop: asyncio.Event) -> bool:
        """Whether the records are done and may be committed; False where `stop` came first."""
        started = time.perf_counter()
        records: list[Record[E]] = []
        by_offset = {raw.offset: raw for raw in raws}
        for raw in raws:
            try:
                records.append(_decoded(raw, self._kinds[raw.topic]))
            except MalformedEvent as error:
                if not await self._bury(raw, error, stop):
                    return False
        if records and not await self._work_off(records, by_offset, stop):
            return False
        METRICS.handling_seconds.labels(stage=self._group).observe(time.perf_counter() - started)
        return True

    async def _work_off(self, records: Sequence[Record[E]], raws: dict[int, Raw], stop: asyncio.Event) -> bool:
        """The whole batch; where it fails, each record by itself, so that one bad record does not take others along."""
        try:
            return await self._until_available(lambda: self._handle(records), stop)
        except Exception as error:  # noqa: BLE001 - whatever a handler trips over, the record is kept and the rest flows
            if len(records) == 1:
                return await self._bury(raws[records[0].offset], error, stop)
            log.warning("batch failed, handling its records one by one", error=repr(error), size=len(records))
        for record in records:
            if not await self._work_off([record], raws, stop):
                return False
        return True

    async def _bury(self, raw: Raw, error: Exception, stop: asyncio.Event) -> bool:
        stack = "".join(traceback.format_exception(error))[-4000:]
        letter = DeadLetter(
            raw.topic,
            raw.partition,
            raw.offset,
            raw.key,
            raw.value,
            f"{type(error).__name__}: {error}"[:1000],
            self._group,
            stack,
            raw.headers,
        )
        if not await self._until_available(lambda: self._set_aside(letter), stop):
            return False
        METRICS.dead_lettered.labels(topic=raw.topic).inc()
        log.error("record set aside", topic=raw.topic, partition=raw.partition, offset=raw.offset, error=letter.error)
        self.flood.add(time.monotonic())
        return True

    async def _until_available(self, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> bool:
        attempt = 0
        while True:
            try:
                await work()
            except Unavailable as error:
                attempt += 1
                METRICS.retried.labels(what=self._group).inc()
                log.warning("waiting for what is away", error=str(error), attempt=attempt)
                if await wait(stop, delay(attempt, random.random())):
                    return False
            else:
                return True


def _decoded(raw: Raw, kind: type[E]) -> Record[E]:
    headers = {name: (value or b"").decode(errors="replace") for name, value in raw.headers}
    key = (raw.key or b"").decode(errors="replace")
    return Record(raw.topic, raw.partition, raw.offset, key, decode(kind, readable(raw)), headers)
