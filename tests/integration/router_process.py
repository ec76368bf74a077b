"""A router as its own process on a real broker, and a reader of what it wrote."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import uuid4

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.bus.client import options
from shared.bus.kafka import KafkaBus, create_topics
from shared.events import InboundMessage, RoutedMessage
from shared.events.codec import decode
from shared.kernel import email_point, message_id
from shared.topics import (
    DEAD_LETTERS,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    MESSAGES_ROUTED,
    MESSAGES_ROUTED_LIVE,
    Topic,
    all_topics,
)
from tests.unit.router.makers import NOW
from tests.waiting import until

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds: a wait fails after this. Nothing takes that long unless it is broken."""


@dataclass
class RouterProcess:
    """One worker. `group` is unique to a test, so that tests on one broker do not share offsets."""

    servers: str
    port: int
    log: Path
    group: str = field(default_factory=lambda: f"router-{uuid4().hex[:8]}")
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    service: str = "router"

    @property
    def variables(self) -> dict[str, str]:
        own = {"SWITCHBOARD_KAFKA": self.servers, "SWITCHBOARD_SECRET": "s" * 32, "ROUTER_PORT": str(self.port)}
        return os.environ | own | {"ROUTER_GROUP": self.group} | self.environment

    async def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the router, which needs to know where Kafka is and nothing secret."""
        line = [sys.executable, "-m", "services", "router", *arguments]
        return await asyncio.to_thread(
            subprocess.run,
            line,
            cwd=ROOT,
            env={name: value for name, value in self.variables.items() if name != "SWITCHBOARD_SECRET"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    async def start(self, ready: bool = True) -> None:
        """Start it, and wait until it has its partitions."""
        with self.log.open("ab") as log:
            line = [sys.executable, "-m", "services", self.service]
            self.process = subprocess.Popen(line, cwd=ROOT, env=self.variables, stdout=log, stderr=log)
        if ready:
            await until(self._ready, f"the {self.service} never got ready, see {self.log}")

    async def _ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, f"the {self.service} ended: {self.log.read_text()[-2000:]}"
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                return (await client.get(f"http://127.0.0.1:{self.port}/health/ready")).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """Its process id; it was started before."""
        assert self.process
        return self.process.pid

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, PATIENCE)


@dataclass
class Outputs:
    """What was written to `messages-routed` and `dead-letters` since the start of the test, by
    message id."""

    servers: str
    routed: dict[str, RoutedMessage] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    headers: dict[str, dict[str, bytes]] = field(default_factory=dict)
    dead: list[tuple[bytes | None, dict[str, bytes]]] = field(default_factory=list)
    _consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(**options(self.servers), fetch_max_wait_ms=50)
        await self._consumer.start()
        topics = (MESSAGES_ROUTED_LIVE, MESSAGES_ROUTED, DEAD_LETTERS)
        partitions = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._consumer
        await self._consumer.stop()

    async def read(self) -> None:
        """Take in what is there."""
        assert self._consumer
        for partition, records in (await self._consumer.getmany(timeout_ms=200)).items():
            for record in records:
                if partition.topic == DEAD_LETTERS.name:
                    self.dead.append((record.value, dict(record.headers)))
                    continue
                routed = decode(RoutedMessage, record.value)
                self.routed[routed.message.id] = routed
                self.keys[routed.message.id] = record.key.decode()
                self.headers[routed.message.id] = dict(record.headers)
                self.times[routed.message.id] += 1
                self.order.append(routed.message.id)

    async def wait(self, what: Callable[[], bool], message: str) -> None:
        """Read on until this holds."""

        async def holds() -> bool:
            await self.read()
            return what()

        await until(holds, message)

    async def wait_for(self, ids: Iterable[str]) -> None:
        """Read on until each of these messages is routed."""
        wanted = set(ids)
        await self.wait(lambda: wanted <= self.routed.keys(), "messages were lost")


async def prepared(servers: str) -> KafkaBus:
    """A bus, with all topics there."""
    await create_topics(servers, all_topics(["email", "chat"]))
    bus = KafkaBus(servers, "test")
    await bus.start()
    return bus


def mails(count: int, run: str = "", live: bool = False, text: str = "Hello") -> list[InboundMessage]:
    """Messages that only this test sends."""
    run = run or uuid4().hex[:8]
    return [
        InboundMessage(
            id=message_id("email", f"<{run}.{number}@example.org>"),
            channel="chat" if live else "email",
            provider_id=f"<{run}.{number}@example.org>",
            sender=email_point(f"{run}.{number % 97}@example.org"),
            received_at=NOW,
            text=f"{text} {number}",
            language="en",
            live=live,
        )
        for number in range(count)
    ]


async def send(bus: KafkaBus, messages: Iterable[InboundMessage]) -> list[str]:
    """Publish them as a channel would; returns their ids once Kafka has acknowledged all."""
    lanes: dict[bool, Topic[InboundMessage]] = {True: MESSAGES_RECEIVED_LIVE, False: MESSAGES_RECEIVED}
    items = [(lanes[message.live], message.sender, message) for message in messages]
    await bus.publish_all(items)
    return [message.id for _, _, message in items]
