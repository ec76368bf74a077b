"""Wires the dashboard: database, bus, the HTTP and socket edges, and what runs beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from services.dashboard import api, commands, consumer, contact, live, receiving
from services.dashboard.adapters.jwt_signatures import JwtSignatures
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard, Gate, Sites
from services.dashboard.cors import Cors
from services.dashboard.hub import Hub
from services.dashboard.models import OUTBOX, SCHEMA
from services.dashboard.settings import DashboardSettings
from shared.bus import Bus
from shared.channels import Announcer
from shared.db import Database
from shared.health import Health
from shared.language import detect
from shared.limits import RateLimit, Seats
from shared.outbox import Outbox
from shared.run import Task
from shared.service import Program, Service, bus_of
from shared.settings import Settings
from shared.storage import Storage
from shared.web import create_api


def create(common: Settings, settings: DashboardSettings, *, bus: Bus | None = None) -> Service:
    """Wires one process of this service. `bus`: in place of Kafka."""
    health = Health()
    health.expect("postgres")
    bus, connecting = bus_of("dashboard", common, health, bus)
    dashboard = context(common, settings, bus)
    largest = settings.max_files * settings.max_file_bytes + (1 << 20)
    app = create_api("dashboard", health, title="Dashboard", description=_ABOUT, max_body=largest)
    app.add_middleware(Cors, sites=dashboard.sites)
    for edge in (api, live, contact):
        app.include_router(edge.routes(dashboard))

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await bus.stop()
            await dashboard.database.dispose()

    tasks: dict[str, Task] = {
        **connecting,
        "postgres": partial(dashboard.database.keep_checking, health),
        "outbox": dashboard.outbox.run,
        "deliveries": consumer.deliveries(dashboard).run,
        "sweep": partial(receiving.sweep, dashboard),
        "listen": partial(dashboard.hub.listen, dashboard.database),
        "announcing": Announcer(bus, lambda: [CHANNEL]).run,
        "languages": partial(_load_languages, dashboard),
    }
    return Service(app, tasks, resources)


def context(common: Settings, settings: DashboardSettings, bus: Bus) -> Dashboard:
    """Makes what the edges and tasks of one process share."""
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=16, by_key=True)
    return Dashboard(
        settings=settings,
        languages=common.languages,
        secret=common.secret.get_secret_value(),
        database=database,
        outbox=Outbox(OUTBOX, database, bus),
        bus=bus,
        storage=Storage(common.storage),
        signatures=JwtSignatures(),
        hub=Hub(),
        sites=Sites(database),
        gate=Gate(
            RateLimit(settings.rate_per_visitor),
            RateLimit(settings.rate_per_address),
            Seats(settings.sockets_per_address),
            Seats(settings.sockets_per_site),
        ),
    )


def main(arguments: list[str]) -> int:
    """Runs the service, or one of its commands (`commands.py`). Returns the exit code."""
    return commands.main(arguments) if arguments else _PROGRAM.main([])


async def _load_languages(dashboard: Dashboard, stop: asyncio.Event) -> None:
    """Loads the language model before the first customer waits for it."""
    await asyncio.to_thread(detect, "Which language is this?", dashboard.languages)
    await stop.wait()


_PROGRAM = Program("dashboard", DashboardSettings, create, Path(__file__).parent)
_ABOUT = """Support from inside a product: messages with a signed identity or from a visitor, the customer's own conversation, and
live answers over the WebSocket `/api/v1/live`. Every request names the site by its public key in `X-Site-Key`."""
