"""A team's mailbox at its own host is read to the last mail, whatever happens on the way: on real
Dovecot and PostgreSQL."""

from __future__ import annotations

import asyncio
import imaplib
import re
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest

from services.email import app, mailbox_rows
from services.email.adapters.imap import ImapConnection, ImapTrouble
from services.email.adapters.oauth import Google, Microsoft
from services.email.domain.imap import Trouble
from services.email.domain.incoming import Envelope
from services.email.domain.mailboxes import Mailboxes
from services.email.fetching import Fetching, Rules
from services.email.imap_mailboxes import Given, ImapMailboxes
from services.email.models import SCHEMA
from services.email.receiving import Ready, Receiver
from services.email.signing_in import SignIn
from shared import db
from shared.bus.kafka import KafkaBus, create_topics
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Rejected, Unavailable
from shared.events import InboundMessage
from shared.health import Health
from shared.topics import MESSAGES_RECEIVED, all_topics
from tests.dovecot import Dovecot, free_port, password, running
from tests.integration.test_email_receiving import running as smtp_running
from tests.integration.test_email_service import Process, service
from tests.topic import events_on
from tests.unit.email.imap_server import HangUp, serving
from tests.waiting import until

MIGRATIONS = Path(app.__file__).parent / "migrations"
SECRET = "a secret that is long enough for anybody"
SUPPORT, HELP = "support@example.org", "help@example.org"
OURS = Mailboxes.parse(f"{SUPPORT},{HELP}")


def mail(subject: str, identity: str = "", to: str = SUPPORT) -> bytes:
    identity = identity or str(uuid4())
    return (
        f"From: Ann <ann@example.com>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{identity}@example.com>\r\n"
        f"Date: Mon, 30 Nov 2026 10:00:00 +0000\r\n\r\nMy lamp is broken.\r\n"
    ).encode()


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    with running() as found:
        yield found


@pytest.fixture
async def migrated(database: str) -> str:
    await asyncio.to_thread(db.migrate, database, SCHEMA, MIGRATIONS)
    return database


@dataclass
class Reading:
    """One process that reads mailboxes, and what it published. `away`: how often it is told to
    come back later."""

    mailboxes: ImapMailboxes
    fetching: Fetching
    health: Health
    taken: list[tuple[str, Envelope]] = field(default_factory=list)
    away: int = 0

    async def prepare(self, raw: bytes, envelope: Envelope) -> Ready | None:
        subject = re.findall(rb"Subject: (.*)\r\n", raw)[0].decode()
        message = InboundMessage(
            id=subject,
            channel="email",
            provider_id="",
            sender="email:a@b.c",
            received_at=utc_now(),
            subject=subject,
            text="",
        )
        return Ready(message, envelope, len(raw), whole=True)

    async def publish_all(self, ready: Sequence[Ready]) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("Kafka is away")
        self.taken += [(one.message.subject, one.envelope) for one in ready]

    @property
    def subjects(self) -> list[str]:
        return [subject for subject, _ in self.taken]

    def told(self, address: str = SUPPORT) -> str:
        return ": ".join(self.fetching.told[address])

    async def state(self, wanted: str, address: str = SUPPORT) -> bool:
        return (await self.mailboxes.one(address)).state == wanted

    async def rests(self, address: str = SUPPORT) -> bool:
        return self.told(address).startswith("ok:")


NO_GOOGLE, NO_MICROSOFT = Google("", "", "", ""), Microsoft("", "")


def manages(database: Database, google: Google = NO_GOOGLE, microsoft: Microsoft = NO_MICROSOFT) -> ImapMailboxes:
    return ImapMailboxes(database, SECRET, OURS, SignIn(SECRET, database, google, microsoft), None)


@asynccontextmanager
async def reads(
    dsn: str,
    *,
    idle: float = 60,
    poll: float = 0.1,
    largest: int = 100_000,
    google: Google = NO_GOOGLE,
    microsoft: Microsoft = NO_MICROSOFT,
) -> AsyncIterator[Reading]:
    database, health = Database(dsn, SCHEMA), Health()
    managed = manages(database, google, microsoft)
    rules = Rules(largest=largest, idle=idle, poll=poll)
    fetching = Fetching(database, cast("Receiver", None), managed.sign_in, rules, health, managed.changed)
    reading = Reading(managed, fetching, health)
    fetching.receiver = cast("Receiver", reading)
    stop = asyncio.Event()
    task = asyncio.create_task(fetching.leadership.around(fetching.run, stop))
    try:
        yield reading
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await task
        await database.dispose()


