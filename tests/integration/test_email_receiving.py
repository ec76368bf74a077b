"""A customer's mail server is told 250 only when Kafka has the mail; otherwise it keeps it and is
told why."""

from __future__ import annotations

import asyncio
import json
import smtplib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiosmtplib
import pytest

from services.email.adapters.smtp import Door, Listener, LocalMailSession, MailSession
from services.email.domain.incoming import Context, Envelope
from services.email.domain.mailboxes import Mailboxes
from services.email.importing import MailImporter
from services.email.models import OUTBOX, SCHEMA
from services.email.receiving import SOURCE, Receiver
from services.email.replay import replay, replays
from services.email.returning import Returns
from shared.bus import Bus
from shared.bus.dead_letters import DeadLetters
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed
from shared.events import InboundMessage, UnreadableMail
from shared.outbox import Outbox
from shared.storage import Storage
from shared.topics import DEAD_LETTERS, DEAD_LETTERS_REPLAYED, MAILS_REPLAYED, MESSAGES_RECEIVED
from tests.topic import events_on, records_on
from tests.waiting import until

MAILBOXES = Mailboxes.parse("support@example.org,help@example.org")
CONTEXT = Context(MAILBOXES, "a secret that is long enough for anybody", ("en", "fr", "ko"))


@dataclass
class Stage:
    port: int
    storage: Storage
    receiver: Receiver
    importer: MailImporter
    listener: Listener
    bus: Bus

    async def send(self, raw: bytes, *recipients: str, sender: str = "ann@example.com") -> tuple[int, str]:
        """The last answer of the server, as a sending mail server sees it."""
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False, timeout=30)
        async with client:
            try:
                await client.ehlo()
                await client.mail(sender, encoding="utf-8")
                for recipient in recipients or ("support@example.org",):
                    await client.rcpt(recipient, encoding="utf-8")
                answer = await client.data(raw)
            except aiosmtplib.SMTPResponseException as error:
                return error.code, error.message
        return answer.code, answer.message


@asynccontextmanager
async def running(
    bus: Bus,
    storage_url: str,
    *,
    session: type[MailSession] = MailSession,
    max_size: int = 100_000,
    ledger: str = "postgresql://nobody@127.0.0.1:9/none",
    **door: object,
) -> AsyncIterator[Stage]:
    storage, database = Storage(storage_url), Database(ledger, SCHEMA)
    receiver = Receiver(bus, storage, CONTEXT, Returns(database, Outbox(OUTBOX, database, bus), CONTEXT.secret))
    importer = MailImporter(bus, storage, CONTEXT, max_size)
    options: dict[str, object] = {
        "max_recipients": 10,
        "max_connections": 20,
        "idle_timeout": 30,
        "hostname": "mx.test",
        **door,
    }
    listener = Listener(Door(receiver.receive, MAILBOXES.owns, max_size, **options), "127.0.0.1", 0, session)  # type: ignore[arg-type]
    stop = asyncio.Event()
    task = asyncio.create_task(listener.run(stop))
    while not listener.listening:
        await asyncio.sleep(0)
    try:
        yield Stage(listener.port, storage, receiver, importer, listener, bus)
    finally:
        stop.set()
        await task
        await receiver.reader.close()
        await importer.close()
        await database.dispose()


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    await create_topics(kafka, [MESSAGES_RECEIVED, DEAD_LETTERS, DEAD_LETTERS_REPLAYED, MAILS_REPLAYED])
    found = KafkaBus(kafka, "email")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def stage(bus: KafkaBus, storage_url: str) -> AsyncIterator[Stage]:
    async with running(bus, storage_url) as found:
        yield found


def mail(identity: str, body: str = "My lamp is broken.", headers: str = "") -> bytes:
    return f"From: Ann <ann@example.com>\r\nTo: support@example.org\r\nSubject: Lamp\r\nMessage-ID: <{identity}>\r\n{headers}\r\n{body}\r\n".encode()


async def received(servers: str, identity: str) -> list[InboundMessage]:
    events = await events_on(servers, MESSAGES_RECEIVED)
    return [event for event in events if identity in event.provider_id]


async def test_250_means_that_kafka_and_the_storage_have_the_mail(kafka: str, stage: Stage) -> None:
    identity = f"{uuid4()}@x"
    raw = mail(identity)
    code, _ = await stage.send(raw)
    assert code == 250
    [event] = await received(kafka, identity)
    assert (event.sender, event.text, event.recipient) == (
        "email:ann@example.com",
        "My lamp is broken.",
        "support@example.org",
    )
    assert await stage.storage.get(event.raw_uri) == raw


