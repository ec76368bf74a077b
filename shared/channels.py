"""What a channel service tells of itself: its channels to router and desk, and how it stands with
its provider."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence

from shared.bus.api import Bus
from shared.errors import Unavailable
from shared.events import Channel
from shared.health import Health
from shared.logs import log
from shared.loops import forever
from shared.metrics import METRICS
from shared.topics import CHANNELS_ANNOUNCED

_LOOK = 1.0
"""Seconds between looks at whether there is something new to announce."""
_AGAIN = 60.0
"""Seconds after which a channel is announced again: another process may have called it off, and
died."""
CHECK, SOON, DENIED = 60.0, 5.0, 300.0
"""Seconds until the next look at a provider: all is well; it does not answer; it refuses us, and an
operator has to act."""


class Announcer:
    """Announces channels, again when one of them changes, and each minute. `channels`: as they are
    now; empty while that is not known yet."""

    def __init__(self, bus: Bus, channels: Callable[[], Sequence[Channel]]) -> None:
        self._bus, self._channels = bus, channels
        self._said: Sequence[Channel] = ()
        self._at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Announces until `stop`."""
        await forever("announcing", self._announce, stop, _LOOK)

    async def _announce(self) -> None:
        now = tuple(self._channels())
        if now == self._said and time.monotonic() - self._at < _AGAIN:
            return
        for channel in now:
            METRICS.announced(channel.name, enabled=channel.enabled)
            await self._bus.publish(CHANNELS_ANNOUNCED, channel.name, channel)
        self._said, self._at = now, time.monotonic()


class Denied(Unavailable):
    """The provider refuses our credentials or our account: an operator has to act, then it goes
    on."""


class Availability:
    """Looks at a provider. One that refuses us turns the channel off (`why_off`) and the service
    stays ready; one that does not answer makes it not ready, and the channel stays as it was.

    `part`: its name on the health page; `check`: asks the provider, returns what to show there, and
    raises Unavailable, or Denied with what to mend; `missing`: what is not set, in words: then
    nothing is asked, and the channel is off.
    """

    def __init__(self, health: Health, part: str, check: Callable[[], Awaitable[str]], missing: str = "") -> None:
        self._health, self._part, self._check, self._missing = health, part, check, missing
        self.why_off: str | None = missing or None
        """Empty: the channel is on; None: not known before the first look."""

    async def run(self, stop: asyncio.Event) -> None:
        """Looks until `stop`."""
        if self._missing:
            self._health.set(self._part, ok=True, detail=f"off: {self._missing}")
            await stop.wait()
        await forever(self._part, self.look, stop)

    async def look(self) -> float:
        """Looks once; returns the seconds until the next look."""
        wrong, shown, seconds = "", "", CHECK
        try:
            shown = await self._check()
            self.why_off = ""
        except Denied as error:
            seconds = DENIED
            if not self.why_off:
                log.warning("the provider refuses us: the channel is off", part=self._part, error=str(error)[:300])
                self.why_off = str(error)
        except Unavailable as error:
            wrong, seconds = str(error), SOON
            self.why_off = self.why_off or ""
        off = f"off: {self.why_off}" if self.why_off else ""
        self._health.set(self._part, ok=bool(off) or not wrong, detail=off or wrong or shown)
        return seconds
