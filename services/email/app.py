"""The email service, wired together.

`python -m services email`: run; `migrate`: bring the database's schema up to date; `replay <offset|raw uri>`: read a mail
again that was set aside; `ledger`: how many answers are in which state.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from services.email import repository
from services.email.adapters import certificate
from services.email.adapters.folder import FolderSender
from services.email.adapters.relay import Relay, RelaySender
from services.email.adapters.smtp import Door, Listener, LocalMailSession
from services.email.channel import CHANNEL
from services.email.consumer import deliveries
from services.email.delivering import Deliverer, Rules
from services.email.domain.incoming import Context
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.outgoing import Identity
from services.email.models import OUTBOX, SCHEMA
from services.email.ports import MailSender
from services.email.presence import Presence
from services.email.receiving import Receiver
from services.email.replay import replay, replays
from services.email.returning import Returns
from services.email.settings import EmailSettings, networks
from shared import db, logs
from shared.attempts import RetryPolicy
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.db import Database
from shared.errors import Misconfigured, SwitchboardError, Unavailable
from shared.health import Health
from shared.language import detect
from shared.limits import RateLimit
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED
from shared.waiting import wait
from shared.web import create_api

_MIGRATIONS = Path(__file__).parent / "migrations"
_RELAY_CHECK = 60.0
"""Seconds between looks at the relay; each is a connection that its operator sees."""


class EmailService:
    """Everything that one process of this service runs."""

    def __init__(self, common: Settings, settings: EmailSettings) -> None:
        self.common, self.settings, self.health = common, settings, Health()
        self.health.expect("kafka", "postgres", "smtp", "relay")
        self.bus = KafkaBus(common.kafka, "email", self.health)
        self.database = Database(settings.database, SCHEMA)
        self.storage = Storage(common.storage)
        self.sender = sender(settings)
        self.receiver = receiver(common, settings, self.bus, self.storage, self.database)
        self.presence = Presence(self.database)
        self.outbox = Outbox(OUTBOX, self.database, self.bus)
        self.deliverer = Deliverer(
            self.database,
            self.outbox,
            self.storage,
            self.sender,
            identity(common, settings),
            self.presence,
            rules(settings),
        )
        self.listeners = listeners(settings, self.receiver)

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """The language detector takes half a second to load; the first customer should not wait for it."""
        await asyncio.to_thread(detect, "Hello, where is my order?", self.common.languages)
        await self.receiver.reader.start()
        try:
            yield
        finally:
            await self.receiver.reader.close()
            await self.bus.stop()
            await self.database.dispose()

    def tasks(self) -> dict[str, Task]:
        """What runs beside HTTP."""
        listening: dict[str, Task] = {name: listener.run for name, listener in self.listeners.items()}
        return {
            **listening,
            "kafka": self.bus.keep_connecting,
            "postgres": lambda stop: self.database.keep_checking(self.health, stop),
            "outbox": self.outbox.run,
            "requests": deliveries(self.bus, self.deliverer).run,
            "replays": replays(self.bus, self.storage, self.receiver).run,
            "sending": self._send,
            "announcing": self._announce,
            "looking": self._look,
        }

    async def _send(self, stop: asyncio.Event) -> None:
        """The sign of life ends after the last attempt is noted: until then nobody may call it abandoned."""
        ended = asyncio.Event()
        alive = asyncio.create_task(self.presence.run(ended))
        try:
            await self.deliverer.run(stop)
        finally:
            ended.set()
            await alive

    async def _announce(self, stop: asyncio.Event) -> None:
        METRICS.announced(CHANNEL.name, enabled=CHANNEL.enabled)
        while not stop.is_set():
            try:
                await self.bus.publish(CHANNELS_ANNOUNCED, CHANNEL.name, CHANNEL)
            except Unavailable:
                await wait(stop, 0.5)
            else:
                await stop.wait()

    async def _look(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            wrong = await self.sender.check()
            self.health.set("relay", ok=not wrong, detail=wrong or self.sender.name)
            silent = [name for name, listener in self.listeners.items() if not listener.listening]
            taking = ", ".join(f"{name} on port {listener.port}" for name, listener in self.listeners.items())
            self.health.set(
                "smtp", ok=not silent, detail=f"not listening: {', '.join(silent)}" if silent else taking or "off"
            )
            await wait(stop, _RELAY_CHECK if not wrong and not silent else 2)


def create_app(service: EmailService) -> FastAPI:
    """Health and metrics. Providers' webhooks will have their place here."""
    return create_api("email", service.health, title="Switchboard email")


