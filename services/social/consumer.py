"""Consumes `deliveries-requested-<network>` into the delivery ledger, and `posts-judged`."""

from __future__ import annotations

from collections.abc import Iterable

from services.social.labels import Labels
from shared.bus import Bus, Consumer
from shared.delivery import Deliverer
from shared.topics import POSTS_JUDGED, deliveries_requested


def deliveries(bus: Bus, networks: Iterable[str], deliverer: Deliverer) -> Consumer:
    """Makes the consumer of `deliveries-requested-<network>`."""
    return bus.consumer([deliveries_requested(name) for name in networks], "social", deliverer.consume)


def judged(bus: Bus, labels: Labels) -> Consumer:
    """Makes the consumer of `posts-judged`, in a group of its own: neither waits for the other."""
    return bus.consumer([POSTS_JUDGED], "social-judgements", labels.consume)
