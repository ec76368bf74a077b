"""Wiring: database, bus, consumers, outbox, live feed, API and console."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from fastapi import FastAPI

from services.desk import api, commands, consumer, metrics, web
from services.desk.assignment import escalation
from services.desk.calls import distribution
from services.desk.context import Desk, Pools
from services.desk.dead_letters.service import DeadLetterList
from services.desk.live import Live
from services.desk.mentions import consumer as mentions
from services.desk.people.limits import Limiter
from services.desk.profiles import publishing, sla
from services.desk.schema import OUTBOX
from services.desk.search import indexing
from services.desk.settings import DeskSettings
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
from shared.settings import Settings, load
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED
from shared.web import create_api

_ABOUT = """Tickets, customers and answers. Every request carries `Authorization: Bearer <token>`; errors are RFC 9457 problems whose
`detail` says what to do. Writes take an `Idempotency-Key`: the same key is done once, however often it is sent."""
_SUBSCRIBERS = (indexing.add_messages, sla.mark_late, publishing.publish)
"""What each unit of work does before its commit. A profile tells of what those before it did."""


def main(arguments: list[str]) -> int:
    """Without arguments: run. Otherwise a command."""
    if arguments:
        return commands.main(arguments, lambda: create(load(Settings), load(DeskSettings), name="desk-command").desk)
    common, settings = load(Settings), load(DeskSettings)
    logs.configure("desk", common.log_format, common.log_level)
    service = create(common, settings)
    return serve("desk", common.host, settings.port, service.api(), service.tasks(), start=[service.resources()])


def create(
    common: Settings,
    settings: DeskSettings,
    *,
    bus: Bus | None = None,
    channels: View[Channel] | None = None,
    name: str = "desk",
) -> Service:
    """Compose one process of the desk. bus, channels: None for Kafka, and for what is announced there. name: its own at Kafka."""
    health = Health()
    bus = bus or KafkaBus(common.kafka, name, health)
    pools = Pools.of(settings.database.get_secret_value())
    desk = Desk(
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
    return Service.of(desk, health)


@dataclass(frozen=True, slots=True)
class Service:
    """One process of the desk, and what its pages work with besides the desk."""

    desk: Desk
    live: Live
    wallboard: Wallboard
    dead_letters: DeadLetterList
    sign_ins: Limiter
    health: Health

    @classmethod
    def of(cls, desk: Desk, health: Health) -> Service:
        """Put around a desk what its pages work with."""
        return cls(
            desk=desk,
            live=Live(desk.database, desk.settings.live_ring),
            wallboard=Wallboard(desk.database, desk.common.kafka),
            dead_letters=DeadLetterList(desk.common.kafka, desk.storage),
            sign_ins=Limiter(desk.settings.sign_in_tries),
            health=health,
        )

    def api(self) -> FastAPI:
        """Make the HTTP side: the API for programs, and the agents' console."""
        self.health.expect("kafka", "postgres")
        app = create_api("desk", self.health, title="Switchboard desk", description=_ABOUT)
        app.state.desk_of_api = replace(self.desk, database=self.desk.pools.api)
        app.state.desk_of_pages = replace(self.desk, database=self.desk.pools.pages)
        app.state.live, app.state.dead_letters = self.live, self.dead_letters
        app.include_router(api.router())
        pages = app.state.desk_of_pages
        web.mount(app, Console(pages, self.live, self.wallboard, self.dead_letters, self.sign_ins))
        return app

    def tasks(self) -> dict[str, Task]:
        """Name what runs beside HTTP."""
        desk = self.desk
        return {
            **({"kafka": desk.bus.keep_connecting} if isinstance(desk.bus, KafkaBus) else {}),
            "postgres": partial(desk.database.keep_checking, self.health),
            "channels": desk.channels.run,
            "outbox": desk.outbox.run,
            "live": self.live.run,
            "wallboard": self.wallboard.run,
            "dead letters": self.dead_letters.run,
            "routed": consumer.routed(desk).run,
            "routed live": consumer.routed_live(desk).run,
            "reported": consumer.reported(desk).run,
            "calls-changed": consumer.called(desk).run,
            "audited": consumer.audited(desk).run,
            "calls": partial(distribution.run, desk),
            "escalation": partial(escalation.run, desk),
            "sla": partial(sla.run, desk),
            "unread": partial(unread.run, desk),
            "mentions": mentions.kept(desk).run,
            "old words": partial(indexing.run, desk),
            "old mentions": partial(mentions.forget_old, desk),
            "metrics": partial(metrics.run, desk),
        }

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """Hold what is let go of at the end: Kafka and the connections to PostgreSQL."""
        try:
            yield
        finally:
            await self.desk.bus.stop()
            await self.desk.pools.dispose()
