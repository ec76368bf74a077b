"""Puts together what the reading of one network shares."""

from __future__ import annotations

from datetime import datetime

from services.social.active_model import ActiveModel
from services.social.availability import Availability
from services.social.ports import Network
from services.social.receiving import Intake, IntakeRules
from shared.bus import Bus
from shared.db import Database
from shared.health import Health
from shared.locks import Leadership
from shared.metrics import METRICS


class Connection:
    """One network, read by one process: its limits count for the whole app."""

    def __init__(
        self, network: Network, database: Database, bus: Bus, health: Health, model: ActiveModel, rules: IntakeRules
    ) -> None:
        self.network, self.name, self.database = network, network.channel.name, database
        self.leadership = Leadership(database, network.lock)
        self.availability = Availability(network, health)
        self.intake = Intake(network, self.availability, database, bus, model, rules)
        self.streaming_since: datetime | None = None
        """Since when the stream is connected without a break; polling can rest meanwhile."""

    def streams(self, since: datetime | None) -> None:
        """Records since when the stream is connected; None: it is not."""
        self.streaming_since = since
        METRICS.stream_up.labels(network=self.name).set(since is not None)
