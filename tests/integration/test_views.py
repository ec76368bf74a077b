"""Views of compacted topics on a real broker: when they are ready, what they skip, and what they
tell meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from services.router.adapters.period import records
from shared.bus.kafka import create_topics
from shared.bus.views import KafkaView
from shared.clock import utc_now
from shared.events import Channel
from shared.events.codec import encode
from shared.metrics import METRICS
from shared.topics import CHANNELS_ANNOUNCED, Topic
from tests.waiting import until


def channel(name: str, label: str = "label") -> Channel:
    return Channel(name=name, label=label, icon="mail", reaches=("email",))


@pytest.fixture
async def announced(kafka: str) -> Topic[Channel]:
    topic = replace(CHANNELS_ANNOUNCED, name=f"announced-{uuid4().hex[:8]}", partitions=2)
    await create_topics(kafka, [topic])
    return topic


@asynccontextmanager
async def ready(servers: str, topic: Topic[Channel]) -> AsyncIterator[KafkaView[Channel]]:
    view, stop = KafkaView(servers, topic, look_every=0.2), asyncio.Event()
    assert view.progress == f"{topic.name}: waiting for Kafka"
    task = asyncio.ensure_future(view.run(stop))
    try:
        await asyncio.wait_for(view.ready.wait(), 30)
        yield view
    finally:
        stop.set()
        await task


async def test_a_view_of_many_is_ready_with_the_last_of_them_and_tells_what_it_holds(
    kafka: str, announced: Topic[Channel]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=20)
    await producer.start()
    names = [f"channel-{number}" for number in range(3000)]
    for label in ("old", "new"):
        for name in names:
            await producer.send(announced.name, encode(channel(name, label)), key=name.encode())
    await producer.stop()
    async with ready(kafka, announced) as view:
        assert [view.get(name) for name in names] == [channel(name, "new") for name in names]
        held = METRICS.view_bytes.labels(topic=announced.name)._value.get()
        assert METRICS.view_entries.labels(topic=announced.name)._value.get() == len(names)
        assert 100 * len(names) < held < 500 * len(names)
        assert view.progress == f"{announced.name}: 3000 entries in {held / 1e6:.1f} MB"


async def test_what_a_writer_took_back_was_never_true_and_keeps_nobody_waiting(
    kafka: str, announced: Topic[Channel]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, transactional_id=f"t-{uuid4().hex}")
    await producer.start()
    try:
        async with producer.transaction():
            await producer.send_and_wait(announced.name, encode(channel("email", "true")), b"email", partition=0)
        await producer.begin_transaction()
        for partition in (0, 1):
            await producer.send_and_wait(announced.name, encode(channel("email", "untrue")), b"email", partition)
        await producer.abort_transaction()
    finally:
        await producer.stop()
    async with ready(kafka, announced) as view:
        assert list(view.values()) == [channel("email", "true")]


async def test_a_view_of_nothing_is_ready(kafka: str, announced: Topic[Channel]) -> None:
    async with ready(kafka, announced) as view:
        assert len(view) == 0
        assert list(view.values()) == []


async def test_what_stands_on_a_partition_that_was_added_later_is_known_too_and_nothing_is_read_anew(
    kafka: str, announced: Topic[Channel]
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, metadata_max_age_ms=200) as producer:
        for number in (0, 1):
            await producer.send_and_wait(announced.name, encode(channel(f"old-{number}")), b"%d" % number, number)
        async with ready(kafka, announced) as view:
            taken = []
            take = view._entries.take
            view._entries.take = lambda key, value: (taken.append(key), take(key, value))[1]  # type: ignore[method-assign]
            admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
            await admin.start()
            await admin.create_partitions({announced.name: NewPartitions(4)})
            await admin.close()

            async def there() -> bool:
                return len(await producer.partitions_for(announced.name)) == 4

            await until(there, "no new partitions")
            for number in (3, 2, 1):
                await producer.send_and_wait(
                    announced.name, encode(channel(f"new-{number}")), b"new-%d" % number, number
                )

            async def known() -> bool:
                return all(view.get(f"new-{number}") == channel(f"new-{number}") for number in (1, 2, 3))

            await until(known, "nobody reads the new partitions")
            soon = utc_now() + timedelta(minutes=1)
            read = [record.key async for record in records(kafka, [announced], None, soon)]
            assert len(read) == 5, "commands that account for a period look there too"
            assert sorted(taken) == [b"new-1", b"new-2", b"new-3"]
            assert len(view) == 5
