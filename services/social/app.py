"""Wires the social service.

`python -m services social`: run; `migrate`: bring the database's schema up to date; `retrain`: learn from agents' labels;
`rollback`: back to the model before; `ledger`: count replies by state; `compose`, `train [--folds]`: make examples and the shipped
model anew (for developers).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.social import api, learning, ledger, repository
from services.social.active_model import ActiveModel
from services.social.channel import CHANNELS
from services.social.connection import Connection
from services.social.consumer import judged
from services.social.labels import Labels
from services.social.models import OUTBOX, SCHEMA
from services.social.ports import Network
from services.social.receiving import IntakeRules
from services.social.settings import SocialSettings
from shared import db, logs
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.db import Database
from shared.errors import SwitchboardError, Unavailable
from shared.health import Health
from shared.language import detect
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.waiting import wait
from shared.web import create_api

MIGRATIONS = Path(__file__).parent / "migrations"
_SWEEP = 3600.0
"""Seconds between two rounds of forgetting."""
_USAGE = "usage: python -m services social [migrate | retrain | rollback | ledger | compose | train [--folds]]"


class Service:
    """Everything that one process of this service runs: its API, tasks and resources."""

    def __init__(
        self,
        common: Settings,
        settings: SocialSettings,
        bus: Bus,
        database: Database,
        networks: Sequence[Network],
        health: Health,
    ) -> None:
        self._common, self._settings, self._health = common, settings, health
        self.bus, self.database, self.outbox = bus, database, Outbox(OUTBOX, database, bus)
        self.active_model = ActiveModel(self.database)
        parts = (self.database, bus, self.outbox, health, self.active_model, _rules(common, settings))
        self.connections = [Connection(network, *parts, settings.x_timeout) for network in networks]
        intakes = {one.name: one.intake for one in self.connections}
        self.labels = Labels(self.database, intakes, timedelta(days=settings.keep_days))

    def api(self) -> FastAPI:
        """Make the app: health, metrics and `/api/v1`."""
        app = create_api("social", self._health, title="Switchboard social", max_body=10_000)
        app.include_router(api.routes(self._settings, self.database, self.active_model, self.labels))
        return app

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """Hold connections. The language detector takes half a second and 60 MB to load: the first post should not wait for it, and
        a channel that is off does without."""
        if not all(one.network.missing for one in self.connections):
            await asyncio.to_thread(detect, "Where is my order?", self._common.languages)
        try:
            yield
        finally:
            await self.bus.stop()
            await self.database.dispose()

    def tasks(self) -> dict[str, Task]:
        """List what runs beside HTTP."""
        leadership = self.connections[0].leadership
        tasks: dict[str, Task] = {
            "postgres": partial(self.database.keep_checking, self._health),
            "model": self.active_model.run,
            "outbox": self.outbox.run,
            "labels": judged(self.bus, self.labels).run,
            "forgetting": self._forget,
            "learning": partial(learning.nightly, self.database, leadership, self._settings.retrain_hours),
        }
        if isinstance(self.bus, KafkaBus):
            tasks["kafka"] = self.bus.keep_connecting
        for one in self.connections:
            tasks |= one.tasks()
        return tasks

    async def _forget(self, stop: asyncio.Event) -> None:
        pause = 1.0
        while not await wait(stop, pause):
            try:
                async with self.database.transaction() as session:
                    await repository.forget(session, utc_now() - timedelta(days=self._settings.keep_days))
                pause = _SWEEP
            except Unavailable:
                pause = 1.0


def create(
    settings: SocialSettings,
    common: Settings | None = None,
    *,
    bus: Bus | None = None,
    database: Database | None = None,
    networks: Sequence[Network] | None = None,
) -> Service:
    """Wire one process. `bus`, `database`, `networks`: those of the settings unless they are given."""
    common, health = common or load(Settings), Health()
    health.expect("kafka", "postgres")
    found = _networks(settings) if networks is None else networks
    bus = bus or KafkaBus(common.kafka, "social", health)
    database = database or Database(settings.database.get_secret_value(), SCHEMA)
    return Service(common, settings, bus, database, found, health)


def _networks(settings: SocialSettings) -> list[Network]:
    """Every network that there is a folder of, also those whose settings are missing."""
    return [import_module(f"services.social.networks.{one.name}.network").create(settings) for one in CHANNELS]


def _rules(common: Settings, settings: SocialSettings) -> IntakeRules:
    return IntakeRules(
        complaint_from=settings.complaint_from,
        question_from=settings.question_from,
        burst_window=timedelta(minutes=settings.burst_minutes),
        burst_from=settings.burst_from,
        languages=common.languages,
        names=settings.names,
    )


def main(arguments: list[str]) -> int:
    """Run a command; exit code: 0, 1 after a failure, 2 for an unknown command."""
    if arguments and arguments[0] in ("compose", "train"):
        from services.social.training.__main__ import main as training

        return training(arguments)
    settings = load(SocialSettings)
    match arguments:
        case ["migrate"]:
            db.migrate(settings.database.get_secret_value(), SCHEMA, MIGRATIONS)
        case [command] if command in _COMMANDS:
            return _command(settings, _COMMANDS[command])
        case []:
            return _run(settings)
        case _:
            print(_USAGE, file=sys.stderr)
            return 2
    return 0


def _run(settings: SocialSettings) -> int:
    common = load(Settings)
    logs.configure("social", common.log_format, common.log_level)
    service = create(settings, common)
    return serve("social", common.host, settings.port, service.api(), service.tasks(), start=[service.resources()])


def _command(settings: SocialSettings, work: Callable[[Database], Coroutine[Any, Any, Any]]) -> int:
    async def run() -> Any:
        database = Database(settings.database.get_secret_value(), SCHEMA)
        try:
            return await work(database)
        finally:
            await database.dispose()

    try:
        print(json.dumps(asyncio.run(run()), ensure_ascii=False, indent=2))
    except SwitchboardError as error:
        print(f"social: {error}", file=sys.stderr)
        return 1
    return 0


async def _ledger(database: Database) -> dict[str, int]:
    async with database.transaction() as session:
        return await ledger.count(session)


_COMMANDS: Mapping[str, Callable[[Database], Coroutine[Any, Any, Any]]] = {
    "retrain": learning.retrain,
    "rollback": learning.roll_back,
    "ledger": _ledger,
}
