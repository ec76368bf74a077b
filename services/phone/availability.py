"""How we stand with Twilio: whether it lets us in, and so whether both channels are on."""

from __future__ import annotations

import asyncio
import random

from msgspec.structs import replace

from services.phone.channel import CHANNELS
from services.phone.ports import Denied, Provider
from shared.attempts import delay
from shared.bus import Bus
from shared.errors import Unavailable
from shared.health import Health
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import CHANNELS_ANNOUNCED
from shared.waiting import wait

CHECK = 60.0
"""Seconds between looks at Twilio while all is well."""
SOON = 5.0
"""Seconds until the next look where Twilio does not answer."""
DENIED = 300.0
"""Seconds until the next look where Twilio refuses us: an operator has to act first."""
_SAY = 0.5
"""Seconds between looks at whether there is something new to announce."""
PART = "twilio"


class Availability:
    """Looks at Twilio and announces both channels, on or off with the reason. Channels that are off are no reason not to be
    ready; a Twilio that does not answer is, but the channels stay as they were.

    `missing`: what is not set, in words; empty: nothing.
    """

    def __init__(self, provider: Provider, missing: str, bus: Bus, health: Health) -> None:
        self._provider, self._missing, self._bus, self._health = provider, missing, bus, health
        self.why_off: str | None = missing or None
        """Empty: both channels are on; None: not known before the first look."""

    async def look(self, stop: asyncio.Event) -> None:
        """Look again and again."""
        if self._missing:
            self._report()
            await stop.wait()
        while not stop.is_set():
            await wait(stop, await self._look())

    async def announce(self, stop: asyncio.Event) -> None:
        """Tell router and desk of both channels, and again when that changes."""
        said: str | None = None
        attempt = 0
        while not stop.is_set():
            why = self.why_off
            if why is None or why == said:
                await wait(stop, _SAY)
                continue
            try:
                for channel in CHANNELS:
                    announced = replace(channel, enabled=not why, why_off=why)
                    METRICS.announced(channel.name, enabled=announced.enabled)
                    await self._bus.publish(CHANNELS_ANNOUNCED, channel.name, announced)
                said, attempt = why, 0
            except Unavailable:
                attempt += 1
                await wait(stop, delay(attempt, random.random()))

    async def _look(self) -> float:
        """Returns the seconds until the next look."""
        wrong, seconds = "", CHECK
        try:
            await self._provider.check()
            if self.why_off:
                log.info("Twilio lets us in again")
            self.why_off = ""
        except Denied as error:
            seconds = DENIED
            if not self.why_off:
                log.warning("Twilio refuses the credentials: both channels are off", error=str(error)[:200])
                self.why_off = f"Twilio refuses the credentials ({error}): check PHONE_ACCOUNT_SID and PHONE_AUTH_TOKEN"
        except Unavailable as error:
            wrong, seconds = str(error), SOON
            self.why_off = self.why_off or ""
        self._report(wrong)
        return seconds

    def _report(self, wrong: str = "") -> None:
        off = f"off: {self.why_off}" if self.why_off else ""
        self._health.set(PART, ok=bool(off) or not wrong, detail=off or wrong)
