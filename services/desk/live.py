"""The live feed: every committed event of the desk, in order and with none left out, to every
console of this process.

Each desk process listens to PostgreSQL (`LISTEN`) and reads what is new by sequence number, so it
sees what all processes did. Numbers are given under a lock as the last step before a commit
(`unit_of_work.py`): what is newer is never visible earlier.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import islice

import msgspec
from sqlalchemy import func, select

from services.desk.schema import EVENTS
from services.desk.signals import BELL, LIVE, LOOKS
from services.desk.timeline import EventView, event_view
from services.desk.watchers import Look, Watchers
from shared.db import Database
from shared.listening import listening
from shared.logs import log
from shared.loops import forever
from shared.metrics import METRICS

_PAGE = 500
_FARTHEST = 10_000
"""Events that a console may be behind; a page load is cheaper than replaying more."""
_BEHIND = 200
"""Changes of who looks where that a slow console may be behind before some are left out."""
_FALLBACK = 5.0
"""Seconds between reads when no notification comes: a connection that died silently costs no more
than this."""


class Reset(Exception):
    """`after` cannot be replayed: read the page again, then subscribe after `seq`."""

    def __init__(self, seq: int) -> None:
        super().__init__(f"replay is not possible; the newest event is {seq}")
        self.seq = seq


class Live:
    """One per process; `run` reads events as they are committed by any desk process. `ring`: events
    kept in memory."""

    def __init__(self, database: Database, ring: int) -> None:
        self._database = database
        self._ring: deque[EventView] = deque()
        self._size = ring
        self._floor = 0
        """All events after this number, up to the newest, are in the ring."""
        self._newest = 0
        self._started = False
        self._changed = asyncio.Event()
        self._stopped = False
        self.watchers = Watchers()
        self.consoles = Counter[str]()
        """Streams of consoles by agent, of this process."""
        self._watching: set[asyncio.Queue[str]] = set()
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._swept = time.monotonic()

    @property
    def newest(self) -> int:
        """The newest sequence number known here. A page takes it before it reads its tickets, and
        subscribes after it."""
        return self._newest

    async def run(self, stop: asyncio.Event) -> None:
        """Follows the committed events until `stop`; waits for PostgreSQL while it is
        unavailable."""
        try:
            await forever("live", partial(self._follow, stop), stop)
        finally:
            self._stopped = True
            self._wake()

    @contextmanager
    def console(self, agent: str) -> Iterator[None]:
        """Counts a console of this agent (a mail address) as there."""
        self.consoles[agent] += 1
        try:
            yield
        finally:
            self.consoles -= Counter({agent: 1})

    async def subscribe(self, after: int) -> AsyncGenerator[EventView]:
        """Yields each event with seq > after, in order, none left out; replayed first, then as
        they come. Ends when the desk stops. Raises Reset on first use if `after` cannot be
        replayed. Read it to the end or `aclose()` it."""
        if after > self._newest or self._newest - after > _FARTHEST:
            newest = await self._newest_committed()
            if after > newest or newest - after > _FARTHEST:
                raise Reset(newest)
        METRICS.live_viewers.labels(service="desk").inc()
        try:
            while not self._stopped:
                changed = self._changed
                held = self.since(after)
                events = await self._read(after) if held is None else held
                for event in events:
                    yield event
                    after = event.seq
                if not events:
                    await changed.wait()
        finally:
            METRICS.live_viewers.labels(service="desk").dec()

    async def _follow(self, stop: asyncio.Event) -> None:
        async with listening(self._database, {LIVE: None, LOOKS: self._look, BELL: self._chime}) as listener:
            if not self._started:
                self._floor = self._newest = await self._newest_committed()
                self._started = True
            for bells in self._bells.values():  # what was told while nobody listened
                for rung in bells:
                    rung.set()
            listens = True
            while listens:
                while await self._take():
                    pass
                self._sweep()
                listens = await listener.next(stop, _FALLBACK)

    async def _take(self) -> bool:
        events = await self._read(self._newest)
        if not events:
            return False
        self._ring.extend(events)
        while len(self._ring) > self._size:
            self._floor = self._ring.popleft().seq
        self._newest = events[-1].seq
        self._wake()
        return len(events) == _PAGE

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    @contextmanager
    def watched(self) -> Iterator[asyncio.Queue[str]]:
        """Yields a queue of tickets on which somebody came, went, or began or ceased to write. A
        change that is missed is repeated soon."""
        changes: asyncio.Queue[str] = asyncio.Queue(_BEHIND)
        self._watching.add(changes)
        try:
            yield changes
        finally:
            self._watching.discard(changes)

    @contextmanager
    def bell(self, agent: str) -> Iterator[asyncio.Event]:
        """Yields what is set when the notifications of this agent (an id) have changed, and at
        first: look, then wait."""
        rung = asyncio.Event()
        rung.set()
        bells = self._bells.setdefault(agent, set())
        bells.add(rung)
        try:
            yield rung
        finally:
            bells.discard(rung)
            if not bells and self._bells.get(agent) is bells:
                del self._bells[agent]

    def _chime(self, payload: str) -> None:
        for agent in payload.split():
            for rung in self._bells.get(agent, ()):
                rung.set()

    def _look(self, payload: str) -> None:
        try:
            look = msgspec.json.decode(payload, type=Look)
        except msgspec.DecodeError as error:  # a newer process may say more than this one knows
            log.warning("who looks at a ticket cannot be read", error=str(error))
            return
        if self.watchers.hear(look, time.monotonic()):
            self._tell(look.ticket)

    def _sweep(self) -> None:
        now = time.monotonic()
        for ticket in self.watchers.expire(now, self._swept):
            self._tell(ticket)
        self._swept = now

    def _tell(self, ticket: str) -> None:
        for changes in self._watching:
            with suppress(asyncio.QueueFull):
                changes.put_nowait(ticket)

    def since(self, after: int) -> list[EventView] | None:
        """Events after this number; None where not all of them are here."""
        return self._after(after) if self._started and after >= self._floor else None

    def held(self, after: int, most: int) -> list[EventView]:
        """Events after this number that are here already, for doing work for several at once."""
        return self._after(after)[:most]

    def _after(self, seq: int) -> list[EventView]:
        start = bisect_right(self._ring, seq, key=lambda event: event.seq)
        return list(islice(self._ring, start, None))

    async def _read(self, after: int) -> list[EventView]:
        statement = select(EVENTS).where(EVENTS.c.seq > after).order_by(EVENTS.c.seq).limit(_PAGE)
        async with self._database.transaction() as session:
            return [event_view(row) for row in await session.execute(statement)]

    async def _newest_committed(self) -> int:
        async with self._database.transaction() as session:
            return int(await session.scalar(select(func.coalesce(func.max(EVENTS.c.seq), 0))) or 0)
