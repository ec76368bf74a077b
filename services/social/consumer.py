"""Kafka's edge: what the desk asks us to deliver goes into the ledger."""

from __future__ import annotations

from services.social.channel import CHANNEL
from services.social.delivering import Deliverer
from shared.bus import Bus, Consumer
from shared.topics import deliveries_requested


def deliveries(bus: Bus, deliverer: Deliverer) -> Consumer:
    """The consumer of `deliveries-requested-x`."""
    return bus.consumer([deliveries_requested(CHANNEL.name)], "social", deliverer.take)
