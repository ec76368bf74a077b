"""Kafka's edge: what the desk asks us to deliver goes into the ledger; what agents say of posts is followed."""

from __future__ import annotations

from services.social.channel import CHANNEL
from services.social.delivering import Deliverer
from services.social.judgements import Judgements
from shared.bus import Bus, Consumer
from shared.topics import POSTS_JUDGED, deliveries_requested


def deliveries(bus: Bus, deliverer: Deliverer) -> Consumer:
    """The consumer of `deliveries-requested-x`."""
    return bus.consumer([deliveries_requested(CHANNEL.name)], "social", deliverer.take)


def judged(bus: Bus, judgements: Judgements) -> Consumer:
    """The consumer of `posts-judged`, in a group of its own: neither waits for the other's trouble."""
    return bus.consumer([POSTS_JUDGED], "social-judgements", judgements.take)
