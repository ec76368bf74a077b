"""Topics of the tests' shared broker, where other tests write too: what is there (also what nobody
can read), or only what comes."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.bus.client import options
from shared.events.base import Event
from shared.events.codec import MalformedEvent, decode
from shared.topics import Topic

E = TypeVar("E", bound=Event)


async def records_on(servers: str, topic: Topic[E]) -> list[ConsumerRecord]:
    """Everything that is there now, malformed or not; by partition, oldest first. The topic has to
    exist."""
    consumer = AIOKafkaConsumer(**options(servers), group_id=None, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[ConsumerRecord] = []
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
        return found
    finally:
        await consumer.stop()


async def events_on(servers: str, topic: Topic[E]) -> list[E]:
    """The well-formed events that are there now."""
    found: list[E] = []
    for record in await records_on(servers, topic):
        with suppress(MalformedEvent):
            found.append(decode(topic.value, record.value))
    return found


async def skip_to_end(servers: str, group: str, topic: Topic[E]) -> None:
    """This group will read only what comes from now on. It has no member yet."""
    consumer = AIOKafkaConsumer(**options(servers), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
        consumer.assign(partitions)
        await consumer.commit(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()
