"""`python -m services email import …`: archives of mail, from the command line."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.email import import_rows as rows
from services.email import mailbox_rows
from services.email.adapters.archive_imap import ImapArchive, told
from services.email.adapters.archives import Archive, EmlFiles, Maildir, MboxFiles
from services.email.adapters.imap import Credentials, ImapTrouble, Server
from services.email.commands import password_of
from services.email.domain.archives import LEFT_OUT, Kind
from services.email.domain.incoming import Context
from services.email.domain.mailboxes import Mailboxes
from services.email.importing import LOCK, Importing, MailImporter, Progress, Wishes
from services.email.models import SCHEMA
from services.email.scanning import scanning
from services.email.settings import EmailSettings
from services.email.signing_in import SignIn, providers, server_of
from shared.bus.kafka import KafkaBus
from shared.db import Database
from shared.errors import Rejected
from shared.locks import only_one
from shared.settings import Settings, load
from shared.storage import Storage

USAGE = "mbox|maildir|eml|imap|list ..."
_WHOLE = 4
"""Times the largest mail that comes in: a larger one is kept whole, to be replayed; of one that is
larger still, only where it stands is told."""
_POLITE = 10
"""Added to this process's nice value: whoever writes now goes first."""
_EVERY, _LINE_EVERY = 0.5, 10.0
"""Seconds between two words of progress, on a terminal and elsewhere."""


async def imports(settings: EmailSettings, *arguments: str) -> None:
    """Runs one of the verbs of `USAGE`. Raises Rejected with what is wrong, or Unavailable."""
    asked = _parser().parse_args(arguments)
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=2)
    try:
        if asked.what == "list":
            async with only_one(database, LOCK) as nobody, database.statements() as session:
                for one in await rows.every(session):
                    print(line(one, killed=nobody and one.state == "running"))
            return
        await _import(settings, database, asked)
    finally:
        await database.dispose()


async def _import(settings: EmailSettings, database: Database, asked: Namespace) -> None:
    common = load(Settings)
    ours = _mailboxes(",".join([settings.mailboxes, *asked.ours]))
    wishes = Wishes(_kinds(asked.also), _since(asked.since), asked.again, asked.dry_run)
    try:
        archive = await _archive(settings, common, database, asked)
    except ImapTrouble as error:
        raise told(error) from error
    bus, storage = KafkaBus(common.kafka, "email-import"), Storage(common.storage)
    context = Context(ours, common.secret.get_secret_value(), common.languages)
    importer = MailImporter(bus, storage, context, settings.max_size, scanning=scanning(settings))
    os.nice(_POLITE)
    try:
        if not wishes.dry:
            await bus.start()
        progress = await Importing(database, importer, wishes, _shown()).run(archive)
    except ImapTrouble as error:
        raise told(error) from error
    finally:
        await importer.close()
        await bus.stop()
        if isinstance(archive, ImapArchive):
            archive.close()
    print("\n".join(_report(progress, dry=wishes.dry)))


async def _archive(settings: EmailSettings, common: Settings, database: Database, asked: Namespace) -> Archive:
    largest = settings.max_size * _WHOLE
    match asked.what:
        case "mbox":
            return MboxFiles(tuple(asked.path), largest)
        case "maildir":
            return Maildir(asked.path, largest)
        case "eml":
            return EmlFiles(asked.path, largest)
    if asked.host:
        port = asked.port or (143 if asked.security == "starttls" else 993)
        server = Server(host=asked.host, port=port, security=asked.security, ca=settings.imap_ca)
        credentials = Credentials(user=asked.user, password=password_of(asked.user))
    else:  # a mailbox that is connected already
        secret = common.secret.get_secret_value()
        sign_in = SignIn(secret, database, *providers(settings))
        async with database.transaction() as session:
            mailbox = await mailbox_rows.one(session, asked.user)
        if mailbox is None:
            raise Rejected(
                404, "no-such-mailbox", f"{asked.user} is not connected: say --host, or see `mailboxes list`."
            )
        server, credentials = server_of(mailbox, settings.imap_ca), await sign_in(mailbox)
    return ImapArchive(server, credentials, largest, tuple(asked.folder or ()))


