"""Waiting for several things, or for the end, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence


async def all_set(events: Sequence[asyncio.Event], stop: asyncio.Event) -> bool:
    """Wait for all events; False where `stop` came first."""
    for event in events:
        waiting = {asyncio.ensure_future(until(either)) for either in (event, stop)}
        _, pending = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
    return not stop.is_set()


async def until(event: asyncio.Event) -> None:
    """As `event.wait()`, without a result."""
    await event.wait()
