"""A shop brings its last years of mail along: all of it, once, whoever is killed meanwhile, and
nobody is woken by it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

import services.email as email_package
from services.desk import consumer
from services.desk.context import Desk
from services.desk.intake import messages
from services.desk.profiles.owed import publish_owed
from services.email.adapters.archive_imap import ImapArchive
from services.email.adapters.archives import EmlFiles, Maildir
from services.email.adapters.clamd import Clamd
from services.email.adapters.imap import Credentials, Server
from services.email.importing import Importing, MailImporter, Wishes
from services.email.models import SCHEMA
from services.email.replay import replay
from services.email.scanning import Scanning
from services.router.domain.threads import thread
from shared import db
from shared.bus.kafka import KafkaBus, create_topics
from shared.db import Database
from shared.errors import Rejected
from shared.events import ImportedMail, InboundMessage
from shared.locks import only_one
from shared.storage import Storage
from shared.topics import DEAD_LETTERS, MESSAGES_IMPORTED, all_topics
from tests import clamd
from tests.dovecot import needs_dovecot, password
from tests.dovecot import running as dovecot_running
from tests.integration.desk_parts import desk_on, migrate, outbox, scalar, with_channels
from tests.integration.test_email_receiving import CONTEXT
from tests.topic import events_on, records_on
from tests.unit.desk.examples import routed
from tests.unit.router.makers import POLICY
from tests.waiting import until

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC).replace(microsecond=0)
THREADS, QUESTIONS = 30, 4
"""And an answer of ours to each question."""


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    await create_topics(kafka, all_topics(["email"]))
    found = KafkaBus(kafka, "email")
    await found.start()
    yield found
    await found.stop()


@pytest.fixture(autouse=True)
def group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "GROUP", f"desk-{uuid4().hex}")


async def migrate_email(dsn: str) -> None:
    await asyncio.to_thread(db.migrate, dsn, SCHEMA, Path(email_package.__file__).parent / "migrations")


class Shop:
    """Whose mail it is: names that no other test uses."""

    def __init__(self) -> None:
        self.name = uuid4().hex[:12]

    def written(self, number: int, place: int) -> datetime:
        """When a mail of a thread was written; the last one three days ago."""
        return NOW - timedelta(days=3 + 20 * (THREADS - 1 - number), hours=2 * QUESTIONS - place)

    def mail(self, number: int, place: int) -> bytes:
        """A mail of a thread: the customer's and ours take turns."""
        ours, ids = place % 2 == 1, [f"<{one}.{number}.{self.name}@x>" for one in range(place + 1)]
        people = ["support@example.org", f"Ann {number} <{self.customer(number)}>"]
        sender, recipient = people if ours else reversed(people)
        lines = [
            f"From: {sender}",
            f"To: {recipient}",
            f"Date: {format_datetime(self.written(number, place))}",
            f"Message-ID: {ids[place]}",
            f"Subject: {'Re: ' * bool(place)}Lamp {number}",
            f"References: {' '.join(ids[:place])}" * bool(place),
        ]
        return ("\n".join(filter(None, lines)) + f"\n\nWords {place} about lamp {self.name}{number}\n").encode()

    def customer(self, number: int) -> str:
        return f"ann{number}.{self.name}@example.com"

    def mbox(self, *places: int) -> bytes:
        """The newest first, as Gmail has them."""
        found = [self.mail(number, place) for number in reversed(range(THREADS)) for place in reversed(places)]
        return b"".join(b"From - Mon Mar 01 10:00:00 2021\n" + one + b"\n" for one in found)


