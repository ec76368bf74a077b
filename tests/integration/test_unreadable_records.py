"""Whatever stands on a topic, packed by any codec, damaged or taken back: what can be read is
handled, and the rest holds nobody up."""

from __future__ import annotations

import asyncio
import signal
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.record.util import calc_crc32c
from structlog.testing import capture_logs

from deploy.local import ports
from deploy.local.kafka import Kafka
from shared.bus import Record
from shared.bus.dead_letters import DeadLetters, NoWayBack
from shared.bus.kafka import KafkaBus, create_topics
from shared.bus.views import KafkaView
from shared.clock import utc_now
from shared.events import InboundMessage, Profile
from shared.events.codec import encode
from shared.topics import CUSTOMERS_UPDATED, MESSAGES_RECEIVED, all_topics
from tests.conftest import engine_folder
from tests.integration.router_process import Outputs, RouterProcess, mails, prepared, send
from tests.waiting import until

_PAYLOAD = 61
"""Where a batch's records begin, behind its header."""
_CRC, _ATTRIBUTES = 17, 21


def flipped(batch: bytearray) -> None:
    """A bit is turned over, as on a worn disk."""
    batch[-3] ^= 0x10


def repacked(codec: int) -> Callable[[bytearray], None]:
    """The batch says that it is packed by this codec, which cannot read it, and its checksum is
    right."""

    def damage(batch: bytearray) -> None:
        batch[_ATTRIBUTES + 1] |= codec
        struct.pack_into(">I", batch, _CRC, calc_crc32c(bytes(batch[_ATTRIBUTES:])))

    return damage


def misnamed(batch: bytearray) -> None:
    """A header's name is no text, and the checksum is right."""
    place = batch.find(b"trace")
    batch[place] = 0xFF
    struct.pack_into(">I", batch, _CRC, calc_crc32c(bytes(batch[_ATTRIBUTES:])))


DAMAGES: dict[str, Callable[[bytearray], None]] = {
    "flipped": flipped,
    "misnamed": misnamed,
    **{f"codec {number}": repacked(number) for number in (1, 2, 3, 4, 7)},
}


def damage_on_disk(folder: Path, topic: str) -> None:
    """Break each batch that holds the name of a damage, in place; the broker is down."""
    done = 0
    for log in folder.glob(f"node-1/data/{topic}-*/*.log"):
        data = bytearray(log.read_bytes())
        position = 0
        while position + 12 <= len(data):
            end = position + 12 + struct.unpack_from(">i", data, position + 8)[0]
            batch = data[position:end]
            for name, damage in DAMAGES.items():
                if f"<{name}>".encode() in batch:
                    damage(batch)
                    data[position:end] = batch
                    done += 1
            position = end
        log.write_bytes(data)
    assert done == len(DAMAGES), "not every damage found its batch"


@dataclass
class Damaged:
    """A broker with a damaged batch between each two good ones: messages of one customer, and the
    profile of another."""

    servers: str
    good: list[InboundMessage]
    bad: set[int]
    """Offsets of the damaged messages."""
    profile: Profile


@pytest.fixture(scope="module")
def damaged() -> Iterator[Damaged]:
    with engine_folder() as folder:
        cluster = Kafka(folder)
        with cluster:
            found = asyncio.run(written(cluster.bootstrap))
        for topic in (MESSAGES_RECEIVED, CUSTOMERS_UPDATED):
            damage_on_disk(folder, topic.name)
        with cluster:
            yield found


