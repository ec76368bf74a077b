"""What services see of the bus."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from shared.errors import SwitchboardError
from shared.events.base import Event
from shared.events.codec import encode
from shared.topics import Topic

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)
WRITTEN, TAKEN = "ce_time", "taken_time"
"""Headers: when a record was handed to Kafka, and when the one was that it was made of."""


@dataclass(frozen=True, slots=True)
class Record(Generic[E]):
    """One event as it was read."""

    topic: str
    partition: int
    offset: int
    key: str
    event: E
    headers: Mapping[str, str] = field(default_factory=dict)

    def time(self, header: str) -> datetime | None:
        """Returns the time in a header, or None where it holds none."""
        try:
            told = datetime.fromisoformat(self.headers.get(header, ""))
        except ValueError:
            return None
        return told if told.tzinfo else None


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event that was encoded earlier: a row of an outbox."""

    topic: str
    key: str
    value: bytes
    kind: str
    """The event's class name."""
    id: str = ""


class Raw:
    """A record before it is decoded; the fields that aiokafka's records have."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be handled: its raw bytes, where it came from and what went wrong."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    error: str
    group: str
    stack: str = ""
    headers: Sequence[tuple[str, bytes | None]] = ()
    """The record's own."""

    @classmethod
    def of(cls, raw: Raw, error: Exception, group: str, stack: str = "") -> DeadLetter:
        """Returns the dead letter of a record that `group` could not handle."""
        place = (raw.topic, raw.partition, raw.offset, raw.key, raw.value)
        return cls(*place, cls.words(error), group, stack, raw.headers)

    @staticmethod
    def words(error: Exception) -> str:
        """Returns what is kept of an error."""
        return f"{type(error).__name__}: {error}"[:1000]


Handler = Callable[[Sequence[Record[E]]], Awaitable[None]]
"""Handles records of any partitions, those of each in order. It may see a record again after a
crash."""


def encoded(topic: Topic[Any], key: str, event: Event) -> Encoded:
    """Returns an event as bytes, with what its headers need."""
    identity = getattr(event, "id", "") or getattr(getattr(event, "message", None), "id", "")
    return Encoded(topic.name, key, encode(event), type(event).__name__, str(identity))


class TooManyDeadLetters(SwitchboardError):
    """So much is bad that the fault is more likely ours: the consumer halts, and an operator is
    alerted."""


class Consumer(Protocol):
    """Reads topics for a group and hands batches to a handler."""

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set, and commits what was handled. Raises TooManyDeadLetters."""


class View(Protocol[E_co]):
    """A compacted topic, held in memory: the newest event of each key."""

    @property
    def ready(self) -> asyncio.Event:
        """Set once everything that was there at the start has been read."""

    async def run(self, stop: asyncio.Event) -> None:
        """Reads the topic to its end, then follows it, until `stop` is set."""

    def get(self, key: str) -> E_co | None:
        """Returns the newest event of this key, or None."""

    def values(self) -> Iterable[E_co]:
        """Returns the newest event of every key."""

    def __len__(self) -> int: ...


class Bus(Protocol):
    """Kafka, or its twin."""

    async def start(self) -> None:
        """Connects to the broker. Raises Unavailable."""

    async def stop(self) -> None:
        """Sends what is in flight, then disconnects."""

    async def publish(self, topic: Topic[E], key: str, event: E) -> None:
        """Returns when all in-sync replicas have it (acks=all). Raises Unavailable: it may or may
        not be there."""

    async def publish_all(self, items: Sequence[tuple[Topic[Any], str, Event]]) -> None:
        """Publishes many events at once, as `publish` does for one; in order for each key."""

    async def publish_encoded(self, items: Sequence[Encoded]) -> None:
        """Publishes events that are bytes already, as `publish_all` does for others."""

    async def set_aside(self, letter: DeadLetter) -> None:
        """Writes a dead letter. Raises Unavailable."""

    def consumer(
        self, topics: Sequence[Topic[E]], group: str, handle: Handler[E], *, max_records: int = 200
    ) -> Consumer:
        """Returns a consumer of this group, not yet running."""

    def view(self, topic: Topic[E]) -> View[E]:
        """Returns a view of this topic, not yet running."""
