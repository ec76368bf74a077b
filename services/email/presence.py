"""A process's sign of life in the database: a lock that PostgreSQL lets go of in the moment in which the process dies."""

from __future__ import annotations

import asyncio
import random
import secrets

from asyncpg import InterfaceError, PostgresError

from shared.attempts import delay
from shared.db import Database
from shared.errors import Unavailable
from shared.waiting import wait

_CHECK = 5.0
"""Seconds between looks at our own connection."""


class Presence:
    """Holds an advisory lock of its own; whoever can take that lock knows that we are gone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.holder = secrets.randbits(62) + 1
        self.held = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; takes the lock again after PostgreSQL was away."""
        attempt = 0
        while not stop.is_set():
            try:
                connection = await self._database.connect_raw()
                try:
                    await connection.execute(f"SELECT pg_advisory_lock({self.holder})")
                    self.held.set()
                    attempt = 0
                    while not await wait(stop, _CHECK):
                        await connection.execute("SELECT 1", timeout=_CHECK)
                finally:
                    self.held.clear()
                    connection.terminate()
            except (Unavailable, PostgresError, InterfaceError, OSError, TimeoutError):
                attempt += 1
                await wait(stop, delay(attempt, random.random()))
