"""Wiring: settings, database, bus, the HTTP and socket edges, and what runs beside them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI

from services.dashboard import api, commands, consumer, contact, live, receiving
from services.dashboard.adapters.jwt_signatures import JwtSignatures
from services.dashboard.channel import CHANNEL
from services.dashboard.context import Dashboard, Gate, Sites
from services.dashboard.cors import Cors
from services.dashboard.hub import Hub
from services.dashboard.models import OUTBOX, SCHEMA
from services.dashboard.settings import DashboardSettings
from shared import logs
from shared.attempts import delay
from shared.bus.kafka import KafkaBus
from shared.db import Database
from shared.errors import Unavailable
from shared.health import Health
from shared.language import detect
from shared.limits import RateLimit, Seats
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED
from shared.waiting import wait
from shared.web import create_api


def main(arguments: list[str]) -> int:
    """Without arguments: run. With: `migrate`, `create-site`, `rotate-secret`."""
    if arguments:
        return commands.main(arguments)
    common, settings = load(Settings), load(DashboardSettings)
    logs.configure("dashboard", common.log_format, common.log_level)
    parts = create_app(common, settings)
    return serve("dashboard", common.host, settings.port, parts.api, parts.tasks, start=[parts.resources()])


@dataclass(frozen=True)
class Parts:
    """One process of the service, not yet running."""

    api: FastAPI
    tasks: dict[str, Task]
    dashboard: Dashboard

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """What is closed last."""
        try:
            yield
        finally:
            await self.dashboard.bus.stop()
            await self.dashboard.database.dispose()


def create_app(common: Settings, settings: DashboardSettings) -> Parts:
    """Everything that the process runs."""
    health = Health()
    health.expect("kafka", "postgres")
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=16)
    bus = KafkaBus(common.kafka, "dashboard", health)
    sites = Sites(database)
    dashboard = Dashboard(
        settings=settings,
        languages=common.languages,
        secret=common.secret.get_secret_value(),
        database=database,
        outbox=Outbox(OUTBOX, database, bus),
        bus=bus,
        storage=Storage(common.storage),
        signatures=JwtSignatures(),
        hub=Hub(),
        sites=sites,
        gate=Gate(
            RateLimit(settings.rate_per_visitor),
            RateLimit(settings.rate_per_address),
            Seats(settings.sockets_per_address),
            Seats(settings.sockets_per_site),
        ),
    )
    largest = settings.max_files * settings.max_file_bytes + (1 << 20)
    app = create_api("dashboard", health, title="Dashboard", description=_ABOUT, max_body=largest)
    app.add_middleware(Cors, sites=sites)
    for edge in (api, live, contact):
        app.include_router(edge.routes(dashboard))
    tasks: dict[str, Task] = {
        "kafka": bus.keep_connecting,
        "postgres": partial(database.keep_checking, health),
        "outbox": dashboard.outbox.run,
        "deliveries": consumer.deliveries(dashboard).run,
        "sweep": partial(receiving.sweep, dashboard),
        "listen": partial(dashboard.hub.listen, database),
        "announce": partial(_announce, bus),
        "languages": partial(_load_languages, dashboard),
    }
    return Parts(app, tasks, dashboard)


async def _announce(bus: KafkaBus, stop: asyncio.Event) -> None:
    """Tell router and desk of this channel, then wait for the end."""
    METRICS.announced(CHANNEL.name, enabled=CHANNEL.enabled)
    attempt = 0
    while not stop.is_set():
        try:
            await bus.publish(CHANNELS_ANNOUNCED, CHANNEL.name, CHANNEL)
        except Unavailable:
            attempt += 1
            await wait(stop, delay(attempt, random.random()))
        else:
            await stop.wait()


async def _load_languages(dashboard: Dashboard, stop: asyncio.Event) -> None:
    """Load the language model before the first customer waits for it."""
    await asyncio.to_thread(detect, "Which language is this?", dashboard.languages)
    await stop.wait()


_ABOUT = """Support from inside a product: messages with a signed identity or from a visitor, the customer's own conversation, and
live answers over the WebSocket `/api/v1/live`. Every request names the site by its public key in `X-Site-Key`."""
