"""The email service, wired together.

`python -m services email`: run; `migrate`: bring the database's schema up to date; `replay
<offset|raw uri>`: read a mail again that was set aside; `ledger`: how many answers are in which
state; `mailboxes`: add, list, try and remove mailboxes at IMAP servers; `suppressions`: list, add
and remove addresses that are not written to; `senders`: say how each mailbox sends; `import`: take
in an archive of mail.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from services.email import api, webhooks
from services.email.adapters import certificate
from services.email.adapters.dns import Lookup
from services.email.adapters.folder import FolderSender
from services.email.adapters.providers import Mailgun, Postmark, SendGrid
from services.email.adapters.relay import Relay, RelaySender
from services.email.adapters.smtp import Door, Listener, LocalMailSession
from services.email.adapters.sns import Fetch, fetch
from services.email.channel import CHANNEL
from services.email.checks import Checks
from services.email.commands import mailboxes, suppressions
from services.email.commands import senders as senders_command
from services.email.consumer import deliveries
from services.email.domain.incoming import Context
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.outgoing import Identity
from services.email.domain.received import Receivers
from services.email.fetching import Fetching, Rules
from services.email.history import History
from services.email.imap_mailboxes import ImapMailboxes
from services.email.import_commands import USAGE as IMPORT_USAGE
from services.email.import_commands import imports
from services.email.importing import MailImporter
from services.email.models import DELIVERIES, OUTBOX, SCHEMA
from services.email.ports import MailSender
from services.email.receiving import Receiver
from services.email.replay import replay, replays
from services.email.returning import Returns
from services.email.scanning import scanning
from services.email.sender import EmailSender, Pace
from services.email.senders import Senders
from services.email.settings import EmailSettings, names, networks, servers
from services.email.signing_in import SignIn, providers
from shared.attempts import RetryPolicy
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.channels import Announcer, Availability
from shared.clock import utc_now
from shared.db import Database
from shared.delivery import Deliverer, DeliveryPolicy, Ledger, print_counts
from shared.errors import Misconfigured, Unavailable
from shared.health import Health
from shared.language import detect
from shared.limits import RateLimit
from shared.locks import Liveness
from shared.outbox import Outbox
from shared.run import Task
from shared.service import Command, Program, Service, bus_of
from shared.settings import Settings, load
from shared.storage import Storage
from shared.waiting import wait
from shared.web import create_api

_LOOK, _SOON = 2.0, 0.1
"""Seconds between looks at our own doors: while all are open, and until they are."""
_SPARE = timedelta(seconds=15)
"""On top of the sender's own time-out, for fetching attachments and for the two commits."""


