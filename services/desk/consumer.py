"""The Kafka edge: what arrives is handed to the subject that it concerns."""

from __future__ import annotations

from collections.abc import Sequence

from services.desk.calls import applying as calls
from services.desk.context import Desk
from services.desk.intake import messages
from services.desk.intake.messages import Passed
from services.desk.people import audit
from services.desk.tickets import deliveries
from shared.bus import TAKEN, WRITTEN, Consumer, Record
from shared.events import AuditNoted, CallChanged, DeliveryReport, RoutedMessage
from shared.topics import (
    AUDIT_NOTED,
    CALLS_CHANGED,
    DELIVERIES_REPORTED,
    MESSAGES_ROUTED,
    MESSAGES_ROUTED_LIVE,
    Topic,
)

GROUP = "desk"
MOST = 200
"""Records in one transaction: enough that its cost is shared, few enough that an agent's reply never waits long for its locks."""


def routed(desk: Desk) -> Consumer:
    """Applies `messages-routed`."""
    return _applying(desk, MESSAGES_ROUTED, GROUP)


def routed_live(desk: Desk) -> Consumer:
    """Applies `messages-routed-live`, beside a flood on the other one and not behind it."""
    return _applying(desk, MESSAGES_ROUTED_LIVE, f"{GROUP}-live")


def _applying(desk: Desk, topic: Topic[RoutedMessage], group: str) -> Consumer:

    async def handle(records: Sequence[Record[RoutedMessage]]) -> None:
        passed = {record.event.message.id: Passed(record.time(TAKEN), record.time(WRITTEN)) for record in records}
        await messages.apply(desk, [record.event for record in records], passed)

    return desk.bus.consumer([topic], group, handle, max_records=MOST)


def reported(desk: Desk) -> Consumer:
    """Notes `deliveries-reported`, in a group of its own: a slow database for one does not hold the other's partitions."""

    async def handle(records: Sequence[Record[DeliveryReport]]) -> None:
        await deliveries.report(desk, [record.event for record in records])

    return desk.bus.consumer([DELIVERIES_REPORTED], f"{GROUP}-deliveries", handle, max_records=MOST)


def called(desk: Desk) -> Consumer:
    """Notes `calls-changed`, in a group of its own: a caller never waits behind mail."""

    async def handle(records: Sequence[Record[CallChanged]]) -> None:
        await calls.apply(desk, [record.event for record in records])

    return desk.bus.consumer([CALLS_CHANGED], f"{GROUP}-calls", handle, max_records=MOST)


def audited(desk: Desk) -> Consumer:
    """Adds `audit-noted` to the audit log."""

    async def handle(records: Sequence[Record[AuditNoted]]) -> None:
        await audit.record(desk.database, [record.event for record in records])

    return desk.bus.consumer([AUDIT_NOTED], f"{GROUP}-audit", handle, max_records=MOST)