async def written(servers: str) -> Damaged:
    await create_topics(servers, all_topics(["email"]))
    good = [replace_sender(message) for message in mails(len(DAMAGES) + 1)]
    point = good[0].sender
    profiles = [
        Profile(contact_point=point, customer_id="c", version=number, updated_at=utc_now())
        for number in range(1, len(good) + 1)
    ]
    bad: set[int] = set()
    headers = [("trace", b"1")]
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for number, message in enumerate(good):
            await producer.send_and_wait(MESSAGES_RECEIVED.name, encode(message), key=point.encode())
            await producer.send_and_wait(CUSTOMERS_UPDATED.name, encode(profiles[number]), key=point.encode())
            for name in list(DAMAGES)[number : number + 1]:
                text = f"<{name}> {'x' * 100}"
                batch = producer.create_batch()
                for _ in range(3):
                    batch.append(key=point.encode(), value=text.encode(), timestamp=None, headers=headers)
                batch.close()
                places = await producer.partitions_for(MESSAGES_RECEIVED.name)
                assert len(places) > 1
                partition = producer._partition(MESSAGES_RECEIVED.name, None, None, None, point.encode(), None)
                told = await (await producer.send_batch(batch, MESSAGES_RECEIVED.name, partition=partition))
                bad.add(told.offset + 2)
                await producer.send_and_wait(CUSTOMERS_UPDATED.name, text.encode(), key=point.encode(), headers=headers)
    return Damaged(servers, good, bad, profiles[-1])


def replace_sender(message: InboundMessage) -> InboundMessage:
    from msgspec.structs import replace as with_

    return with_(message, sender=mails(1, "damaged")[0].sender)


@asynccontextmanager
async def reading(bus: KafkaBus, seen: list[InboundMessage]) -> AsyncIterator[asyncio.Task[None]]:
    """A consumer of a group of its own."""

    async def handle(records: Sequence[Record[InboundMessage]]) -> None:
        seen.extend(record.event for record in records)

    stop = asyncio.Event()
    task = asyncio.ensure_future(bus.consumer([MESSAGES_RECEIVED], f"g-{uuid4().hex}", handle).run(stop))
    try:
        yield task
    finally:
        stop.set()
        await task


async def test_a_batch_that_nobody_can_read_is_set_aside_by_its_offset_and_who_wrote_behind_it_is_answered(
    damaged: Damaged, tmp_path: Path
) -> None:
    bus = await prepared(damaged.servers)
    router = RouterProcess(damaged.servers, ports.free()[0], tmp_path / "router.log")
    seen: list[InboundMessage] = []
    try:
        async with Outputs(damaged.servers) as outputs, reading(bus, seen):
            await router.start()
            await outputs.wait_for(message.id for message in damaged.good)
            await until(lambda: len(seen) == len(damaged.good), "the consumer stands still")
            assert router.process
            assert router.process.poll() is None, "the router never ended"
            assert set(outputs.times.values()) == {1}
        assert [message.id for message in seen] == [message.id for message in damaged.good]
        async with DeadLetters(damaged.servers, "test") as dead:
            letters = await dead.all()
            for group in {letter.group for letter in letters}:
                own = [letter for letter in letters if letter.group == group]
                assert {int(letter.offset) for letter in own} == damaged.bad, "each batch once, by its last offset"
                assert len(own) == len(damaged.bad)
                assert all(f"offsets {int(letter.offset) - 2} to {letter.offset}" in letter.error for letter in own)
            assert len({letter.group for letter in letters}) == 2, "the router and the consumer"
            _, value = await dead.one(letters[0].id)
            assert value, "the raw batch, to be looked at"
            with pytest.raises(NoWayBack, match="nobody can read"):
                await dead.replay(letters[0], "test")
    finally:
        if router.process:
            await router.end(signal.SIGKILL)
        await bus.stop()


async def test_a_view_knows_what_was_written_behind_a_damaged_batch(damaged: Damaged) -> None:
    view, stop = KafkaView(damaged.servers, CUSTOMERS_UPDATED), asyncio.Event()
    task = asyncio.ensure_future(view.run(stop))
    await asyncio.wait_for(view.ready.wait(), 60)
    found = view.get(damaged.profile.contact_point)
    stop.set()
    await task
    assert found == damaged.profile