def create(
    common: Settings,
    settings: EmailSettings,
    *,
    bus: Bus | None = None,
    mails: MailSender | None = None,
    get: Fetch = fetch,
    clock: Callable[[], datetime] = utc_now,
) -> Service:
    """Wires one process of this service. `bus`, `mails`, `get`: in place of Kafka, of what the
    settings say, and of Amazon's servers. Raises Misconfigured."""
    health = Health()
    health.expect("postgres", "smtp", "relay")
    (bus, connecting), mails = bus_of("email", common, health, bus), mails or sender(settings)
    database, storage = Database(settings.database.get_secret_value(), SCHEMA), Storage(common.storage)
    outbox, liveness = Outbox(OUTBOX, database, bus), Liveness(database)
    receiving = receiver(common, settings, bus, storage, database, clock)
    importer = MailImporter(bus, storage, context(common, settings), settings.max_size, clock, scanning(settings))
    secret, ours = common.secret.get_secret_value(), Mailboxes.parse(settings.mailboxes)
    senders = Senders(database, secret, ours, mails, partial(relaying, settings))
    pace = Pace(settings.per_mailbox, settings.per_domain)
    delivering = Deliverer(
        database,
        Ledger(DELIVERIES, outbox),
        EmailSender(database, storage, senders, identity(common, settings), pace, clock),
        policy(settings),
        liveness,
        clock,
    )
    doors = listeners(settings, receiving)
    availability = Availability(health, "relay", partial(_check, mails))
    sign_in = SignIn(secret, database, *providers(settings))
    managed = ImapMailboxes(database, secret, ours, sign_in, settings.imap_ca)
    rules = Rules(largest=settings.max_size, idle=settings.imap_idle, poll=settings.imap_poll, ca=settings.imap_ca)
    fetching = Fetching(database, receiving, sign_in, rules, health, managed.changed)

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        """Yields once the language detector is loaded and the reader runs; closes everything at
        the end. The detector takes half a second to load; the first customer should not wait for
        it."""
        await asyncio.to_thread(detect, "Hello, where is my order?", common.languages)
        await receiving.reader.start()
        try:
            yield
        finally:
            await receiving.reader.close()
            await importer.close()
            await senders.close()
            await bus.stop()
            await database.dispose()

    tasks: dict[str, Task] = {
        **{name: door.run for name, door in doors.items()},
        **connecting,
        "postgres": partial(database.keep_checking, health),
        "outbox": outbox.run,
        "requests": deliveries(bus, delivering).run,
        "replays": replays(bus, storage, receiving, importer).run,
        "sending": partial(liveness.around, delivering.run),
        "announcing": Announcer(bus, lambda: [CHANNEL]).run,
        "relay": availability.run,
        "doors": partial(_watch, doors, health),
        "mailboxes": partial(fetching.leadership.around, fetching.run),
    }
    larger = {webhooks.PATH: webhooks.most(settings)}
    http = create_api("email", health, title="Switchboard email", larger=larger)
    http.include_router(api.routes(settings, secret, managed, senders, database))
    http.include_router(webhooks.routes(settings, receiving, Returns(database, outbox, secret), get, clock))
    health.set("webhooks", ok=True, detail=settings.webhooks)
    return Service(http, tasks, resources)


async def _check(mails: MailSender) -> str:
    """Raises Unavailable with what is wrong; returns where mails go."""
    if wrong := await mails.check():
        raise Unavailable(wrong)
    return mails.name


async def _watch(doors: Mapping[str, Listener], health: Health, stop: asyncio.Event) -> None:
    """Tells on the health page which doors are open."""
    while not stop.is_set():
        silent = [name for name, door in doors.items() if not door.listening]
        taking = ", ".join(f"{name} on port {door.port}" for name, door in doors.items())
        detail = f"not listening: {', '.join(silent)}" if silent else taking or "off"
        health.set("smtp", ok=not silent, detail=detail)
        await wait(stop, _SOON if silent else _LOOK)


def sender(settings: EmailSettings) -> MailSender:
    """Returns the provider or the relay where one is set, or else the folder. Raises Misconfigured
    where a password would be sent unencrypted, or the key is missing."""
    if settings.provider:
        return _provider(settings)
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
    return relaying(settings, Relay(settings.relay_host, settings.relay_port, settings.relay_user, password, tls))


def _provider(settings: EmailSettings) -> MailSender:
    key = settings.provider_key.get_secret_value()
    if not key or settings.relay_host:
        raise Misconfigured(
            "EMAIL_PROVIDER needs EMAIL_PROVIDER_KEY, and takes the place of EMAIL_RELAY_HOST: set the one or the other"
        )
    if settings.provider == "mailgun":
        url = settings.provider_url or "https://api.mailgun.net"
        return Mailgun(url, key, settings.send_timeout, settings.provider_domain)
    if settings.provider == "sendgrid":
        return SendGrid(settings.provider_url or "https://api.sendgrid.com", key, settings.send_timeout)
    return Postmark(settings.provider_url or "https://api.postmarkapp.com", key, settings.send_timeout)


def relaying(settings: EmailSettings, relay: Relay) -> MailSender:
    """Returns a sender by this relay."""
    return RelaySender(relay, settings.send_timeout, settings.relay_idle)


