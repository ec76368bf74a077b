"""A compacted topic, followed on Kafka: the newest event of each key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from typing import Generic, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.client import options
from shared.bus.connecting import PATIENCE, connect, fetched
from shared.bus.entries import Entries
from shared.events.base import Event
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import Topic
from shared.waiting import wait

E = TypeVar("E", bound=Event)
BATCH = 500
"""Records taken at a time: some milliseconds, for which whatever else the process does has to
wait."""
_TOLD_EVERY = 5.0
"""Seconds between two log lines of a view that is read for the first time."""
_SOON = 0.1
_LOOK_EVERY = 10.0
"""Seconds between two looks at which partitions the topic has: one small request. Kafka's usual
five minutes are long for a customer whose wish stands on a partition that nobody reads yet."""


class KafkaView(Generic[E]):
    """Reads a whole compacted topic without a group, then follows it. An unreadable record is
    skipped and logged.

    look_every: seconds after which partitions that were added to the topic meanwhile are read as
    well.
    """

    def __init__(self, servers: str, topic: Topic[E], look_every: float = _LOOK_EVERY) -> None:
        self._servers, self._topic, self._look_every = servers, topic, look_every
        self._entries = Entries(topic)
        self._ends: dict[TopicPartition, int] = {}
        """Where each partition ended when it was found: up to there belongs to the first
        reading."""
        self._left = 0
        self._began = self._told = 0.0
        self.ready = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Reads the topic and follows it until `stop` is set."""
        consumer = AIOKafkaConsumer(
            **options(self._servers),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=round(self._look_every * 1000),
            isolation_level="read_committed",  # what a writer took back was never true
        )
        await connect(consumer, stop)
        try:
            await self._find(consumer, stop)
            self._began = self._told = time.monotonic()
            while not stop.is_set():
                for records in (await fetched(consumer, stop, BATCH, self._patience)).values():
                    for record in records:
                        self._entries.take(record.key, record.value)
                METRICS.view_entries.labels(topic=self._topic.name).set(len(self._entries))
                METRICS.view_bytes.labels(topic=self._topic.name).set(self._entries.held)
                await self._read(consumer, consumer.partitions_for_topic(self._topic.name) or set())
                if not self.ready.is_set():
                    await self._tell(consumer)
                await asyncio.sleep(0)  # while it has records, the consumer does not let go of the loop
        finally:
            await consumer.stop()

    @property
    def progress(self) -> str:
        """How far it is, for whoever waits for it."""
        if not self._total and not self.ready.is_set():
            return f"{self._topic.name}: waiting for Kafka"
        held = f"{self._topic.name}: {len(self)} entries in {self._entries.held / 1e6:.1f} MB"
        return held if self.ready.is_set() else f"{held}, {self._left} of {self._total} records to go"

    def get(self, key: str) -> E | None:
        """Returns the newest event of this key, or None."""
        return self._entries.get(key)

    def values(self) -> Iterable[E]:
        return self._entries.values()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def _patience(self) -> float:
        """Seconds until the next look at what there is beside records: soon, as long as somebody
        waits for the end of the reading."""
        return min(PATIENCE, self._look_every) if self.ready.is_set() else _SOON

    @property
    def _total(self) -> int:
        return sum(self._ends.values())

    async def _find(self, consumer: AIOKafkaConsumer, stop: asyncio.Event) -> None:
        """Waits until the topic exists, then begins to read it."""
        while not stop.is_set():
            metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - there is no public way to ask again
            if found := metadata.partitions_for_topic(self._topic.name):
                await self._read(consumer, found)
                return
            await wait(stop, 0.5)

    async def _read(self, consumer: AIOKafkaConsumer, numbers: set[int]) -> None:
        """Reads these partitions: known ones on from their positions, new ones from their
        beginnings."""
        found = [TopicPartition(self._topic.name, number) for number in sorted(numbers)]
        new = [partition for partition in found if partition not in self._ends]
        if not new:
            return
        if self._ends:
            log.info("the topic of a view has more partitions", topic=self._topic.name, partitions=len(found))
        places = {partition: await consumer.position(partition) for partition in self._ends}
        ends = dict.fromkeys(new, 0) if self.ready.is_set() else await consumer.end_offsets(new)
        consumer.assign([*places, *new])
        for partition, place in places.items():
            consumer.seek(partition, place)
        self._ends |= ends

    async def _tell(self, consumer: AIOKafkaConsumer) -> None:
        """Sets the view ready, or logs how much is left. Goes by position: compaction leaves
        gaps, so that the last record may lie far before the end."""
        self._left = sum([max(0, end - await consumer.position(partition)) for partition, end in self._ends.items()])
        now = time.monotonic()
        if not self._left:
            self.ready.set()
            log.info("view is ready", view=self.progress, seconds=round(now - self._began, 1))
        elif now - self._told > _TOLD_EVERY:
            self._told = now
            log.info("reading a view", view=self.progress)
