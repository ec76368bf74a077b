"""Consumes `deliveries-requested-chat` into the customers' conversations."""

from __future__ import annotations

from collections.abc import Sequence

from services.dashboard import delivering
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard
from shared.bus import Consumer, Record
from shared.events import OutboundMessage
from shared.topics import deliveries_requested


def deliveries(dashboard: Dashboard) -> Consumer:
    """Consumes in the group `dashboard`, with any number of processes."""

    async def handle(records: Sequence[Record[OutboundMessage]]) -> None:
        await delivering.deliver(dashboard, records)

    return dashboard.bus.consumer([deliveries_requested(CHANNEL.name)], "dashboard", handle)
