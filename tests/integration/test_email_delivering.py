"""An agent's answer leaves once, in order, and the agent hears what became of it."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from aiosmtpd.smtp import SMTP
from sqlalchemy import select, update

from services.email.adapters.folder import FolderSender
from services.email.adapters.relay import Relay, RelaySender
from services.email.app import create
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.outgoing import Identity, OutgoingMail
from services.email.models import DELIVERIES, OUTBOX, SCHEMA
from services.email.ports import MailSender
from services.email.sender import UNSEEN_END
from services.email.settings import EmailSettings
from shared import db
from shared.attempts import Result
from shared.bus.kafka import KafkaBus, create_topics
from shared.bus.memory import MemoryBus
from shared.clock import utc_now
from shared.db import Database
from shared.delivery import Ledger, SendResult
from shared.events import Attachment, DeliveryReport, DeliveryState, OutboundMessage
from shared.kernel import contact_point
from shared.locks import Liveness
from shared.outbox import Outbox
from shared.settings import Settings
from shared.storage import Storage
from shared.topics import DELIVERIES_REPORTED, deliveries_requested
from tests.topic import events_on
from tests.waiting import until

IDENTITY = Identity(Mailboxes.parse("support@example.org"), "a secret that is long enough for anybody", "Lamp Shop")
QUICK = {"senders": 4, "send_timeout": 2, "retry_first": 0.02}
NEVER = {"give_up_hours": 1e-9}
MIGRATIONS = Path(__file__).parents[2] / "services/email/migrations"


def answer(ticket: str = "", **changes: object) -> OutboundMessage:
    base = OutboundMessage(
        id=str(uuid4()),
        ticket_id=ticket or str(uuid4()),
        channel="email",
        to=contact_point("email", "ann@example.com"),
        text="Please restart it.",
        requested_at=utc_now(),
        author_name="Bob",
        subject="Lamp",
        references=("<1@x>",),
    )
    return msgspec.structs.replace(base, **changes)


@dataclass
class RelayServer:
    """A real SMTP server that a test can make moody."""

    answers: list[str] = field(default_factory=list)
    """What it says to the next mails' content; afterwards 250."""
    to_recipient: str = "250 OK"
    to_others: dict[str, str] = field(default_factory=dict)
    """What it says to certain recipients instead."""
    recipients: list[list[str]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    hang_up: bool = False
    server: asyncio.Server | None = None

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if address in self.to_others:
            return self.to_others[address]
        envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.hang_up:
            self.taken.append(envelope.content)
            server.transport.abort()
            return "250 never heard"
        if self.answers:
            return self.answers.pop(0)
        self.taken.append(envelope.content)
        self.recipients.append(envelope.rcpt_tos)
        return "250 2.0.0 queued as 42"

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()

        def session() -> SMTP:
            self.connections += 1
            return SMTP(self, loop=loop, hostname="relay.test", enable_SMTPUTF8=True)

        self.server = await loop.create_server(session, "127.0.0.1", port)
        self.port = self.server.sockets[0].getsockname()[1]

    def subjects(self) -> list[str]:
        return [str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"]) for raw in self.taken]


@dataclass
class Stage:
    database: Database
    storage_url: str
    storage: Storage
    bus: Any
    relay: RelayServer
    running: list[tuple[asyncio.Event, list[asyncio.Task[None]]]] = field(default_factory=list)

    def start(
        self, mails: MailSender | None = None, clock: Callable[[], datetime] = utc_now, **settings: object
    ) -> None:
        """One process, as far as it delivers."""
        folder = self.storage_url.removeprefix("file://")
        common = Settings(secret=IDENTITY.secret, storage=self.storage_url)
        relay = {"relay_host": "127.0.0.1", "relay_port": self.relay.port, "relay_tls": "none"}
        known = {
            "company": IDENTITY.company,
            "mailboxes": "support@example.org",
            "smtp_port": 0,
            "outbox_folder": folder,
        }
        own = EmailSettings(database=self.database.dsn, **{**known, **relay, **QUICK, **settings})
        tasks = create(common, own, bus=self.bus, mails=mails, clock=clock).tasks
        stop = asyncio.Event()
        running = [asyncio.create_task(tasks[name](stop)) for name in ("requests", "sending", "outbox")]
        self.running.append((stop, running))

    async def stop(self) -> None:
        for stop, tasks in self.running:
            stop.set()
            await asyncio.gather(*tasks)
        self.running.clear()

    def reports(self) -> list[DeliveryReport]:
        return self.bus.events(DELIVERIES_REPORTED)

    async def ask(self, *requests: OutboundMessage) -> None:
        topic = deliveries_requested("email")
        await self.bus.publish_all([(topic, request.ticket_id, request) for request in requests])

    async def attempts(self) -> int:
        async with self.database.transaction() as session:
            return await session.scalar(select(DELIVERIES.c.attempts)) or 0

    async def left_behind(self, request: OutboundMessage, holder: int = 12345) -> None:
        """What a process leaves that is killed between `sending` and `sent`."""
        async with self.database.transaction() as session:
            ledger = Ledger(DELIVERIES, Outbox(OUTBOX, self.database, self.bus))
            await ledger.add(session, [request])
            assert await ledger.claim(session, 10, timedelta(hours=1), holder)


@pytest.fixture
async def stage(database: str, storage_url: str) -> AsyncIterator[Stage]:
    await asyncio.to_thread(db.migrate, database, SCHEMA, MIGRATIONS)
    relay = RelayServer()
    await relay.start()
    found = Stage(Database(database, SCHEMA), storage_url, Storage(storage_url), MemoryBus(), relay)
    yield found
    await found.stop()
    await found.database.dispose()
    assert relay.server is not None
    relay.server.close()


async def test_an_answer_goes_to_the_relay_and_its_acceptance_is_reported(stage: Stage) -> None:
    file = await stage.storage.put(b"PDF bytes", name="bill.pdf", media_type="application/pdf")
    request = answer(attachments=(file,))
    stage.start()
    await stage.ask(request)
    await until(lambda: len(stage.reports()) == 1)
    [report] = stage.reports()
    assert (report.outbound_id, report.ticket_id, report.state, report.channel) == (
        request.id,
        request.ticket_id,
        "sent",
        "email",
    )
    assert report.detail == "250 2.0.0 queued as 42"
    message = email.message_from_bytes(stage.relay.taken[0], policy=email.policy.default)
    assert message["Message-ID"] == report.provider_id
    assert [part.get_content() for part in message.iter_attachments()] == [b"PDF bytes"]  # type: ignore[attr-defined]


async def test_an_answer_that_is_asked_for_again_is_not_sent_again(stage: Stage) -> None:
    request = answer()
    stage.start()
    await stage.ask(request, request)
    await until(lambda: len(stage.reports()) == 1)
    await stage.ask(request)
    other = answer()
    await stage.ask(other)
    await until(lambda: len(stage.reports()) == 2)
    assert len(stage.relay.taken) == 2
    assert [report.outbound_id for report in stage.reports()] == [request.id, other.id]


async def test_after_a_temporary_refusal_it_is_tried_again(stage: Stage) -> None:
    stage.relay.answers = ["451 4.7.1 greylisted", "421 4.3.0 busy"]
    stage.start()
    await stage.ask(answer())
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].state == "sent"
    assert len(stage.relay.taken) == 1


async def test_an_agent_hears_after_a_while_that_an_answer_is_still_not_out_and_then_that_it_is(stage: Stage) -> None:
    stage.relay.to_recipient = "450 4.2.0 greylisted, please come back"
    stage.start()
    patient = answer()
    late = answer(requested_at=utc_now() - timedelta(minutes=16))
    await stage.ask(patient, late)
    await until(lambda: "deferred" in [report.state for report in stage.reports()])
    [told] = {(report.outbound_id, report.state, report.reason, report.detail) for report in stage.reports()}
    assert told == (late.id, "deferred", "later", "450 4.2.0 greylisted, please come back")
    stage.relay.to_recipient = "250 OK"
    await until(lambda: [report.state for report in stage.reports()].count("sent") == 2)
    states = [DeliveryState(report.state) for report in stage.reports() if report.outbound_id == late.id]
    assert all(after is before or after.supersedes(before, "email") for before, after in pairwise(states))


@pytest.mark.parametrize("wrong", [timedelta(hours=-2), timedelta(hours=2)])
async def test_a_process_whose_clock_is_wrong_waits_as_long_as_any(stage: Stage, wrong: timedelta) -> None:
    stage.relay.to_recipient = "451 4.3.0 later"
    stage.start(clock=lambda: utc_now() + wrong, retry_first=600)
    await stage.ask(answer())
    await until(lambda: _put_off(stage))
    [due] = await _put_off(stage)
    assert 290 < (due - utc_now()).total_seconds() < 610


async def test_while_the_relay_is_away_answers_wait(stage: Stage) -> None:
    assert stage.relay.server is not None
    stage.relay.server.close()
    await stage.relay.server.wait_closed()
    stage.start()
    await stage.ask(answer())
    await until(lambda: _tried_again(stage))
    await stage.relay.start(stage.relay.port)
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].state == "sent"


