"""Session advisory locks: PostgreSQL releases them in the moment in which their process dies."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from shared.db import Database
from shared.loops import forever
from shared.waiting import first_of, wait

_CHECK = 1.0
"""Seconds between looks at a lock that another process holds: how late one that stands by takes
over."""
_HELD = 5.0
"""Seconds between looks at a connection that holds a lock: where PostgreSQL ends it, it says so."""
_ANSWER = 5.0
"""Seconds after which a silent connection counts as lost."""


class Leadership:
    """Lets one process at a time work where several would be no better than one, such as under
    limits of an account.

    `number`: names the lock within the database; never changes, or two releases would lead at once.
    """

    def __init__(self, database: Database, number: int) -> None:
        self._database, self.number = database, number
        self.held, self.lost = asyncio.Event(), asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Takes the lock and holds it until `stop`; takes it again after PostgreSQL was
        unavailable."""

        async def hold() -> None:
            async with self._database.connection() as connection:
                taken = f"SELECT pg_try_advisory_lock({self.number})"
                while not await connection.fetchval(taken, timeout=_ANSWER):
                    if await wait(stop, _CHECK):
                        return
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _: lost.set())
                self.held.set()
                self.lost.clear()
                try:
                    while not stop.is_set():
                        await connection.execute("SELECT 1", timeout=_ANSWER)
                        await first_of(stop, lost, seconds=_HELD)
                finally:
                    self.held.clear()
                    self.lost.set()

        await forever(f"{self._database.schema}-lock", hold, stop)

    async def mine(self, stop: asyncio.Event) -> bool:
        """Waits for the lock; False where `stop` came first."""
        await first_of(self.held, stop)
        return not stop.is_set()

    async def around(self, work: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
        """Runs `work` until `stop` and holds the lock until it has returned."""
        ended = asyncio.Event()
        holding = asyncio.create_task(self.run(ended))
        try:
            await work(stop)
        finally:
            ended.set()
            await holding


@asynccontextmanager
async def only_one(database: Database, number: int) -> AsyncIterator[bool]:
    """Holds a lock for as long as the body runs; yields False where another process has it. Raises
    Unavailable. A lock that is lost with its connection is not told: for work that two may do at
    once, but not to any use."""
    connection = await database.connect_raw()
    try:
        yield bool(await connection.fetchval(f"SELECT pg_try_advisory_lock({number})", timeout=_ANSWER))
    finally:
        connection.terminate()


class Liveness(Leadership):
    """Shows that this process lives: who can take the lock with its number knows that it is
    gone."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, secrets.randbits(62) + 1)
