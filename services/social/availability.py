"""Tracks a network: our account there, whether its channel is on, and what is wrong."""

from __future__ import annotations

import asyncio
import random
import time

from msgspec.structs import replace

from services.social.domain import pace
from services.social.domain.posts import Account
from services.social.ports import Denied, Later, Network
from shared.clock import utc_now
from shared.events import Channel
from shared.health import Health
from shared.logs import log
from shared.waiting import wait

_LAPSES = 3 * pace.DENIED
"""Seconds; whatever was refused is tried again within a third of it."""
REPLIES = "replies"
"""What is refused where we may not write: reading may go on, and says nothing about it."""
NOBODY = Account("", "")


class Availability:
    """Signs in, and knows whether the channel is on. That a network is unavailable or refuses us is
    on the health page, but the service is ready: mentions can be read, and replies wait in the
    ledger."""

    def __init__(self, network: Network, health: Health) -> None:
        self._network, self._health, self.label = network, health, network.channel.label
        self.account = NOBODY
        self.missing = f"set {', '.join(network.missing)}" if network.missing else ""
        self._refusals: dict[str, tuple[str, float]] = {}
        """Words, and the monotonic time at which they lapse, by what was refused."""
        self._troubles: dict[str, str] = {}
        self._report()

    @property
    def why_off(self) -> str:
        """Why the channel is off; empty where it is on."""
        now = time.monotonic()
        return self.missing or next((words for words, until in self._refusals.values() if until > now), "")

    @property
    def channel(self) -> Channel:
        """The channel as it is announced."""
        return replace(self._network.channel, enabled=not self.why_off, why_off=self.why_off)

    async def signed_in(self, stop: asyncio.Event) -> bool:
        """Waits until our account is known; False where `stop` came first."""
        while not self.account.id:
            if await wait(stop, 0.2):
                return False
        return not stop.is_set()

    def trouble(self, what: str, words: str) -> None:
        """Records what is wrong with a source; an empty string where nothing is: then our
        credentials are good for reading."""
        if not words:
            self._refusals = {name: said for name, said in self._refusals.items() if name == REPLIES}
        self.note(what, words)

    def delivered(self) -> None:
        """Records that a reply was accepted: whatever was refused before, we may write."""
        self._refusals.clear()
        self._report()

    def note(self, what: str, words: str) -> None:
        """Records as `trouble` does, where that all is well says nothing about our credentials."""
        self._troubles[what] = words
        self._report()

    def refused(self, what: str, error: Denied) -> None:
        """Turns the channel off until something is accepted, or nothing is refused for some
        time."""
        self._refusals[what] = self._network.why_off(error), time.monotonic() + _LAPSES
        self._report()

    async def run(self, stop: asyncio.Event) -> None:
        """Signs in, then waits for `stop`."""
        attempt = 0
        while not self.missing and not self.account.id and not stop.is_set():
            try:
                self.account = await self._network.me()
                self.trouble("account", "")
                log.info("signed in", network=self._network.channel.name, account=self.account.id)
                continue
            except Later as error:
                attempt += 1
                self.trouble("account", str(error)[:200])
                seconds = pace.after_failure(attempt, error.at, utc_now(), random.random())
            except Denied as error:
                self.refused("account", error)
                seconds = pace.DENIED
            log.warning("not signed in", network=self._network.channel.name, seconds=round(seconds))
            await wait(stop, seconds)
        await stop.wait()

    def _report(self) -> None:
        wrong = "; ".join(f"{what}: {words}" for what, words in sorted(self._troubles.items()) if words)
        who = f"@{self.account.username}" if self.account.id else ""
        detail = f"off: {self.why_off}" if self.why_off else "; ".join(filter(None, (who, wrong)))
        self._health.set(self._network.channel.name, ok=True, detail=detail)
