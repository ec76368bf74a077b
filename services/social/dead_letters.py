"""Dead-letters what is no post in any form that we know, for a person to look at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from shared.bus import Bus, DeadLetter
from shared.metrics import METRICS

_MOST = 10_000
"""Digests that are remembered; beyond that something may be dead-lettered twice."""


class Unreadable:
    """Dead-letters each once, though polls overlap and sources meet."""

    def __init__(self, network: str, bus: Bus) -> None:
        self._network, self._bus = network, bus
        self._known: dict[str, None] = {}

    async def set_aside(self, source: str, raws: Iterable[bytes]) -> None:
        """Publish to `dead-letters`, as of topic `<network>-<source>`. Raises Unavailable."""
        for raw in raws:
            mark = hashlib.sha256(raw).hexdigest()
            if mark in self._known:
                continue
            letter = DeadLetter(
                f"{self._network}-{source}", 0, 0, mark.encode(), raw, "Malformed: not a post", "social"
            )
            await self._bus.set_aside(letter)
            METRICS.dead_lettered.labels(topic=letter.topic).inc()
            self._known[mark] = None
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]
