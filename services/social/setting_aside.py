"""What is no post in any form that we know is kept for a person to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from services.social.domain.posts import NETWORK
from shared.bus import Bus, DeadLetter
from shared.metrics import METRICS

_MOST = 10_000
"""Marks that are remembered; beyond that something may be set aside twice."""


class Oddities:
    """Sets each aside once, though looks overlap and ways meet."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._known: dict[str, None] = {}

    async def set_aside(self, source: str, raws: Iterable[bytes]) -> None:
        """To `dead-letters`, as `x-<source>`. Raises Unavailable."""
        for raw in raws:
            mark = hashlib.sha256(raw).hexdigest()
            if mark in self._known:
                continue
            letter = DeadLetter(f"{NETWORK}-{source}", 0, 0, mark.encode(), raw, "Malformed: not a post", "social")
            await self._bus.set_aside(letter)
            METRICS.dead_lettered.labels(topic=letter.topic).inc()
            self._known[mark] = None
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
