"""Puts together what reads one network."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from services.social.active_model import ActiveModel
from services.social.availability import Availability
from services.social.polling import Poller
from services.social.ports import Network, Source
from services.social.receiving import Intake, IntakeRules
from services.social.streaming import Streaming, StreamStatus
from shared.bus import Bus
from shared.clock import utc_now
from shared.db import Database
from shared.health import Health
from shared.locks import Leadership
from shared.run import Task
from shared.waiting import wait


class Connection:
    """One network, with its intake, pollers and stream. One process reads it: its limits count for the whole app, so two readers
    are no better than one."""

    def __init__(
        self,
        network: Network,
        database: Database,
        bus: Bus,
        health: Health,
        active_model: ActiveModel,
        rules: IntakeRules,
    ) -> None:
        self.network, self.name, self._database = network, network.channel.name, database
        self.leadership = Leadership(database, network.lock)
        self.availability = Availability(network, health)
        self.intake = Intake(network, self.availability, database, bus, active_model, rules)
        self._status = StreamStatus(self.name)

    def poller(
        self,
        source: Source,
        now: Callable[[], datetime] = utc_now,
        rest: Callable[[asyncio.Event, float], Awaitable[bool]] = wait,
    ) -> Poller:
        """Make the poller of a source. `now`, `rest`: time and its passing. Direct messages do not come by the stream, so
        nothing lets their polling rest."""
        status = StreamStatus(self.name) if source is Source.MESSAGES else self._status
        parts = (self.availability, self.leadership, self._database, status, self.network.schedules[source])
        return Poller(source, self.network, self.intake, *parts, now, rest)

    def tasks(self) -> dict[str, Task]:
        """List what runs until the end; without credentials nothing is read."""
        tasks: dict[str, Task] = {"leadership": self.leadership.run, "availability": self.availability.run}
        if not self.network.missing:
            tasks |= {f"polling {source}": self.poller(source).run for source in self.network.schedules}
            if stream := self.network.stream:
                parts = (self.intake, self.availability, self.leadership, self._status)
                tasks["streaming"] = Streaming(stream, *parts).run
        return {f"{self.name} {name}": task for name, task in tasks.items()}