def given(port: int, address: str = SUPPORT, **more: Any) -> Given:
    values = {"address": address, "host": "127.0.0.1", "port": port, "security": "none", "password": password()}
    return Given.model_validate(values | {"since": date(2020, 1, 1)} | more)


async def due_now(dsn: str) -> None:
    """Lets every mail that was put off be tried again at once."""
    database = Database(dsn, SCHEMA)
    async with database.transaction() as session:
        await session.execute(mailbox_rows.IMAP_DELAYED.update().values(due_at=mailbox_rows.func.now()))
    await database.dispose()


# ── what waits, what comes
# ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.timeout(400)
async def test_a_thousand_mails_that_waited_arrive_once_and_in_order_though_it_is_killed_three_times(
    kafka: str, database: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    await create_topics(kafka, all_topics(["email"]))
    mark = uuid4().hex[:8]
    subjects = [f"{mark} {number}" for number in range(1000)]
    await asyncio.to_thread(dovecot.deliver, SUPPORT, *map(mail, subjects))
    with service(tmp_path, kafka, database, (free_port(), free_port())) as process:
        process.environment["EMAIL_MAILBOXES"] = SUPPORT
        managed = manages(Database(database, SCHEMA))
        await managed.add(given(dovecot.port))
        for left in (800, 500, 200):
            await asyncio.to_thread(process.start)
            await until(lambda left=left: 0 < _waiting(process) <= left, f"{left} mails are left")
            process.end(signal.SIGKILL)
        await asyncio.to_thread(process.start)
        await until(lambda: _is_ok(managed))
        assert process.end(signal.SIGTERM) == 0
        events = [event for event in await events_on(kafka, MESSAGES_RECEIVED) if event.subject.startswith(mark)]
        once = {event.id: event.subject for event in events}
        assert list(once.values()) == subjects
        assert len(events) <= 1000 + 3 * 50, "at most the group under way is published again, as the same messages"
    await managed._database.dispose()


async def _is_ok(managed: ImapMailboxes) -> bool:
    return (await managed.one(SUPPORT)).state == "ok"


def _waiting(process: Process) -> float:
    text = httpx.get(f"http://127.0.0.1:{process.http}/metrics").text
    found = re.search(r'^switchboard_mailbox_waiting\{mailbox="[^"]+"\} ([\d.]+)', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_a_new_mail_is_pushed_and_nothing_is_marked(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(SUPPORT, mail("before we came"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, since=None))
        await until(reading.rests)
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("first"))
        await until(lambda: reading.subjects == ["first"], "it is told by IDLE: the next look is in a minute")
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("second"))
        await until(lambda: reading.subjects == ["first", "second"])
    assert dovecot.subjects(SUPPORT, wanted="UNSEEN") == ["before we came", "first", "second"]
    assert reading.taken[0][1] == Envelope(None, (), mailbox=SUPPORT, by_others=True)


async def test_a_mail_that_comes_while_another_is_taken_does_not_wait_for_the_next_look(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with reads(migrated, idle=600) as reading:
        publish_all = reading.publish_all

        async def meanwhile(ready: Sequence[Ready]) -> None:
            if not reading.taken:
                await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("second"))
            await publish_all(ready)

        monkeypatch.setattr(reading, "publish_all", meanwhile)
        dovecot.deliver(SUPPORT, mail("first"))
        await reading.mailboxes.add(given(dovecot.port, after="seen"))
        await until(lambda: reading.subjects == ["first", "second"], "it is told with the answer to STORE")


async def test_a_server_without_idle_is_looked_into(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.adapters.imap.ImapConnection.idles", lambda _: False)
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port))
        await until(reading.rests)
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("found"))
        await until(lambda: reading.subjects == ["found"])


@pytest.mark.parametrize("days", [-3, 3], ids=["behind", "ahead"])
async def test_a_mail_of_a_server_whose_clock_is_wrong_is_taken(migrated: str, dovecot: Dovecot, days: int) -> None:
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, since=None))
        await until(reading.rests)
        client = dovecot.client(SUPPORT)
        at = imaplib.Time2Internaldate((utc_now() + timedelta(days=days)).timestamp())
        client.append("INBOX", None, at, mail("new"))
        client.logout()
        await until(lambda: reading.subjects == ["new"], "new is what has a new UID")