async def test_a_final_refusal_is_told_in_the_servers_words(stage: Stage) -> None:
    stage.relay.answers = ["554 5.7.1 looks like spam"]
    stage.start()
    await stage.ask(answer())
    await until(lambda: len(stage.reports()) == 1)
    stage.relay.to_recipient = "550 5.1.1 no such user"
    await stage.ask(answer())
    await until(lambda: len(stage.reports()) == 2)
    assert [(report.state, report.detail) for report in stage.reports()] == [
        ("failed", "554 5.7.1 looks like spam"),
        ("failed", "550 5.1.1 no such user"),
    ]
    assert stage.relay.taken == []


async def test_after_a_day_without_luck_the_agent_is_told(stage: Stage) -> None:
    stage.relay.to_recipient = "451 4.3.0 later"
    stage.start(**NEVER)
    await stage.ask(answer())
    await until(lambda: len(stage.reports()) == 1)
    assert (stage.reports()[0].state, stage.reports()[0].detail) == ("failed", "451 4.3.0 later")


async def test_one_tickets_answers_stay_in_order_and_other_tickets_do_not_wait(stage: Stage) -> None:
    stage.relay.answers = ["451 4.3.0 later"]
    ticket = str(uuid4())
    first, second, other = answer(ticket, subject="first"), answer(ticket, subject="second"), answer(subject="other")
    stage.start(senders=1, retry_first=2)
    await stage.ask(first, second, other)
    await until(lambda: len(stage.relay.taken) == 3)
    assert stage.relay.subjects() == ["Re: other", "Re: first", "Re: second"]


