"""How we stand with the network: who we are there, whether the channel is on, and what is wrong."""

from __future__ import annotations

import asyncio
import random
import time

from msgspec.structs import replace

from services.social.channel import CHANNEL
from services.social.domain import pace, replies
from services.social.domain.posts import Account
from services.social.ports import Denied, Later, Network
from shared.attempts import delay
from shared.bus import Bus
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import Channel
from shared.health import Health
from shared.logs import log
from shared.metrics import METRICS
from shared.topics import CHANNELS_ANNOUNCED
from shared.waiting import wait

_CHECK = 1.0
_AGAIN = 60.0
"""Seconds after which the channel is announced again: another process may have called it off, and died."""
_LAPSES = 3 * pace.DENIED
"""Seconds; whatever was refused is tried again within a third of it."""
PART = "x"
ANSWERS = "answers"
"""What is refused where X does not let us write: reading may go on, and says nothing about it."""
NOBODY = Account("", "")


class Standing:
    """Asks the network who we are until it says so; announces the channel, on or off with the reason. That a network is away or
    refuses us is told on the health page, but the service is ready: mentions can be read, and answers wait in the ledger."""

    def __init__(
        self, network: Network | None, missing: list[str], bus: Bus, health: Health, longest: int = 280
    ) -> None:
        self._network, self._bus, self._health, self._length = network, bus, health, replies.length(longest)
        self.account = NOBODY
        self._missing = f"set {', '.join(missing)}" if network is None else ""
        self._refusals: dict[str, tuple[str, float]] = {}
        """Words, and the monotonic time at which they lapse, by what was refused."""
        self._troubles: dict[str, str] = {}
        self._tell()

    @property
    def why_off(self) -> str:
        """Why the channel is off; empty where it is on."""
        now = time.monotonic()
        return self._missing or next((words for words, until in self._refusals.values() if until > now), "")

    @property
    def channel(self) -> Channel:
        """As it is announced."""
        return replace(CHANNEL, enabled=not self.why_off, why_off=self.why_off, length=self._length)

    async def known(self, stop: asyncio.Event) -> bool:
        """Wait until we know who we are; False where `stop` came first."""
        while not self.account.id:
            if await wait(stop, 0.2):
                return False
        return not stop.is_set()

    def trouble(self, what: str, words: str) -> None:
        """Note what is wrong with a source; an empty string where nothing is: then our credentials are good for reading."""
        if not words:
            self._refusals = {name: said for name, said in self._refusals.items() if name == ANSWERS}
        self.note(what, words)

    def answered(self) -> None:
        """X took an answer: whatever it said before, it lets us write."""
        self._refusals.clear()
        self._tell()

    def note(self, what: str, words: str) -> None:
        """As `trouble`, where that all is well says nothing about our credentials."""
        self._troubles[what] = words
        self._tell()

    def refused(self, what: str, error: Denied) -> None:
        """X lets us do nothing: the channel is off until an operator has acted, or nobody has been refused again for some time."""
        said = (
            f"X wants to be paid ({error}): add credit, or raise the spending limit, in X's developer console"
            if error.unpaid
            else f"X refuses our credentials ({error}): check SOCIAL_X_CONSUMER_KEY and the three that follow"
        )
        self._refusals[what] = said, time.monotonic() + _LAPSES
        self._tell()

    async def run(self, stop: asyncio.Event) -> None:
        """Find out who we are, then wait for the end."""
        attempt = 0
        while self._network is not None and not self.account.id and not stop.is_set():
            try:
                self.account = await self._network.me()
                self.trouble("account", "")
                log.info("signed in", network=CHANNEL.name, account=self.account.id)
                continue
            except Later as error:
                attempt += 1
                self.trouble("account", str(error)[:200])
                seconds = pace.after_failure(attempt, error.at, utc_now(), random.random())
            except Denied as error:
                self.refused("account", error)
                seconds = pace.DENIED
            log.warning("not signed in", network=CHANNEL.name, seconds=round(seconds))
            await wait(stop, seconds)
        await stop.wait()

    async def announce(self, stop: asyncio.Event) -> None:
        """Tell router and desk of this channel, and again when that changes."""
        said, at = None, 0.0
        attempt = 0
        while not stop.is_set():
            now = self.channel
            METRICS.announced(now.name, enabled=now.enabled)
            if now == said and time.monotonic() - at < _AGAIN:
                await wait(stop, _CHECK)
                continue
            try:
                await self._bus.publish(CHANNELS_ANNOUNCED, now.name, now)
                said, at, attempt = now, time.monotonic(), 0
            except Unavailable:
                attempt += 1
                await wait(stop, delay(attempt, random.random()))

    def _tell(self) -> None:
        wrong = "; ".join(f"{what}: {words}" for what, words in sorted(self._troubles.items()) if words)
        who = f"@{self.account.username}" if self.account.id else ""
        detail = f"off: {self.why_off}" if self.why_off else "; ".join(filter(None, (who, wrong)))
        self._health.set(PART, ok=True, detail=detail)