async def test_what_was_deleted_in_the_mailbox_and_drafts_are_not_taken(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(SUPPORT, mail("deleted"), mail("kept"), mail("a draft"))
    client = dovecot.client(SUPPORT)
    client.select()
    client.store("1", "+FLAGS", r"(\Deleted)")
    client.store("3", "+FLAGS", r"(\Draft)")
    client.logout()
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port))
        await until(reading.rests)
    assert reading.subjects == ["kept"]


async def test_after_an_outage_of_ours_and_of_theirs_it_goes_on_where_it_was(migrated: str, dovecot: Dovecot) -> None:
    async with reads(migrated) as reading:
        reading.away = 2
        await reading.mailboxes.add(given(dovecot.port))
        dovecot.deliver(SUPPORT, mail("one"))
        await until(lambda: reading.subjects == ["one"], "Kafka was away for two attempts")
        await until(reading.rests)
        dovecot.stop()
        await until(lambda: reading.told().startswith("unreachable"))
        await until(lambda: reading.state("unreachable"))
        dovecot.start()
        dovecot.deliver(SUPPORT, mail("two"))
        await until(lambda: reading.subjects == ["one", "two"])
        await until(reading.rests)


async def test_a_mail_that_trips_us_is_put_off_and_the_others_arrive(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching.pause", lambda *_: 0.05)
    dovecot.deliver(SUPPORT, mail("poison"), mail("one"), mail("two"))
    async with reads(migrated) as reading:
        prepare = reading.prepare

        async def trips(raw: bytes, envelope: Envelope) -> Ready | None:
            if b"poison" in raw:
                raise ValueError("a fault of ours")
            return await prepare(raw, envelope)

        monkeypatch.setattr(reading, "prepare", trips)
        await reading.mailboxes.add(given(dovecot.port))
        await until(lambda: reading.told().startswith("late: 1 mails are tried again later"))
        assert "a fault of ours" in reading.told()
        assert reading.subjects == ["one", "two"]
    await due_now(migrated)
    async with reads(migrated) as again:
        await until(again.rests)
    assert again.subjects == ["poison"]


async def test_a_mail_over_which_its_server_hangs_up_is_put_off_and_the_others_arrive_in_order(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching.pause", lambda *_: 0.01)
    raws, asked = {uid: mail(f"number {uid}") for uid in range(1, 6)}, list[str]()

    def answer(tag: str, command: str) -> bytes:
        said = b""
        if command.startswith("UID SEARCH"):
            said = b"* SEARCH 1 2 3 4 5\r\n"
        elif command.startswith("UID FETCH"):
            uids, _, what = command.removeprefix("UID FETCH ").partition(" ")
            asked.append(uids)
            for uid in map(int, uids.split(",")):
                body = b"BODY[] {%d}\r\n%s" % (len(raws[uid]), raws[uid])
                said += b"* %d FETCH (UID %d %s)\r\n" % (uid, uid, b"RFC822.SIZE 9" if "SIZE" in what else body)
                if uid == 3 and "SIZE" not in what:
                    raise HangUp(said[:-20])
        else:
            return b""
        return said + f"{tag} OK done\r\n".encode()

    with serving(answer) as port:
        async with reads(migrated) as reading:
            await reading.mailboxes.add(given(port))
            await until(lambda: "late: 1 mails are tried again later; INBOX 3: the connection breaks" in reading.told())
            assert reading.subjects == [f"number {uid}" for uid in (1, 2, 4, 5)]
    assert (asked.count("1,2,3,4,5"), asked.count("1"), asked.count("3")) == (2, 1, 3), "sizes and group once"


async def test_a_reader_that_ended_by_a_fault_of_ours_is_started_again(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching._LOOK", 0.1)
    tell, faults = mailbox_rows.tell, [ValueError("once"), ValueError("and while it is told")]

    async def trips(*arguments: Any, **named: Any) -> None:
        if faults:
            raise faults.pop()
        await tell(*arguments, **named)

    monkeypatch.setattr(mailbox_rows, "tell", trips)
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port))
        await until(lambda: reading.state("ok"))
        assert reading.subjects == ["one"]


# ── UIDVALIDITY, moved mails
# ────────────────────────────────────────────────────────────────────────────────────────


async def test_after_a_change_of_uidvalidity_nothing_is_lost_and_nothing_comes_twice(
    migrated: str, dovecot: Dovecot
) -> None:
    dovecot.deliver(SUPPORT, mail("one"), mail("two"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port))
        await until(reading.rests)
    dovecot.deliver(SUPPORT, mail("three, while we were away"))
    dovecot.change_validity(SUPPORT)
    async with reads(migrated) as again:
        await until(lambda: again.told().startswith("ok:"))
        assert again.subjects == ["three, while we were away"]
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("four"))
        await until(lambda: again.subjects[1:] == ["four"])


