"""The Kafka edge of mentions, and the clock that forgets old ones."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from services.desk.context import Desk
from services.desk.mentions import service
from shared.bus import Consumer, Record
from shared.errors import Unavailable
from shared.events import InboundMessage
from shared.logs import log
from shared.topics import MENTIONS_KEPT
from shared.waiting import wait

GROUP = "desk-mentions"
_MOST = 200
"""As for messages: see the desk's consumer."""
_EVERY = 3600.0
"""Seconds between two looks for what is too old: they are kept for days."""
_AGAIN = 30.0
"""Seconds until the next try where PostgreSQL was away."""


def kept(desk: Desk) -> Consumer:
    """Keeps `mentions-kept`."""

    async def handle(records: Sequence[Record[InboundMessage]]) -> None:
        await service.keep(desk, [record.event for record in records])

    return desk.bus.consumer([MENTIONS_KEPT], GROUP, handle, max_records=_MOST)


async def forget_old(desk: Desk, stop: asyncio.Event) -> None:
    """Deletes old mentions periodically until `stop`."""
    while not stop.is_set():
        try:
            forgotten = await service.forget(desk)
        except Unavailable as error:
            log.warning("old mentions are kept for now", error=str(error))
            await wait(stop, _AGAIN)
        else:
            if forgotten:
                log.info("old mentions forgotten", mentions=forgotten)
            await wait(stop, _EVERY)
