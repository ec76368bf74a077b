"""Puts together everything that runs for one network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.social.active_model import ActiveModel
from services.social.availability import Availability
from services.social.consumer import deliveries
from services.social.dead_letters import Unreadable
from services.social.delivering import Deliverer
from services.social.leadership import Leadership
from services.social.polling import Poller
from services.social.ports import Network, Source
from services.social.receiving import Intake, IntakeRules
from services.social.streaming import Streaming, StreamStatus
from shared.bus import Bus
from shared.clock import utc_now
from shared.db import Database
from shared.health import Health
from shared.outbox import Outbox
from shared.run import Task
from shared.waiting import wait


class Connection:
    """One network, with its intake, pollers, stream and deliveries."""

    def __init__(
        self,
        network: Network,
        database: Database,
        bus: Bus,
        outbox: Outbox,
        health: Health,
        active_model: ActiveModel,
        rules: IntakeRules,
        timeout: float,
    ) -> None:
        self.network, self.name, self._database, self._bus = network, network.channel.name, database, bus
        self.leadership = Leadership(database, self.name)
        self.availability = Availability(network, bus, health)
        self.intake = Intake(network, self.availability, database, bus, active_model, rules)
        self.deliverer = Deliverer(network, database, outbox, self.availability, self.leadership, timeout)
        self._unreadable, self._status = Unreadable(self.name, bus), StreamStatus(self.name)

    def poller(
        self,
        source: Source,
        now: Callable[[], datetime] = utc_now,
        rest: Callable[[asyncio.Event, float], Awaitable[bool]] = wait,
    ) -> Poller:
        """Make the poller of a source. `now`, `rest`: time and its passing. Direct messages do not come by the stream, so nothing lets
        their polling rest."""
        status = StreamStatus(self.name) if source is Source.MESSAGES else self._status
        schedule = self.network.schedules[source]
        parts = (self.availability, self.leadership, self._database, self._unreadable, status, schedule)
        return Poller(source, self.network, self.intake, *parts, now, rest)

    def tasks(self) -> dict[str, Task]:
        """List what runs until the end; without credentials the network is only announced as off."""
        always: dict[str, Task] = {
            "leadership": self.leadership.run,
            "availability": self.availability.run,
            "announcing": self.availability.announce,
            "requests": deliveries(self._bus, self.name, self.deliverer).run,
            "sending": self.deliverer.run,
        }
        reading: dict[str, Task] = {}
        if not self.network.missing:
            reading = {f"polling {source}": self.poller(source).run for source in self.network.schedules}
            if stream := self.network.stream:
                parts = (self.intake, self.availability, self.leadership, self._unreadable, self._status)
                reading["streaming"] = Streaming(stream, *parts).run
        return {f"{self.name} {name}": task for name, task in {**always, **reading}.items()}