async def test_a_crash_between_sending_and_noting_is_uncertain_and_never_sent_blindly(stage: Stage) -> None:
    request = answer()
    await stage.left_behind(request)
    stage.start()
    await stage.ask(request)
    await until(lambda: len(stage.reports()) == 1)
    [report] = stage.reports()
    assert (report.state, report.detail) == ("uncertain", UNSEEN_END)
    assert stage.relay.connections == 0


async def test_two_processes_that_find_the_same_interrupted_answer_report_it_once(stage: Stage) -> None:
    asked, both = 0, asyncio.Event()

    class Forgetful(RelaySender):
        async def was_sent(self, outbound_id: str) -> bool | None:
            nonlocal asked
            asked += 1
            if asked == 2:
                both.set()
            await both.wait()
            return None

    request, later = answer(), answer()
    await stage.left_behind(request)
    for _ in range(2):
        stage.start(Forgetful(Relay("127.0.0.1", stage.relay.port, tls="none"), 2))
    await until(lambda: asked == 1)
    async with stage.database.transaction() as session:  # the first takes too long over it
        await session.execute(update(DELIVERIES).values(due_at=utc_now() - timedelta(seconds=1)))
    await until(stage.reports)
    await stage.ask(later)
    await until(lambda: later.id in [report.outbound_id for report in stage.reports()])
    assert [report.outbound_id for report in stage.reports()] == [request.id, later.id]


