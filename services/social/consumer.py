"""Consumes `deliveries-requested-<network>` into the delivery ledger, and `posts-judged`."""

from __future__ import annotations

from services.social.delivering import Deliverer
from services.social.labels import Labels
from shared.bus import Bus, Consumer
from shared.topics import POSTS_JUDGED, deliveries_requested


def deliveries(bus: Bus, network: str, deliverer: Deliverer) -> Consumer:
    """Make the consumer of `deliveries-requested-<network>`."""
    return bus.consumer([deliveries_requested(network)], "social", deliverer.take)


def judged(bus: Bus, labels: Labels) -> Consumer:
    """Make the consumer of `posts-judged`, in a group of its own: neither waits for the other's trouble."""
    return bus.consumer([POSTS_JUDGED], "social-judgements", labels.consume)
