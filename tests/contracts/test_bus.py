"""One suite for the bus on Kafka and for its twin in memory: what a service is promised, whichever
it runs on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from msgspec import structs

from shared.bus import Bus, Record, TooManyDeadLetters
from shared.bus.kafka import KafkaBus, create_topics
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import Channel, DeskEvent
from shared.topics import CHANNELS_ANNOUNCED, DEAD_LETTERS, TICKETS_CHANGED, Topic
from tests.waiting import until


def event(number: int) -> DeskEvent:
    return DeskEvent(id=str(number), ticket_id="t", kind="note.added", at=utc_now())


class Stage:
    """A bus with topics of its own."""

    def __init__(self, bus: Bus, changed: Topic[DeskEvent], announced: Topic[Channel]) -> None:
        self.bus, self.changed, self.announced = bus, changed, announced
        self.also = replace(changed, name=f"also-{changed.name}")

    async def raw(self, topic: str, value: bytes | None, key: bytes = b"k") -> None:
        if isinstance(self.bus, MemoryBus):
            await self.bus.publish_raw(topic, key, value)
            return
        assert isinstance(self.bus, KafkaBus)
        producer = AIOKafkaProducer(bootstrap_servers=self.bus.servers)
        await producer.start()
        await producer.send_and_wait(topic, value, key=key)
        await producer.stop()

    async def dead_letters(self) -> list[tuple[str, bytes | None, str]]:
        """(source topic, raw value, error) of what was set aside from this stage's topics."""
        if isinstance(self.bus, MemoryBus):
            return [(letter.topic, letter.value, letter.error) for letter in self.bus.dead]
        assert isinstance(self.bus, KafkaBus)
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bus.servers, auto_offset_reset="earliest")
        await consumer.start()
        partition = TopicPartition(DEAD_LETTERS.name, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found = []
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    headers = dict(record.headers)
                    if headers["source_topic"].decode() in {self.changed.name, self.also.name, self.announced.name}:
                        found.append((headers["source_topic"].decode(), record.value, headers["error"].decode()))
        await consumer.stop()
        return found


@pytest.fixture(params=["memory", "kafka"])
def servers(request: pytest.FixtureRequest) -> str:
    """Bootstrap servers, or nothing for the twin."""
    return request.getfixturevalue("kafka") if request.param == "kafka" else ""


@pytest.fixture
async def stage(servers: str) -> AsyncIterator[Stage]:
    suffix = uuid4().hex[:8]
    changed = replace(TICKETS_CHANGED, name=f"changed-{suffix}", partitions=1)
    announced = replace(CHANNELS_ANNOUNCED, name=f"announced-{suffix}")
    if not servers:
        yield Stage(MemoryBus(), changed, announced)
        return
    bus = KafkaBus(servers, "test")
    stage = Stage(bus, changed, announced)
    await create_topics(servers, [changed, stage.also, announced, DEAD_LETTERS])
    await bus.start()
    yield stage
    await bus.stop()


@asynccontextmanager
async def running(run: Callable[[asyncio.Event], Any]) -> AsyncIterator[asyncio.Task[None]]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(stop))
    try:
        yield task
    finally:
        stop.set()
        with suppress(TooManyDeadLetters):
            await task


async def test_everything_published_is_handled_in_order(stage: Stage) -> None:
    seen: list[str] = []

    async def handle(records: Any) -> None:
        seen.extend(record.event.id for record in records)

    await stage.bus.publish_all([(stage.changed, "t", event(n)) for n in range(50)])
    async with running(stage.bus.consumer([stage.changed], f"g-{uuid4().hex}", handle, max_records=7).run):
        await until(lambda: len(seen) == 50)
    assert seen == [str(n) for n in range(50)]


async def test_what_was_handled_is_not_handled_again_by_the_next_process(stage: Stage) -> None:
    seen: list[str] = []
    group = f"g-{uuid4().hex}"

    async def handle(records: Any) -> None:
        seen.extend(record.event.id for record in records)

    for number in (1, 2):
        await stage.bus.publish(stage.changed, "t", event(number))
        async with running(stage.bus.consumer([stage.changed], group, handle).run):
            await until(lambda number=number: len(seen) >= number)
    assert seen == ["1", "2"]


async def test_a_record_that_fails_goes_to_the_dead_letters_alone(stage: Stage) -> None:
    seen: set[str] = set()

    async def handle(records: Any) -> None:
        if any(record.event.id == "3" for record in records):
            raise ValueError("cannot handle three")
        seen.update(record.event.id for record in records)

    await stage.bus.publish_all([(stage.changed, "t", event(n)) for n in range(6)])
    async with running(stage.bus.consumer([stage.changed], f"g-{uuid4().hex}", handle).run):
        await until(lambda: len(seen) == 5)
        await stage.bus.publish(stage.changed, "t", event(6))
        await until(lambda: "6" in seen)
    letters = await stage.dead_letters()
    assert [(topic, error) for topic, _, error in letters] == [(stage.changed.name, "ValueError: cannot handle three")]


