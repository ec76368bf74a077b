"""Wiring: database, bus, consumers, outbox, live feed, API and console."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

from services.desk import api, commands, consumer, metrics, web
from services.desk.assignment import escalation, pushing
from services.desk.calls import distribution
from services.desk.context import Desk, Pools
from services.desk.dead_letters.service import DeadLetterList
from services.desk.live import Live
from services.desk.mentions import consumer as mentions
from services.desk.notifications import deriving, mailing
from services.desk.people import leaving
from services.desk.people.limits import Limiter
from services.desk.policy import previews
from services.desk.profiles import owed, publishing, sla
from services.desk.reports import counting, mails
from services.desk.schema import OUTBOX
from services.desk.search import indexing
from services.desk.service_levels import feeds, following
from services.desk.settings import DeskSettings
from services.desk.steering.service import Steering
from services.desk.tickets import unread
from services.desk.wallboard.service import Wallboard
from services.desk.web.console import Console
from shared import logs
from shared.bus import Bus, View
from shared.bus.kafka import KafkaBus
from shared.events import Channel
from shared.health import Health
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.service import Service, bus_of
from shared.settings import Settings, load
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED, MODELS_LEARNED
from shared.web import create_api

_ABOUT = """Tickets, customers and answers. Every request carries `Authorization: Bearer <token>`; errors are RFC 9457 problems whose
`detail` says what to do. Writes take an `Idempotency-Key`: the same key is done once, however often it is sent."""
_SUBSCRIBERS = (following.follow_changes, indexing.add_messages, sla.mark_late, publishing.publish)
"""What each unit of work does before its commit. A profile tells of what those before it did."""


def main(arguments: list[str]) -> int:
    """Runs the desk, or one of its commands."""
    if arguments:
        return commands.main(arguments, _nowhere)
    common, settings = load(Settings), load(DeskSettings)
    logs.configure("desk", common.log_format, common.log_level)
    service = create(common, settings)
    return serve("desk", common.host, settings.port, service.api, service.tasks, start=[service.resources()])


def _nowhere() -> Desk:
    common = load(Settings)
    return create_desk(common, load(DeskSettings), KafkaBus(common.kafka, "desk-command"))


@dataclass(frozen=True, slots=True)
class DeskService(Service):
    """One process of the desk, and what its pages work with besides the desk."""

    desk: Desk
    live: Live
    wallboard: Wallboard
    dead_letters: DeadLetterList
    sign_ins: Limiter


def create(
    common: Settings, settings: DeskSettings, *, bus: Bus | None = None, channels: View[Channel] | None = None
) -> DeskService:
    """Composes one process of the desk. bus: None for Kafka; channels: None for those that are
    announced on it."""
    health = Health()
    bus, connecting = bus_of("desk", common, health, bus)
    return around(create_desk(common, settings, bus, channels), health, connecting)


def create_desk(common: Settings, settings: DeskSettings, bus: Bus, channels: View[Channel] | None = None) -> Desk:
    """Composes what all functions of the desk work with."""
    pools = Pools.of(settings.database.get_secret_value())
    return Desk(
        common=common,
        settings=settings,
        pools=pools,
        database=pools.database,
        outbox=Outbox(OUTBOX, pools.database, bus),
        bus=bus,
        storage=Storage(common.storage),
        channels=channels or bus.view(CHANNELS_ANNOUNCED),
        subscribers=_SUBSCRIBERS,
    )


def around(desk: Desk, health: Health, tasks: Mapping[str, Task] = MappingProxyType({})) -> DeskService:
    """Adds API, console and tasks to a desk. tasks: those of its bus."""
    live = Live(desk.database, desk.settings.live_ring)
    wallboard = Wallboard(desk.database, desk.common.kafka)
    dead_letters = DeadLetterList(desk.common.kafka, desk.storage)
    sign_ins = Limiter(desk.settings.sign_in_tries)
    health.expect("postgres")
    app = create_api("desk", health, title="Switchboard desk", description=_ABOUT)
    pages = replace(desk, database=desk.pools.pages)
    learned = desk.bus.view(MODELS_LEARNED)
    app.state.desk_of_api, app.state.desk_of_pages = replace(desk, database=desk.pools.api), pages
    steering = Steering(pages)
    app.state.live, app.state.dead_letters, app.state.steering = live, dead_letters, steering
    app.include_router(api.router())
    web.mount(app, Console(pages, live, wallboard, dead_letters, sign_ins, learned))
    return DeskService(
        api=app,
        tasks={
            **tasks,
            "postgres": partial(desk.database.keep_checking, health),
            "live": live.run,
            "wallboard": wallboard.run,
            "dead letters": dead_letters.run,
            "steering": steering.run,
            "models": learned.run,
            "presence": partial(leaving.run, desk, live),
            **_tasks(desk),
        },
        resources=partial(_resources, desk),
        desk=desk,
        live=live,
        wallboard=wallboard,
        dead_letters=dead_letters,
        sign_ins=sign_ins,
    )


def _tasks(desk: Desk) -> dict[str, Task]:
    return {
        "channels": desk.channels.run,
        "outbox": desk.outbox.run,
        "routed": consumer.routed(desk).run,
        "routed live": consumer.routed_live(desk).run,
        "imported": consumer.imported(desk).run,
        "profiles owed": partial(owed.run, desk),
        "reported": consumer.reported(desk).run,
        "calls-changed": consumer.called(desk).run,
        "audited": consumer.audited(desk).run,
        "calls": partial(distribution.run, desk),
        "assignment": partial(pushing.run, desk),
        "escalation": partial(escalation.run, desk),
        "policy previews": partial(previews.run, desk),
        "sla": partial(sla.run, desk),
        "service levels": partial(following.run, desk),
        "calendar feeds": partial(feeds.run, desk),
        "unread": partial(unread.run, desk),
        "mentions": mentions.kept(desk).run,
        "notifications": partial(deriving.run, desk),
        "mails of notifications": partial(mailing.run, desk),
        "old words": partial(indexing.run, desk),
        "old mentions": partial(mentions.forget_old, desk),
        "reports": partial(counting.run, desk),
        "reports by mail": partial(mails.run, desk),
        "metrics": partial(metrics.run, desk),
    }


@asynccontextmanager
async def _resources(desk: Desk) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await desk.bus.stop()
        await desk.pools.dispose()
