"""The bus in memory, for unit tests. `tests/contracts/test_bus.py` holds it to what the one on
Kafka does."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from shared.bus.api import Consumer, DeadLetter, Encoded, Handler, Raw, View, encoded
from shared.bus.entries import Entries
from shared.bus.handling import BatchHandler
from shared.errors import Unavailable
from shared.events.base import Event
from shared.events.codec import decode
from shared.topics import Topic

E = TypeVar("E", bound=Event)


@dataclass
class MemoryRecord(Raw):
    """One record of a one-partition log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class MemoryBus:
    """Logs by topic; one partition each. `down = True` makes it as unavailable as a broker that is
    away."""

    logs: dict[str, list[MemoryRecord]] = field(default_factory=lambda: defaultdict(list))
    dead: list[DeadLetter] = field(default_factory=list)
    committed: dict[tuple[str, str], int] = field(default_factory=dict)
    down: bool = False
    _grown: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def start(self) -> None:
        self._check()

    async def stop(self) -> None:
        """Does nothing: in memory, nothing is in flight."""

    async def publish(self, topic: Topic[E], key: str, event: E) -> None:
        await self.publish_encoded([encoded(topic, key, event)])

    async def publish_all(self, items: Sequence[tuple[Topic[Any], str, Event]]) -> None:
        await self.publish_encoded([encoded(*item) for item in items])

    async def publish_encoded(self, items: Sequence[Encoded]) -> None:
        for item in items:
            await self.publish_raw(item.topic, item.key.encode(), item.value)

    async def publish_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        """Publishes arbitrary bytes, as a foreign writer might."""
        self._check()
        async with self._grown:
            self.logs[topic].append(MemoryRecord(topic, 0, len(self.logs[topic]), key, value, headers))
            self._grown.notify_all()

    async def set_aside(self, letter: DeadLetter) -> None:
        self._check()
        self.dead.append(letter)

    def consumer(
        self, topics: Sequence[Topic[E]], group: str, handle: Handler[E], *, max_records: int = 200
    ) -> Consumer:
        return _MemoryConsumer(self, topics, group, handle, max_records)

    def view(self, topic: Topic[E]) -> View[E]:
        return _MemoryView(self, topic)

    def events(self, topic: Topic[E]) -> list[E]:
        """Returns all events on a topic."""
        return [decode(topic.value, record.value) for record in self.logs[topic.name]]

    async def wait_for_more(self, seen: dict[str, int], stop: asyncio.Event) -> None:
        """Waits until one of these logs has grown past what was seen, or `stop` is set."""
        stopped = asyncio.ensure_future(stop.wait())
        grown = asyncio.ensure_future(self._wait_grown(seen))
        try:
            await asyncio.wait({stopped, grown}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            grown.cancel()
            await asyncio.gather(stopped, grown, return_exceptions=True)

    async def _wait_grown(self, seen: dict[str, int]) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: any(len(self.logs[name]) > offset for name, offset in seen.items()))

    def _check(self) -> None:
        if self.down:
            raise Unavailable("the bus is down")


class _MemoryConsumer(Generic[E]):
    def __init__(
        self, bus: MemoryBus, topics: Sequence[Topic[E]], group: str, handle: Handler[E], max_records: int
    ) -> None:
        self._bus, self._names, self._group, self._max = bus, [topic.name for topic in topics], group, max_records
        self._batch = BatchHandler(topics, group, handle, bus.set_aside)

    async def run(self, stop: asyncio.Event) -> None:
        committed = self._bus.committed
        while not stop.is_set():
            at = {name: committed.get((self._group, name), 0) for name in self._names}
            records = [
                record for name in self._names for record in self._bus.logs[name][at[name] : at[name] + self._max]
            ]
            if not records:
                await self._bus.wait_for_more(at, stop)
                continue
            if not await self._batch(records, stop):
                return
            committed |= {(self._group, record.topic): record.offset + 1 for record in records}
            self._batch.flood.check()


class _MemoryView(Generic[E]):
    def __init__(self, bus: MemoryBus, topic: Topic[E]) -> None:
        self._bus, self._topic = bus, topic
        self._entries = Entries(topic)
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        offset = 0
        while not stop.is_set():
            for record in self._bus.logs[self._topic.name][offset:]:
                offset += 1
                self._entries.take(record.key, record.value)
            self.ready.set()
            await self._bus.wait_for_more({self._topic.name: offset}, stop)

    def get(self, key: str) -> E | None:
        return self._entries.get(key)

    def values(self) -> Iterable[E]:
        return self._entries.values()

    def __len__(self) -> int:
        return len(self._entries)
