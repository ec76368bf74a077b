"""One suite for what the delivery kit promises, over every sender: a channel adds its own to
`CHANNELS`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Table, select, update

from services.email.adapters.folder import FolderSender
from services.email.adapters.relay import Relay, RelaySender
from services.email.domain.outgoing import OutgoingMail
from services.email.models import DELIVERIES, OUTBOX
from services.email.ports import MailSender
from services.email.sender import EmailSender
from services.email.senders import Senders
from services.phone import models as phone
from services.phone.adapters.twilio_api import TwilioProvider
from services.phone.adapters.twiml import Script
from services.phone.sender import TextSender
from services.social import models as social
from services.social.delivering import NetworkSender
from services.social.domain.posts import Account
from services.social.networks.x.network import XNetwork
from shared.attempts import Result, RetryPolicy
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database, migrate
from shared.delivery import (
    SENDING,
    Attempt,
    Deliverer,
    DeliveryPolicy,
    Finding,
    Ledger,
    NotSent,
    Sender,
    SendResult,
    Sent,
)
from shared.events import DeliveryReport, OutboundMessage
from shared.kernel import ContactPoint
from shared.locks import Liveness
from shared.outbox import Outbox
from shared.storage import Storage
from shared.topics import DELIVERIES_REPORTED, deliveries_requested
from tests.integration.phone_house import free_port
from tests.integration.social_parts import Parts
from tests.integration.test_email_delivering import IDENTITY, RelayServer
from tests.providers.twilio import ACCOUNT, OURS, TOKEN, Twilio
from tests.providers.x import X, serving
from tests.unit.social.makers import access
from tests.waiting import until

MIGRATIONS = Path(__file__).parents[2] / "services"
RETRY = RetryPolicy(first=timedelta(milliseconds=20), longest=timedelta(seconds=1), give_up=timedelta(hours=1))


@dataclass
class Provider:
    """The other side of a channel, as the suite needs it. `took`: the texts that it has taken, in
    order."""

    sender: Sender
    took: Callable[[], list[str]]
    away: Callable[[bool], None]
    """Lets it be unreachable, or come back."""
    table: Table = DELIVERIES
    outbox: Table = OUTBOX
    channel: str = "email"
    to: str = "email:ann@example.com"
    settle: timedelta | None = None
    can_tell: bool = True
    """Whether it can be asked if an attempt went out."""


class Twin:
    """A provider in memory that can be asked."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.away = False

    async def send(self, attempt: Attempt) -> SendResult:
        if self.away:
            return SendResult(Result.LATER, "away")
        self.texts[f"id-{len(self.texts)}"] = attempt.request.text
        return SendResult(Result.DONE, "taken", list(self.texts)[-1])

    async def find(self, attempt: Attempt) -> Finding:
        found = [identity for identity, text in self.texts.items() if text == attempt.request.text]
        return Sent(found) if found else NotSent()


@asynccontextmanager
async def twin(_database: str, _folder: Path) -> AsyncIterator[Provider]:
    made = Twin()
    yield Provider(
        made, lambda: list(made.texts.values()), lambda away: setattr(made, "away", away), settle=timedelta(seconds=0.1)
    )


def mails(database: str, storage: Path, sender: MailSender) -> EmailSender:
    ledger = Database(database, "email")
    senders = Senders(ledger, IDENTITY.secret, IDENTITY.mailboxes, sender, lambda _: sender)
    return EmailSender(ledger, Storage(f"file://{storage}"), senders, IDENTITY)


@asynccontextmanager
async def smtp(database: str, folder: Path) -> AsyncIterator[Provider]:
    relay = RelayServer()
    await relay.start()
    sender = mails(database, folder, RelaySender(Relay("127.0.0.1", relay.port, tls="none"), 2))
    yield Provider(
        sender,
        lambda: [_text(raw) for raw in relay.taken],
        lambda away: setattr(relay, "to_recipient", "451 4.3.0 later" if away else "250 OK"),
        can_tell=False,
    )
    assert relay.server
    relay.server.close()


