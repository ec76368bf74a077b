"""Mail is taken out of mailboxes at IMAP servers: by one process, each mailbox by a reader of its
own, so that none waits for another.

A mail is published, then marked or moved, then noted. Whoever is killed in between publishes it
again as the same message.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import time
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.email import mailbox_rows as rows
from services.email.adapters.imap import (
    Credentials,
    ImapConnection,
    ImapTrouble,
    MailTrouble,
    Thread,
)
from services.email.domain.imap import (
    After,
    Trouble,
    begin,
    day_before,
    junk_folder,
    later,
    pause,
    progress,
    searches,
)
from services.email.domain.incoming import Envelope
from services.email.mailbox_rows import Mailbox
from services.email.signing_in import SignIn, server_of
from shared.db import Database
from shared.health import Health
from shared.locks import Leadership
from shared.logs import log
from shared.loops import persist
from shared.metrics import METRICS
from shared.waiting import first_of, wait

T = TypeVar("T")
LOCK = 5_120_431_993
"""The process that holds it reads all mailboxes."""
_LOOK = 15.0
"""Seconds between looks at whether another process changed the list of mailboxes."""
_FAREWELL = 3.0
"""Seconds for leaving a server in good order: less than the process has at its end."""
_TRIES = 3
"""How often a connection may break over one mail before the others go first."""
_AHEAD = 2
"""Mails that are held at a time: the next one is fetched while this one is published."""
_GOOD = frozenset({"connecting", "ok", "reading", "late"})
_SHOWN = 50
"""Mails between two notes in the database of how far a mailbox is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How mailboxes are read. `largest`: bytes of a mail, beyond which only its beginning is taken;
    `idle`: seconds between two looks where the server tells of new mail, `poll` where it does
    not."""

    largest: int
    idle: float
    poll: float
    ca: Path | None = None


class Fetching:
    """Reads all mailboxes that are enabled, in the process that holds the lock."""

    def __init__(
        self,
        database: Database,
        receive: Callable[[bytes, Envelope], Awaitable[str]],
        sign_in: SignIn,
        rules: Rules,
        health: Health,
        changed: asyncio.Event,
    ) -> None:
        self.database, self.receive, self.sign_in, self.rules, self.health = database, receive, sign_in, rules, health
        self.leadership, self.changed = Leadership(database, LOCK), changed
        self.told: dict[str, tuple[str, str]] = {}
        """State and detail of each mailbox that is read here, by address."""

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop`, whenever this process leads."""
        while not stop.is_set():
            self.health.set("mailboxes", ok=True, detail="another process reads them, if there are any")
            if await self.leadership.mine(stop):
                await self._lead(stop)

    async def _lead(self, stop: asyncio.Event) -> None:
        readers: dict[tuple[str, int], tuple[MailboxReader, asyncio.Event, asyncio.Task[None]]] = {}
        try:
            while self.leadership.held.is_set():
                self.changed.clear()
                found: list[Mailbox] = []

                async def look(into: list[Mailbox] = found) -> None:
                    async with self.database.statements() as session:
                        into[:] = [mailbox for mailbox in await rows.every(session) if mailbox.enabled]

                if not await persist("mailboxes", look, stop):
                    return
                wanted = {(mailbox.id, mailbox.version): mailbox for mailbox in found}
                ended = [key for key, (_, _, task) in readers.items() if key not in wanted or task.done()]
                await self._end(readers, ended)
                for key, mailbox in wanted.items():
                    if key not in readers:
                        reader, end = MailboxReader(self, mailbox), asyncio.Event()
                        readers[key] = reader, end, asyncio.create_task(reader.run(end))
                self.sum_up()
                await first_of(stop, self.leadership.lost, self.changed, seconds=_LOOK)
                if stop.is_set():
                    return
        finally:
            await self._end(readers, list(readers))

    def sum_up(self) -> None:
        """Tells on the health page how many mailboxes can be read. This process is ready without
        them, and the page is for everybody: it names none."""
        away = sum(state not in _GOOD for state, _ in self.told.values())
        why = f", {away} of which cannot be read (`mailboxes list` says why)" if away else ""
        self.health.set("mailboxes", ok=True, detail=f"read here: {len(self.told)}{why}")

    async def _end(self, readers: dict[tuple[str, int], Any], keys: list[tuple[str, int]]) -> None:
        ending = [readers.pop(key) for key in keys]
        for _, end, _ in ending:
            end.set()
        for reader, _, task in ending:
            await asyncio.wait({task})
            if error := task.exception():
                log.error("the reader of a mailbox ended", exc_info=error)
            reader.forget()