async def test_what_lay_there_before_we_came_is_not_brought_by_a_change_of_uidvalidity(
    migrated: str, dovecot: Dovecot
) -> None:
    dovecot.deliver(SUPPORT, mail("before we came"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, since=None))
        await until(reading.rests)
    dovecot.deliver(SUPPORT, mail("while we were away"))
    dovecot.change_validity(SUPPORT)
    async with reads(migrated) as again:
        await until(lambda: again.told().startswith("ok:"))
        assert (reading.subjects, again.subjects) == ([], ["while we were away"])


async def test_a_mail_of_before_over_which_the_connection_breaks_does_not_keep_us_from_beginning(
    migrated: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching.pause", lambda *_: 0.01)

    def answer(_tag: str, command: str) -> bytes:
        if command.startswith("UID FETCH"):
            raise HangUp(b"* 1 FETCH (UID 1 BODY[] {500}\r\nSubject: half of")
        return b""

    with serving(answer) as port:
        async with reads(migrated) as reading:
            await reading.mailboxes.add(given(port, since=None, junk="off"))
            await until(reading.rests)
            assert reading.subjects == []


async def test_what_was_taken_is_known_for_a_year_and_while_it_is_still_there(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port))
        await until(reading.rests)
        mailbox = (await reading.mailboxes.one(SUPPORT)).id
    database = Database(migrated, SCHEMA)
    async with database.transaction() as session:
        long_ago = {"taken_on": mailbox_rows.func.current_date() - 366}
        await session.execute(mailbox_rows.IMAP_TAKEN.update().values(long_ago))
        await mailbox_rows.take(session, mailbox, [b"is looked at again"])
        await mailbox_rows.forget_old(session, 365)
        assert list(await session.scalars(mailbox_rows.select(mailbox_rows.IMAP_TAKEN.c.digest))) == [
            b"is looked at again"
        ]
        await session.execute(mailbox_rows.IMAP_TAKEN.update().values(long_ago))
        await mailbox_rows.take(session, mailbox, [b"is looked at again"])
        await mailbox_rows.forget_old(session, 365)
        assert await mailbox_rows.taken(session, mailbox, [b"is looked at again", b"never"]) == {b"is looked at again"}
        await session.execute(mailbox_rows.IMAP_TAKEN.update().values(long_ago))
    async with reads(migrated) as again:
        await until(again.rests)
    async with database.transaction() as session:
        assert not await mailbox_rows.taken(session, mailbox, [b"is looked at again"]), "a reader forgets as it starts"
    await database.dispose()


async def test_a_mail_that_moves_between_two_folders_that_are_read_comes_once(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(SUPPORT, mail("moves"))
    dovecot.deliver(SUPPORT, mail("stays"), folder="Shop")
    async with reads(migrated, idle=0.2) as reading:
        await reading.mailboxes.add(given(dovecot.port, folders=["INBOX", "Shop"]))
        await until(reading.rests)
        assert sorted(reading.subjects) == ["moves", "stays"]
        client = dovecot.client(SUPPORT)
        client.select()
        client.copy("1", "Shop")
        client.logout()
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("after it"), folder="Shop")
        await until(lambda: reading.subjects[2:] == ["after it"])


# ── after receipt
# ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_marked_read_once_we_have_it(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, after="seen"))
        await until(reading.rests)
    assert (dovecot.subjects(SUPPORT, wanted="SEEN"), reading.subjects) == (["one"], ["one"])