def _mailboxes(text: str) -> Mailboxes:
    try:
        return Mailboxes.parse(text)
    except ValueError as error:
        raise Rejected(422, "ours", f"--ours: {error}.") from error


def _kinds(also: str) -> frozenset[Kind]:
    named = {name.strip().lower() for name in also.split(",") if name.strip()}
    if unknown := named - set(LEFT_OUT):
        raise Rejected(422, "with", f"--with takes {', '.join(LEFT_OUT)}, not {', '.join(sorted(unknown))}.")
    return frozenset(kind for kind in Kind if kind not in LEFT_OUT or kind in named)


def _since(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise Rejected(422, "since", f"--since is a day such as 2021-01-31, not {text!r}.") from error


def _shown() -> Callable[[Progress], None]:
    """Returns what tells how far it is, on standard error."""
    last, live = 0.0, sys.stderr.isatty()

    def show(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < (_EVERY if live else _LINE_EVERY):
            return
        last = now
        print(
            f"\r{_far(progress):<78}" if live else _far(progress), end="" if live else "\n", file=sys.stderr, flush=True
        )

    return show


def _far(progress: Progress) -> str:
    share = progress.done / max(progress.total, 1)
    left = progress.seconds_left
    rest = f", {timedelta(seconds=round(left))} left" if left is not None else ""
    return f"{share:.1%}, {progress.here:,} mails, {progress.rate:.0f} a second{rest}"


def _report(progress: Progress, *, dry: bool) -> list[str]:
    """Returns the report of an import in lines."""
    all_of_them: Counter[str] = sum(progress.counts.values(), Counter())
    lines = ["", "Nothing was written." if dry else "The archive is imported."]
    for folder, counts in progress.counts.items():
        lines.append(f"  {folder}: {_told(counts)}")
    lines += ["All of it: " + (_told(all_of_them) or "no mail"), *(f"  {problem}" for problem in progress.problems)]
    if all_of_them["set aside"]:
        lines.append("What was set aside is on the desk's page of dead letters, and can be replayed from there.")
    if not dry:
        lines.append("`python -m services desk imports` tells how much of it the desk has, and what it knew already.")
    return lines[1:] if dry else lines


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counts.most_common() if number)


def line(one: rows.Import, *, killed: bool) -> str:
    """Returns what is told of an import, with each of its files or folders on a line of its own."""
    counts: Counter[str] = sum((Counter(counts) for counts in one.counts.values()), Counter())
    share = one.done / max(one.total, 1)
    state = "stopped" if killed else one.state
    source = one.source.replace("\n", f"\n{' ' * len('mbox ')}")
    return (
        f"{source}  {state} {share:.0%} at {one.changed_at:%Y-%m-%d %H:%M} UTC  {_told(counts)}  {one.detail}".rstrip()
    )


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m services email import")
    verbs = parser.add_subparsers(required=True, metavar=USAGE, dest="what")
    paths = {"mbox": "files, or folders with such files", "maildir": "a Maildir", "eml": "a folder of .eml files"}
    for name, words in {**paths, "imap": "a mailbox at an IMAP server; its password is asked for"}.items():
        verb = verbs.add_parser(name, help=words, description=f"Import {words}.")
        if name in paths:
            verb.add_argument("path", type=Path, nargs="+" if name == "mbox" else None)
        else:
            verb.add_argument(
                "--host", default="", help="without it, of a mailbox that is connected (`mailboxes list`)"
            )
            verb.add_argument("--user", required=True)
            verb.add_argument("--port", type=int, default=0, help="993, or 143 with starttls")
            verb.add_argument("--security", choices=("tls", "starttls", "none"), default="tls")
            verb.add_argument("--folder", action="append", help="a folder, again for more; all without it")
        verb.add_argument(
            "--ours", action="append", default=[], metavar="ADDRESS", help="an address or domain that was ours, too"
        )
        verb.add_argument("--with", dest="also", default="", metavar=",".join(LEFT_OUT), help="take these, too")
        verb.add_argument("--since", default="", metavar="YYYY-MM-DD", help="leave out what is older")
        verb.add_argument("--again", action="store_true", help="also what was taken before")
        verb.add_argument("--dry-run", action="store_true", help="count, and write nothing")
    verbs.add_parser("list", help="list the imports and how far they are")
    return parser
