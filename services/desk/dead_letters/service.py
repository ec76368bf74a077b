"""The dead letters as this process knows them: the newest ones, read anew when there are more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

from services.desk.dead_letters.schemas import DeadLetterDetails, DeadLetterView, details, moment, raw_uri, view
from shared.bus.dead_letters import DeadLetters, Letter, NoWayBack
from shared.errors import Malformed, Rejected, Unavailable
from shared.logs import log
from shared.storage import Storage
from shared.waiting import wait

MOST = 200
"""Letters that are listed: whoever has more does not read them one by one."""
EVERY = 15.0
"""Seconds between two looks at whether there are more: two small requests to the broker."""
_NEWS = timedelta(days=1)
_PATIENCE = 10.0
"""Seconds after which Kafka is told to be away."""
_FAREWELL = 2.0


class DeadLetterList:
    """One per process. `kafka`: its servers; `storage`: where raw mails are."""

    def __init__(self, kafka: str, storage: Storage) -> None:
        self._kafka, self._storage = kafka, storage
        self._dead: DeadLetters | None = None
        self._known: tuple[Letter, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        """The oldest letter, the next one and the number of replays, when they were read."""
        self._lock = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Reads the dead letters periodically, until `stop`, so that pages can say at once
        whether any wait."""
        well = True
        try:
            while not stop.is_set():
                try:
                    await self.newest()
                    well = True
                except Unavailable as error:
                    if well:
                        log.warning("dead letters cannot be read", error=str(error))
                    well = False
                await wait(stop, EVERY)
        finally:
            await self.close()

    async def close(self) -> None:
        """Closes the connection to Kafka."""
        dead, self._dead = self._dead, None
        if dead is not None:
            with suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await dead.__aexit__()

    @property
    def last(self) -> tuple[DeadLetterView, ...]:
        """The newest letters as they were when last read, newest first."""
        return tuple(view(letter) for letter in reversed(self._known))

    def waiting(self, now: datetime) -> int:
        """Returns how many letters of the last day have not been replayed, as far as is known."""
        return sum(
            not letter.replayed and (at := moment(letter.at)) is not None and now - at < _NEWS for letter in self._known
        )

    async def newest(self) -> tuple[DeadLetterView, ...]:
        """Reads the newest letters, newest first. Raises Unavailable."""
        async with self._reading() as dead:
            await self._look(dead)
        return self.last

    async def one(self, id_: int) -> DeadLetterDetails:
        """Returns a letter with its raw record, and the raw mail that it is about. Raises
        Rejected 404; Unavailable."""
        async with self._reading() as dead:
            letter, value = await self._find(dead, id_)
            obstacle = await dead.obstacle(letter)
        mail = None
        if uri := raw_uri(value):
            with suppress(Malformed, Unavailable):  # what the record says is worth seeing without it
                mail = await self._storage.get(uri)
        return details(letter, value, obstacle, mail)

    async def replay(self, id_: int, *, by: str, again: bool = False) -> DeadLetterView:
        """Publishes the record to its topic again, unchanged. `by`: who does so. Raises Rejected
        404, 409 `replayed` (it was, and not `again`), 409 `no-way-back`; Unavailable."""
        async with self._reading() as dead:
            letter, _ = await self._find(dead, id_)
            if letter.replayed and not again:
                raise Rejected(409, "replayed", f"Dead letter {id_} was already replayed, at {letter.replayed}.")
            try:
                told = await dead.replay(letter, by)
            except NoWayBack as obstacle:
                raise Rejected(409, "no-way-back", f"Cannot be replayed: {obstacle}.") from obstacle
        log.info("dead letter replayed", letter=id_, topic=letter.topic, by=by)
        done = replace(letter, replayed=told.at.isoformat(), replayed_by=told.by)
        self._known = tuple(done if each.id == id_ else each for each in self._known)
        return view(done)

    async def _look(self, dead: DeadLetters) -> None:
        seen = (*await dead.bounds(), await dead.replays())
        if seen != self._seen:
            self._known = tuple(await dead.newest(MOST))
            self._seen = seen

    async def _find(self, dead: DeadLetters, id_: int) -> tuple[Letter, bytes | None]:
        try:
            return await dead.one(id_)
        except Malformed as error:
            raise Rejected(404, "no-such-letter", "Dead letter not found, or no longer kept.") from error

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[DeadLetters]:
        """Yields the connection, to one caller at a time; reconnects after a failure."""
        async with self._lock:
            try:
                async with asyncio.timeout(_PATIENCE):
                    if self._dead is None:
                        self._dead = await DeadLetters(self._kafka, "desk").__aenter__()
                    yield self._dead
            except (Unavailable, TimeoutError) as error:
                await self.close()
                raise Unavailable(f"dead letters cannot be read: {error or 'Kafka does not answer'}") from error
