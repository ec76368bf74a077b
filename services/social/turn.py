"""One process works, others stand by: a network's limits count for the whole app, so two readers are no better than one."""

from __future__ import annotations

import asyncio
import random

from asyncpg import InterfaceError, PostgresError

from shared.attempts import delay
from shared.db import Database
from shared.errors import Unavailable
from shared.waiting import wait

_LOCK = 5_120_431_877
_CHECK = 1.0
"""Seconds between two looks: how late a process that stands by takes over."""


class Turn:
    """An advisory lock that PostgreSQL lets go of in the moment in which its process dies."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.held = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; tries again after PostgreSQL was away."""
        attempt = 0
        while not stop.is_set():
            try:
                connection = await self._database.connect_raw()
                try:
                    while not await connection.fetchval(f"SELECT pg_try_advisory_lock({_LOCK})"):
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

    async def mine(self, stop: asyncio.Event) -> bool:
        """Wait for it; False where `stop` came first."""
        while not stop.is_set():
            if await wait(self.held, _CHECK):
                return True
        return False
