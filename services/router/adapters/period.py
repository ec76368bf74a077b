"""All that is on some topics from one time to another, as it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared.bus.client import options, shown
from shared.errors import Unavailable
from shared.topics import Topic

_PATIENCE = 20.0
"""Seconds for a broker to answer: a person is watching."""


def written_at(record: ConsumerRecord) -> datetime:
    """Returns when the record was written, in UTC."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def records(
    servers: str, topics: Sequence[Topic[Any]], since: datetime | None, until: datetime
) -> AsyncIterator[ConsumerRecord]:
    """Yields the records of a period, of each partition in order, up to what is there now.
    `since`: None for the beginning. Raises Unavailable where no broker answers in time."""
    consumer = AIOKafkaConsumer(
        **options(servers), group_id=None, enable_auto_commit=False, isolation_level="read_committed"
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            await consumer.start()
            left = await _begin(consumer, topics, since)
        while left:
            for found in (await consumer.getmany(timeout_ms=500, max_records=2000)).values():
                for record in found:
                    if written_at(record) < until:
                        yield record
            left = {partition: end for partition, end in left.items() if await consumer.position(partition) < end}
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {shown(servers)} does not answer; is Switchboard running? ({error!r})") from error
    finally:
        await consumer.stop()


async def _begin(
    consumer: AIOKafkaConsumer, topics: Sequence[Topic[Any]], since: datetime | None
) -> dict[TopicPartition, int]:
    """Seeks to where the period begins; returns the ends of the partitions that have something
    in it."""
    metadata = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - there is no public way to ask of many topics
    partitions = [
        TopicPartition(topic.name, number)
        for topic in topics
        for number in sorted(metadata.partitions_for_topic(topic.name) or ())
    ]
    if not partitions:
        return {}
    consumer.assign(partitions)
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    begins: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
    if since is not None:
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
        begins = {one: found[one].offset if found[one] else ends[one] for one in partitions}
    for partition in partitions:
        consumer.seek(partition, begins[partition])
    return {partition: end for partition, end in ends.items() if begins[partition] < end}