async def test_lines_with_dots_and_long_lines_arrive_whole(kafka: str, stage: Stage) -> None:
    identity = f"{uuid4()}@x"
    body = ".\r\n..two\r\n.hidden\r\n" + "long " * 5_000 + "\r\nend."
    assert (await stage.send(mail(identity, body)))[0] == 250
    [event] = await received(kafka, identity)
    assert event.text == body.replace("\r\n", "\n").strip()


async def test_files_are_in_the_storage_when_the_event_names_them(kafka: str, stage: Stage) -> None:
    identity = f"{uuid4()}@x"
    parts = "--b\r\nContent-Type: text/plain\r\n\r\nSee\r\n--b\r\nContent-Type: application/pdf; name=bill.pdf\r\n\r\nPDF bytes\r\n--b--"
    assert (await stage.send(mail(identity, parts, "Content-Type: multipart/mixed; boundary=b\r\n")))[0] == 250
    [event] = await received(kafka, identity)
    assert [file.name for file in event.attachments] == ["bill.pdf"]
    assert await stage.storage.get(event.attachments[0].uri) == b"PDF bytes"


async def test_one_mail_to_two_of_our_mailboxes_is_one_message(kafka: str, stage: Stage) -> None:
    identity = f"{uuid4()}@x"
    assert (await stage.send(mail(identity), "support@example.org", "help@example.org"))[0] == 250
    assert len(await received(kafka, identity)) == 1
    assert (await stage.send(b"Received: again\r\n" + mail(identity), "help@example.org"))[0] == 250
    both = await received(kafka, identity)
    assert len({event.id for event in both}) == 1


async def test_mail_for_others_is_not_relayed(stage: Stage) -> None:
    assert await stage.send(mail("x@x"), "ceo@bank.example") == (550, "5.7.1 This is not a mailbox of ours")


async def test_bounces_and_addresses_beyond_ascii_are_let_in(kafka: str, stage: Stage) -> None:
    identity = f"{uuid4()}@x"
    assert (await stage.send(mail(identity), sender=""))[0] == 250
    other = f"{uuid4()}@x"
    raw = mail(other).replace(b"ann@example.com", "안나@예시.한국".encode())
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=stage.port, start_tls=False) as client:
        await client.ehlo()
        await client.mail("안나@예시.한국", options=["SMTPUTF8"], encoding="utf-8")
        await client.rcpt("support@example.org")
        assert (await client.data(raw)).code == 250
    assert (await received(kafka, other))[0].sender == "email:안나@예시.한국"


async def test_what_is_too_large_is_refused_when_announced_and_when_sent(kafka: str, stage: Stage) -> None:
    def announce() -> tuple[int, bytes]:
        with smtplib.SMTP("127.0.0.1", stage.port, timeout=10) as client:
            client.ehlo()
            assert client.esmtp_features["size"] == "100000"
            return client.docmd("MAIL", "FROM:<ann@example.com> SIZE=100001")

    code, words = await asyncio.to_thread(announce)
    assert (code, words[:5]) == (552, b"5.3.4")
    identity = f"{uuid4()}@x"
    code, text = await stage.send(mail(identity, "words\r\n" * 20_000))
    assert (code, text[:5]) == (552, "5.3.4")
    assert await received(kafka, identity) == []
    assert (await stage.send(mail(identity, "w" * 99_000)))[0] == 250


async def test_a_sender_who_never_ends_is_hung_up_on(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n")
    with suppress(ConnectionError):
        for _ in range(200):
            writer.write(b"x" * 10_000)
            await writer.drain()
    with suppress(ConnectionError):
        assert b"552 5.3.4" in await asyncio.wait_for(reader.read(), 10)
    writer.close()


async def test_commands_sent_in_one_go_are_answered_in_order(kafka: str, stage: Stage) -> None:
    identities = [f"{uuid4()}@x" for _ in range(3)]
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"EHLO x\r\n")
    for identity in identities:
        writer.write(
            b"MAIL FROM:<a@b.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n" + mail(identity) + b".\r\n"
        )
    writer.write(b"QUIT\r\n")
    answers = (await asyncio.wait_for(reader.read(), 20)).decode().splitlines()
    writer.close()
    assert [line[:3] for line in answers if line[3] == " "][2:] == ["250", "250", "354", "250"] * 3 + ["221"]
    assert [len(await received(kafka, identity)) for identity in identities] == [1, 1, 1]