def sender(settings: EmailSettings) -> MailSender:
    """The relay where one is set, or else the folder. Raises Misconfigured where its password would go out in the open."""
    if not settings.relay_host:
        return FolderSender(settings.outbox_folder)
    tls = settings.relay_tls
    if settings.relay_user and not settings.relay_password_without_tls:
        if tls == "none":
            raise Misconfigured(
                "EMAIL_RELAY_TLS=none would show the relay's password to everybody on the way: set it to `starttls` or `tls`, "
                "or say EMAIL_RELAY_PASSWORD_WITHOUT_TLS=true"
            )
        tls = "starttls" if tls == "auto" else tls
    password = settings.relay_password.get_secret_value()
    relay = Relay(settings.relay_host, settings.relay_port, settings.relay_user, password, tls)
    return RelaySender(relay, settings.send_timeout)


def receiver(common: Settings, settings: EmailSettings, bus: Bus, storage: Storage, database: Database) -> Receiver:
    """What takes mails in."""
    secret = common.secret.get_secret_value()
    trusted = frozenset(name.strip().lower() for name in settings.trusted_authserv_ids.split(",") if name.strip())
    context = Context(Mailboxes.parse(settings.mailboxes), secret, common.languages, trusted)
    return Receiver(bus, storage, context, Returns(database, Outbox(OUTBOX, database, bus), secret))


def identity(common: Settings, settings: EmailSettings) -> Identity:
    """Who answers."""
    mailboxes = Mailboxes.parse(settings.mailboxes)
    return Identity(mailboxes, common.secret.get_secret_value(), settings.company, settings.from_name)


def rules(settings: EmailSettings) -> Rules:
    """How answers are sent."""
    patience = RetryPolicy(
        first=timedelta(seconds=settings.retry_first),
        longest=timedelta(hours=1),
        give_up=timedelta(hours=settings.give_up_hours),
    )
    return Rules(settings.senders, settings.send_timeout, patience)


def listeners(settings: EmailSettings, receiver: Receiver) -> dict[str, Listener]:
    """SMTP and LMTP, as far as they are on. Raises Misconfigured."""
    door = Door(
        receive=receiver.receive,
        owns=Mailboxes.parse(settings.mailboxes).owns,
        max_size=settings.max_size,
        max_recipients=settings.max_recipients,
        max_connections=settings.max_connections,
        idle_timeout=settings.idle_timeout,
        per_address=settings.sessions_per_address,
        rate=RateLimit(settings.mails_per_address),
        trusted=networks(settings.trusted_networks),
        hostname=settings.hostname or None,
        tls=_tls(settings),
    )
    found = {}
    if settings.smtp_port:
        found["smtp"] = Listener(door, settings.smtp_host, settings.smtp_port)
    if settings.lmtp_port:
        found["lmtp"] = Listener(door, settings.smtp_host, settings.lmtp_port, LocalMailSession)
    return found


def _tls(settings: EmailSettings) -> ssl.SSLContext:
    try:
        if settings.tls_certificate:
            return certificate.context(settings.tls_certificate, settings.tls_key)
        return certificate.kept_context(settings.tls_folder, settings.hostname or socket.getfqdn())
    except OSError as error:
        names = "EMAIL_TLS_CERTIFICATE and EMAIL_TLS_KEY" if settings.tls_certificate else "EMAIL_TLS_FOLDER"
        raise Misconfigured(f"{names} cannot be used: {error}") from error


def main(arguments: list[str]) -> int:
    """Run, or one of the commands above. Returns the exit code."""
    common, settings = load(Settings), load(EmailSettings)
    logs.configure("email", common.log_format, common.log_level)
    match arguments:
        case []:
            service = EmailService(common, settings)
            return serve(
                "email", common.host, settings.port, create_app(service), service.tasks(), start=[service.resources()]
            )
        case ["migrate"]:
            db.migrate(settings.database, SCHEMA, _MIGRATIONS)
            return 0
        case ["replay", reference]:
            return _command(lambda: _replay(common, settings, reference))
        case ["ledger"]:
            return _command(lambda: _ledger(settings))
        case _:
            print(
                "usage: python -m services email [migrate | replay <dead letter's offset | raw uri> | ledger]",
                file=sys.stderr,
            )
            return 2


def _command(work: Callable[[], object]) -> int:
    try:
        asyncio.run(work())  # type: ignore[arg-type]
    except SwitchboardError as error:
        print(f"email: {error}", file=sys.stderr)
        return 1
    return 0


async def _replay(common: Settings, settings: EmailSettings, reference: str) -> None:
    bus, storage = KafkaBus(common.kafka, "email"), Storage(common.storage)
    await bus.start()
    database = Database(settings.database, SCHEMA)
    receiving = receiver(common, settings, bus, storage, database)
    try:
        found = await replay(reference, common.kafka, storage, receiving)
    finally:
        await receiving.reader.close()
        await bus.stop()
        await database.dispose()
    print(f"published as message {found}" if found else "it is no message: what it tells was noted")


async def _ledger(settings: EmailSettings) -> None:
    database = Database(settings.database, SCHEMA)
    try:
        async with database.transaction() as session:
            for state, number in sorted((await repository.count(session)).items()):
                print(f"{state}: {number}")
    finally:
        await database.dispose()