def receiver(
    common: Settings,
    settings: EmailSettings,
    bus: Bus,
    storage: Storage,
    database: Database,
    clock: Callable[[], datetime] = utc_now,
) -> Receiver:
    """Creates the receiver of incoming mail."""
    secret = common.secret.get_secret_value()
    returns, history = Returns(database, Outbox(OUTBOX, database, bus), secret), History(database, secret)
    checks = checking(settings, clock) if settings.check_senders else None
    return Receiver(
        bus, storage, context(common, settings), returns, clock, history, database, checks, scanning(settings)
    )


def checking(settings: EmailSettings, clock: Callable[[], datetime] = utc_now) -> Checks:
    """Returns what asks about senders."""
    receivers = Receivers(names(settings.trusted_receivers), networks(settings.trusted_networks))
    ask = Lookup(servers(settings.nameservers)).ask
    return Checks(ask, receivers=receivers, trusted=names(settings.trusted_authserv_ids), clock=clock)


def context(common: Settings, settings: EmailSettings) -> Context:
    """Returns what reading a mail depends on."""
    return Context(
        Mailboxes.parse(settings.mailboxes),
        common.secret.get_secret_value(),
        common.languages,
        frozenset(names(settings.trusted_authserv_ids)),
        frozenset(names(settings.trusted_sealers)),
        names(settings.spam_filters),
    )


def identity(common: Settings, settings: EmailSettings) -> Identity:
    """Returns the identity with which mails are answered."""
    mailboxes = Mailboxes.parse(settings.mailboxes)
    by_postmark = settings.provider == "postmark" or bool(settings.postmark_password.get_secret_value())
    return Identity(
        mailboxes,
        common.secret.get_secret_value(),
        settings.company,
        settings.from_name,
        by_postmark=by_postmark,
        by_sendgrid=bool(settings.sendgrid_public_key) and not settings.provider,
    )


def policy(settings: EmailSettings) -> DeliveryPolicy:
    """Returns the policy by which replies are sent."""
    retry = RetryPolicy(
        first=timedelta(seconds=settings.retry_first),
        longest=timedelta(hours=1),
        give_up=timedelta(hours=settings.give_up_hours),
    )
    lease = timedelta(seconds=settings.send_timeout) + _SPARE
    return DeliveryPolicy(lease=lease, retry=retry, concurrency=settings.senders)


def listeners(settings: EmailSettings, receiver: Receiver) -> dict[str, Listener]:
    """Returns the SMTP and LMTP listeners that are enabled. Raises Misconfigured."""
    if not settings.smtp_port and not settings.lmtp_port:
        return {}
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
        hostname=settings.hostname or socket.getfqdn(),
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


async def _replay(settings: EmailSettings, reference: str) -> None:
    common = load(Settings)
    bus, storage = KafkaBus(common.kafka, "email"), Storage(common.storage)
    await bus.start()
    database = Database(settings.database.get_secret_value(), SCHEMA)
    receiving = receiver(common, settings, bus, storage, database)
    importer = MailImporter(bus, storage, context(common, settings), settings.max_size, scanning=scanning(settings))
    try:
        found = await replay(reference, common.kafka, storage, receiving, importer)
    finally:
        await importer.close()
        await receiving.reader.close()
        await bus.stop()
        await database.dispose()
    print(f"published as message {found}" if found else "it is no message: what it tells was noted")


main = Program(
    "email",
    EmailSettings,
    create,
    Path(__file__).parent,
    {
        "replay": Command(_replay, "<dead letter's offset | raw uri>"),
        "ledger": Command(partial(print_counts, DELIVERIES)),
        "mailboxes": Command(mailboxes.run, mailboxes.USAGE),
        "senders": Command(partial(senders_command.run, sender, relaying), senders_command.USAGE),
        "suppressions": Command(suppressions.run, suppressions.USAGE),
        "import": Command(imports, IMPORT_USAGE),
    },
).main