async def test_a_bare_line_feed_cannot_smuggle_in_a_second_mail(kafka: str, stage: Stage) -> None:
    identity, hidden = f"{uuid4()}@x", f"{uuid4()}@x"
    smuggled = (
        "Words\n.\r\nMAIL FROM:<ceo@bank.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n" + mail(hidden).decode()
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n")
    writer.write(mail(identity, "Words").rstrip() + smuggled.encode() + b"\r\n.\r\nQUIT\r\n")
    await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert len(await received(kafka, identity)) == 1
    assert await received(kafka, hidden) == []


async def test_while_kafka_is_away_the_sender_is_asked_to_come_back(storage_url: str, free_port: int) -> None:
    async with running(KafkaBus(f"127.0.0.1:{free_port}", "email"), storage_url) as stage:
        code, text = await stage.send(mail("x@x"))
        assert (code, text[:5]) == (451, "4.3.0")


async def test_while_the_storage_is_away_the_sender_is_asked_to_come_back(
    kafka: str, bus: KafkaBus, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    identity = f"{uuid4()}@x"
    async with running(bus, f"file://{tmp_path}/file/storage") as stage:
        code, text = await stage.send(mail(identity))
        assert (code, text[:5]) == (451, "4.3.0")
    assert await received(kafka, identity) == []


async def test_a_mail_that_cannot_be_read_is_kept_and_can_be_replayed(
    kafka: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = f"{uuid4()}@x"
    whole = stage.receiver.reader.read

    async def trip(*_: object) -> None:
        raise Malformed("it is too odd")

    monkeypatch.setattr(stage.receiver.reader, "read", trip)
    assert (await stage.send(mail(identity), "help@example.org"))[0] == 250
    assert await received(kafka, identity) == []
    letters = [
        record
        for record in await records_on(kafka, DEAD_LETTERS)
        if dict(record.headers)["source_topic"] == SOURCE.encode()
    ]  # type: ignore[attr-defined]
    letter = letters[-1]
    value = json.loads(letter.value)  # type: ignore[attr-defined]
    assert await stage.storage.get(value["raw_uri"]) == mail(identity)
    assert b"it is too odd" in dict(letter.headers)["error"]  # type: ignore[attr-defined]
    with pytest.raises(Malformed, match="it is too odd"):
        await replay(str(letter.offset), kafka, stage.storage, stage.receiver, stage.importer)  # type: ignore[attr-defined]
    envelopes: list[Envelope] = []

    async def read(raw: bytes, envelope: Envelope, *rest: Any) -> Any:
        envelopes.append(envelope)
        return await whole(raw, envelope, *rest)

    monkeypatch.setattr(stage.receiver.reader, "read", read)
    first = await replay(str(letter.offset), kafka, stage.storage, stage.receiver, stage.importer)  # type: ignore[attr-defined]
    second = await replay(value["raw_uri"], kafka, stage.storage, stage.receiver, stage.importer)
    assert first == second
    events = await received(kafka, identity)
    assert [event.id for event in events] == [first, first]
    assert events[0].recipient == "help@example.org"
    assert envelopes[0].client == "127.0.0.1", "who handed it to us counts still"
    with pytest.raises(Malformed, match="no offset"):
        await replay("999999999", kafka, stage.storage, stage.receiver, stage.importer)


async def test_a_mail_that_an_admin_replays_at_the_desk_is_read_again_and_one_that_is_gone_holds_up_no_other(
    kafka: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, stop = f"{uuid4()}@x", asyncio.Event()
    whole = stage.receiver.reader.read

    async def trip(*_: object) -> None:
        raise Malformed("it is too odd")

    monkeypatch.setattr(stage.receiver.reader, "read", trip)
    assert (await stage.send(mail(identity), "help@example.org"))[0] == 250
    monkeypatch.setattr(stage.receiver.reader, "read", whole)
    gone = UnreadableMail(
        raw_uri=f"sha256/00/{uuid4().hex * 2}", sender="ann@example.com", recipients=(), received_at=utc_now()
    )
    await stage.bus.publish(MAILS_REPLAYED, "gone", gone)
    async with DeadLetters(kafka, "tests") as dead:
        letter = [each for each in await dead.all() if each.topic == SOURCE][-1]
        await dead.replay(letter, "ann@example.org")
        reading = asyncio.ensure_future(replays(stage.bus, stage.storage, stage.receiver, stage.importer).run(stop))
        events = await until(lambda: received(kafka, identity), "the mail is read")
        assert events[0].recipient == "help@example.org"
        again = next(each for each in await dead.all() if each.topic == MAILS_REPLAYED.name)
        assert "cannot be read from the attachment storage" in again.error
        assert await dead.obstacle(again) is None, "it can be replayed once more"
    stop.set()
    await reading


async def test_a_mail_that_cannot_be_read_whole_is_a_message_with_its_original_and_a_note(
    kafka: str, bus: KafkaBus, storage_url: str
) -> None:
    identity = f"{uuid4()}@x"
    raw = mail(identity, "Where is my lamp? I have been waiting for two weeks.\r\n" + "word \r\n" * 200_000)
    async with running(bus, storage_url, max_size=25_000_000) as stage:
        assert (await stage.send(raw))[0] == 250
        [event] = await received(kafka, identity)
        assert event.text.startswith("Where is my lamp?")
        assert event.text.endswith("[This email could not be read completely. The original has everything.]")
        assert await stage.storage.get(event.raw_uri) == raw


async def test_what_is_no_mail_at_all_is_kept_too(kafka: str, stage: Stage) -> None:
    before = len(await records_on(kafka, DEAD_LETTERS))
    assert (await stage.send(b"\x00\x01 nothing like a mail"))[0] == 250
    assert len(await records_on(kafka, DEAD_LETTERS)) == before + 1


async def test_lmtp_answers_once_for_each_recipient(kafka: str, bus: KafkaBus, storage_url: str) -> None:
    identity = f"{uuid4()}@x"

    def deliver(port: int) -> list[tuple[int, bytes]]:
        with smtplib.LMTP("127.0.0.1", port) as client:
            client.ehlo()
            client.mail("ann@example.com")
            client.rcpt("support@example.org")
            client.rcpt("help@example.org")
            return [client.data(mail(identity)), client.getreply()]

    async with running(bus, storage_url, session=LocalMailSession) as stage:
        assert [code for code, _ in await asyncio.to_thread(deliver, stage.port)] == [250, 250]
    assert len(await received(kafka, identity)) == 1


async def test_more_sessions_than_we_bear_are_asked_to_come_back(bus: KafkaBus, storage_url: str) -> None:
    async with running(bus, storage_url, max_connections=1) as stage:
        first, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        assert (await first.readline()).startswith(b"220")
        second, other = await asyncio.open_connection("127.0.0.1", stage.port)
        assert (await second.read()).startswith(b"421 4.3.2")
        writer.write(b"QUIT\r\n")
        assert (await first.read()).startswith(b"221")
        writer.close()
        other.close()
        while stage.listener._sessions:
            await asyncio.sleep(0.01)
        third, last = await asyncio.open_connection("127.0.0.1", stage.port)
        assert (await third.readline()).startswith(b"220")
        last.close()


async def test_an_idle_session_is_closed(bus: KafkaBus, storage_url: str) -> None:
    async with running(bus, storage_url, idle_timeout=0.2) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"220")
        writer.close()


async def test_starttls_is_offered_where_there_is_a_certificate(
    kafka: str, bus: KafkaBus, storage_url: str, tmp_path: Path
) -> None:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "1",
        "-subj",
        "/CN=mx.test",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]
    try:
        await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl to make a certificate")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    identity = f"{uuid4()}@x"
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    trusting.check_hostname = False
    async with (
        running(bus, storage_url, tls=context) as stage,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=stage.port, start_tls=True, tls_context=trusting) as client,
    ):
        await client.ehlo()
        assert not client.supports_extension("AUTH")
        await client.sendmail("ann@example.com", ["support@example.org"], mail(identity))
    assert len(await received(kafka, identity)) == 1


async def test_a_mail_under_way_is_answered_before_we_stop(kafka: str, bus: KafkaBus, storage_url: str) -> None:
    identity = f"{uuid4()}@x"
    reader: asyncio.StreamReader
    async with running(bus, storage_url) as stage:
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(
            b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n"
            + mail(identity)
            + b".\r\n"
        )
        while not any(session.busy for session in stage.listener._sessions):
            await asyncio.sleep(0)
    answers = (await asyncio.wait_for(reader.read(), 10)).decode()
    writer.close()
    assert "250 2.0.0" in answers
    assert len(await received(kafka, identity)) == 1


def test_a_taken_port_is_said(free_port: int) -> None:
    async def try_it() -> None:
        listener = Listener(Door(None, MAILBOXES.owns, 1, 1, 1, 1), "127.0.0.1", free_port)  # type: ignore[arg-type]
        await listener.run(asyncio.Event())

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            asyncio.run(try_it())