async def test_a_message_is_answered_whichever_codec_its_writer_packed_it_with(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    """One zstd record ended the router for ever."""
    codecs = ("gzip", "snappy", "lz4", "zstd")
    messages = mails(len(codecs))
    seen: list[InboundMessage] = []
    for codec, message in zip(codecs, messages, strict=True):
        async with AIOKafkaProducer(bootstrap_servers=bus.servers, compression_type=codec) as producer:
            await producer.send_and_wait(MESSAGES_RECEIVED.name, encode(message), key=message.sender.encode())
    ids = {message.id for message in messages}
    async with reading(bus, seen):
        await router.start()
        await outputs.wait_for(ids)
        await until(lambda: ids <= {message.id for message in seen}, "the consumer reads not every codec")


async def test_what_its_writer_took_back_becomes_no_ticket(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus
) -> None:
    """A record of an aborted transaction became a ticket."""
    untrue, meant, after = mails(3)
    seen: list[InboundMessage] = []
    producer = AIOKafkaProducer(bootstrap_servers=bus.servers, transactional_id=f"t-{uuid4().hex}")
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(MESSAGES_RECEIVED.name, encode(untrue), key=after.sender.encode())
    await producer.abort_transaction()
    async with producer.transaction():
        await producer.send_and_wait(MESSAGES_RECEIVED.name, encode(meant), key=after.sender.encode())
    await producer.stop()
    await send(bus, [after])
    async with reading(bus, seen):
        await router.start()
        await outputs.wait_for([meant.id, after.id])
        await until(lambda: after.id in {message.id for message in seen}, "the consumer stands still")
    assert untrue.id not in outputs.routed
    assert untrue.id not in {message.id for message in seen}


async def test_a_header_without_a_value_holds_nobody_up(router: RouterProcess, outputs: Outputs, bus: KafkaBus) -> None:
    message, run = mails(1)[0], uuid4().hex.encode()
    seen: list[InboundMessage] = []
    async with AIOKafkaProducer(bootstrap_servers=bus.servers) as producer:
        for value in (b"{not json", encode(message)):
            await producer.send_and_wait(MESSAGES_RECEIVED.name, value, key=run, headers=[("traceparent", None)])
    async with reading(bus, seen):
        await router.start()
        await outputs.wait_for([message.id])
        await until(lambda: message.id in {each.id for each in seen}, "the consumer stands still")
        await outputs.wait(
            lambda: sum(headers["source_key"] == run for _, headers in outputs.dead) == 2, "not set aside"
        )


async def test_two_routers_that_were_started_alike_share_the_work_and_decide_once(
    router: RouterProcess, outputs: Outputs, bus: KafkaBus, tmp_path: Path
) -> None:
    """As in a rolling update, or by mistake; also with the ROUTER_REPLICA of older settings, which
    made them one and the same member."""
    router.environment["ROUTER_REPLICA"] = "0"
    second = replace(router, port=ports.free()[0], log=tmp_path / "second.log")
    try:
        await asyncio.gather(router.start(), second.start())
        ids = await send(bus, mails(300))
        await outputs.wait_for(ids)
        third = await send(bus, mails(100))
        await outputs.wait_for(third)
        assert await router.end(signal.SIGTERM) == 0, "the older one leaves, as after an update"
        last = await send(bus, mails(100))
        await outputs.wait_for(last)
    finally:
        await second.end(signal.SIGKILL)
    assert {outputs.times[one] for one in (*ids, *third, *last)} == {1}


async def test_topics_keep_records_as_their_writers_packed_them_and_one_that_does_not_is_named(kafka: str) -> None:
    suffix = uuid4().hex[:8]
    own = replace(MESSAGES_RECEIVED, name=f"own-{suffix}")
    other = replace(MESSAGES_RECEIVED, name=f"other-{suffix}")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(other.name, 1, 1, topic_configs={"compression.type": "zstd"})])
        with capture_logs() as lines:
            assert await create_topics(kafka, [own, other]) == [own.name]
            assert await create_topics(kafka, [own, other]) == []
        told: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, own.name)])
    finally:
        await admin.close()
    entries = {entry[0]: entry for entry in told[0].resources[0][4]}
    assert entries["compression.type"][1] == "producer"
    assert [(line["topic"], line["compression_type"]) for line in lines] == [(other.name, "zstd")] * 2
