"""Consumes what the desk asks for into the tables; the offset is committed after that."""

from __future__ import annotations

from services.phone.call_requests import CallRequests
from services.phone.channel import CHANNELS
from shared.bus import Bus, Consumer
from shared.delivery import Deliverer
from shared.topics import CALLS_REQUESTED, deliveries_requested


def deliveries(bus: Bus, deliverer: Deliverer) -> Consumer:
    """Consumes `deliveries-requested-phone` and `deliveries-requested-sms`."""
    return bus.consumer([deliveries_requested(channel.name) for channel in CHANNELS], "phone", deliverer.consume)


def calls(bus: Bus, requests: CallRequests) -> Consumer:
    """Consumes `calls-requested`."""
    return bus.consumer([CALLS_REQUESTED], "phone-calls", requests.record)