class MailboxReader:
    """Reads one mailbox until it is stopped."""

    def __init__(self, fetching: Fetching, mailbox: Mailbox) -> None:
        self._fetching, self._mailbox, self._after = fetching, mailbox, After(mailbox.after)
        self._thread, self._told = Thread(f"imap {mailbox.address}"), ("", "")
        self._attempt = 0
        self._broke: Counter[tuple[str, int, int]] = Counter()
        self._stop = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Reads until `stop`; waits in between, where the mailbox cannot be read."""
        self._stop = stop
        self._fetching.told[self._mailbox.address] = "connecting", ""
        try:
            while not stop.is_set():
                try:
                    await self._session()
                except ImapTrouble as error:
                    await self._wait_after(error.trouble, str(error))
                except Exception as error:  # noqa: BLE001 - the other mailboxes go on, and so does this one later
                    log.error("reading a mailbox tripped", mailbox=self._mailbox.address, exc_info=error)
                    await self._wait_after(Trouble.BROKEN, f"something went wrong on our side: {error!r}")
        finally:
            self._thread.end()

    def forget(self) -> None:
        """Takes this mailbox off what is told and the metrics."""
        self._fetching.told.pop(self._mailbox.address, None)
        for gauge in (METRICS.mailbox_up, METRICS.mailbox_waiting, METRICS.mailbox_delayed, METRICS.mailbox_read):
            gauge.remove(self._mailbox.address)

    async def _wait_after(self, trouble: Trouble, words: str) -> None:
        if self._stop.is_set():
            return
        self._attempt += 1
        seconds = pause(trouble, self._attempt, random.random())
        METRICS.retried.labels(what="mailbox").inc()
        log.warning("a mailbox cannot be read", mailbox=self._mailbox.address, trouble=trouble, error=words)
        await self._tell(trouble, words)
        await wait(self._stop, seconds)

    async def _session(self) -> None:
        """Connects, then reads folder after folder, again whenever there may be something new."""
        rules, mailbox = self._fetching.rules, self._mailbox
        credentials = await self._unless_stopped(self._fetching.sign_in(mailbox))
        connection = ImapConnection(server_of(mailbox, rules.ca), rules.largest)
        cutting = asyncio.create_task(self._cut_at_the_end(connection))
        try:
            await self._connect(connection, credentials)
            junk = junk_folder(await self._thread.call(connection.folders), mailbox.junk)
            idles = await self._thread.call(connection.idles)
            # The first one last: it stays open, and tells of new mail.
            folders = list(dict.fromkeys([*mailbox.folders[1:], *filter(None, [junk]), mailbox.folders[0]]))
            while not self._stop.is_set():
                missing, news = "", False
                for folder in folders:
                    try:
                        news = await self._read(connection, folder, junk=folder == junk)
                    except ImapTrouble as error:
                        if error.trouble is not Trouble.NO_FOLDER or folder == mailbox.folders[0]:
                            raise
                        missing = str(error)
                self._attempt = 0
                METRICS.mailbox_read.labels(mailbox=mailbox.address).set(time())
                how = "the server tells of new mail" if idles else f"looked into every {rules.poll:g} s"
                await self._tell_rest(missing or f"{', '.join(folders)}: {how}", late=bool(missing))
                if not idles:
                    await wait(self._stop, rules.poll)
                elif not news:  # a mail that came while others were taken is told before we idle, and only then
                    await self._thread.call(connection.idle, rules.idle)
        finally:
            cutting.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._thread.call(connection.close)

    async def _connect(self, connection: ImapConnection, credentials: Credentials) -> None:
        try:
            await self._unless_stopped(self._thread.call(connection.open, credentials))
        except ImapTrouble as error:
            if error.trouble is Trouble.REFUSED:
                self._fetching.sign_in.forget(self._mailbox)
            raise

    async def _unless_stopped(self, work: Awaitable[T]) -> T:
        """Returns what `work` returns; does not wait for it, as it may hang, when it is time to
        stop."""
        working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            raise ImapTrouble(Trouble.UNREACHABLE, "stopped")
        return working.result()

    async def _cut_at_the_end(self, connection: ImapConnection) -> None:
        await self._stop.wait()
        connection.abort()

    async def _read(self, connection: ImapConnection, name: str, *, junk: bool) -> bool:
        """Takes what is new in a folder, and what was put off and is due; returns whether there was
        anything."""
        mailbox = self._mailbox
        change = self._after is not After.LEAVE and not junk
        folder = await self._thread.call(connection.select, name, change=change)
        known = await self._ours(partial(rows.cursor, mailbox=mailbox.id, folder=name))
        cursor = begin(known, folder, mailbox.since)
        if cursor != known:
            if known is not None:
                log.warning("UIDVALIDITY changed", mailbox=mailbox.address, folder=name, was=known.validity)
            await self._ours(partial(rows.begin, mailbox=mailbox.id, folder=name, new=cursor))
        again = await self._ours(partial(rows.due, mailbox=mailbox.id, folder=name, validity=cursor.validity))
        since = day_before(mailbox.since, mailbox.added_at.date())
        new = later(await self._thread.call(connection.search, searches(cursor, since)), cursor)
        for uid in again:
            fetched = self._thread.call(connection.fetch, uid, by_part=True)
            await self._take(connection, (name, cursor.validity, uid), fetched, junk=junk, again=True)
        coming: deque[asyncio.Task[bytes | None]] = deque()
        try:
            for done, uid in enumerate(new):
                for following in new[done + len(coming) : done + _AHEAD]:
                    coming.append(asyncio.create_task(self._thread.call(connection.fetch, following)))
                METRICS.mailbox_waiting.labels(mailbox=mailbox.address).set(len(new) - done)
                if len(new) > 1:
                    await self._tell("reading", f"{name}: {progress(done, len(new))}", keep=done % _SHOWN == 0)
                await self._take(connection, (name, cursor.validity, uid), coming.popleft(), junk=junk, again=False)
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)
        METRICS.mailbox_waiting.labels(mailbox=mailbox.address).set(0)
        return bool(again or new)

    async def _take(
        self,
        connection: ImapConnection,
        key: tuple[str, int, int],
        fetched: Awaitable[bytes | None],
        *,
        junk: bool,
        again: bool,
    ) -> None:
        uid = key[2]
        digest, reason = b"", ""
        try:
            raw = await fetched
            if raw:
                digest = await self._publish(raw, junk=junk)
                if not junk and self._after is not After.LEAVE:
                    # Noted at once: the connection may break over what follows.
                    await self._ours(partial(rows.take, mailbox=self._mailbox.id, digest=digest))
                    await self._settle_at_the_server(connection, uid)
        except MailTrouble as error:
            reason = str(error)
        except Exception as error:
            self._broke[key] += 1
            if self._stop.is_set() or (self._broke[key] < _TRIES and not again):
                raise
            if isinstance(error, ImapTrouble):
                await self._note(key, digest, f"the connection breaks over it: {error}", again=again)
                raise
            log.error("a mail of a mailbox tripped us", mailbox=self._mailbox.address, uid=uid, exc_info=error)
            reason = f"something went wrong on our side: {error!r}"
        await self._note(key, digest, reason, again=again)

    async def _publish(self, raw: bytes, *, junk: bool) -> bytes:
        """Publishes a mail unless this mailbox had it before; returns its digest. Waits for
        whatever we need ourselves."""
        digest = hashlib.sha256(raw).digest()
        if not await self._ours(partial(rows.taken, mailbox=self._mailbox.id, digest=digest)):
            cut = len(raw) >= self._fetching.rules.largest
            envelope = Envelope(None, (), mailbox=self._mailbox.address, junk=junk, cut=cut)
            await self._patiently(partial(self._fetching.receive, raw, envelope))
        return digest

    async def _settle_at_the_server(self, connection: ImapConnection, uid: int) -> None:
        if self._after is After.SEEN:
            await self._thread.call(connection.mark_seen, uid)
        elif self._after is After.MOVE:
            where = await self._thread.call(connection.move, uid, self._mailbox.move_to)
            log.info("a mail was moved", mailbox=self._mailbox.address, uid=uid, now=where and where.uid)

    async def _note(self, key: tuple[str, int, int], digest: bytes, reason: str, *, again: bool) -> None:
        """Advances the cursor past a mail, in one transaction with what is known of it."""
        mailbox, (folder, validity, uid) = self._mailbox.id, key

        async def note(session: AsyncSession) -> bool:
            if not again and not await rows.advance(session, mailbox, folder, validity, uid):
                return False
            if digest:
                await rows.take(session, mailbox, digest)
            if reason:
                await rows.put_off(session, mailbox, folder, validity, uid, reason)
            elif again:
                await rows.settle(session, mailbox, folder, validity, uid)
            return True

        if not await self._ours(note):
            raise ImapTrouble(Trouble.BUSY, "another process reads this mailbox")
        self._broke.pop(key, None)

    async def _ours(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        """Does something in a transaction, as soon as PostgreSQL is there."""

        async def once() -> T:
            async with self._fetching.database.transaction() as session:
                return await work(session)

        return await self._patiently(once)

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        found: list[T] = []

        async def once() -> None:
            found.append(await work())

        if not await persist("mailbox", once, self._stop):
            raise ImapTrouble(Trouble.UNREACHABLE, "stopped")
        return found[0]

    async def _tell_rest(self, how: str, *, late: bool) -> None:
        """Tells that everything is taken but what was put off. `late`: or what `how` says."""
        put_off = await self._ours(partial(rows.delayed, mailbox=self._mailbox.id))
        METRICS.mailbox_delayed.labels(mailbox=self._mailbox.address).set(len(put_off))
        if put_off:
            folder, uid, reason = put_off[0]
            how = f"{len(put_off)} mails are tried again later; {folder} {uid}: {reason}"
        await self._tell("late" if late or put_off else "ok", how)

    async def _tell(self, state: str, detail: str, *, keep: bool = True) -> None:
        """Tells on the health page, in metrics and, where it changed, in the database."""
        self._fetching.told[self._mailbox.address] = state, detail
        self._fetching.sum_up()
        METRICS.mailbox_up.labels(mailbox=self._mailbox.address).set(int(state in _GOOD))
        if keep and (state, detail) != self._told:
            self._told = state, detail
            await self._ours(partial(rows.tell, identity=self._mailbox.id, state=state, detail=detail[:500]))