async def test_a_mail_over_whose_mark_the_connection_breaks_is_published_once(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.email.fetching.pause", lambda *_: 0.05)
    mark_seen, breaks = ImapConnection.mark_seen, [ImapTrouble(Trouble.UNREACHABLE, "cut")] * 2

    def mark(connection: ImapConnection, uids: Sequence[int]) -> None:
        if breaks:
            raise breaks.pop()
        mark_seen(connection, uids)

    monkeypatch.setattr(ImapConnection, "mark_seen", mark)
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, after="seen"))
        await until(reading.rests)
    assert (dovecot.subjects(SUPPORT, wanted="SEEN"), reading.subjects) == (["one"], ["one"])


@pytest.mark.parametrize("without", [(), ("MOVE",), ("MOVE", "UIDPLUS")], ids=["MOVE", "UIDPLUS", "neither"])
async def test_a_mail_is_moved_once_we_have_it(
    migrated: str, dovecot: Dovecot, without: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    has = ImapConnection._has
    monkeypatch.setattr(ImapConnection, "_has", lambda self, name: name not in without and has(self, name))
    dovecot.deliver(SUPPORT, mail("earlier"), folder="Done")
    dovecot.deliver(SUPPORT, mail("one"), mail("two"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, after="move", move_to="Done"))
        await until(reading.rests)
    assert reading.subjects == ["one", "two"]
    assert dovecot.subjects(SUPPORT, "Done") == ["earlier", "one", "two"]
    assert dovecot.subjects(SUPPORT, wanted="UNDELETED") == []
    assert len(dovecot.subjects(SUPPORT)) == (2 if "UIDPLUS" in without else 0), "EXPUNGE would remove what others mark"


async def test_where_a_mail_cannot_be_moved_all_the_same_all_arrive_and_it_is_told_why(
    migrated: str, dovecot: Dovecot
) -> None:
    dovecot.deliver(SUPPORT, mail("one"), mail("two"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, after="move", move_to="Nowhere"))
        await until(lambda: "late" in reading.told())
        assert reading.subjects == ["one", "two"]
        assert "moved to Nowhere" in reading.told()
        tried = await reading.mailboxes.tried(SUPPORT)
        assert (tried.missing, tried.trouble) == (["Nowhere"], "no-folder")
    client = dovecot.client(SUPPORT)
    client.create("Nowhere")
    client.logout()
    await due_now(migrated)
    async with reads(migrated) as again:
        await until(again.rests)
    assert (again.subjects, dovecot.subjects(SUPPORT, "Nowhere")) == ([], ["one", "two"])


async def test_a_folder_that_is_not_there_does_not_keep_the_others_from_being_read(
    migrated: str, dovecot: Dovecot
) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, folders=["INBOX", "Gone"]))
        await until(lambda: "late: the folder Gone cannot be opened" in reading.told())
        assert reading.subjects == ["one"]


# ── junk, two mailboxes, two processes
# ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("junk", "found"), [("auto", ["good", "junk"]), ("off", ["good"]), ("Junk", ["good", "junk"])])
async def test_what_lies_in_the_junk_folder_is_taken_and_told_apart(
    migrated: str, dovecot: Dovecot, junk: str, found: list[str]
) -> None:
    dovecot.deliver(SUPPORT, mail("good"))
    dovecot.deliver(SUPPORT, mail("junk"), folder="Junk")
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, junk=junk, after="seen"))
        await until(reading.rests)
    assert sorted(reading.subjects) == found
    assert (dovecot.subjects(SUPPORT, wanted="SEEN"), dovecot.subjects(SUPPORT, "Junk", "UNSEEN")) == (
        ["good"],
        ["junk"],
    )
    assert {subject for subject, envelope in reading.taken if envelope.junk} == set(found) - {"good"}


