"""The dashboard as its own process, on a real Kafka and a real PostgreSQL, with a site to write
to."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import jwt
from websockets.asyncio.client import ClientConnection, connect

from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import DeliveryReport, InboundMessage, OutboundMessage
from shared.kernel import ContactPoint
from shared.topics import (
    DELIVERIES_REPORTED,
    MESSAGES_RECEIVED,
    MESSAGES_RECEIVED_LIVE,
    all_topics,
    deliveries_requested,
)
from tests.topic import events_on
from tests.waiting import until

ORIGIN = "https://shop.example"
SECRET = "s" * 40


@dataclass
class Site:
    """What `create-site` printed."""

    site: str
    key: str
    secret: str
    kid: str

    def token(self, sub: str = "", *, kid: str = "", secret: str = "", **claims: Any) -> str:
        now = int(time.time())
        body = {"sub": sub or uuid4().hex, "aud": self.site, "iat": now, "exp": now + 600} | claims
        return jwt.encode(body, secret or self.secret, algorithm="HS256", headers={"kid": kid or self.kid})


@dataclass
class Stage:
    """A database of its own, and as many processes as a test wants."""

    kafka: str
    dsn: str
    storage: str
    log: Path
    settings: dict[str, str] = field(default_factory=dict)
    running: list[Process] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "SWITCHBOARD_KAFKA": self.kafka,
            "SWITCHBOARD_SECRET": SECRET,
            "SWITCHBOARD_STORAGE": self.storage,
            "DASHBOARD_DATABASE": self.dsn,
            "DASHBOARD_RATE_PER_ADDRESS": "0",
            **self.settings,
        }

    def command(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "services", "dashboard", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def site(self, name: str = "", *arguments: str) -> Site:
        made = self.command("create-site", "--name", name or f"Shop {uuid4().hex[:8]}", "--origin", ORIGIN, *arguments)
        return Site(**json.loads(made))

    def start(self, **settings: str) -> Process:
        process = Process(self, settings)
        self.running.append(process)
        return process


class Process:
    """One process of the service."""

    def __init__(self, stage: Stage, settings: dict[str, str]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        environment = stage.environment | {"DASHBOARD_PORT": str(self.port)} | settings
        with stage.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services", "dashboard"], env=environment, stderr=log, stdout=log
            )
        self.stage = stage

    def ready(self, seconds: float = 60) -> Process:
        self.wait_for("/health/ready", seconds)
        return self

    def up(self, seconds: float = 60) -> Process:
        self.wait_for("/health/live", seconds)
        return self

    def wait_for(self, path: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(self.url + path).status_code == 200:
                    return
            assert self.process.poll() is None, self.stage.log.read_text()[-3000:]
            assert time.monotonic() < end, self.stage.log.read_text()[-3000:]
            time.sleep(0.05)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(15)

    def client(self, site: Site | None = None, token: str = "", **headers: str) -> httpx.AsyncClient:
        known = {"X-Site-Key": site.key} if site else {}
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.url, headers={**known, **bearer, **headers}, timeout=30)

    async def session(self, site: Site, identity: str = "", token: str = "") -> dict[str, Any]:
        async with self.client(token=token) as http:
            answer = await http.post("/api/v1/sessions", json={"site": site.key, "identity": identity})
        assert answer.status_code == 201, answer.text
        opened: dict[str, Any] = answer.json()
        return opened

    @contextlib.asynccontextmanager
    async def socket(
        self, site: Site, token: str, after: int = 0, origin: str | None = ORIGIN
    ) -> AsyncIterator[ClientConnection]:
        async with connect(f"ws://127.0.0.1:{self.port}/api/v1/live", origin=origin) as ws:  # type: ignore[arg-type]
            await ws.send(json.dumps({"type": "hello", "site": site.key, "token": token, "after": after}))
            yield ws


@contextlib.contextmanager
def stage(kafka: str, postgres: str, folder: Path, **settings: str) -> Iterator[Stage]:
    name = f"test_{uuid4().hex}"
    asyncio.run(_execute(postgres, f'CREATE DATABASE "{name}"'))
    asyncio.run(_topics(kafka))
    made = Stage(kafka, postgres.rsplit("/", 1)[0] + f"/{name}", f"file://{folder}/storage", folder / "log", settings)
    try:
        made.command("migrate")
        yield made
    finally:
        for process in made.running:
            process.end()
        asyncio.run(_execute(postgres, f'DROP DATABASE "{name}" WITH (FORCE)'))


@contextlib.asynccontextmanager
async def held(place: Stage, statement: str, *values: Any) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    """Hold this statement's locks until the end. What is given waits until so many wait for a
    lock."""
    database = await asyncpg.connect(place.dsn)

    async def waiting(count: int) -> None:
        so_many = "SELECT count(*) >= $1 FROM pg_locks WHERE NOT granted"
        await until(lambda: database.fetchval(so_many, count), f"{count} wait for a lock", 25)

    try:
        async with database.transaction():
            await database.execute(statement, *values)
            yield waiting
    finally:
        await database.close()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def _topics(kafka: str) -> None:
    await create_topics(kafka, all_topics(["chat"]))


async def frame(ws: ClientConnection, kind: str, seconds: float = 15) -> dict[str, Any]:
    """The next frame of this type; others are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            found: dict[str, Any] = json.loads(await ws.recv())
            if found["type"] == kind:
                return found


async def reply(kafka: str, to: InboundMessage, text: str, ticket: str = "ticket-1", **more: Any) -> OutboundMessage:
    """What the desk does when an agent answers."""
    outbound = answer(to, text, ticket, **more)
    await request_delivery(kafka, outbound)
    return outbound


def answer(to: InboundMessage, text: str, ticket: str = "ticket-1", **more: Any) -> OutboundMessage:
    return OutboundMessage(
        id=uuid4().hex,
        ticket_id=ticket,
        channel="chat",
        to=to.sender,
        text=text,
        requested_at=utc_now(),
        author_name="Mina",
        conversation=to.thread.conversation,
        **more,
    )


async def request_delivery(kafka: str, outbound: OutboundMessage, times: int = 1) -> None:
    bus = KafkaBus(kafka, "desk")
    await bus.start()
    for _ in range(times):
        await bus.publish(deliveries_requested("chat"), outbound.ticket_id, outbound)
    await bus.stop()


async def received(kafka: str, conversation: str, *, live: bool = False, count: int = 1) -> list[InboundMessage]:
    """The messages of a conversation, once there are that many."""
    topic = MESSAGES_RECEIVED_LIVE if live else MESSAGES_RECEIVED
    async with asyncio.timeout(40):
        while True:
            found = [event for event in await events_on(kafka, topic) if event.thread.conversation == conversation]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


async def reports(kafka: str, outbound_id: str, count: int) -> list[DeliveryReport]:
    async with asyncio.timeout(40):
        while True:
            found = [event for event in await events_on(kafka, DELIVERIES_REPORTED) if event.outbound_id == outbound_id]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


def point(site: Site, sub: str) -> ContactPoint:
    return ContactPoint(f"chat:{site.site}.{sub}")


HOUR = timedelta(hours=1)
