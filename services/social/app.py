"""Wires the social service.

`python -m services social`: run; `migrate`: bring the database's schema up to date; `retrain`:
learn from agents' labels; `rollback`: back to the model before; `ledger`: count replies by state;
`compose`, `train [--folds]`: make examples and the shipped model anew (for developers).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path

from services.social import api, learning, repository
from services.social.active_model import ActiveModel
from services.social.channel import CHANNELS
from services.social.connection import Connection
from services.social.consumer import deliveries, judged
from services.social.delivering import SETTLE, NetworkSender, policy
from services.social.labels import Labels
from services.social.models import DELIVERIES, OUTBOX, SCHEMA
from services.social.polling import Poller
from services.social.ports import Network
from services.social.receiving import IntakeRules
from services.social.settings import SocialSettings
from services.social.streaming import Streaming
from shared.bus import Bus
from shared.channels import Announcer
from shared.clock import utc_now
from shared.db import Database
from shared.delivery import Deliverer, Ledger, print_counts
from shared.health import Health
from shared.language import detect
from shared.locks import Liveness
from shared.loops import forever
from shared.outbox import Outbox
from shared.run import Task
from shared.service import Command, Program, Service, bus_of
from shared.settings import Settings
from shared.web import create_api

_SWEEP = 3600.0
"""Seconds between two rounds of forgetting."""
_LOOK = 15.0
"""Seconds after which every process uses a model that was activated or rolled back."""


def create(
    common: Settings,
    settings: SocialSettings,
    *,
    bus: Bus | None = None,
    networks: Sequence[Network] | None = None,
) -> Service:
    """Wires one process. `bus`, `networks`: in place of Kafka and of what the settings say."""
    health = Health()
    health.expect("postgres")
    bus, connecting = bus_of("social", common, health, bus)
    database = Database(settings.database.get_secret_value(), SCHEMA)
    networks = _networks(settings) if networks is None else networks
    process = Process(common, settings, database, bus, networks, health)
    app = create_api("social", health, title="Switchboard social", max_body=10_000)
    app.include_router(api.routes(settings, database, process.active_model, process.labels))

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        """Holds connections. The language detector takes half a second and 60 MB to load: the first
        post should not wait for it, and a channel that is off does without."""
        if not all(network.missing for network in networks):
            await asyncio.to_thread(detect, "Where is my order?", common.languages)
        try:
            yield
        finally:
            await bus.stop()
            await database.dispose()

    checking: dict[str, Task] = {"postgres": partial(database.keep_checking, health)}
    return Service(app, connecting | checking | process.tasks(), resources)


class Process:
    """What works in one process. `settle`: how long a network takes to show a post of ours."""

    def __init__(
        self,
        common: Settings,
        settings: SocialSettings,
        database: Database,
        bus: Bus,
        networks: Sequence[Network],
        health: Health,
        settle: timedelta = SETTLE,
    ) -> None:
        self._settings, self._database, self._bus = settings, database, bus
        self.outbox, self._liveness = Outbox(OUTBOX, database, bus), Liveness(database)
        self.active_model = ActiveModel(database)
        parts = (database, bus, health, self.active_model, _rules(common, settings))
        self.connections = [Connection(network, *parts) for network in networks]
        intakes = {one.name: one.intake for one in self.connections}
        self.labels = Labels(database, intakes, timedelta(days=settings.keep_days))
        ledger = Ledger(DELIVERIES, self.outbox)
        replies = {one.name: (one.network.replies(database, ledger), one.availability) for one in self.connections}
        settle += timedelta(seconds=settings.x_timeout)
        sender, how = NetworkSender(replies, settle), policy(settings.x_timeout, settle)
        self.deliverer = Deliverer(database, ledger, sender, how, self._liveness)

    def tasks(self) -> dict[str, Task]:
        """Lists what runs beside HTTP."""
        leadership = self.connections[0].leadership
        names = [one.name for one in self.connections]
        tasks: dict[str, Task] = {
            "model": lambda stop: forever("social-model", self.active_model.refresh, stop, _LOOK),
            "outbox": self.outbox.run,
            "requests": deliveries(self._bus, names, self.deliverer).run,
            "labels": judged(self._bus, self.labels).run,
            "sending": partial(self._liveness.around, self.deliverer.run),
            "announcing": Announcer(self._bus, lambda: [one.availability.channel for one in self.connections]).run,
            "forgetting": lambda stop: forever("social-forgetting", self._forget, stop, _SWEEP),
            "learning": partial(learning.nightly, self._database, leadership, self._settings.retrain_hours),
        }
        for one in self.connections:
            tasks |= {f"{one.name} {name}": task for name, task in _reading(one).items()}
        return tasks

    async def _forget(self) -> None:
        async with self._database.transaction() as session:
            await repository.forget(session, utc_now() - timedelta(days=self._settings.keep_days))


def _reading(one: Connection) -> dict[str, Task]:
    """Lists what reads one network; without credentials that is nothing."""
    tasks: dict[str, Task] = {"leadership": one.leadership.run, "availability": one.availability.run}
    if not one.network.missing:
        tasks |= {f"polling {source}": Poller(source, one).run for source in one.network.schedules}
        if stream := one.network.stream:
            tasks["streaming"] = Streaming(stream, one).run
    return tasks


def _networks(settings: SocialSettings) -> list[Network]:
    """Makes every network that there is a folder of, also those whose settings are missing."""
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


async def _figures(work: Callable[[Database], Awaitable[object]], settings: SocialSettings) -> None:
    database = Database(settings.database.get_secret_value(), SCHEMA)
    try:
        print(json.dumps(await work(database), ensure_ascii=False, indent=2))
    finally:
        await database.dispose()


async def _retrain(settings: SocialSettings) -> None:
    work = partial(learning.retrain, complaint_from=settings.complaint_from, question_from=settings.question_from)
    await _figures(work, settings)


_PROGRAM = Program(
    "social",
    SocialSettings,
    create,
    Path(__file__).parent,
    {
        "retrain": Command(_retrain),
        "rollback": Command(partial(_figures, learning.roll_back)),
        "ledger": Command(partial(print_counts, DELIVERIES)),
    },
)


def main(arguments: list[str]) -> int:
    """Runs the service or a command; the exit code. `compose` and `train` need no settings."""
    if arguments and arguments[0] in ("compose", "train"):
        from services.social.training.__main__ import main as training

        return training(arguments)
    return _PROGRAM.main(arguments)
