"""Nobody gets at customers' messages on Kafka without a password, and a service that was broken
into reaches no other's topics."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError

from deploy.local import ports
from deploy.local.kafka import BROKER, OPERATOR, Kafka
from services.__main__ import channels, names
from services.desk.wallboard.pipeline import PipelineReader
from shared.bus.access import Kind, Operation, Right, rights
from shared.bus.client import options
from shared.bus.dead_letters import DeadLetters
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.topics import DEAD_LETTERS, MESSAGES_RECEIVED, MESSAGES_ROUTED, all_topics
from tests.conftest import engine_folder
from tests.integration.router_process import ROOT, Outputs, RouterProcess, mails, send

TOPICS = all_topics([*channels()])
EARLIER = mails(1)[0]
"""Written before Kafka asked for passwords."""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Kafka]:
    """A home of an older version, at its next start."""
    with engine_folder() as folder:
        with Kafka(folder) as old:
            asyncio.run(_write(old.bootstrap))
        passwords = {user: f"password-of-{user}" for user in (OPERATOR, BROKER, *names())}
        with Kafka(folder, passwords=passwords) as cluster:
            for _ in range(2):  # each start does it again
                subprocess.run(
                    [sys.executable, "-m", "services", "topics"],
                    cwd=ROOT,
                    env=os.environ | {"SWITCHBOARD_KAFKA": cluster.address(OPERATOR), "SWITCHBOARD_SECRET": "s" * 32},
                    check=True,
                )
            yield cluster


async def _write(servers: str) -> None:
    await create_topics(servers, TOPICS)
    bus = KafkaBus(servers, "test")
    await bus.start()
    await send(bus, [EARLIER])
    await bus.stop()


async def may_write(address: str, topic: str) -> bool:
    async with AIOKafkaProducer(**options(address)) as producer:
        try:
            await producer.send_and_wait(topic, b"x", key=b"x")
        except TopicAuthorizationFailedError:
            return False
    return True


async def may_read(address: str, topic: str) -> bool:
    async with AIOKafkaConsumer(**options(address), auto_offset_reset="earliest") as consumer:
        if topic not in await consumer.topics():
            return False
        consumer.assign([TopicPartition(topic, 0)])
        try:
            await consumer.getmany(timeout_ms=2_000)
        except TopicAuthorizationFailedError:
            return False
    return True


@pytest.mark.parametrize("login", ["", "email:wrong@", "nobody:password-of-email@", f"{OPERATOR}:password-of-email@"])
async def test_without_the_password_nobody_gets_in(guarded: Kafka, login: str) -> None:
    bus = KafkaBus(login + guarded.bootstrap, "test")
    with pytest.raises(Unavailable) as told:
        await bus.start()
    assert "password-of" not in str(told.value)
    assert guarded.bootstrap in str(told.value)


@pytest.mark.parametrize("service", names())
async def test_a_service_writes_its_own_topics_and_no_other_s(guarded: Kafka, service: str) -> None:
    given = rights(TOPICS, channels(), names())
    for topic in TOPICS:
        wanted = Right(service, Operation.WRITE, Kind.TOPIC, topic.name) in given
        assert await may_write(guarded.address(service), topic.name) == wanted, topic.name


@pytest.mark.parametrize("service", [name for name in names() if name not in ("router", "desk")])
def test_who_faces_the_world_writes_what_customers_send_and_nothing_that_was_decided(service: str) -> None:
    given = rights(TOPICS, channels(), names())
    writes = {right.name for right in given if right.service == service and right.operation is Operation.WRITE}
    assert {MESSAGES_RECEIVED.name, DEAD_LETTERS.name} <= writes
    assert not [
        name
        for name in writes
        if name.startswith(("messages-routed", "deliveries-requested", "tickets-", "customers-"))
    ]


async def test_a_service_reads_its_own_topics_and_no_other_s(guarded: Kafka) -> None:
    for service, topic, wanted in (
        ("email", "deliveries-requested-email", True),
        ("email", "deliveries-requested-dashboard", False),
        ("email", MESSAGES_ROUTED.name, False),
        ("social", "messages-received", False),
        ("desk", MESSAGES_ROUTED.name, True),
        ("router", MESSAGES_ROUTED.name, True),
    ):
        assert await may_read(guarded.address(service), topic) == wanted, (service, topic)


async def test_a_service_cannot_take_another_s_place_in_its_group(guarded: Kafka) -> None:
    consumer = AIOKafkaConsumer(**options(guarded.address("email")), group_id="router", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.subscribe(["deliveries-requested-email"])
        with pytest.raises(GroupAuthorizationFailedError):
            await consumer.getmany(timeout_ms=20_000)
    finally:
        await consumer.stop()


async def the_desk_looks_and_replays(address: str) -> None:
    """The wallboard sees how far everybody is, and an admin puts a letter back."""
    watched = PipelineReader(address)
    try:
        found = await watched.read(utc_now())
    finally:
        await watched.close()
    assert "router" in found.groups
    assert found.dead_letters > 0
    async with DeadLetters(address, "desk") as dead:
        letter = next(letter for letter in await dead.all() if letter.topic == MESSAGES_RECEIVED.name)
        await dead.replay(letter, "test")


async def test_the_home_of_an_older_version_keeps_its_messages_and_is_routed_on(guarded: Kafka, tmp_path: Path) -> None:
    router = RouterProcess(guarded.address("router"), ports.free()[0], tmp_path / "router.log", "router")
    bus = KafkaBus(guarded.address("email"), "email")
    await bus.start()
    try:
        (later,) = await send(bus, mails(1))
        async with Outputs(guarded.address(OPERATOR)) as outputs:
            await router.start()
            await outputs.wait_for([EARLIER.id, later])
        done = await router.command("dead-letters", "list")
        assert done.returncode == 0, done.stderr
        await the_desk_looks_and_replays(guarded.address("desk"))
    finally:
        await bus.stop()
        if router.process:
            await router.end(signal.SIGKILL)