class Recording(FolderSender):
    """Keeps the order of what it wrote, which files do not tell."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.wrote: list[bytes] = []

    async def send(self, mail: OutgoingMail) -> SendResult:
        outcome = await super().send(mail)
        if outcome.result is Result.DONE:
            self.wrote.append(mail.content)
        return outcome


@asynccontextmanager
async def outgoing_folder(database: str, folder: Path) -> AsyncIterator[Provider]:
    place = folder / "outbox"
    recording = Recording(place)

    def away(is_away: bool) -> None:
        if is_away:
            place.write_text("no folder")
        else:
            place.unlink()

    yield Provider(mails(database, folder, recording), lambda: [_text(raw) for raw in recording.wrote], away)


def _text(raw: bytes) -> str:
    return raw.decode().replace("\r\n", "\n").partition("\n\n")[2].strip()


@asynccontextmanager
async def x(database: str, _folder: Path) -> AsyncIterator[Provider]:
    stand_in, own = X(), Database(database, "social")
    with serving(stand_in) as url:
        network = XNetwork(access(url, 0.5))
        account = Account(stand_in.me.id, stand_in.me.username)
        parts = Parts(own, network, account)
        ledger = Ledger(social.DELIVERIES, Outbox(social.OUTBOX, own, parts.bus))
        settle = timedelta(seconds=0.6)
        replies = {"x": (network.replies(own, ledger), parts.connection.availability)}

        yield Provider(
            NetworkSender(replies, settle),
            lambda: [one.text for one in stand_in.our_messages()],
            lambda away: setattr(stand_in, "outage", "503" if away else ""),
            social.DELIVERIES,
            social.OUTBOX,
            channel="x",
            to=f"x:{stand_in.person('ann').id}",
            settle=settle,
        )
    await own.dispose()


@asynccontextmanager
async def texts(dsn: str, _folder: Path) -> AsyncIterator[Provider]:
    network, database = Twilio(statuses=()), Database(dsn, phone.SCHEMA)
    async with network.running(free_port()):
        provider = TwilioProvider(ACCOUNT, TOKEN, OURS, network.url, (), 2)
        script = Script(network.public_url, "Acorn", OURS)

        def away(is_away: bool) -> None:
            network.faults[:] = [("Messages.json", "20429")] * 1_000 if is_away else []

        yield Provider(
            TextSender(database, provider, script, timedelta(seconds=0.5)),
            lambda: [message.body for message in network.messages.values()],
            away,
            phone.DELIVERIES,
            phone.OUTBOX,
            "sms",
            "tel:+33612345678",
            settle=timedelta(seconds=0.1),
        )
        await provider.close()
    await database.dispose()


CHANNELS: dict[str, Callable[[str, Path], AbstractAsyncContextManager[Provider]]] = {
    "memory": twin,
    "smtp": smtp,
    "folder": outgoing_folder,
    "twilio": texts,
    "x": x,
}


@dataclass
class Stage:
    provider: Provider
    database: Database
    bus: MemoryBus = field(default_factory=MemoryBus)
    running: list[tuple[asyncio.Event, list[asyncio.Task[None]]]] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.provider.table, Outbox(self.provider.outbox, self.database, self.bus))

    def start(self, sender: Sender | None = None) -> None:
        """One process."""
        policy = DeliveryPolicy(lease=timedelta(seconds=5), retry=RETRY, concurrency=4, settle=self.provider.settle)
        outbox, liveness = Outbox(self.provider.outbox, self.database, self.bus), Liveness(self.database)
        ledger = Ledger(self.provider.table, outbox)
        deliverer = Deliverer(self.database, ledger, sender or self.provider.sender, policy, liveness)
        requests = self.bus.consumer([deliveries_requested(self.provider.channel)], "channel", deliverer.consume)
        stop = asyncio.Event()
        work = (liveness.around(deliverer.run, stop), outbox.run(stop), requests.run(stop))
        self.running.append((stop, [asyncio.create_task(one) for one in work]))

    async def stop(self) -> None:
        for stop, tasks in self.running:
            stop.set()
            await asyncio.gather(*tasks)
        self.running.clear()

    def request(self, text: str, ticket: str = "") -> OutboundMessage:
        return OutboundMessage(
            id=str(uuid4()),
            ticket_id=ticket or str(uuid4()),
            channel=self.provider.channel,
            to=ContactPoint(self.provider.to),
            text=text,
            subject="Lamp",
            requested_at=utc_now(),
        )

    async def ask(self, *requests: OutboundMessage) -> None:
        topic = deliveries_requested(self.provider.channel)
        await self.bus.publish_all([(topic, request.ticket_id, request) for request in requests])

    async def interrupted(self, request: OutboundMessage) -> Attempt:
        """What a process leaves that is killed while this is being sent."""
        async with self.database.transaction() as session:
            await self.ledger.add(session, [request])
            [attempt] = await self.ledger.claim(session, 1, timedelta(hours=1), holder=12345)
        return attempt

    def reports(self) -> list[DeliveryReport]:
        return self.bus.events(DELIVERIES_REPORTED)

    def states(self) -> dict[str, str]:
        return {report.outbound_id: report.state for report in self.reports()}


@pytest.fixture(params=sorted(CHANNELS))
async def stage(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with CHANNELS[request.param](database, tmp_path) as provider:
        schema = str(provider.table.schema)
        await asyncio.to_thread(migrate, database, schema, MIGRATIONS / schema / "migrations")
        made = Stage(provider, Database(database, schema))
        try:
            yield made
        finally:
            await made.stop()
            await made.database.dispose()


async def test_what_is_asked_for_twice_is_sent_and_reported_once(stage: Stage) -> None:
    request, other = stage.request("one"), stage.request("other")
    await stage.ask(request, request)
    stage.start()
    await until(lambda: len(stage.reports()) == 1)
    await stage.ask(request, other)
    await until(lambda: len(stage.reports()) == 2)
    assert stage.provider.took() == ["one", "other"]
    assert stage.states() == {request.id: "sent", other.id: "sent"}


async def test_replies_of_one_ticket_leave_in_order_whichever_process_sends_them(stage: Stage) -> None:
    tickets = [str(uuid4()) for _ in range(3)]
    requests = [stage.request(f"{number}", tickets[number % 3]) for number in range(12)]
    await stage.ask(*requests)
    stage.start()
    stage.start()
    await until(lambda: len(stage.reports()) == 12)
    took = [int(text) for text in stage.provider.took()]
    assert sorted(took) == list(range(12))
    for place in range(3):
        assert [number for number in took if number % 3 == place] == list(range(place, 12, 3))


async def test_what_went_out_before_an_interruption_is_not_sent_again(stage: Stage) -> None:
    attempt = await stage.interrupted(stage.request("out already"))
    assert (await stage.provider.sender.send(attempt)).result is Result.DONE
    stage.start()
    await until(stage.reports)
    assert stage.states() == {attempt.request.id: "sent" if stage.provider.can_tell else "uncertain"}
    assert stage.provider.took() == ["out already"]


async def test_what_did_not_go_out_before_an_interruption_is_sent_where_that_can_be_known(stage: Stage) -> None:
    attempt = await stage.interrupted(stage.request("never left"))
    stage.start()
    await until(stage.reports)
    assert stage.states() == {attempt.request.id: "sent" if stage.provider.can_tell else "uncertain"}
    assert stage.provider.took() == (["never left"] if stage.provider.can_tell else [])


async def test_two_interrupted_replies_in_the_same_words_are_two(stage: Stage) -> None:
    first = await stage.interrupted(stage.request("same words"))
    await stage.interrupted(stage.request("same words"))
    assert (await stage.provider.sender.send(first)).result is Result.DONE
    stage.start()
    await until(lambda: len(stage.reports()) == 2)
    assert set(stage.states().values()) == {"sent" if stage.provider.can_tell else "uncertain"}
    assert stage.provider.took() == ["same words"] * (2 if stage.provider.can_tell else 1)


async def test_while_the_provider_is_away_replies_wait_and_then_leave_once(stage: Stage) -> None:
    stage.provider.away(True)
    stage.start()
    await stage.ask(stage.request("patience"))

    async def tried() -> bool:
        async with stage.database.transaction() as session:
            return bool(await session.scalar(select(stage.provider.table.c.detail)))

    await until(tried)
    assert not stage.reports()
    stage.provider.away(False)
    await until(stage.reports)
    assert stage.provider.took() == ["patience"]
    assert list(stage.states().values()) == ["sent"]


async def test_while_kafka_is_away_nothing_is_lost(stage: Stage) -> None:
    await stage.ask(stage.request("at last"))
    stage.start()
    await until(stage.provider.took)
    stage.bus.down = True
    later = stage.request("asked while away")
    async with stage.database.transaction() as session:
        await stage.ledger.add(session, [later])
    await until(lambda: len(stage.provider.took()) == 2)
    assert later.id not in stage.states()
    stage.bus.down = False
    await until(lambda: len(stage.reports()) == 2)
    assert later.id in stage.states()


async def test_what_a_living_process_is_sending_is_left_to_it(stage: Stage) -> None:
    other, stop = Liveness(stage.database), asyncio.Event()
    living = asyncio.create_task(other.run(stop))
    await until(other.held.is_set)
    attempt = await stage.interrupted(stage.request("theirs"))
    async with stage.database.transaction() as session:
        await session.execute(update(stage.provider.table).values(holder=other.number))
    stage.start()
    ours = stage.request("ours")
    await stage.ask(ours)
    await until(stage.reports)
    assert stage.states() == {ours.id: "sent"}
    async with stage.database.transaction() as session:
        state = select(stage.provider.table.c.state).where(stage.provider.table.c.outbound_id == attempt.request.id)
        assert await session.scalar(state) == SENDING
    stop.set()
    await living
    await until(lambda: attempt.request.id in stage.states())


class Broken(Twin):
    """A provider whose answers our reader trips over."""

    async def send(self, attempt: Attempt) -> SendResult:
        if attempt.request.text == "odd":
            raise KeyError("sid")
        return await super().send(attempt)

    async def find(self, attempt: Attempt) -> Finding:
        raise KeyError("sid")


@pytest.mark.parametrize("stage", ["memory"], indirect=True)
async def test_what_one_reply_trips_over_is_uncertain_and_the_others_go_on(stage: Stage) -> None:
    sender, odd, good = Broken(), stage.request("odd"), stage.request("good")
    await stage.ask(odd)
    stage.start(sender)
    await until(lambda: stage.states() == {odd.id: "uncertain"})
    await stage.ask(good)
    await until(lambda: good.id in stage.states())
    assert stage.states() == {odd.id: "uncertain", good.id: "sent"}