async def test_a_bad_record_of_a_batch_over_topics_goes_alone_though_offsets_repeat(stage: Stage) -> None:
    seen: list[str] = []

    async def handle(records: Any) -> None:
        if any(record.event.id == "bad" for record in records):
            raise ValueError("cannot handle it")
        seen.extend(record.event.id for record in records)

    await stage.bus.publish_all(
        [(stage.changed, "t", structs.replace(event(0), id="bad")), (stage.also, "t", event(1))]
    )
    await stage.bus.publish_all([(topic, "t", event(2)) for topic in (stage.changed, stage.also)])
    async with running(stage.bus.consumer([stage.changed, stage.also], f"g-{uuid4().hex}", handle).run):
        await until(lambda: sorted(seen) == ["1", "2", "2"])
        await until(stage.dead_letters)
    assert [(topic, b'"bad"' in (value or b"")) for topic, value, _ in await stage.dead_letters()] == [
        (stage.changed.name, True)
    ]


async def test_what_was_handled_but_not_committed_is_handled_again_and_nothing_is_passed_over(stage: Stage) -> None:
    seen: list[str] = []
    group = f"g-{uuid4().hex}"

    async def handle(records: Any) -> None:
        seen.extend(f"{record.topic}:{record.event.id}" for record in records)
        raise asyncio.CancelledError  # as a process that dies between its own commit and that of the offsets

    async def better(records: Any) -> None:
        seen.extend(f"{record.topic}:{record.event.id}" for record in records)

    await stage.bus.publish_all([(topic, "t", event(n)) for n in range(3) for topic in (stage.changed, stage.also)])
    with pytest.raises(asyncio.CancelledError):
        await stage.bus.consumer([stage.changed, stage.also], group, handle).run(asyncio.Event())
    assert seen
    died, wanted = set(seen), {f"{topic.name}:{n}" for topic in (stage.changed, stage.also) for n in range(3)}
    seen.clear()
    async with running(stage.bus.consumer([stage.changed, stage.also], group, better).run):
        await until(lambda: set(seen) == wanted)
    assert died <= wanted
    assert len(seen) == len(wanted)


@pytest.mark.parametrize("poison", [b"", b"\xff\xfe", b"[]", b"{}", b'{"id": 1}', None])
async def test_a_poison_record_is_kept_raw_and_the_rest_flows(stage: Stage, poison: bytes | None) -> None:
    seen: list[str] = []

    async def handle(records: Any) -> None:
        seen.extend(record.event.id for record in records)

    await stage.raw(stage.changed.name, poison)
    await stage.bus.publish(stage.changed, "t", event(1))
    async with running(stage.bus.consumer([stage.changed], f"g-{uuid4().hex}", handle).run):
        await until(lambda: seen)
    (letter,) = await stage.dead_letters()
    assert letter[1] == poison
    assert letter[2].startswith("MalformedEvent")


async def test_while_something_is_away_nothing_is_lost_or_set_aside(stage: Stage) -> None:
    seen: list[str] = []
    away = True

    async def handle(records: Any) -> None:
        if away:
            raise Unavailable("the database is away")
        seen.extend(record.event.id for record in records)

    tried = asyncio.Event()

    async def watched(records: Any) -> None:
        tried.set()
        await handle(records)

    await stage.bus.publish(stage.changed, "t", event(1))
    async with running(stage.bus.consumer([stage.changed], f"g-{uuid4().hex}", watched).run):
        await tried.wait()
        away = False
        await until(lambda: seen)
    assert seen == ["1"]
    assert await stage.dead_letters() == []


async def test_a_flood_of_bad_records_halts_the_consumer(stage: Stage) -> None:
    async def handle(records: Any) -> None:
        raise ValueError("all bad")

    await stage.bus.publish_all([(stage.changed, "t", event(n)) for n in range(150)])
    group, seen = f"g-{uuid4().hex}", []
    async with running(stage.bus.consumer([stage.changed], group, handle, max_records=110).run) as task:
        with pytest.raises(TooManyDeadLetters):
            await asyncio.wait_for(asyncio.shield(task), 30)
    assert len(await stage.dead_letters()) == 110

    async def better(records: Any) -> None:
        seen.extend(record.event.id for record in records)

    async with running(stage.bus.consumer([stage.changed], group, better).run):
        await until(lambda: len(seen) >= 40)
    assert seen == [str(n) for n in range(110, 150)], "after the halt it goes on behind what was set aside"


async def test_a_view_is_ready_when_it_knows_what_was_there_and_then_follows(stage: Stage) -> None:
    def channel(name: str, label: str) -> Channel:
        return Channel(name=name, label=label, icon="mail", reaches=("email",))

    await stage.bus.publish(stage.announced, "email", channel("email", "old"))
    await stage.bus.publish(stage.announced, "email", channel("email", "new"))
    view = stage.bus.view(stage.announced)
    async with running(view.run):
        await asyncio.wait_for(view.ready.wait(), 20)
        found = view.get("email")
        assert found is not None
        assert found.label == "new"
        await stage.bus.publish(stage.announced, "chat", channel("chat", "Chat"))
        await until(lambda: view.get("chat"))
        assert len(view) == 2
        await stage.raw(stage.announced.name, b"not json", b"email")
        await stage.raw(stage.announced.name, None, b"chat")
        await until(lambda: view.get("chat") is None)
        assert view.get("email") == found


async def test_records_carry_their_key_and_where_they_were(stage: Stage) -> None:
    seen: list[Record[DeskEvent]] = []

    async def handle(records: Any) -> None:
        seen.extend(records)

    await stage.bus.publish(stage.changed, "clé", event(1))
    async with running(stage.bus.consumer([stage.changed], f"g-{uuid4().hex}", handle).run):
        await until(lambda: seen)
    assert (seen[0].topic, seen[0].key, seen[0].offset) == (stage.changed.name, "clé", 0)
