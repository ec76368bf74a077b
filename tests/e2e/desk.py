"""A real desk process for a browser to look at, and customers whose messages the router has decided
on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import httpx
from msgspec.structs import replace

from services.email import channel as email
from services.phone import channel as phone
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.events import (
    Attachment,
    Channel,
    ChannelChoice,
    Decision,
    InboundMessage,
    Length,
    Reason,
    RoutedMessage,
    ThreadMatch,
)
from shared.kernel import ContactPoint, Level, message_id, ticket_id
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED, MESSAGES_ROUTED, Topic, all_topics
from tests.waiting import eventually

T = TypeVar("T")
ROOT = Path(__file__).parent.parent.parent
EMAIL, PASSWORD, NAME = "sam@example.org", "correct horse battery", "Sam Okoro"
X_LENGTH = Length(longest=280, link=23, light=((0, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037)))
CHANNELS = (
    email.CHANNEL,
    Channel(name="chat", label="Dashboard", icon="message-circle", reaches=("chat",)),
    replace(phone.CHANNEL, enabled=False, why_off="not set up"),
    Channel(name="x", label="X", icon="at-sign", reaches=("x",), public=True, length=X_LENGTH),
)


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: the browser's driver keeps a loop in ours."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@dataclass
class Customer:
    """Somebody who writes."""

    name: str
    point: str
    language: str = "en"
    channel: str = "email"
    prefers: str = ""
    team: str = "support"
    conversation: str = field(default_factory=lambda: uuid4().hex)

    def says(
        self, text: str, *, subject: str = "", level: Level = Level.NORMAL, at: datetime | None = None, **more: Any
    ) -> RoutedMessage:
        """A message with the router's decision about it."""
        provider_id = f"<{uuid4().hex}@example.org>"
        score = {Level.URGENT: 88, Level.HIGH: 65, Level.NORMAL: 35, Level.LOW: 10}[level]
        thread = f"{self.channel}:{self.conversation}"
        message = InboundMessage(
            id=message_id(self.channel, provider_id),
            channel=self.channel,
            provider_id=provider_id,
            sender=ContactPoint(self.point),
            sender_name=self.name,
            received_at=at or utc_now(),
            text=text,
            subject=subject,
            language=self.language,
            recipient="help@shop.example",
            **more,
        )
        used = ChannelChoice(
            channel=self.channel,
            contact_point=ContactPoint(self.point),
            reasons=(
                Reason(
                    code="preference.used",
                    text=f"this message came by {self.channel}",
                    values={"channel": self.channel},
                ),
            ),
        )
        asked = Reason(
            code="preference.age", text="age 71, given by the customer", values={"age": "71", "channel": self.prefers}
        )
        missing = Reason(code="unavailable.off", text="Phone is switched off", values={"channel": self.prefers})
        preferred = (
            (ChannelChoice(channel=self.prefers, reasons=(asked, missing), available=False),) if self.prefers else ()
        )
        decision = Decision(
            message_id=message.id,
            ticket_id=ticket_id(thread),
            thread=ThreadMatch(key=thread, generation=0, rule="root", evidence=provider_id),
            score=score,
            level=level,
            reasons=(
                Reason(
                    code="severity.outage",
                    text="mentions an outage: “down”",
                    weight=score - 10.0,
                    values={"severity": "outage", "words": "down"},
                ),
                Reason(code="base", text="a customer wrote to us", weight=10.0),
            ),
            channels=(*preferred, used),
            team=self.team,
            skills=(),
            language=self.language,
            routing_reasons=(
                Reason(
                    code="team.default",
                    text=f"{self.team} takes what no rule sends elsewhere",
                    values={"team": self.team},
                ),
            ),
            policy="default@1",
        )
        return RoutedMessage(message=message, decision=decision)