class Command:
    """`python -m services email import …` as an operator starts it."""

    def __init__(self, kafka: str, database: str, storage: str, *arguments: str) -> None:
        self.line = [sys.executable, "-m", "services", "email", "import", *arguments]
        self.environment = {
            **os.environ,
            "SWITCHBOARD_KAFKA": kafka,
            "SWITCHBOARD_STORAGE": storage,
            "SWITCHBOARD_SECRET": CONTEXT.secret,
            "EMAIL_DATABASE": database,
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.line, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def run(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.line, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )


@asynccontextmanager
async def applying(desk: Desk) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(consumer.imported(desk).run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def rows(dsn: str, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def test_an_archive_is_there_whole_whoever_was_killed_and_nobody_is_woken(
    bus: KafkaBus, kafka: str, database: str, storage_url: str, tmp_path: Path
) -> None:
    shop = Shop()
    await migrate(database)
    await migrate_email(database)
    box = tmp_path / "box"
    box.mkdir()
    questions, answers = range(0, 2 * QUESTIONS, 2), range(1, 2 * QUESTIONS, 2)
    (box / "Inbox").write_bytes(shop.mbox(*questions))
    (box / "All Mail").write_bytes(shop.mbox(*questions))
    (box / "Sent").write_bytes(shop.mbox(*answers))
    (box / "Drafts").write_bytes(shop.mbox(2 * QUESTIONS))
    command = Command(kafka, database, storage_url, "mbox", str(box))

    async def far() -> int:
        return sum(row["done"] for row in await rows(database, "SELECT done FROM email.import_folders"))

    for _ in range(2):
        before, process = await far(), command.start()
        await until(lambda before=before: _more(far, before))  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)
    done = await asyncio.to_thread(command.run)
    assert done.returncode == 0, done.stderr
    told = {line.strip().partition(": ")[0]: line.strip().partition(": ")[2] for line in done.stdout.splitlines()}
    assert told["Sent"] == told["All Mail"] == f"{THREADS * QUESTIONS} taken"
    assert told["Inbox"] == f"{THREADS * QUESTIONS} taken before"
    assert told["Drafts"] == f"{THREADS} drafts"
    assert "done 100%" in (await asyncio.to_thread(Command(kafka, database, storage_url, "list").run)).stdout

    whole = 2 * THREADS * QUESTIONS
    async with desk_on(database, storage_url, bus) as desk:
        own = f"FROM desk.messages WHERE text LIKE '%{shop.name}%'"
        async with applying(desk):

            async def applied() -> bool:
                return bool(await scalar(desk, f"SELECT count(*) {own}") == whole)

            await until(applied)
        tickets = await rows(
            database,
            "SELECT t.*, (SELECT array_agg(m.direction || ' ' || m.text ORDER BY m.at) FROM desk.messages m WHERE m.ticket_id = t.id) AS said,"
            f" (SELECT max(at) FROM desk.messages m WHERE m.ticket_id = t.id) AS last FROM desk.tickets t WHERE subject LIKE 'Lamp%'"
            f" AND id IN (SELECT ticket_id {own}) ORDER BY created_at",
        )
        assert len(tickets) == THREADS
        for number, ticket in enumerate(tickets):
            lines = [
                f"{'out' if one % 2 else 'in'} Words {one} about lamp {shop.name}{number}"
                for one in range(2 * QUESTIONS)
            ]
            assert ticket["said"] == lines
            assert (ticket["status"], ticket["messages"]) == ("closed", 2 * QUESTIONS)
            assert (
                ticket["solved_at"]
                == ticket["last_message_at"]
                == ticket["last"]
                == shop.written(number, 2 * QUESTIONS - 1)
            )
            assert ticket["created_at"] == shop.written(number, 0)
            assert ticket["due_at"] is ticket["waiting_since"] is ticket["assignee_id"] is None
        for nothing in ("desk.outbox", "desk.ticket_events"):
            assert await scalar(desk, f"SELECT count(*) FROM {nothing}") == 0, nothing
        words = await scalar(desk, f"SELECT count(*) FROM desk.message_words WHERE message_id IN (SELECT id {own})")
        assert words == whole

        owed = await scalar(desk, "SELECT count(*) FROM desk.profiles_owed")
        while await publish_owed(desk, timedelta(0)):
            pass
        profiles = await outbox(desk, "customers-updated")
        assert len(profiles) == owed, "each once, however many mails they wrote"
        known = {one.contact_point: one for one in profiles}
        assert known[f"email:{shop.customer(0)}"].observed["email"].messages == QUESTIONS  # type: ignore[index]
        await _writes_again(desk, shop)

    records = [one for one in await records_on(kafka, MESSAGES_IMPORTED) if shop.name.encode() in one.value]
    assert min(one.timestamp for one in records) >= NOW.timestamp() * 1000, "or Kafka would delete them"


async def _more(far: Any, before: int) -> bool:
    return bool(await far() > before)


async def _writes_again(desk: Desk, shop: Shop) -> None:
    """A customer answers the last mail of three days ago, and another one of years ago."""
    for number, ended in ((THREADS - 1, "reopened"), (0, "followed")):
        ids = [f"<{one}.{number}.{shop.name}@x>" for one in range(2 * QUESTIONS)]
        message = routed(
            f"<new.{number}.{shop.name}@x>", sender=f"email:{shop.customer(number)}", received_at=NOW
        ).message
        clues = {"root": ids[0], "references": tuple(ids)}
        heard = InboundMessage(
            **{f: getattr(message, f) for f in message.__struct_fields__} | {"thread": type(message.thread)(**clues)}
        )
        match, _ = thread(heard, None, POLICY, NOW)
        live = routed(
            message.provider_id,
            sender=message.sender,
            thread=match.key,
            rule=match.rule,
            received_at=NOW,
            team="lamps",
            reply_within=60,
        )
        await messages.apply(with_channels(desk), [live])
        (ticket,) = await rows(
            desk.settings.database.get_secret_value(),
            f"SELECT * FROM desk.tickets WHERE id = (SELECT ticket_id FROM desk.messages WHERE id = '{message.id}')",
        )
        assert (ticket["status"], ticket["team"], ticket["imported"]) == ("open", "lamps", False)
        assert ticket["due_at"] == NOW + timedelta(seconds=60)
        assert (ticket["messages"], ticket["linked_to"] is None) == (
            (2 * QUESTIONS + 1, True) if ended == "reopened" else (1, False)
        )


@asynccontextmanager
async def importer(
    bus: KafkaBus, storage_url: str, largest: int = 100_000, scanning: Scanning | None = None
) -> AsyncIterator[MailImporter]:
    found = MailImporter(bus, Storage(storage_url), CONTEXT, largest, scanning=scanning)
    try:
        yield found
    finally:
        await found.close()


async def taken(kafka: str, shop: Shop) -> list[ImportedMail]:
    return [one for one in await events_on(kafka, MESSAGES_IMPORTED) if shop.name in one.message.text]


def quiet(_: object) -> None:
    """Shows nothing."""


async def test_what_cannot_be_read_is_told_and_set_aside_and_can_be_replayed(
    bus: KafkaBus, kafka: str, database: str, storage_url: str, tmp_path: Path
) -> None:
    shop = Shop()
    await migrate_email(database)
    folder = tmp_path / shop.name
    folder.mkdir()
    (folder / "1.eml").write_bytes(shop.mail(0, 0))
    (folder / "2.eml").write_bytes(shop.mail(0, 2) + b"x" * 200_000)
    (folder / "3.eml").write_bytes(b"\x00\x01 no mail at all \x00")
    (folder / "4.eml").write_bytes(shop.mail(0, 4).replace(b"Words", b"W\x00rds"))
    (folder / "5.eml").write_bytes(b"x" * 600_000)
    found = Database(database, SCHEMA)
    async with importer(bus, storage_url) as one:
        progress = await Importing(found, one, Wishes(), quiet).run(EmlFiles(folder, 500_000))
        assert progress.counts[shop.name] == {"taken": 2, "set aside": 2, "not readable": 1}
        assert progress.problems == [f"{shop.name}: 5.eml: larger than 500,000 bytes"]
        record = next(
            one
            for one in await records_on(kafka, DEAD_LETTERS)
            if f"{shop.name}: 2.eml".encode() in dict(one.headers)["error"]
        )
        assert b"EMAIL_MAX_SIZE" in dict(record.headers)["error"]
        again = await replay(str(record.offset), kafka, Storage(storage_url), None, one)  # type: ignore[arg-type]
    texts = [one.message for one in await taken(kafka, shop)]
    assert again in {one.id for one in texts}
    assert len(texts) == 3
    await found.dispose()


async def test_an_old_mail_with_a_virus_hands_nobody_its_file(
    bus: KafkaBus, kafka: str, database: str, storage_url: str, tmp_path: Path
) -> None:
    shop = Shop()
    await migrate_email(database)
    folder = tmp_path / shop.name
    folder.mkdir()
    files = {"invoice.exe": b"MZ " + clamd.MARKER, "photo.png": b"\x89PNG"}
    mail = message_from_bytes(shop.mail(0, 0), policy=default)
    assert isinstance(mail, EmailMessage)
    mail.set_content(mail.get_content())
    for name, data in files.items():
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    (folder / "1.eml").write_bytes(mail.as_bytes())
    found = Database(database, SCHEMA)
    async with clamd.serving() as (where, scanner):
        scanning = Scanning(Clamd(where), wait=True)
        async with importer(bus, storage_url, scanning=scanning) as one:
            await Importing(found, one, Wishes(), quiet).run(EmlFiles(folder, 500_000))
    (message,) = [one.message for one in await taken(kafka, shop)]
    assert sorted(scanner.scanned) == sorted(files.values())
    assert [file.name for file in message.attachments] == ["photo.png"]
    assert message.facts["infected"] == f"invoice.exe ({clamd.NAME})"
    await found.dispose()


async def test_a_dry_run_counts_and_writes_nothing(
    bus: KafkaBus, kafka: str, database: str, storage_url: str, tmp_path: Path
) -> None:
    shop = Shop()
    await migrate_email(database)
    for part in ("cur", ".Sent/cur", ".Trash/cur"):
        (tmp_path / "mail" / part).mkdir(parents=True)
    (tmp_path / "mail" / "cur" / "1:2,").write_bytes(shop.mail(0, 0))
    (tmp_path / "mail" / "cur" / "2:2,").write_bytes(shop.mail(0, 0))
    (tmp_path / "mail" / "cur" / "3:2,D").write_bytes(shop.mail(0, 2))
    (tmp_path / "mail" / ".Sent" / "cur" / "4:2,").write_bytes(shop.mail(0, 1))
    (tmp_path / "mail" / ".Trash" / "cur" / "5:2,").write_bytes(shop.mail(0, 3))
    found = Database(database, SCHEMA)
    async with importer(bus, storage_url) as one:
        progress = await Importing(found, one, Wishes(dry=True), quiet).run(Maildir(tmp_path / "mail", 500_000))
    assert {name: dict(counts) for name, counts in progress.counts.items()} == {
        "Sent": {"taken": 1},
        "INBOX": {"taken": 1, "taken before": 1, "drafts": 1},
        "Trash": {"trash": 1},
    }
    assert await taken(kafka, shop) == []
    assert not Path(storage_url.removeprefix("file://")).exists()
    assert await rows(database, "SELECT * FROM email.imports") == []
    await found.dispose()


async def test_a_mailbox_elsewhere_is_read_and_left_as_it_was(
    bus: KafkaBus, kafka: str, database: str, storage_url: str
) -> None:
    needs_dovecot()
    shop = Shop()
    await migrate_email(database)
    found, user = Database(database, SCHEMA), "old@example.org"
    with dovecot_running() as dovecot:
        dovecot.deliver(user, shop.mail(0, 0), shop.mail(0, 2))
        dovecot.deliver(user, shop.mail(0, 4), folder="Junk")
        client = dovecot.client(user)
        client.create("Sent")
        dovecot.deliver(user, shop.mail(0, 1), folder="Sent")
        archive = ImapArchive(
            Server(host="127.0.0.1", port=dovecot.port, security="none"),
            Credentials(user=user, password=password()),
            500_000,
        )
        async with importer(bus, storage_url) as one:
            progress = await Importing(found, one, Wishes(), quiet).run(archive)
            await Importing(found, one, Wishes(), quiet).run(archive)
        archive.close()
        client.select("INBOX", readonly=True)
        assert client.search(None, "UNSEEN")[1] == [b"1 2"], "nothing is marked read"
        client.logout()
    assert {name: dict(counts) for name, counts in progress.counts.items()} == {
        "INBOX": {"taken": 2},
        "Sent": {"taken": 1},
        "Junk": {"spam": 1},
    }
    mails = await taken(kafka, shop)
    assert Counter(one.sent for one in mails) == {False: 2, True: 1}
    assert {one.customer for one in mails} == {f"email:{shop.customer(0)}"}
    await found.dispose()


async def test_two_imports_at_a_time_are_refused(
    bus: KafkaBus, database: str, storage_url: str, tmp_path: Path
) -> None:
    await migrate_email(database)
    found = Database(database, SCHEMA)
    async with importer(bus, storage_url) as one, only_one(found, 5_120_431_994) as alone:
        assert alone
        with pytest.raises(Rejected, match="Another import is under way"):
            await Importing(found, one, Wishes(), quiet).run(EmlFiles(tmp_path, 1))
    await found.dispose()
