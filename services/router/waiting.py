"""Waiting for several things, or for the end, whichever comes first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.waiting import first_of


async def all_set(events: Sequence[asyncio.Event], stop: asyncio.Event) -> bool:
    """Waits for all events; returns False where `stop` came first."""
    for event in events:
        await first_of(event, stop)
    return not stop.is_set()


async def until(event: asyncio.Event) -> None:
    """Waits for the event as `event.wait()` does, without a result."""
    await event.wait()
