"""Wires the pigeon service.

`python -m services pigeon`: run; `migrate`: bring the database's schema up to date; `ledger`: count
answers by state.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from services.pigeon.channel import CHANNEL
from services.pigeon.models import DELIVERIES, OUTBOX, SCHEMA
from services.pigeon.receiving import Inbox
from services.pigeon.sender import PigeonSender
from services.pigeon.settings import PigeonSettings
from shared.attempts import RetryPolicy
from shared.bus import Bus
from shared.channels import Announcer
from shared.clock import utc_now
from shared.db import Database
from shared.delivery import Deliverer, DeliveryPolicy, Ledger, print_counts
from shared.health import Health
from shared.locks import Liveness
from shared.outbox import Outbox
from shared.run import Task
from shared.service import Command, Program, Service, bus_of
from shared.settings import Settings
from shared.storage import Storage
from shared.topics import deliveries_requested
from shared.web import create_api

_POLICY = DeliveryPolicy(
    lease=timedelta(minutes=1),  # writing a file takes milliseconds
    settle=timedelta(0),  # a file is there or not
    retry=RetryPolicy(first=timedelta(seconds=1), longest=timedelta(minutes=1), give_up=timedelta(hours=1)),
)


def create(
    common: Settings, settings: PigeonSettings, *, bus: Bus | None = None, clock: Callable[[], datetime] = utc_now
) -> Service:
    """Wires one process of this service. `bus`: in place of Kafka."""
    health, off = Health(), settings.why_off
    health.expect("postgres")
    bus, connecting = bus_of("pigeon", common, health, bus)
    database = Database(settings.database.get_secret_value(), SCHEMA)
    outbox, alive = Outbox(OUTBOX, database, bus), Liveness(database)
    sender = PigeonSender(None if off else Path(settings.outbox))
    deliverer = Deliverer(database, Ledger(DELIVERIES, outbox), sender, _POLICY, alive, clock)
    channel = replace(CHANNEL, enabled=not off, why_off=off)

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await bus.stop()
            await database.dispose()

    tasks: dict[str, Task] = {
        **connecting,
        "postgres": partial(database.keep_checking, health),
        "outbox": outbox.run,
        "requests": bus.consumer([deliveries_requested(CHANNEL.name)], "pigeon", deliverer.consume).run,
        "answers": partial(alive.around, deliverer.run),
        "announcing": Announcer(bus, lambda: [channel]).run,
    }
    if not off:
        tasks["letters"] = Inbox(Path(settings.inbox), bus, Storage(common.storage), clock).run
    return Service(create_api("pigeon", health, title="Switchboard pigeon"), tasks, resources)


main = Program(
    "pigeon", PigeonSettings, create, Path(__file__).parent, {"ledger": Command(partial(print_counts, DELIVERIES))}
).main
