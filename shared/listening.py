"""LISTEN: waiting for what other transactions notify, on a connection outside the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.db import Database
from shared.errors import Unavailable
from shared.waiting import first_of


class Listener:
    """A connection that listens. `woken`: set by any notification, and where the connection is
    lost."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection, self.woken = connection, asyncio.Event()

    async def next(self, stop: asyncio.Event, seconds: float) -> bool:
        """Waits for a notification, at most so long; False where `stop` came. Raises Unavailable
        where the connection is lost."""
        await first_of(stop, self.woken, seconds=seconds)
        self.woken.clear()
        if stop.is_set():
            return False
        if self.connection.is_closed():
            raise Unavailable("the connection that listens was closed")
        return True


@asynccontextmanager
async def listening(
    database: Database, channels: Mapping[str, Callable[[str], None] | None]
) -> AsyncIterator[Listener]:
    """Listens to `channels`, each with what is called with a notification's payload. What was
    notified before the first line of the body may be missed: look first, then wait. Raises
    Unavailable, also where the connection is lost meanwhile."""
    async with database.connection() as connection:
        listener = Listener(connection)

        def hear(call: Callable[[str], None] | None) -> Callable[..., None]:
            def heard(_connection: Any, _process: int, _channel: str, payload: Any) -> None:
                if call:
                    call(str(payload))
                listener.woken.set()

            return heard

        connection.add_termination_listener(lambda _: listener.woken.set())
        for name, call in channels.items():
            await connection.add_listener(name, hear(call))
        yield listener