class Desk:
    """A desk on real PostgreSQL and Kafka. It can be stopped and started again."""

    def __init__(self, kafka: str, database: str, port: int, storage: str, router: int, email: int) -> None:
        """router, email: the ports on which it looks for them."""
        self.kafka, self.database, self.storage = kafka, database, storage
        self.url = f"http://127.0.0.1:{port}"
        self.environment = os.environ | {
            "SWITCHBOARD_KAFKA": kafka,
            "SWITCHBOARD_STORAGE": storage,
            "SWITCHBOARD_SECRET": "e2e-" + "s" * 40,
            "SWITCHBOARD_PUBLIC_URL": self.url,
            "DESK_DATABASE": database,
            "DESK_PORT": str(port),
            "DESK_CHAT_OFFER_SECONDS": "300",  # a busy machine takes its time
            "DESK_ROUTER_URL": f"http://127.0.0.1:{router}",
            "DESK_EMAIL_URL": f"http://127.0.0.1:{email}",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Schema, topics, channels, and somebody who may sign in."""
        finish(create_topics(self.kafka, all_topics([channel.name for channel in CHANNELS])))
        self._run("migrate")
        self._run("create-agent", "--email", EMAIL, "--name", NAME, "--password-stdin", text=PASSWORD + "\n")
        finish(self._publish([(CHANNELS_ANNOUNCED, channel.name, channel) for channel in CHANNELS]))

    def start(self) -> None:
        """Until it is ready."""
        self._process = subprocess.Popen([sys.executable, "-m", "services", "desk"], cwd=ROOT, env=self.environment)
        eventually(self._ready, "the desk is ready")

    def stop(self) -> None:
        """As a supervisor would."""
        if self._process:
            self._process.terminate()
            self._process.wait(15)
            self._process = None

    def receive(self, *messages: RoutedMessage) -> None:
        """Messages come from the router."""
        finish(self._publish([(MESSAGES_ROUTED, message.decision.ticket_id, message) for message in messages]))

    def publish(self, *items: tuple[Topic[Any], str, Any]) -> None:
        """Whatever else another service tells: topic, key, value."""
        finish(self._publish(list(items)))

    def file(self, data: bytes, name: str, media_type: str) -> Attachment:
        """A file in the attachment storage."""
        return finish(Storage(self.storage).put(data, name=name, media_type=media_type))

    def rows(self, sql: str) -> list[Any]:
        """What the database says."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.database)
            try:
                return list(await connection.fetch(sql))
            finally:
                await connection.close()

        return finish(ask())

    def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the desk ended while it started; its log says why"
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _run(self, *command: str, text: str = "") -> None:
        subprocess.run(
            [sys.executable, "-m", "services", "desk", *command],
            cwd=ROOT,
            env=self.environment,
            input=text.encode(),
            check=True,
        )

    async def _publish(self, items: list[Any]) -> None:
        bus = KafkaBus(self.kafka, "e2e")
        await bus.start()
        try:
            await bus.publish_all(items)
        finally:
            await bus.stop()


@contextmanager
def beside(desk: Desk, service: str, address: str, own: dict[str, str], *before: str) -> Iterator[None]:
    """Another service's process with the desk's secret, on the port of the setting `address`, where
    the desk looks for it. `before`: its commands that run first."""
    port = desk.environment[address].rpartition(":")[2]
    line = [sys.executable, "-m", "services", service]
    variables = os.environ | desk.environment | {f"{service.upper()}_PORT": port} | own
    for command in before:
        subprocess.run([*line, command], cwd=ROOT, env=variables, check=True)
    process = subprocess.Popen(line, cwd=ROOT, env=variables)

    def ready() -> bool:
        assert process.poll() is None, f"the {service} service ended while it started; its log says why"
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    try:
        eventually(ready, f"the {service} service is ready")
        yield
    finally:
        process.terminate()
        process.wait(15)


def people(at: datetime | None = None) -> list[RoutedMessage]:
    """An inbox on an ordinary morning."""
    now = at or utc_now()
    marie = Customer("Marie Lefèvre", "email:marie@example.org", "fr", prefers="phone")
    seoyeon = Customer("김서연", "email:seoyeon@example.org", "ko")
    return [
        Customer("John Abara", "email:john@example.org").says(
            "The whole shop is down since this morning, every page shows a database error.\nWe lose orders by the minute, please help.",
            subject="Site down after update 6.1",
            level=Level.URGENT,
            at=now - timedelta(minutes=12),
        ),
        marie.says(
            "Bonjour,\n\nle formulaire refuse ma nouvelle carte depuis hier. Pouvez-vous m’appeler ? Je préfère le téléphone.\n\nMarie Lefèvre",
            subject="Impossible de changer ma carte",
            level=Level.HIGH,
            at=now - timedelta(minutes=34),
            birth_year=1954,
            tier="Pro",
            facts={"Site": "https://boutique.example", "WordPress": "6.8"},
        ),
        seoyeon.says(
            "명세서에 같은 금액이 두 번 찍혔습니다. 확인 부탁드려요.",
            subject="결제가 두 번 되었어요",
            level=Level.HIGH,
            at=now - timedelta(minutes=50),
        ),
        Customer("Ana Ruiz", "chat:ana-7", channel="chat").says(
            "Where do I find the export button?", at=now - timedelta(minutes=3)
        ),
        Customer("Lea Nowak", "email:lea@example.org").says(
            "Could you send me the invoice from October again?",
            subject="Where is my invoice?",
            at=now - timedelta(hours=2),
        ),
        Customer("Omar Haddad", "email:omar@example.org").says(
            "Thank you, that was quick.", subject="Re: Export", level=Level.LOW, at=now - timedelta(hours=5)
        ),
    ]
