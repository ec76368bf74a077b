"""Mail is taken out of mailboxes at IMAP servers: by one process, each mailbox by a reader of its
own, so that none waits for another.

Mails are fetched in groups, and the next group while one is taken. A group is published in order,
then marked or moved, then noted. Whoever is killed in between publishes it again as the same
messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, time
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
    Criteria,
    Cursor,
    Trouble,
    begin,
    day_before,
    groups,
    junk_folder,
    later,
    pause,
    progress,
    searches,
)
from services.email.domain.incoming import Envelope
from services.email.mailbox_rows import Mailbox
from services.email.receiving import Ready, Receiver
from services.email.signing_in import SignIn, server_of
from shared.db import Database
from shared.errors import Unavailable
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
_MAILS, _BYTES = 50, 2 << 20
"""What is fetched at a time, at most; a larger mail by itself. Two such groups are held, and after
a kill one of them is published again."""
_SIZES = 500
"""Mails whose sizes are asked for at a time."""
_KEPT, _DAY = 365, 86_400.0
"""Days for which we know a mail by its content, and seconds between two looks for older ones."""
_GOOD = frozenset({"connecting", "ok", "reading", "late"})
_SHOWN = 1.0
"""Seconds between two notes in the database of how far a mailbox is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How mailboxes are read. `largest`: bytes of a mail, beyond which only its beginning is taken;
    `idle`: seconds between two looks where the server tells of new mail, `poll` where it does
    not."""

    largest: int
    idle: float
    poll: float
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that is read, and its UIDVALIDITY."""

    folder: str
    validity: int
    junk: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Mails that were fetched, by UID in order; None: it is there no more. `refused`: why others
    are put off; `broke`: what the connection broke over at last."""

    mails: dict[int, bytes | None] = field(default_factory=dict)
    refused: dict[int, str] = field(default_factory=dict)
    broke: ImapTrouble | None = None


class Fetching:
    """Reads all mailboxes that are enabled, in the process that holds the lock."""

    def __init__(
        self,
        database: Database,
        receiver: Receiver,
        sign_in: SignIn,
        rules: Rules,
        health: Health,
        changed: asyncio.Event,
    ) -> None:
        self.database, self.receiver, self.sign_in, self.rules, self.health = database, receiver, sign_in, rules, health
        self.leadership, self.changed = Leadership(database, LOCK), changed
        self.told: dict[str, tuple[str, str]] = {}
        """State and detail of each mailbox that is read here, by address."""
        self._forgot = -_DAY

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
                    async with self.database.transaction() as session:
                        into[:] = [mailbox for mailbox in await rows.every(session) if mailbox.enabled]
                        if monotonic() - self._forgot >= _DAY:
                            await rows.forget_old(session, _KEPT)
                            self._forgot = monotonic()

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
        self._broke: Counter[tuple[Place, int]] = Counter()
        self._careful: dict[Place, int] = {}
        """The UID up to which mails are fetched one by one: the connection broke over one of
        them."""
        self._passing, self._shown = 0, 0.0
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
            gauge.remove(self._mailbox.id)

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
                METRICS.mailbox_read.labels(mailbox=mailbox.id).set(time())
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
        cursor, place = begin(known, folder, mailbox.since), Place(name, folder.validity, junk)
        since = day_before(mailbox.since, mailbox.added_at.date())
        if cursor != known:
            if known is not None:
                log.warning("UIDVALIDITY changed", mailbox=mailbox.address, folder=name, was=known.validity)
            elif mailbox.since is None:
                await self._pass_over(connection, place, searches(Cursor(folder.validity, 0, folder.next), since)[:-1])
                self._passing = 0
            await self._ours(partial(rows.begin, mailbox=mailbox.id, folder=name, new=cursor))
        again = await self._ours(partial(rows.due, mailbox=mailbox.id, folder=name, validity=cursor.validity))
        new = later(await self._thread.call(connection.search, searches(cursor, since)), cursor)
        for uid in again:
            await self._take(connection, place, await self._again(connection, uid), again=True)
        left = len(new)
        async with contextlib.aclosing(self._fetched(connection, place, new)) as fetched:
            ahead = asyncio.ensure_future(anext(fetched, None))
            try:
                while group := await ahead:
                    if careful := place in self._careful:  # what breaks the connection must not break it for others
                        await self._tell_progress(name, len(new), left)
                        await self._take(connection, place, group)
                    ahead = asyncio.ensure_future(anext(fetched, None))
                    if not careful:
                        await self._tell_progress(name, len(new), left)
                        await self._take(connection, place, group)
                    left -= len(group.mails) + len(group.refused)
            finally:
                ahead.cancel()
                await asyncio.gather(ahead, return_exceptions=True)
        METRICS.mailbox_waiting.labels(mailbox=mailbox.id).set(0)
        return bool(again or new)

    async def _tell_progress(self, folder: str, found: int, left: int) -> None:
        METRICS.mailbox_waiting.labels(mailbox=self._mailbox.id).set(left)
        if found > 1:
            keep = monotonic() - self._shown >= _SHOWN
            self._shown = monotonic() if keep else self._shown
            await self._tell("reading", f"{folder}: {progress(found - left, found)}", keep=keep)

    async def _pass_over(self, connection: ImapConnection, place: Place, criteria: Sequence[Criteria]) -> None:
        """Notes what lies in a folder that is new to us and is not ours to take, as far as a change
        of UIDVALIDITY would bring it; as far as it goes, where the connection breaks over it."""
        try:
            uids = later(await self._thread.call(connection.search, criteria), Cursor(place.validity, 0, 0))
            async for group in self._fetched(connection, place, uids):
                digests = [hashlib.sha256(raw).digest() for raw in group.mails.values() if raw]
                await self._ours(partial(rows.take, mailbox=self._mailbox.id, digests=digests))
        except ImapTrouble:
            self._passing += 1
            if self._stop.is_set() or self._passing < _TRIES:
                raise

    async def _fetched(self, connection: ImapConnection, place: Place, uids: Sequence[int]) -> AsyncGenerator[Group]:
        """Yields mails in order, in groups."""
        for first in range(0, len(uids), _SIZES):
            some, alone = uids[first : first + _SIZES], self._careful.get(place, 0)
            sizes = await self._sizes(connection, place, [uid for uid in some if uid > alone])
            for group in groups(some, sizes, _MAILS, _BYTES):
                async for part in self._fetch(connection, place, group):
                    yield part

    async def _sizes(self, connection: ImapConnection, place: Place, uids: Sequence[int]) -> dict[int, int]:
        try:
            return await self._thread.call(connection.sizes, uids) if len(uids) > 1 else {}
        except ImapTrouble:
            self._breaks(place, uids)
            raise

    async def _fetch(self, connection: ImapConnection, place: Place, uids: list[int]) -> AsyncGenerator[Group]:
        """Yields these mails: in parts, where they are larger than their server said."""
        try:
            found = await self._thread.call(connection.fetch_all, uids, _BYTES) if len(uids) > 1 else {}
        except ImapTrouble:
            self._breaks(place, uids)
            raise
        group, room = Group(), _BYTES
        for uid in uids:
            if room < 0:
                yield group
                group, room = Group(), _BYTES
            try:
                group.mails[uid] = found.get(uid) or await self._thread.call(connection.fetch, uid)
                room -= len(group.mails[uid] or b"")
            except MailTrouble as error:
                group.refused[uid] = str(error)
            except ImapTrouble as error:
                if not self._breaks(place, [uid]):
                    raise
                yield Group(group.mails, group.refused | {uid: f"the connection breaks over it: {error}"}, error)
                return
        yield group

    async def _again(self, connection: ImapConnection, uid: int) -> Group:
        """Fetches a mail that was put off."""
        try:
            return Group({uid: await self._thread.call(connection.fetch, uid, by_part=True)})
        except MailTrouble as error:
            return Group(refused={uid: str(error)})
        except ImapTrouble as error:
            return Group(refused={uid: f"the connection breaks over it: {error}"}, broke=error)

    def _breaks(self, place: Place, uids: Sequence[int]) -> bool:
        """Notes that the connection broke over one of these mails; whether it did so too often."""
        self._careful[place] = max(uids[-1], self._careful.get(place, 0))
        if self._stop.is_set() or len(uids) > 1:
            return False
        self._broke[place, uids[0]] += 1
        return self._broke[place, uids[0]] >= _TRIES

    async def _take(self, connection: ImapConnection, place: Place, group: Group, *, again: bool = False) -> None:
        if self._stop.is_set():
            raise ImapTrouble(Trouble.UNREACHABLE, "stopped")
        mails = {uid: raw for uid, raw in group.mails.items() if raw}
        digests = {uid: hashlib.sha256(raw).digest() for uid, raw in mails.items()}
        refused, broke = group.refused | await self._publish(place, mails, digests), group.broke
        ours = {uid: digest for uid, digest in digests.items() if uid not in refused}
        if ours and not place.junk and self._after is not After.LEAVE:
            # Noted at once: the connection may break over what follows.
            await self._ours(partial(rows.take, mailbox=self._mailbox.id, digests=ours.values()))
            try:
                refused |= await _each(list(ours), partial(self._settle_at_the_server, connection), MailTrouble)
            except ImapTrouble as error:
                if not self._breaks(place, list(ours)) and (not again or self._stop.is_set()):
                    raise
                refused, broke = refused | dict.fromkeys(ours, f"the connection breaks over it: {error}"), error
        await self._note(place, [*group.mails, *group.refused], ours.values(), refused, again=again)
        if broke:
            raise broke

    async def _publish(self, place: Place, mails: dict[int, bytes], digests: dict[int, bytes]) -> dict[int, str]:
        """Publishes in order what this mailbox had not before; returns why for each that trips us.
        Waits for whatever we need ourselves."""
        known = await self._ours(partial(rows.taken, mailbox=self._mailbox.id, digests=digests.values()))
        first = {digest: uid for uid, digest in reversed(digests.items()) if digest not in known}
        prepared: dict[int, Ready | BaseException | None] = {}

        async def prepare() -> None:
            left = [uid for uid in mails if first.get(digests[uid]) == uid and uid not in prepared]
            found = await asyncio.gather(
                *(self._fetching.receiver.prepare(mails[uid], self._envelope(place, mails[uid])) for uid in left),
                return_exceptions=True,
            )
            prepared.update(pair for pair in zip(left, found, strict=True) if not isinstance(pair[1], Unavailable))
            for outcome in found:
                if isinstance(outcome, Unavailable):
                    raise outcome

        await self._patiently(prepare)
        trips = {uid: error for uid, error in prepared.items() if isinstance(error, BaseException)}
        for uid, error in trips.items():
            log.error("a mail of a mailbox tripped us", mailbox=self._mailbox.address, uid=uid, exc_info=error)
        ready = {uid: one for uid, one in sorted(prepared.items()) if isinstance(one, Ready)}

        async def publish(uids: Sequence[int]) -> None:
            await self._patiently(partial(self._fetching.receiver.publish_all, [ready[uid] for uid in uids]))

        refused = await _each(list(ready), publish, Exception)
        return {uid: f"something went wrong on our side: {error!r}" for uid, error in trips.items()} | refused

    def _envelope(self, place: Place, raw: bytes) -> Envelope:
        cut = len(raw) >= self._fetching.rules.largest
        return Envelope(None, (), mailbox=self._mailbox.address, junk=place.junk, cut=cut, by_others=True)

    async def _settle_at_the_server(self, connection: ImapConnection, uids: Sequence[int]) -> None:
        if self._after is After.SEEN:
            await self._thread.call(connection.mark_seen, uids)
        elif self._after is After.MOVE:
            where = await self._thread.call(connection.move, uids, self._mailbox.move_to)
            log.info("mails were moved", mailbox=self._mailbox.address, uids=uids, now=where)

    async def _note(
        self, place: Place, uids: Sequence[int], digests: Iterable[bytes], refused: dict[int, str], *, again: bool
    ) -> None:
        """Advances the cursor past a group, in one transaction with what is known of it."""
        mailbox, folder, validity = self._mailbox.id, place.folder, place.validity

        async def note(session: AsyncSession) -> bool:
            if not again and not await rows.advance(session, mailbox, folder, validity, max(uids)):
                return False
            await rows.take(session, mailbox, digests)
            for uid, reason in refused.items():
                await rows.put_off(session, mailbox, folder, validity, uid, reason)
            for uid in set(uids) - refused.keys() if again else ():
                await rows.settle(session, mailbox, folder, validity, uid)
            return True

        if not await self._ours(note):
            raise ImapTrouble(Trouble.BUSY, "another process reads this mailbox")
        for uid in uids:
            self._broke.pop((place, uid), None)
        if not again and max(uids) >= self._careful.get(place, max(uids) + 1):
            del self._careful[place]

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
        METRICS.mailbox_delayed.labels(mailbox=self._mailbox.id).set(len(put_off))
        if put_off:
            folder, uid, reason = put_off[0]
            how = f"{len(put_off)} mails are tried again later; {folder} {uid}: {reason}"
        await self._tell("late" if late or put_off else "ok", how)

    async def _tell(self, state: str, detail: str, *, keep: bool = True) -> None:
        """Tells on the health page, in metrics and, where it changed, in the database."""
        self._fetching.told[self._mailbox.address] = state, detail
        self._fetching.sum_up()
        METRICS.mailbox_up.labels(mailbox=self._mailbox.id).set(int(state in _GOOD))
        if keep and (state, detail) != self._told:
            self._told = state, detail
            await self._ours(partial(rows.tell, identity=self._mailbox.id, state=state, detail=detail[:500]))


async def _each(
    uids: Sequence[int], work: Callable[[Sequence[int]], Awaitable[None]], trouble: type[Exception]
) -> dict[int, str]:
    """Does something for all of these mails at once, or where that fails for each by itself;
    returns why for each that fails alone. Raises ImapTrouble."""
    if not uids:
        return {}
    try:
        await work(uids)
    except ImapTrouble:
        raise
    except trouble as error:
        if len(uids) == 1:
            return {uids[0]: str(error)}
        return {uid: why for one in uids for uid, why in (await _each([one], work, trouble)).items()}
    return {}
