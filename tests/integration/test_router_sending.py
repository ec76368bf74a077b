"""What the router sends goes out in few packages, in order, and is told as done only when the
broker has it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerClosed

from services.router.adapters.engine.sending import send
from services.router.ports import Output
from shared.bus.kafka import create_topics
from shared.topics import MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE, all_topics

SMALL = 4096
"""Bytes of a package: a few records fill one."""


@pytest.fixture
async def producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    await create_topics(kafka, all_topics(["email"]))
    connected = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, linger_ms=2, max_batch_size=SMALL
    )
    await connected.start()
    yield connected
    await connected.stop()


def outputs(count: int, run: str) -> list[Output]:
    topics = (MESSAGES_ROUTED.name, MESSAGES_ROUTED_LIVE.name)
    return [
        Output(topics[n % 2], f"{run}-{n % 7}".encode(), f"{n}".encode() + b" " * 200, [("run", run.encode())])
        for n in range(count)
    ]


async def test_all_of_it_arrives_in_order_for_each_ticket_in_far_fewer_packages(
    kafka: str, producer: AIOKafkaProducer
) -> None:
    run, count = uuid4().hex, 3000
    partitions = [
        TopicPartition(t.name, n) for t in (MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE) for n in range(t.partitions)
    ]
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as reader:
        reader.assign(partitions)
        starts = await reader.end_offsets(partitions)
        whole = outputs(count, run)
        acknowledgements = [await send(producer, whole[first : first + 100]) for first in range(0, count, 100)]
        every = set().union(*acknowledgements)
        await asyncio.wait(every)
        assert not [each for each in every if each.exception()]
        assert len(every) < count / 5
        ends = await reader.end_offsets(partitions)
        assert sum(ends.values()) - sum(starts.values()) >= count, "told as done before the broker had it"
        for partition, offset in starts.items():
            reader.seek(partition, offset)
        seen, places = defaultdict[tuple[str, bytes], list[int]](list), defaultdict[tuple[str, bytes], set[int]](set)
        while sum(map(len, seen.values())) < count:
            for partition, records in (await reader.getmany(timeout_ms=200)).items():
                for record in records:
                    if dict(record.headers).get("run") == run.encode():
                        seen[record.topic, record.key].append(int(record.value))
                        places[record.topic, record.key].add(partition.partition)
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert all(len(found) == 1 for found in places.values()), "a ticket's messages are in one partition"


async def test_what_is_larger_than_a_package_goes_by_itself(producer: AIOKafkaProducer) -> None:
    run = uuid4().hex
    large = [Output(MESSAGES_ROUTED.name, run.encode(), b"x" * 3 * SMALL, []) for _ in range(5)]
    acknowledgements = await send(producer, [*large, *outputs(5, run)])
    await asyncio.wait(acknowledgements)
    assert not [each for each in acknowledgements if each.exception()]


async def test_nothing_is_taken_by_a_producer_that_has_ended(kafka: str) -> None:
    ended = AIOKafkaProducer(bootstrap_servers=kafka)
    await ended.start()
    await send(ended, outputs(1, "x"))
    await ended.stop()
    with pytest.raises(ProducerClosed):
        await send(ended, outputs(1, "x"))


async def test_a_producer_that_was_fenced_says_so_to_everybody(producer: AIOKafkaProducer) -> None:
    producer._message_accumulator.fail_all(RuntimeError("fenced"))
    with pytest.raises(RuntimeError, match="fenced"):
        await send(producer, outputs(1, "x"))
