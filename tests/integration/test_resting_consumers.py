"""Consumers at rest: they ask seldom, and what comes is there at once all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from shared.bus import Record
from shared.bus.kafka import KafkaBus, create_topics
from shared.events import Channel
from shared.topics import CHANNELS_ANNOUNCED, Topic
from tests.waiting import until

_AT_ONCE = 1.0
"""Seconds: far below those for which a broker may hold a fetch, far above what a record takes on a
busy machine."""


class Reader:
    """A consumer that takes one record at a time. `slow`: seconds for each."""

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self.slow = 0.0

    async def handle(self, records: Sequence[Record[Channel]]) -> None:
        await asyncio.sleep(self.slow)
        self.seen |= {record.key: time.monotonic() for record in records}

    @asynccontextmanager
    async def reading(self, bus: KafkaBus, topic: Topic[Channel]) -> AsyncIterator[None]:
        # First the record: a consumer that meets a topic before its broker has told of it looks
        # again minutes later.
        await say(bus, topic, "first")
        stop = asyncio.Event()
        running = asyncio.create_task(bus.consumer([topic], uuid4().hex, self.handle, max_records=1).run(stop))
        try:
            await until(lambda: "first" in self.seen)
            yield
        finally:
            stop.set()
            await running


@pytest.fixture
async def topic(kafka: str) -> Topic[Channel]:
    made = replace(CHANNELS_ANNOUNCED, name=f"resting-{uuid4().hex[:8]}", partitions=2)
    await create_topics(kafka, [made])
    return made


async def say(bus: KafkaBus, topic: Topic[Channel], key: str) -> float:
    await bus.publish(topic, key, Channel(name=key, label=key, icon="mail", reaches=("email",)))
    return time.monotonic()


async def test_at_rest_a_consumer_asks_seldom_and_has_what_comes_at_once(
    bus: KafkaBus, topic: Topic[Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    send = AIOKafkaClient.send

    async def noted(self: AIOKafkaClient, node: int, request: object, **more: object) -> object:
        if isinstance(request, FetchRequest):
            asked.append(time.monotonic())
        return await send(self, node, request, **more)

    monkeypatch.setattr(AIOKafkaClient, "send", noted)
    reader = Reader()
    async with reader.reading(bus, topic):
        await asyncio.sleep(0.5)
        asked.clear()
        await asyncio.sleep(3)
        assert len(asked) <= 1
        said = await say(bus, topic, "after a rest")
        await until(lambda: "after a rest" in reader.seen)
        assert reader.seen["after a rest"] - said < _AT_ONCE
        ended = time.monotonic()
    assert time.monotonic() - ended < _AT_ONCE, "the end does not wait for a fetch"


async def test_what_comes_while_the_consumer_is_slow_does_not_wait_for_a_fetch_of_other_partitions(
    bus: KafkaBus, topic: Topic[Channel]
) -> None:
    reader = Reader()
    reader.slow = 0.2  # longer than aiokafka waits for us before it fetches the partitions that are not waiting for us
    async with reader.reading(bus, topic):
        for key in ("a", "b", "c", "d"):
            await say(bus, topic, key)
        await until(lambda: "d" in reader.seen and "c" in reader.seen)
        for key in ("e", "f"):
            said = await say(bus, topic, key)
            await until(lambda key=key: key in reader.seen)  # type: ignore[misc]
            assert reader.seen[key] - said < _AT_ONCE + reader.slow
