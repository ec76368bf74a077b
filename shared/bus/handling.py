"""Handling a batch at least once, the same for Kafka and for its twin."""

from __future__ import annotations

import asyncio
import hashlib
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.bus.api import Bus, DeadLetter, Handler, Raw, Record, TooManyDeadLetters
from shared.bus.unreadable import readable
from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.logs import log
from shared.loops import persist
from shared.metrics import METRICS
from shared.topics import Topic

E = TypeVar("E", bound=Event)
FLOOD = 100
"""Dead letters a minute. A few bad records are the world's fault; a hundred in a minute are
ours."""


class FloodGauge:
    """Counts dead letters within the last minute."""

    def __init__(self, limit: int = FLOOD) -> None:
        self._limit = limit
        self._times: deque[float] = deque()

    def add(self, now: float) -> None:
        """Adds one more dead letter to the gauge. `now`: monotonic seconds."""
        self._times.append(now)
        while self._times[0] < now - 60:
            self._times.popleft()

    def check(self) -> None:
        """Raises TooManyDeadLetters once the limit is passed. Call it when what was set aside is
        committed.

        A consumer that halted before the commit would set the same records aside after each
        restart, and never get on.
        """
        if len(self._times) > self._limit:
            raise TooManyDeadLetters(
                f"more than {self._limit} dead letters in a minute: see `dead-letters`, then start again"
            )


class BatchHandler(Generic[E]):
    """Takes raw records of any partitions, those of each in order, and returns when each is handled
    or set aside."""

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
        records: list[tuple[Raw, Record[E]]] = []
        for raw in raws:
            try:
                records.append((raw, _decoded(raw, self._kinds[raw.topic])))
            except MalformedEvent as error:
                if not await self._bury(raw, error, stop):
                    return False
        if records and not await self._work_off(records, stop):
            return False
        METRICS.handling_seconds.labels(stage=self._group).observe(time.perf_counter() - started)
        return True

    async def _work_off(self, records: Sequence[tuple[Raw, Record[E]]], stop: asyncio.Event) -> bool:
        """Handles the whole batch; where it fails, each record by itself, so that one bad record
        does not fail the others. Returns False where `stop` came first."""
        try:
            return await persist(self._group, lambda: self._handle([record for _, record in records]), stop)
        except Exception as error:  # noqa: BLE001 - whatever a handler trips over, the record is kept and the rest flows
            if len(records) == 1:
                return await self._bury(records[0][0], error, stop)
            log.warning("batch failed, handling its records one by one", error=repr(error), size=len(records))
        for record in records:
            if not await self._work_off([record], stop):
                return False
        return True

    async def _bury(self, raw: Raw, error: Exception, stop: asyncio.Event) -> bool:
        stack = "".join(traceback.format_exception(error))[-4000:]
        letter = DeadLetter.of(raw, error, self._group, stack)
        if not await persist(self._group, lambda: self._set_aside(letter), stop):
            return False
        METRICS.dead_lettered.labels(topic=raw.topic).inc()
        log.error("record set aside", topic=raw.topic, partition=raw.partition, offset=raw.offset, error=letter.error)
        self.flood.add(time.monotonic())
        return True


def _decoded(raw: Raw, kind: type[E]) -> Record[E]:
    headers = {name: (value or b"").decode(errors="replace") for name, value in raw.headers}
    key = (raw.key or b"").decode(errors="replace")
    return Record(raw.topic, raw.partition, raw.offset, key, decode(kind, readable(raw)), headers)


async def dead_letter(bus: Bus, source: str, key: bytes, value: bytes, error: Exception, group: str) -> None:
    """Writes to the dead letters what came in by a door and not from a topic. `source`: the
    door; `key`: distinguishes one item from another there. Raises Unavailable."""
    number = int.from_bytes(hashlib.sha256(key).digest()[:7])
    await bus.set_aside(DeadLetter(source, 0, number, key, value, DeadLetter.words(error), group))
    METRICS.dead_lettered.labels(topic=source).inc()
    log.error("dead-lettered", source=source, key=key.decode(errors="replace"), error=str(error)[:500])
