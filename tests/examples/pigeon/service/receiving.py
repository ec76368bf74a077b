"""Takes letters in: one is removed from the inbox only after Kafka has its message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from services.pigeon.domain import letters
from shared.bus import Bus
from shared.bus.handling import dead_letter
from shared.clock import utc_now
from shared.errors import Malformed, Unavailable
from shared.loops import forever
from shared.storage import Storage
from shared.topics import MESSAGES_RECEIVED


class Inbox:
    """Publishes each letter of a folder, and dead-letters what is none."""

    def __init__(self, folder: Path, bus: Bus, storage: Storage, clock: Callable[[], datetime] = utc_now) -> None:
        self._folder, self._bus, self._storage, self._clock = folder, bus, storage, clock

    async def run(self, stop: asyncio.Event) -> None:
        """Looks once a second until `stop`."""
        await forever("pigeons", self.look, stop)

    async def look(self) -> None:
        """Takes what is there. Raises Unavailable, and then the letter stays."""
        try:
            paths = await asyncio.to_thread(lambda: sorted(self._folder.glob("*.txt")))
        except OSError as error:
            raise Unavailable(f"PIGEON_INBOX cannot be read: {error}") from error
        for path in paths:
            raw = await asyncio.to_thread(path.read_bytes)
            kept = await self._storage.put(raw, name=path.name, media_type="text/plain")
            try:
                message = letters.read(path.name, raw, kept.uri, self._clock())
            except Malformed as error:
                await dead_letter(self._bus, "pigeon", path.name.encode(), raw, error, "pigeon")
            else:
                await self._bus.publish(MESSAGES_RECEIVED, message.sender, message)
            await asyncio.to_thread(path.unlink)