async def test_what_a_living_process_is_sending_is_left_to_it(stage: Stage) -> None:
    other = Liveness(stage.database)
    stop = asyncio.Event()
    living = asyncio.create_task(other.run(stop))
    await asyncio.wait_for(other.held.wait(), 10)
    request, later = answer(), answer()
    await stage.left_behind(request, other.number)
    stage.start()
    await stage.ask(later)
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].outbound_id == later.id
    stop.set()
    await living
    await until(lambda: len(stage.reports()) == 2)
    assert (stage.reports()[1].outbound_id, stage.reports()[1].state) == (request.id, "uncertain")


async def test_the_outbox_folder_knows_whether_a_crashed_attempt_was_sent(stage: Stage, tmp_path: Path) -> None:
    sender = FolderSender(tmp_path / "outbox")
    sent, unsent = answer(), answer()
    assert (await sender.send(OutgoingMail(sent.id, "<m@x>", "s@x", "r@x", b"mail"))).result is Result.DONE
    await stage.left_behind(sent)
    await stage.left_behind(unsent)
    stage.start(sender)
    await until(lambda: len(stage.reports()) == 2)
    assert {report.state for report in stage.reports()} == {"sent"}
    assert (tmp_path / "outbox" / f"{sent.id}.eml").read_bytes() == b"mail"
    assert b"Please restart it." in (tmp_path / "outbox" / f"{unsent.id}.eml").read_bytes()
    assert list((tmp_path / "outbox").glob("*.part")) == []


async def test_a_relay_that_hangs_up_after_the_content_leaves_it_uncertain(stage: Stage) -> None:
    stage.relay.hang_up = True
    stage.start()
    await stage.ask(answer())
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].state == "uncertain"
    assert len(stage.relay.taken) == 1


async def test_an_answer_that_comes_after_all_turns_uncertain_into_sent(stage: Stage) -> None:
    held, release = asyncio.Event(), asyncio.Event()

    class Slow:
        name = "slow"

        async def send(self, mail: OutgoingMail) -> SendResult:
            held.set()
            await release.wait()
            return SendResult(Result.DONE, "at last")

        async def was_sent(self, outbound_id: str) -> bool | None:
            return None

        async def check(self) -> str:
            return ""

        async def close(self) -> None: ...

    stage.start(Slow())
    await stage.ask(answer())
    await held.wait()
    async with stage.database.transaction() as session:
        await session.execute(update(DELIVERIES).values(due_at=utc_now() - timedelta(seconds=1)))
    await until(lambda: len(stage.reports()) == 1)
    release.set()
    await until(lambda: len(stage.reports()) == 2)
    assert [report.state for report in stage.reports()] == ["uncertain", "sent"]


async def test_what_cannot_be_a_mail_fails_and_the_rest_flows(stage: Stage) -> None:
    nowhere = answer(to=contact_point("tel", "+33123456789"))
    lost = answer(attachments=(Attachment(uri="../../etc/passwd", name="x", media_type="x/y", size=1, sha256=""),))
    good = answer()
    stage.start()
    await stage.ask(nowhere, lost, good)
    await until(lambda: len(stage.reports()) == 3)
    states = {report.outbound_id: report.state for report in stage.reports()}
    assert states == {nowhere.id: "failed", lost.id: "failed", good.id: "sent"}


