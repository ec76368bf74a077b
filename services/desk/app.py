"""Wiring: database, bus, consumers, outbox, live feed, API and console."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from fastapi import FastAPI

from services.desk import api, commands, consumer, watching
from services.desk.assignment import widening
from services.desk.calls import serving
from services.desk.context import Desk, Pools
from services.desk.customers import promises
from services.desk.letters.service import Letters
from services.desk.live import Live
from services.desk.mentions import consumer as mentions
from services.desk.people.limits import Limiter
from services.desk.schema import OUTBOX
from services.desk.search import indexing
from services.desk.settings import DeskSettings
from services.desk.tickets import unread
from services.desk.wallboard.service import Wallboard
from shared import logs
from shared.bus.kafka import KafkaBus
from shared.health import Health
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED
from shared.web import create_api

_ABOUT = """Tickets, customers and answers. Every request carries `Authorization: Bearer <token>`; errors are RFC 9457 problems whose
`detail` says what to do. Writes take an `Idempotency-Key`: the same key is done once, however often it is sent."""


def main(arguments: list[str]) -> int:
    """Without arguments: run. Otherwise a command."""
    if arguments:
        return commands.main(arguments)
    common, settings = load(Settings), load(DeskSettings)
    logs.configure("desk", common.log_format, common.log_level)
    health = Health()
    bus = KafkaBus(common.kafka, "desk", health)
    desk = create_desk(common, settings, bus)
    return serve(
        "desk", common.host, settings.port, create_app(desk, health), tasks(desk, bus, health), start=[_closing(desk)]
    )


def create_desk(common: Settings, settings: DeskSettings, bus: KafkaBus) -> Desk:
    """One process of the desk, not yet running."""
    pools = Pools.of(settings.database.get_secret_value())
    database = pools.database
    return Desk(
        common=common,
        settings=settings,
        pools=pools,
        database=database,
        outbox=Outbox(OUTBOX, database, bus),
        bus=bus,
        storage=Storage(common.storage),
        channels=bus.view(CHANNELS_ANNOUNCED),
        live=Live(database, settings.live_ring),
        sign_ins=Limiter(settings.sign_in_tries),
        wallboard=Wallboard(database, common.kafka),
        letters=Letters(common.kafka, Storage(common.storage)),
    )


def create_app(desk: Desk, health: Health) -> FastAPI:
    """The HTTP side: API, and the console where it is part of the installation."""
    health.expect("kafka", "postgres")
    app = create_api("desk", health, title="Switchboard desk", description=_ABOUT)
    app.state.desk = replace(desk, database=desk.pools.api)
    app.include_router(api.router())
    if importlib.util.find_spec("services.desk.web"):
        importlib.import_module("services.desk.web").mount(app, replace(desk, database=desk.pools.pages))
    return app


def tasks(desk: Desk, bus: KafkaBus, health: Health) -> dict[str, Task]:
    """What runs beside HTTP."""
    return {
        "kafka": bus.keep_connecting,
        "postgres": lambda stop: desk.database.keep_checking(health, stop),
        "channels": desk.channels.run,
        "outbox": desk.outbox.run,
        "live": desk.live.run,
        "wallboard": desk.wallboard.run,
        "dead letters": desk.letters.run,
        "routed": consumer.routed(desk).run,
        "routed live": consumer.routed_live(desk).run,
        "reported": consumer.reported(desk).run,
        "calls-changed": consumer.called(desk).run,
        "calls": partial(serving.run, desk),
        "widening": partial(widening.run, desk),
        "promises": partial(promises.run, desk),
        "unread": partial(unread.run, desk),
        "mentions": mentions.kept(desk).run,
        "old words": partial(indexing.run, desk),
        "old mentions": partial(mentions.forget_old, desk),
        "watching": partial(watching.run, desk),
    }


@asynccontextmanager
async def _closing(desk: Desk) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await desk.bus.stop()
        await desk.pools.dispose()
