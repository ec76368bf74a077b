"""The Kafka edge: what arrives is handed to the subject that it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from services.desk.context import Desk
from services.desk.tickets import applying, deliveries
from shared.bus import Consumer, Record
from shared.events import DeliveryReport, RoutedMessage
from shared.topics import DELIVERIES_REPORTED, MESSAGES_ROUTED

GROUP = "desk"
MOST = 200
"""Records in one transaction: enough that its cost is shared, few enough that an agent's reply never waits long for its locks."""


def routed(desk: Desk) -> Consumer:
    """Applies `messages-routed`."""

    async def handle(records: Sequence[Record[RoutedMessage]]) -> None:
        await applying.apply(desk, [record.event for record in records])

    return desk.bus.consumer([MESSAGES_ROUTED], GROUP, handle, max_records=MOST)


def reported(desk: Desk) -> Consumer:
    """Notes `deliveries-reported`, in a group of its own: a slow database for one does not hold the other's partitions."""

    async def handle(records: Sequence[Record[DeliveryReport]]) -> None:
        await deliveries.report(desk, [record.event for record in records])

    return desk.bus.consumer([DELIVERIES_REPORTED], f"{GROUP}-deliveries", handle, max_records=MOST)