async def test_everybody_gets_their_copy_and_the_agent_hears_whose_was_refused(stage: Stage) -> None:
    stage.relay.to_others = {"gone@example.net": "550 5.1.1 no such user", "busy@example.net": "451 4.7.1 later"}
    request = answer(cc=("lee@example.net", "gone@example.net"), bcc=("boss@example.net", "busy@example.net"))
    stage.start()
    await stage.ask(request)
    await until(lambda: len(stage.reports()) == 1)
    assert stage.relay.recipients == [["ann@example.com", "lee@example.net", "boss@example.net"]]
    [report] = stage.reports()
    assert report.state == "sent"
    assert report.detail.split("; ") == [
        "250 2.0.0 queued as 42",
        "no copy to gone@example.net: 550 5.1.1 no such user",
        "no copy to busy@example.net: 451 4.7.1 later",
    ]
    assert b"boss@" not in stage.relay.taken[0]


async def test_who_is_in_copy_gets_nothing_where_the_customer_is_refused(stage: Stage) -> None:
    stage.relay.to_others = {"ann@example.com": "550 5.1.1 no such user"}
    stage.start()
    await stage.ask(answer(cc=("lee@example.net",)))
    await until(lambda: len(stage.reports()) == 1)
    assert (stage.reports()[0].state, stage.relay.taken) == ("failed", [])


async def test_a_file_that_is_away_for_a_moment_is_waited_for(stage: Stage) -> None:
    file = await stage.storage.put(b"late", name="late.txt", media_type="text/plain")
    path = Path(stage.storage._root) / file.uri
    hidden = path.with_suffix(".hidden")
    path.rename(hidden)
    stage.start()
    await stage.ask(answer(attachments=(file,)))

    await until(lambda: _tried_again(stage))
    hidden.rename(path)
    await until(lambda: len(stage.reports()) == 1)
    assert stage.reports()[0].state == "sent"


async def test_a_report_waits_for_kafka(stage: Stage) -> None:
    request = answer()
    async with stage.database.transaction() as session:
        await Ledger(DELIVERIES, Outbox(OUTBOX, stage.database, stage.bus)).add(session, [request])
    stage.bus.down = True
    stage.start()
    await until(lambda: len(stage.relay.taken) == 1)
    stage.bus.down = False
    await until(lambda: len(stage.reports()) == 1)


async def test_many_answers_leave_once_each_from_two_processes(stage: Stage) -> None:
    stage.start()
    stage.start()
    tickets = [str(uuid4()) for _ in range(10)]
    requests = [answer(tickets[number % 10], subject=str(number)) for number in range(60)]
    await stage.ask(*requests)
    await until(lambda: len(stage.reports()) == 60)
    subjects = [int(subject.removeprefix("Re: ")) for subject in stage.relay.subjects()]
    assert sorted(subjects) == list(range(60))
    for ticket in range(10):
        assert [number for number in subjects if number % 10 == ticket] == list(range(ticket, 60, 10))


async def test_from_kafka_to_the_relay_and_back(stage: Stage, kafka: str) -> None:
    requested = deliveries_requested("email")
    await create_topics(kafka, [requested, DELIVERIES_REPORTED])
    stage.bus = bus = KafkaBus(kafka, "email")
    await bus.start()
    stage.start()
    request = answer()
    await stage.ask(request)
    # Other tests of this run ask for deliveries too.
    await until(lambda: _reported(kafka, request))
    await stage.stop()
    await bus.stop()


async def _reported(kafka: str, request: OutboundMessage) -> bool:
    return request.id in [report.outbound_id for report in await events_on(kafka, DELIVERIES_REPORTED)]


async def _put_off(stage: Stage) -> Sequence[datetime]:
    put_off = select(DELIVERIES.c.due_at).where(DELIVERIES.c.state == "waiting", DELIVERIES.c.attempts > 0)
    async with stage.database.transaction() as session:
        return (await session.scalars(put_off)).all()


async def _tried_again(stage: Stage) -> bool:
    return await stage.attempts() >= 2
