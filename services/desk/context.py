"""What the desk's functions work with, wired once in `app.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from services.desk.lanes import Lanes
from services.desk.schema import SCHEMA
from services.desk.settings import DeskSettings
from services.desk.unit_of_work import Subscriber, UnitOfWork
from shared.bus import Bus, View
from shared.db import Database
from shared.events import Channel
from shared.outbox import Outbox
from shared.settings import Settings
from shared.storage import Storage


@dataclass(frozen=True, slots=True)
class Pools:
    """Connections by what they are for, so that nobody's questions keep anybody's mail waiting."""

    database: Database
    """Consumers, outbox, feed and all other work."""
    applying: Database
    """Routed messages."""
    pages: Database
    api: Database
    searches: Database

    @classmethod
    def of(cls, dsn: str) -> Pools:
        """Pools that connect when they are used. Requests are answered in seconds or refused."""
        return cls(
            database=Database(dsn, SCHEMA),
            applying=Database(dsn, SCHEMA, pool_size=4, by_key=True),
            pages=Database(dsn, SCHEMA, pool_size=6, seconds=10),
            api=Database(dsn, SCHEMA, pool_size=6, seconds=10),
            searches=Database(dsn, SCHEMA, pool_size=2, seconds=3),
        )

    async def dispose(self) -> None:
        """Closes all connections of the pools."""
        for pool in (self.database, self.applying, self.pages, self.api, self.searches):
            await pool.dispose()


@dataclass(frozen=True, slots=True)
class Desk:
    """One process of the desk."""

    common: Settings
    settings: DeskSettings
    pools: Pools
    database: Database
    """The pool of whoever works with this desk: work, a page or the API."""
    outbox: Outbox
    bus: Bus
    storage: Storage
    channels: View[Channel]
    """Announced channels by name, enabled or not."""
    subscribers: tuple[Subscriber, ...]
    """What each unit of work does before its commit, in this order."""
    lanes: Lanes = field(default_factory=Lanes)

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[UnitOfWork]:
        """Yields a unit of work and commits it at the end, then wakes the relay and every
        console's feed. Raises Unavailable, with nothing done."""
        async with self.database.transaction() as session:
            work = UnitOfWork(session)
            yield work
            await work.finish(self.subscribers, self.outbox)
        self.outbox.wake()
