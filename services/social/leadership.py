"""Elects one process for each network: its limits count for the whole app, so two readers are no better than one."""

from __future__ import annotations

import asyncio
import random

from asyncpg import InterfaceError, PostgresError

from shared.attempts import delay
from shared.db import Database
from shared.errors import Unavailable
from shared.waiting import wait

_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('social ' || $1, 0))"
_CHECK = 1.0
"""Seconds between two checks: how late a process that stands by takes over."""


class Leadership:
    """A session advisory lock, which PostgreSQL releases when its process dies. `name`: what is led."""

    def __init__(self, database: Database, name: str) -> None:
        self._database, self._name = database, name
        self.held = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Hold the lock, or wait for it, until `stop`; retry after PostgreSQL was unavailable."""
        attempt = 0
        while not stop.is_set():
            try:
                connection = await self._database.connect_raw()
                try:
                    while not await connection.fetchval(_LOCK, self._name):
                        if await wait(stop, _CHECK):
                            return
                    self.held.set()
                    attempt = 0
                    while not await wait(stop, _CHECK):
                        await connection.execute("SELECT 1", timeout=5)
                finally:
                    self.held.clear()
                    connection.terminate()
            except (Unavailable, PostgresError, InterfaceError, OSError, TimeoutError):
                attempt += 1
                await wait(stop, delay(attempt, random.random()))

    async def acquired(self, stop: asyncio.Event) -> bool:
        """Wait for leadership; False where `stop` came first."""
        while not stop.is_set():
            if await wait(self.held, _CHECK):
                return True
        return False
