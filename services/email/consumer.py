"""Consumes `deliveries-requested-email` into the delivery ledger."""

from __future__ import annotations

from services.email.channel import CHANNEL
from shared.bus import Bus, Consumer
from shared.delivery import Deliverer
from shared.topics import deliveries_requested


def deliveries(bus: Bus, deliverer: Deliverer) -> Consumer:
    """Creates the consumer of `deliveries-requested-email`."""
    return bus.consumer([deliveries_requested(CHANNEL.name)], "email", deliverer.consume)