async def test_one_mail_in_two_mailboxes_and_by_smtp_is_one_message(
    kafka: str, migrated: str, dovecot: Dovecot, storage_url: str
) -> None:
    await create_topics(kafka, all_topics(["email"]))
    bus = KafkaBus(kafka, "email")
    await bus.start()
    named, nameless = f"to both {uuid4()}", f"without an id {uuid4()}"
    mails = [mail(named, to=f"{HELP}, {SUPPORT}"), re.sub(rb"Message-ID: .*\r\n", b"", mail(nameless, to=HELP))]
    for address in (SUPPORT, HELP):
        dovecot.deliver(address, *mails)
    async with smtp_running(bus, storage_url) as stage, reads(migrated) as reading:
        reading.fetching.receiver = stage.receiver
        for address in (SUPPORT, HELP):
            await reading.mailboxes.add(given(dovecot.port, address))
            await until(lambda address=address: reading.rests(address))
        for raw in mails:
            assert (await stage.send(raw, HELP))[0] == 250
    await bus.stop()
    events = [event for event in await events_on(kafka, MESSAGES_RECEIVED) if event.subject in (named, nameless)]
    assert len(events) == 6
    assert {(event.subject, event.recipient) for event in events} == {(named, HELP), (nameless, HELP)}
    assert len({event.id for event in events}) == 2


async def test_of_two_processes_one_reads_and_the_other_takes_over(migrated: str, dovecot: Dovecot) -> None:
    async with reads(migrated) as second:
        async with reads(migrated) as first:
            await until(lambda: first.fetching.leadership.held.is_set() or second.fetching.leadership.held.is_set())
            leads, waits = (first, second) if first.fetching.leadership.held.is_set() else (second, first)
            await leads.mailboxes.add(given(dovecot.port))
            dovecot.deliver(SUPPORT, mail("one"))
            await until(lambda: leads.subjects == ["one"])
            assert (waits.subjects, waits.health.parts["mailboxes"].detail[:15]) == ([], "another process")
            database = Database(migrated, SCHEMA)
            async with database.connection() as connection:  # PostgreSQL ends the connection that holds the lock
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                )
            await database.dispose()
            await until(lambda: first.fetching.leadership.held.is_set() or second.fetching.leadership.held.is_set())
            await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("two"))
            await until(lambda: sorted({*first.subjects, *second.subjects}) == ["one", "two"])
        await asyncio.to_thread(dovecot.deliver, SUPPORT, mail("three"))
        await until(lambda: "three" in second.subjects)
    assert sorted(first.subjects + second.subjects) == ["one", "three", "two"]


# ── a mailbox as an operator has it
# ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_wrong_password_is_told_and_the_right_one_is_tried_at_once(migrated: str, dovecot: Dovecot) -> None:
    dovecot.deliver(HELP, mail("elsewhere"))
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        wrong = given(dovecot.port, password="wrong")
        await reading.mailboxes.add(wrong)
        await reading.mailboxes.add(given(dovecot.port, HELP))
        await until(lambda: "refused" in reading.told() and reading.subjects == ["elsewhere"])
        tried = await reading.mailboxes.tried(SUPPORT)
        assert (tried.trouble, "AUTHENTICATIONFAILED" in tried.problem) == ("refused", True)
        await until(lambda: "2, 1 of which cannot be read" in reading.health.parts["mailboxes"].detail)
        assert reading.health.ready, "mail by SMTP and answers go on"
        assert SUPPORT not in str(reading.health.report()), "everybody may see that page"
        await reading.mailboxes.change(SUPPORT, given(dovecot.port))
        await until(lambda: reading.subjects == ["elsewhere", "one"])
        await reading.mailboxes.remove(SUPPORT)
        await until(lambda: SUPPORT not in reading.fetching.told)


async def test_a_trial_takes_a_folder_whose_name_comes_as_a_literal(migrated: str) -> None:
    def answer(tag: str, command: str) -> bytes:
        names = f'* LIST () "/" {{5}}\r\nR & D\r\n* LIST () "/" INBOX\r\n{tag} OK done\r\n'
        return names.encode() if command.startswith("LIST") else b""

    managed = manages(Database(migrated, SCHEMA))
    with serving(answer) as port:
        await managed.add(given(port))
        tried = await managed.tried(SUPPORT)
    assert (tried.problem, tried.folders) == ("", ["R & D", "INBOX"])
    await managed._database.dispose()


