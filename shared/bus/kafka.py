"""The bus on Apache Kafka, by aiokafka."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar, cast

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    for_code,
)
from aiokafka.protocol.admin import ApiVersionRequest

from shared.bus.api import Consumer, DeadLetter, Encoded, Handler, Raw, View, encoded
from shared.bus.client import options, shown
from shared.bus.connecting import connect, fetched
from shared.bus.handling import BatchHandler
from shared.bus.views import KafkaView
from shared.clock import utc_now
from shared.errors import Malformed, Unavailable
from shared.events import InboundMessage
from shared.events.base import Event
from shared.events.codec import LARGEST
from shared.health import Health
from shared.kernel import stable_id
from shared.logs import log
from shared.loops import persist
from shared.metrics import METRICS
from shared.topics import DEAD_LETTERS, Topic
from shared.waiting import wait

E = TypeVar("E", bound=Event)
REQUEST_TIMEOUT_MS = 10_000
"""A sender waits for our answer; after this we say "try again" rather than leave it hanging. An
idempotent producer of aiokafka never gives a batch up by itself, so we watch the clock."""
LAST_WORDS = 2.0
"""Seconds that a stopping process gives the broker to acknowledge; less than a supervisor's
patience."""
LAG_EVERY = 5.0
"""Seconds between two looks at how far a consumer is behind."""
LOOK_EVERY, LOOK_AGAIN = 5.0, 1.0
"""Seconds between two looks at whether a broker answers: as long as one does, and while none
does."""
MAX_EVENT = 4 << 20
"""Bytes of one event at the door. Other topics take twice that: a decision or an error goes along
with it further on."""
ROOM = 64 << 10
"""Bytes that a record takes beside its value: key, headers, and what Kafka adds to each batch."""
_AS_WRITTEN = "producer"
"""The `compression.type` of every topic: the broker keeps batches as they were written, and spends
no time on packing them anew."""
KEPT = 1 << 20
"""Bytes that are kept of a record that is too large to be set aside: enough to see what it was."""

ORIGINAL = "original:"
"""Before the name of each header that a dead letter had as a record."""
CUT = "cut"
"""Header of a dead letter that holds only the beginning of its record: how many bytes that one
has."""


class KafkaBus:
    """One producer for the process, and any number of consumers and views. `servers`: an address,
    as `shared.bus.client` has it."""

    def __init__(self, servers: str, service: str, health: Health | None = None) -> None:
        self.servers, self.service, self._health = servers, service, health or Health()
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connects to the broker. Raises Unavailable where none answers."""
        producer = AIOKafkaProducer(
            **options(self.servers),
            client_id=self.service,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 << 10,
            max_request_size=2 * MAX_EVENT,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise Unavailable(f"Kafka at {shown(self.servers)} is unavailable: {error}") from error
        self._producer = producer

    async def keep_connecting(self, stop: asyncio.Event) -> None:
        """Starts as soon as a broker answers, and keeps `/health/ready` up to date from then on."""

        async def start() -> None:
            try:
                await self.start()
            except Unavailable as error:
                self._health.set("kafka", ok=False, detail=str(error))
                raise

        if self._producer is None:
            await persist("kafka", start, stop)
        while not stop.is_set():
            producer = self._producer
            try:
                if producer is not None:
                    async with asyncio.timeout(3):
                        await _find_answer(producer)
                self._health.set("kafka", ok=True)
                pause = LOOK_EVERY
            except (KafkaError, OSError, TimeoutError) as error:
                self._health.set("kafka", ok=False, detail=f"no broker of {shown(self.servers)} answers: {error!r}")
                pause = LOOK_AGAIN
            await wait(stop, pause)

    async def stop(self) -> None:
        """Sends what is in flight, then disconnects."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            try:
                async with asyncio.timeout(LAST_WORDS):
                    await producer.stop()
            except TimeoutError:
                log.warning("left without Kafka's answer to what was under way; nobody was told that it arrived")

    async def publish(self, topic: Topic[E], key: str, event: E) -> None:
        await self.publish_encoded([encoded(topic, key, event)])

    async def publish_all(self, items: Sequence[tuple[Topic[Any], str, Event]]) -> None:
        await self.publish_encoded([encoded(*item) for item in items])

    async def publish_encoded(self, items: Sequence[Encoded]) -> None:
        producer = self._connected()
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                futures = [
                    await producer.send(
                        item.topic, item.value, key=item.key.encode(), headers=_headers(self.service, item)
                    )
                    for item in items
                ]
                await asyncio.gather(*futures)
        except (KafkaError, OSError) as error:
            raise _sorted(error) from error
        for item in items:
            METRICS.published.labels(topic=item.topic).inc()

    async def set_aside(self, letter: DeadLetter) -> None:
        """Writes a dead letter, as `Bus.set_aside` has it. The raw record is the value; the rest
        is in the headers."""
        key, value, headers = dead_letter_record(letter)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_MS / 1000):
                await self._connected().send_and_wait(DEAD_LETTERS.name, value, key=key, headers=headers)
        except (KafkaError, OSError) as error:
            raise _sorted(error) from error

    def consumer(
        self, topics: Sequence[Topic[E]], group: str, handle: Handler[E], *, max_records: int = 200
    ) -> Consumer:
        return KafkaConsumer(self, topics, group, handle, max_records)

    def view(self, topic: Topic[E]) -> View[E]:
        return KafkaView(self.servers, topic)

    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise Unavailable(f"not connected to Kafka at {shown(self.servers)}")
        return self._producer


class KafkaConsumer(Generic[E]):
    """At least once: offsets are committed after the handler returned."""

    def __init__(
        self, bus: KafkaBus, topics: Sequence[Topic[E]], group: str, handle: Handler[E], max_records: int
    ) -> None:
        self._bus, self._topics, self._group, self._max = bus, topics, group, max_records
        self._batch = BatchHandler(topics, group, handle, bus.set_aside)
        self._under_way: dict[TopicPartition, int] = {}
        """The first record of each partition that was fetched and is not handled yet."""

    async def run(self, stop: asyncio.Event) -> None:
        """Consumes until `stop` is set; reconnects by itself."""
        consumer = AIOKafkaConsumer(
            **options(self._bus.servers),
            client_id=self._bus.service,
            group_id=self._group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=8_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=600_000,  # a handler may wait long for a database that is away
            max_partition_fetch_bytes=MAX_EVENT,
            isolation_level="read_committed",  # what a writer took back was never true
        )
        await connect(consumer, stop)
        consumer.subscribe([topic.name for topic in self._topics])
        telling = asyncio.create_task(self._tell_lag(consumer))
        try:
            while not stop.is_set():
                found = await fetched(consumer, stop, self._max)
                if not found:
                    continue
                self._under_way = {partition: records[0].offset for partition, records in found.items()}
                if not await self._batch(cast("list[Raw]", list(chain.from_iterable(found.values()))), stop):
                    return
                await _commit(consumer, {partition: records[-1].offset + 1 for partition, records in found.items()})
                self._under_way = {}
                self._batch.flood.check()
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            self._tell({})
            await consumer.stop()

    async def _tell_lag(self, consumer: AIOKafkaConsumer) -> None:
        """Keeps the lag told, beside the work. While it works, with the broker's own ends: a
        consumer that is stuck fetches nothing new, and would believe for ever that it is nearly
        done. At rest the last fetch has just told them."""
        while True:
            try:
                async with asyncio.timeout(LAG_EVERY):
                    ours = consumer.assignment()
                    known = {partition: consumer.last_stable_offset(partition) for partition in ours}
                    ends = await consumer.end_offsets(ours) if self._under_way or None in known.values() else known
                    at = {partition: await consumer.position(partition) for partition in ends}
                done = {partition: self._under_way.get(partition, at[partition]) for partition in ends}
                self._tell({partition: max(0, end - done[partition]) for partition, end in ends.items()})
            except (KafkaError, TimeoutError):
                pass  # the broker is away, which health tells; or the partitions are moving
            await asyncio.sleep(LAG_EVERY)

    def _tell(self, behind: Mapping[TopicPartition, int]) -> None:
        for topic in self._topics:
            found = sum(count for partition, count in behind.items() if partition.topic == topic.name)
            METRICS.records_behind.labels(group=self._group, topic=topic.name).set(found)


async def _find_answer(producer: AIOKafkaProducer) -> None:
    """Returns once any broker answers the smallest of requests; raises KafkaError where none
    does."""
    for broker in producer.client.cluster.brokers():
        with contextlib.suppress(KafkaError, OSError):
            await producer.client.send(broker.nodeId, ApiVersionRequest())
            return
    await producer.client.fetch_all_metadata()  # they may be others by now


async def create_topics(servers: str, topics: Sequence[Topic[Any]], replication: int = 1) -> list[str]:
    """Creates the topics that do not exist yet, and returns their names. Raises Unavailable."""
    admin = AIOKafkaAdminClient(**options(servers), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        await _warn_of_packing(admin, [topic.name for topic in topics if topic.name in existing])
        missing = [topic for topic in topics if topic.name not in existing]
        if not missing:
            return []
        wanted = [
            NewTopic(
                topic.name,
                topic.partitions,
                replication,
                topic_configs={
                    **topic.config,
                    "compression.type": _AS_WRITTEN,
                    "max.message.bytes": str(_largest(topic)),
                    "min.insync.replicas": str(2 if replication > 2 else 1),
                },
            )
            for topic in missing
        ]
        response = await admin.create_topics(wanted)
        for name, code, *_ in response.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise Unavailable(f"topic {name} could not be created: {for_code(code).__name__}")
        return [topic.name for topic in missing]
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {shown(servers)} is unavailable: {error}") from error
    finally:
        await admin.close()


async def _warn_of_packing(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Warns of topics that the broker recompresses in a codec of its own choice, whatever their
    writers chose."""
    if not names:
        return
    told = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    for _, _, _, name, entries in (found for answer in told for found in answer.resources):
        packing = {entry[0]: entry[1] for entry in entries}.get("compression.type", _AS_WRITTEN)
        if packing != _AS_WRITTEN:
            log.warning(
                "a topic's records are packed anew by the broker; set its compression.type to producer, or leave that to it",
                topic=name,
                compression_type=packing,
            )


def dead_letter_record(letter: DeadLetter) -> tuple[bytes, bytes | None, list[tuple[str, bytes]]]:
    """Returns key, value and headers of a dead letter; the original key and headers are in headers,
    so that it can be replayed.

    Whatever the record is, its letter fits on `dead-letters`: a reader that can neither handle a
    record nor set it aside would try it again for ever. What is too large for that is cut, and says
    so.
    """
    headers = [
        (
            "ce_id",
            stable_id("dead-letter", letter.topic, str(letter.partition), str(letter.offset), letter.group).encode(),
        ),
        ("ce_time", utc_now().isoformat().encode()),
        ("source_topic", letter.topic.encode()),
        ("source_partition", str(letter.partition).encode()),
        ("source_offset", str(letter.offset).encode()),
        ("group", letter.group.encode()),
        ("error", letter.error.encode()),
        ("stack", letter.stack.encode()),
    ]
    key, value, original = (
        letter.key or b"",
        letter.value,
        [(ORIGINAL + name, data or b"") for name, data in letter.headers],
    )
    size = len(key) + len(value or b"") + sum(len(name.encode()) + len(data) for name, data in original)
    if size <= LARGEST:
        return letter.topic.encode(), value, [*headers, ("source_key", key), *original]
    cut = (CUT, str(size).encode())
    return letter.topic.encode(), value and value[:KEPT], [*headers, ("source_key", key[: ROOM // 2]), cut]


def _largest(topic: Topic[Any]) -> int:
    """Bytes of a batch that the topic takes."""
    return MAX_EVENT + ROOM if topic.value is InboundMessage else 2 * MAX_EVENT


async def _commit(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    """Commits those of partitions that are still ours; what moved away is handled again by its
    next owner."""
    ours = {partition: offset for partition, offset in offsets.items() if partition in consumer.assignment()}
    if len(ours) < len(offsets):
        log.info("partitions moved away before their commit", partitions=sorted(map(str, offsets.keys() - ours.keys())))
    if not ours:
        return
    try:
        await consumer.commit(ours)
    except (CommitFailedError, IllegalStateError):
        log.info("the group moved on before a commit: what it covers is handled again")
    except KafkaError as error:
        log.warning("commit failed; the next one covers it", error=str(error))


def _headers(service: str, item: Encoded) -> list[tuple[str, bytes]]:
    """Returns an event's headers by the CloudEvents Kafka binding 1.0.2, in binary mode."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", item.kind.encode()),
        ("ce_source", service.encode()),
        ("ce_id", item.id.encode()),
        ("ce_time", utc_now().isoformat().encode()),
        ("content-type", b"application/json"),
    ]


def _sorted(error: Exception) -> Exception:
    if isinstance(error, MessageSizeTooLargeError):
        return Malformed(f"an event is too large: {error}")
    return Unavailable(f"Kafka did not acknowledge: {str(error) or type(error).__name__}")
