"""Whether everything flows, asked of Kafka itself: how far topics have grown, and how far their
readers are behind."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.desk.wallboard import domain
from services.desk.wallboard.domain import Offsets
from services.desk.wallboard.schemas import Pipeline, Stage
from shared.bus.client import options, shown
from shared.errors import Unavailable
from shared.topics import (
    DEAD_LETTERS,
    DELIVERIES_REPORTED,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    MESSAGES_ROUTED,
    deliveries_requested,
)

_RATE_OVER = 10.0
"""Seconds over which events a second are counted: long enough to be calm, short enough to show a
stop."""
_TOPICS_EVERY = 30.0
"""Seconds between two looks at which topics and groups there are."""
_MOST_GROUPS = 50
_REQUEST_MS = 3_000
_HOUR = timedelta(hours=1)
_REQUESTED = deliveries_requested("").name


@dataclass(frozen=True, slots=True)
class _Step:
    """`reads` and `writes` are topics, or beginnings of their names."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


_RECEIVED = (MESSAGES_RECEIVED.name, MESSAGES_RECEIVED_LIVE.name)
_STEPS = (
    _Step("received", (), _RECEIVED),
    _Step("router", _RECEIVED, (MESSAGES_ROUTED.name,)),
    _Step("desk", (MESSAGES_ROUTED.name, DELIVERIES_REPORTED.name), (_REQUESTED,)),
    _Step("delivery", (_REQUESTED,), (DELIVERIES_REPORTED.name,)),
)
"""The desk writes answers, and channels report what became of them."""


class PipelineReader:
    """Connects when it is first asked, and anew after a failure. `servers`: `host:port`,
    comma-separated."""

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._partitions: list[TopicPartition] = []
        self._groups: dict[str, int] = {}
        """Coordinators by group."""
        self._looked = 0.0
        self._grown: deque[tuple[float, Mapping[str, int]]] = deque()

    async def read(self, now: datetime) -> Pipeline:
        """Raises Unavailable where Kafka does not answer."""
        try:
            return await self._read(now)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise Unavailable(f"Kafka at {shown(self._servers)} is unavailable: {error}") from error

    async def close(self) -> None:
        """Disconnects from Kafka."""
        consumer, admin = self._consumer, self._admin
        self._consumer = self._admin = None
        for client, end in ((consumer, "stop"), (admin, "close")):
            if client is not None:
                with suppress(KafkaError, OSError):
                    await getattr(client, end)()

    async def _read(self, now: datetime) -> Pipeline:
        consumer, admin = await self._connected()
        if time.monotonic() - self._looked > _TOPICS_EVERY:
            await self._look(consumer, admin)
        begins, ends = await self._offsets(consumer)
        committed = {group: await self._committed(admin, group) for group in self._groups}
        topics = sorted({topic for topic, _ in ends})
        sums = {topic: sum(end for place, end in ends.items() if place[0] == topic) for topic in topics}
        rates = self._rates(sums)
        stages = []
        for step in _STEPS:
            reads = [topic for topic in topics if topic.startswith(step.reads)] if step.reads else []
            stages.append(
                Stage(
                    name=step.name,
                    per_second=sum(rates[topic] for topic in topics if topic.startswith(step.writes)),
                    lag=domain.waiting(committed.values(), begins, ends, reads) if step.reads else None,
                )
            )
        return Pipeline(
            stages=tuple(stages),
            groups={group: domain.lag(read, begins, ends, topics) for group, read in sorted(committed.items()) if read},
            dead_letters=domain.kept(begins, ends, DEAD_LETTERS.name),
            dead_letters_new=await self._new(consumer, ends, now),
        )

    async def _connected(self) -> tuple[AIOKafkaConsumer, AIOKafkaAdminClient]:
        if self._consumer is None or self._admin is None:
            self._looked = 0.0
            self._consumer = AIOKafkaConsumer(
                **options(self._servers), client_id="wallboard", request_timeout_ms=_REQUEST_MS
            )
            self._admin = AIOKafkaAdminClient(
                **options(self._servers), client_id="wallboard", request_timeout_ms=_REQUEST_MS
            )
            await self._consumer.start()
            await self._admin.start()
        return self._consumer, self._admin

    async def _look(self, consumer: AIOKafkaConsumer, admin: AIOKafkaAdminClient) -> None:
        """Reads which topics and groups there are."""
        names = (*_RECEIVED, MESSAGES_ROUTED.name, DELIVERIES_REPORTED.name, DEAD_LETTERS.name, _REQUESTED)
        metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - there is no public way to ask again
        self._partitions = [
            TopicPartition(topic, number)
            for topic in sorted(metadata.topics())
            if topic in names or topic.startswith(_REQUESTED)
            for number in sorted(metadata.partitions_for_topic(topic) or ())
        ]
        found = sorted(group for group, *_ in await admin.list_consumer_groups())
        self._groups = {
            group: self._groups.get(group) or await admin.find_coordinator(group) for group in found[:_MOST_GROUPS]
        }
        self._looked = time.monotonic()

    async def _offsets(self, consumer: AIOKafkaConsumer) -> tuple[Offsets, Offsets]:
        if not self._partitions:
            return {}, {}
        begins = await consumer.beginning_offsets(self._partitions)
        ends = await consumer.end_offsets(self._partitions)
        return {tuple(tp): offset for tp, offset in begins.items()}, {tuple(tp): offset for tp, offset in ends.items()}

    async def _committed(self, admin: AIOKafkaAdminClient, group: str) -> Offsets:
        """Returns the offsets that a group has committed on our topics."""
        known = set(self._partitions)
        found = await admin.list_consumer_group_offsets(group, group_coordinator_id=self._groups[group])
        return {tuple(tp): entry.offset for tp, entry in found.items() if tp in known and entry.offset >= 0}

    async def _new(self, consumer: AIOKafkaConsumer, ends: Offsets, now: datetime) -> int:
        """Returns the number of dead letters of the last hour, by Kafka's own clock of them."""
        places = [tp for tp in self._partitions if tp.topic == DEAD_LETTERS.name]
        if not places:
            return 0
        since = int((now - _HOUR).timestamp() * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(places, since))
        return sum(ends[tuple(tp)] - at.offset for tp, at in found.items() if at is not None)

    def _rates(self, sums: Mapping[str, int]) -> dict[str, float]:
        now = time.monotonic()
        self._grown.append((now, sums))
        while self._grown[0][0] < now - _RATE_OVER and len(self._grown) > 1:
            self._grown.popleft()
        return {
            topic: domain.rate([(at, grown[topic]) for at, grown in self._grown if topic in grown]) for topic in sums
        }
