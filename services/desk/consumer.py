"""The Kafka edge: what arrives is handed to the subject that it concerns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from services.desk.calls import applying as calls
from services.desk.context import Desk
from services.desk.intake import imports, messages
from services.desk.intake.messages import Passed
from services.desk.people import audit
from services.desk.tickets import deliveries
from shared.bus import TAKEN, WRITTEN, Consumer, Record
from shared.bus.pace import FEW
from shared.events import AuditNoted, CallChanged, DeliveryReport, ImportedMail, RoutedMessage
from shared.topics import (
    AUDIT_NOTED,
    CALLS_CHANGED,
    DELIVERIES_REPORTED,
    MESSAGES_IMPORTED,
    MESSAGES_ROUTED,
    MESSAGES_ROUTED_LIVE,
)

GROUP = "desk"
MOST = 200
"""Records in one transaction: enough that its cost is shared, few enough that an agent's reply
never waits long for its locks. While somebody is served live, who waits for this process as well,
there are `pace.FEW`."""
AT_ONCE = 2
"""Transactions under way: while PostgreSQL works on one, this process works on the other."""


def routed(desk: Desk) -> Consumer:
    """Applies `messages-routed`, after whoever is served live."""
    desk = replace(desk, database=desk.pools.applying)

    async def handle(records: Sequence[Record[RoutedMessage]]) -> None:
        left, passed = [record.event for record in records], _passed(records)
        while left:
            lately = await desk.lanes.clear()
            size, began = AT_ONCE * (FEW if lately else MOST), time.monotonic()
            now, left = left[:size], left[size:]
            parts = messages.apart(now) if len(now) > FEW else [now]
            done = await asyncio.gather(*(messages.apply(desk, part, passed) for part in parts), return_exceptions=True)
            for result in done:
                if isinstance(result, BaseException):
                    raise result  # all of it comes again; what the other part wrote is known then
            desk.lanes.mail.served()
            if lately:
                await asyncio.sleep(desk.lanes.pace.rest(time.monotonic() - began))

    return desk.bus.consumer([MESSAGES_ROUTED], GROUP, handle, max_records=AT_ONCE * MOST)


def routed_live(desk: Desk) -> Consumer:
    """Applies `messages-routed-live`, beside a flood on the other one and before it."""
    desk = replace(desk, database=desk.pools.applying)

    async def handle(records: Sequence[Record[RoutedMessage]]) -> None:
        with desk.lanes.live():
            await messages.apply(desk, [record.event for record in records], _passed(records))

    return desk.bus.consumer([MESSAGES_ROUTED_LIVE], f"{GROUP}-live", handle, max_records=MOST)


def imported(desk: Desk) -> Consumer:
    """Applies `messages-imported`, after everybody who writes now: in few at a time, with rests,
    while there is live mail."""
    desk = replace(desk, database=desk.pools.applying)

    async def handle(records: Sequence[Record[ImportedMail]]) -> None:
        left = [record.event for record in records]
        while left:
            lately = await desk.lanes.clear() or desk.lanes.mail.lately
            size, began = FEW if lately else MOST, time.monotonic()
            now, left = left[:size], left[size:]
            await imports.apply(desk, now)
            if lately:
                worked = time.monotonic() - began
                await asyncio.sleep(max(desk.lanes.pace.rest(worked), desk.lanes.mail.rest(worked)))

    return desk.bus.consumer([MESSAGES_IMPORTED], f"{GROUP}-imports", handle, max_records=MOST)


def _passed(records: Sequence[Record[RoutedMessage]]) -> dict[str, Passed]:
    return {record.event.message.id: Passed(record.time(TAKEN), record.time(WRITTEN)) for record in records}


def reported(desk: Desk) -> Consumer:
    """Notes `deliveries-reported`, in a group of its own: a slow database for one does not hold the
    other's partitions."""

    async def handle(records: Sequence[Record[DeliveryReport]]) -> None:
        await deliveries.report(desk, [record.event for record in records])

    return desk.bus.consumer([DELIVERIES_REPORTED], f"{GROUP}-deliveries", handle, max_records=MOST)


def called(desk: Desk) -> Consumer:
    """Notes `calls-changed`, in a group of its own: a caller never waits behind mail."""

    async def handle(records: Sequence[Record[CallChanged]]) -> None:
        with desk.lanes.live():
            await calls.apply(desk, [record.event for record in records])

    return desk.bus.consumer([CALLS_CHANGED], f"{GROUP}-calls", handle, max_records=MOST)


def audited(desk: Desk) -> Consumer:
    """Adds `audit-noted` to the audit log."""

    async def handle(records: Sequence[Record[AuditNoted]]) -> None:
        await audit.record(desk.database, [record.event for record in records])

    return desk.bus.consumer([AUDIT_NOTED], f"{GROUP}-audit", handle, max_records=MOST)
