"""Works off what is due in the database, until told to stop; patient while something is away."""

from __future__ import annotations

import asyncio
import random

from shared.attempts import delay
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import first_of, wait

POLL = 1.0
"""Seconds: how late something is begun that another process noted, or that was put off."""


class Worker:
    """`work` does one thing and says whether there was one."""

    name = ""
    poll = POLL

    def __init__(self) -> None:
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def work(self) -> bool:
        """One piece of work; False where nothing is due. Raises Unavailable."""
        raise NotImplementedError

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what is under way is finished."""
        attempt = 0
        while not stop.is_set():
            self._wake.clear()
            try:
                worked = await self.work()
                attempt = 0
            except Unavailable as error:
                attempt += 1
                METRICS.retried.labels(what=f"phone {self.name}").inc()
                log.warning("waits for something that is away", what=self.name, error=str(error)[:300], attempt=attempt)
                await wait(stop, delay(attempt, random.random()))
                continue
            if not worked:
                await first_of(stop, self._wake, seconds=self.poll)
