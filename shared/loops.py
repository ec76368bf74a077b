"""Work that goes on until its process is stopped, patient while something it depends on is
unavailable."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from shared.attempts import LONGEST, delay
from shared.errors import Unavailable
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import first_of, wait

REST = 15.0
"""Seconds between two looks where nothing is under way. What this process adds wakes the loop; this
bounds how late it sees what another one added before it died."""
Work = Callable[[], Awaitable[float | None]]
"""Returns the seconds after which it wants to be called again; None: the loop's usual pause."""


async def forever(
    name: str, work: Work, stop: asyncio.Event, poll: float = 1.0, *, wake: asyncio.Event | None = None
) -> None:
    """Calls `work` until `stop`, again after the seconds that it returns (None: `poll`) or once
    `wake` is set.

    Where it raises Unavailable the loop backs off, counting in `retries_total{what=name}`.
    """
    backoff, signals = BackOff(name), (stop, wake) if wake else (stop,)
    while not stop.is_set():
        if wake:
            wake.clear()
        try:
            pause = await work()
        except Unavailable as error:
            await wait(stop, backoff.failed(error))
            continue
        backoff.succeeded()
        await first_of(*signals, seconds=poll if pause is None else pause)


async def persist(name: str, work: Callable[[], Awaitable[object]], stop: asyncio.Event | None = None) -> bool:
    """Calls `work` until it no longer raises Unavailable, backing off as `forever` does; False
    where `stop` came first."""
    backoff, stop = BackOff(name), stop or asyncio.Event()
    while True:
        try:
            await work()
        except Unavailable as error:
            if await wait(stop, backoff.failed(error)):
                return False
        else:
            return True


class BackOff:
    """Counts failures in a row. One that comes long after the last is the first of a new row: what
    had gone well meanwhile was a connection that held."""

    def __init__(self, name: str) -> None:
        self._name, self._attempt, self._until = name, 0, 0.0

    def failed(self, error: Exception) -> float:
        """Logs and counts a failure; returns the seconds to wait."""
        now = time.monotonic()
        self._attempt = 1 if now > self._until + LONGEST else self._attempt + 1
        METRICS.retried.labels(what=self._name).inc()
        log.warning("waiting for a dependency", what=self._name, error=str(error)[:300], attempt=self._attempt)
        seconds = delay(self._attempt, random.random())
        self._until = now + seconds
        return seconds

    def succeeded(self) -> None:
        """Starts again from the shortest pause."""
        self._attempt = 0