async def test_a_password_in_the_environment_is_found_by_its_name(
    migrated: str, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(SUPPORT, mail("one"))
    async with reads(migrated) as reading:
        await reading.mailboxes.add(given(dovecot.port, password="", secret_from="EMAIL_IMAP_SUPPORT"))
        await until(lambda: "EMAIL_IMAP_SUPPORT is not set" in reading.told())
        monkeypatch.setenv("EMAIL_IMAP_SUPPORT", password())
        assert (await reading.mailboxes.tried(SUPPORT)).problem == ""


async def test_what_cannot_be_a_mailbox_is_refused_with_what_to_do(migrated: str) -> None:
    managed = manages(Database(migrated, SCHEMA))
    await managed.add(given(143))
    for wrong, words in [
        (given(143, "else@example.net"), "EMAIL_MAILBOXES"),
        (given(143), "there already"),
    ]:
        with pytest.raises(Rejected, match=words):
            await managed.add(wrong)
    with pytest.raises(Rejected, match="password again"):
        await managed.change(SUPPORT, given(143, host="localhost", password=""))
    with pytest.raises(Rejected, match="no such mailbox"):
        await managed.tried(HELP)
    [mailbox] = await managed.every()
    assert password().encode() not in mailbox.secret
    await managed._database.dispose()


async def test_the_commands_and_the_api_manage_mailboxes(
    kafka: str, database: str, tmp_path: Path, dovecot: Dovecot
) -> None:
    await create_topics(kafka, all_topics(["email"]))
    dovecot.deliver(SUPPORT, mail("one"))
    with service(tmp_path, kafka, database, (free_port(), free_port())) as process:
        process.environment |= {
            "EMAIL_API_TOKEN": "a token of enough letters",
            "EMAIL_MAILBOXES": f"{SUPPORT},{HELP}",
            "EMAIL_IMAP_SUPPORT": password(),
        }

        def run(*arguments: str) -> tuple[int, str]:
            done = process.command("mailboxes", *arguments, typed=f"{password()}\n")
            return done.returncode, done.stdout + done.stderr

        port = str(dovecot.port)
        add = ("add", SUPPORT, "--host", "127.0.0.1", "--port", port, "--password-from", "EMAIL_IMAP_SUPPORT")
        code, said = await asyncio.to_thread(run, "add", SUPPORT, "--host", "mail.example.org", "--security", "none")
        assert (code, "without TLS" in said) == (1, True)
        code, said = await asyncio.to_thread(run, *add, "--security", "none", "--after", "move:Done")
        assert (code, "added" in said, "no folder Done" in said) == (1, True, True)
        dovecot.deliver(SUPPORT, folder="Done")
        code, said = await asyncio.to_thread(run, "test", SUPPORT)
        assert (code, "can be read" in said, "Junk: Junk" in said) == (0, True, True)
        code, said = await asyncio.to_thread(run, "list")
        assert (code, said.startswith(f"{SUPPORT}  127.0.0.1:{port}  new since")) == (0, True)

        await asyncio.to_thread(process.start)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.http}/api/v1") as http:
            assert (await http.get("/mailboxes")).status_code == 401
            http.headers["Authorization"] = "Bearer a token of enough letters"
            found = (await http.get("/servers/somebody@gmail.com")).json()
            assert (found["host"], found["sign_in"]) == ("imap.gmail.com", "google")
            [shown] = (await http.get("/mailboxes")).json()["mailboxes"]
            assert (shown["address"], shown["after"], "secret" in shown) == (SUPPORT, "move", False)
            asked = {"address": HELP, "host": "127.0.0.1", "port": dovecot.port, "security": "none"}
            refused = await http.post("/mailboxes", json=asked | {"after": "move"})
            assert (refused.status_code, "name the folder" in refused.json()["detail"]) == (422, True)
            added = await http.post("/mailboxes", json=asked | {"password": password()})
            assert (added.status_code, password() in added.text) == (201, False)
            there = f"/mailboxes/{added.json()['id']}"
            tried = (await http.post(f"{there}/test")).json()
            assert (tried["problem"], tried["junk"], tried["tells"]) == ("", "Junk", True)
            await until(lambda: _state(http, there))
            changed = await http.put(there, json=asked | {"enabled": False})
            assert (changed.status_code, changed.json()["enabled"]) == (200, False)
            ready = f"http://127.0.0.1:{process.http}/health/ready"
            await until(lambda: httpx.get(ready).json()["parts"]["mailboxes"]["detail"] == "read here: 1")
            assert (await http.delete(there)).status_code == 204
            assert (await http.get(there)).status_code == 404
        code, said = await asyncio.to_thread(run, "remove", SUPPORT)
        assert (code, "removed" in said) == (0, True)


async def _state(http: httpx.AsyncClient, there: str) -> bool:
    return bool((await http.get(there)).json()["state"] == "ok")
