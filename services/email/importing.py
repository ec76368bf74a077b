"""An archive of mail becomes conversations that are over: each mail kept raw, read by a process of
its own and published on `messages-imported`, past the router and everything that waits for it.

Mails are taken some at a time. What was published of them, and where to go on, is noted together
once Kafka has all of them: who is killed in between publishes them again as the same messages.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

import msgspec

from services.email import import_rows as rows
from services.email.adapters.archives import Archive, Folder, Piece
from services.email.adapters.reader import Reader
from services.email.domain.archives import LEFT_OUT, Kind, dated, head_of, kind_of_mail
from services.email.domain.headers import Headers
from services.email.domain.incoming import Context, Envelope, language_of
from services.email.domain.loops import Kept
from services.email.receiving import SOURCE, labels
from services.email.scanning import Scanning
from shared.bus import Bus
from shared.bus.handling import dead_letter
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Rejected
from shared.events import ImportedMail, UnreadableMail
from shared.events.codec import encode
from shared.kernel import address_of, email_point
from shared.locks import only_one
from shared.loops import persist
from shared.storage import Storage
from shared.topics import MESSAGES_IMPORTED

LOCK = 5_120_431_994
"""Whoever holds it imports: two at a time would only take turns."""
_MAILS, _BYTES = 50, 16 << 20
"""Taken together: few enough that little is done again after a kill."""
READERS = 2
"""Processes that read mails. More would take what live mail needs."""
_LONGEST_WHERE = 300
_MOST_PROBLEMS = 100
"""Mails that cannot be read of which it is told where they stand."""


class LeftOut(Exception):
    """A mail that is none of a conversation, by `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Progress:
    """How far an import is. `done`, `total`: bytes, or mails where their size is not known;
    `counts`: by folder, then by what became of its mails."""

    run: str
    total: int
    done: int
    counts: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    problems: list[str] = field(default_factory=list)
    here: int = 0
    """Mails that this process has looked at."""
    began: float = field(default_factory=time.monotonic)
    done_before: int = 0

    def told(self) -> dict[str, object]:
        """Returns what is kept of it."""
        counts = {folder: dict(counted) for folder, counted in self.counts.items()}
        return {"counts": counts, "problems": self.problems, "done": self.done}

    @property
    def rate(self) -> float:
        """Mails a second."""
        return self.here / max(time.monotonic() - self.began, 0.001)

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes, as fast as it went so far; None where that is not known yet."""
        done = self.done - self.done_before
        return (time.monotonic() - self.began) * (self.total - self.done) / done if done > 0 else None


class MailImporter:
    """Reads single mails of archives and publishes them."""

    def __init__(
        self,
        bus: Bus,
        storage: Storage,
        context: Context,
        largest: int,
        clock: Callable[[], datetime] = utc_now,
        scanning: Scanning | None = None,
    ) -> None:
        self._bus, self._storage, self._context, self._largest = bus, storage, context, largest
        self._clock, self._scanning = clock, scanning
        self._readers: asyncio.Queue[Reader] = asyncio.Queue()
        for _ in range(READERS):
            self._readers.put_nowait(Reader(replace(context, languages=())))

    async def close(self) -> None:
        """Ends the processes that read."""
        while not self._readers.empty():
            await self._readers.get_nowait().close()

    async def take(self, raw: bytes, run: str, where: str, kind: Kind, written_at: datetime) -> ImportedMail | None:
        """Keeps a mail and reads it. None where it cannot be read: then it is a dead letter, which
        can be replayed. Raises LeftOut, and Unavailable where something that is needed is away."""
        original = await self._storage.put(raw, name="original.eml", media_type="message/rfc822")
        try:
            if len(raw) > self._largest:
                raise Malformed(f"larger than EMAIL_MAX_SIZE, which is {self._largest:,} bytes")
            return await self.read(raw, run, original.uri, sent=kind is Kind.SENT, written_at=written_at)
        except Malformed as error:
            mail = UnreadableMail(
                raw_uri=original.uri,
                sender=None,
                recipients=(),
                received_at=written_at,
                imported=run,
                sent=kind is Kind.SENT,
            )
            told = Malformed(f"{where[:_LONGEST_WHERE]}: {error}")
            await dead_letter(self._bus, SOURCE, original.uri.encode(), encode(mail), told, SOURCE)
            return None

    async def read(self, raw: bytes, run: str, raw_uri: str, *, sent: bool, written_at: datetime) -> ImportedMail:
        """Reads a mail that is in the storage. `sent`: it lay among those that we wrote. Raises
        LeftOut, Malformed and Unavailable."""
        reader = await self._readers.get()
        try:
            answer, message, files = await reader.read(raw, Envelope(None, ()), raw_uri, written_at)
        finally:
            self._readers.put_nowait(reader)
        if answer.kept is Kept.OWN:
            raise LeftOut("sent by Switchboard")
        if answer.kept is not None:
            raise LeftOut(answer.kept.value)
        author = _author(head_of(raw))
        ours = sent or (self._context.mailboxes.owns(author) and author == address_of(message.sender))
        customer = message.sender
        if ours:
            people = (*message.also_to, *message.cc)
            if not people:
                raise LeftOut("to nobody outside")
            customer = email_point(people[0])
            if author:
                message = msgspec.structs.replace(message, sender=email_point(author))
        files, facts = await self._scanning.sort(files) if self._scanning else (files, {})
        attachments = [await self._storage.put(file.data, **labels(file)) for file in files]
        language = language_of(message.text, message.subject, self._context.languages, answer.preset)
        message = msgspec.structs.replace(
            message, attachments=tuple(attachments), facts=message.facts | facts, language=language
        )
        return ImportedMail(message=message, run=run, customer=customer, sent=ours)

    async def again(self, mail: UnreadableMail, raw: bytes) -> str:
        """Reads and publishes a mail that was set aside. Returns its message's id, empty where it
        is none. Raises Malformed and Unavailable."""
        try:
            found = await self.read(raw, mail.imported, mail.raw_uri, sent=mail.sent, written_at=mail.received_at)
        except LeftOut:
            return ""
        await self.publish([found])
        return found.message.id

    async def publish(self, mails: Sequence[ImportedMail]) -> None:
        """Publishes mails; returns once Kafka has them. Raises Unavailable."""
        found = [(MESSAGES_IMPORTED, mail.message.thread.root or mail.message.provider_id, mail) for mail in mails]
        await self._bus.publish_all(found)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an operator asks for. `kinds`: of mails that are taken; `since`: those from a moment on;
    `again`: also what was taken before; `dry`: nothing is written."""

    kinds: frozenset[Kind] = frozenset(Kind) - frozenset(LEFT_OUT)
    since: datetime | None = None
    again: bool = False
    dry: bool = False


class Importing:
    """Imports one archive."""

    def __init__(
        self,
        database: Database,
        importer: MailImporter,
        wishes: Wishes,
        show: Callable[[Progress], None],
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database, self._importer, self._wishes = database, importer, wishes
        self._show, self._clock = show, clock
        self._seen: set[bytes] = set()

    async def run(self, archive: Archive) -> Progress:
        """Imports an archive, from where an earlier run of it was stopped. Returns what became of
        its mails. Raises Rejected where another one is under way or the archive cannot be read."""
        if self._wishes.dry:
            folders = await asyncio.to_thread(archive.folders)
            progress = Progress("", sum(folder.size for folder in folders), 0)
            for folder in _in_order(folders):
                await self._folder(archive, folder, progress, None)
            return progress
        async with only_one(self._database, LOCK) as alone:
            if not alone:
                raise Rejected(409, "under-way", "Another import is under way. Wait for it, or stop it first.")
            return await self._alone(archive)

    async def _alone(self, archive: Archive) -> Progress:
        folders = await asyncio.to_thread(archive.folders)
        async with self._database.transaction() as session:
            begun, places = await rows.begin(session, archive.name, sum(folder.size for folder in folders))
        progress = Progress(begun.id, begun.total, 0, problems=begun.problems)
        state, detail = "stopped", ""
        try:
            for folder in _in_order(folders):
                place = places.get(folder.name)
                if place and place.identity == folder.identity:
                    progress.counts[folder.name].update(begun.counts.get(folder.name, {}))
                    progress.done += place.done
                    progress.done_before += place.done
                else:
                    place = None
                await self._folder(archive, folder, progress, place)
            state = "done"
        except Exception as error:
            state, detail = "failed", str(error)
            raise
        finally:
            with suppress(Exception):  # it can be gone on with all the same
                async with self._database.transaction() as session:
                    await rows.end(session, begun.id, state, detail)
        return progress

    async def _folder(self, archive: Archive, folder: Folder, progress: Progress, place: rows.Place | None) -> None:
        counts = progress.counts[folder.name]
        if folder.counted and folder.kind not in self._wishes.kinds:
            counts[folder.kind] = folder.size
            progress.done += folder.size - (place.done if place else 0)
            return
        before = progress.done - (place.done if place else 0)
        pieces = archive.pieces(folder, place.place if place else "")
        while chunk := await asyncio.to_thread(_next, pieces):
            await self._take(folder, chunk, progress, before)
            self._show(progress)
        progress.done = before + folder.size

    async def _take(self, folder: Folder, chunk: Sequence[Piece], progress: Progress, before: int) -> None:
        counts = progress.counts[folder.name]
        digests = {piece.place: hashlib.sha256(piece.raw).digest() for piece in chunk if piece.raw is not None}
        known = await self._known(digests.values())
        wanted: list[tuple[Piece, Kind, datetime]] = []
        for piece in chunk:
            what = self._sorted_out(piece, folder, digests.get(piece.place, b""), known, progress)
            if isinstance(what, str):
                counts[what] += 1
            else:
                known.add(digests[piece.place])
                wanted.append((piece, *what))
        progress.here += len(chunk)
        progress.done = before + chunk[-1].done
        if self._wishes.dry:
            counts["taken"] += len(wanted)
            self._seen |= known
            return
        found = await asyncio.gather(*(self._one(piece, kind, at, progress.run) for piece, kind, at in wanted))
        await self._patiently(lambda: self._importer.publish([one for one in found if isinstance(one, ImportedMail)]))
        counts.update("taken" if isinstance(one, ImportedMail) else one for one in found)
        place = rows.Place(folder.identity, chunk[-1].place, chunk[-1].done)

        async def note() -> None:
            async with self._database.transaction() as session:
                taken = {digests[piece.place] for piece, *_ in wanted}
                await rows.take(session, progress.run, folder.name, place, taken, progress.told())

        await self._patiently(note)

    async def _known(self, digests: Collection[bytes]) -> set[bytes]:
        if self._wishes.dry:
            return self._seen & set(digests)
        if self._wishes.again:
            return set()
        found: set[bytes] = set()

        async def look() -> None:
            async with self._database.statements() as session:
                found.update(await rows.taken(session, digests))

        await self._patiently(look)
        return found

    def _sorted_out(
        self, piece: Piece, folder: Folder, digest: bytes, known: set[bytes], progress: Progress
    ) -> str | tuple[Kind, datetime]:
        """Returns what becomes of a mail that is not taken, or its kind and date."""
        if piece.raw is None:
            if len(progress.problems) < _MOST_PROBLEMS:
                progress.problems.append(f"{piece.where[:_LONGEST_WHERE]}: {piece.why}")
            return "not readable"
        if digest in known:
            return "taken before"
        headers = head_of(piece.raw)
        kind = kind_of_mail(folder.kind, headers, piece.marks)
        if kind not in self._wishes.kinds:
            return kind.value
        written_at = dated(headers, piece.told, self._clock())
        if self._wishes.since and written_at < self._wishes.since:
            return "older"
        return kind, written_at

    async def _one(self, piece: Piece, kind: Kind, written_at: datetime, run: str) -> ImportedMail | str:
        taken: list[ImportedMail | str] = []

        async def take() -> None:
            try:
                mail = await self._importer.take(piece.raw or b"", run, piece.where, kind, written_at)
                taken.append(mail or "set aside")
            except LeftOut as error:
                taken.append(error.reason)

        await self._patiently(take)
        return taken[-1]

    async def _patiently(self, work: Callable[[], Awaitable[object]]) -> None:
        """Waits for Kafka, PostgreSQL and storage where they are away."""
        await persist("import", work)


def _author(headers: Headers) -> str:
    return next((one.address for one in headers.addresses("from")), "")


def _in_order(folders: Sequence[Folder]) -> list[Folder]:
    """Puts those that we wrote first: a copy of one in another folder then is ours, too."""
    return sorted(folders, key=lambda folder: folder.kind is not Kind.SENT)


def _next(pieces: Iterator[Piece]) -> list[Piece]:
    chunk: list[Piece] = []
    size = 0
    for _ in count():
        piece = next(pieces, None)
        if piece is None:
            break
        chunk.append(piece)
        size += len(piece.raw or b"")
        if len(chunk) >= _MAILS or size >= _BYTES:
            break
    return chunk
