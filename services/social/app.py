"""The social service, wired together.

`python -m services social`: run; `migrate`: bring the database's schema up to date; `retrain`: learn from agents' corrections;
`rollback`: back to the model before; `ledger`: how many answers are in which state; `compose`, `train [--folds]`: make examples and the
shipped model anew (for developers).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.social import api, learning, ledger, repository
from services.social.adapters.x import XNetwork
from services.social.adapters.x_http import Access
from services.social.adapters.x_stream import XStream
from services.social.consumer import deliveries, judged
from services.social.delivering import Deliverer
from services.social.judgements import Judgements
from services.social.judging import Judge
from services.social.models import OUTBOX, SCHEMA
from services.social.polling import Pace, Reader
from services.social.ports import Source
from services.social.receiving import Intake, Rules
from services.social.setting_aside import Oddities
from services.social.settings import SocialSettings
from services.social.standing import Standing
from services.social.streaming import Live, Streaming
from services.social.turn import Turn
from shared import db, logs
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

_MIGRATIONS = Path(__file__).parent / "migrations"
_SWEEP = 3600.0
"""Seconds between two rounds of forgetting."""
_USAGE = "usage: python -m services social [migrate | retrain | rollback | ledger | compose | train [--folds]]"


class SocialService:
    """Everything that one process of this service runs."""

    def __init__(self, common: Settings, settings: SocialSettings) -> None:
        self.common, self.settings, self.health = common, settings, Health()
        self.health.expect("kafka", "postgres")
        self.bus = KafkaBus(common.kafka, "social", self.health)
        self.database = Database(settings.database.get_secret_value(), SCHEMA)
        self.outbox = Outbox(OUTBOX, self.database, self.bus)
        self.network = None if settings.missing else XNetwork(access(settings))
        self.turn = Turn(self.database)
        self.judge = Judge(self.database)
        self.standing = Standing(self.network, settings.missing, self.bus, self.health, settings.x_longest_reply)
        self.intake = Intake(self.database, self.bus, self.judge, rules(common, settings))
        self.oddities, self.live = Oddities(self.bus), Live()
        keep = timedelta(days=settings.keep_days)
        self.judgements = Judgements(self.database, self.intake, self.standing, keep)
        self.deliverer = Deliverer(
            self.database,
            self.outbox,
            self.network,
            self.standing,
            self.turn,
            settings.x_longest_reply,
            settings.x_timeout,
            summoned_only=settings.x_answers == "summoned",
        )

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """The language detector takes half a second and 60 MB to load: the first post should not wait for it, and a
        channel that is off does without."""
        if self.network is not None:
            await asyncio.to_thread(detect, "Where is my order?", self.common.languages)
        try:
            yield
        finally:
            await self.bus.stop()
            await self.database.dispose()

    def tasks(self) -> dict[str, Task]:
        """What runs beside HTTP."""
        return {
            "kafka": self.bus.keep_connecting,
            "postgres": partial(self.database.keep_checking, self.health),
            "turn": self.turn.run,
            "standing": self.standing.run,
            "announcing": self.standing.announce,
            "model": self.judge.run,
            "outbox": self.outbox.run,
            "requests": deliveries(self.bus, self.deliverer).run,
            "judgements": judged(self.bus, self.judgements).run,
            "sending": self.deliverer.run,
            "forgetting": self._forget,
            "learning": partial(learning.nightly, self.database, self.turn, self.settings.retrain_hours),
            **{f"reading {source}": reader.run for source, reader in self.readers().items()},
            **({"streaming": self.streaming().run} if self.network and self.settings.x_stream == "auto" else {}),
        }

    def streaming(self) -> Streaming:
        """Posts as they are written."""
        stream = XStream(access(self.settings), self.settings.x_stream_silence)
        return Streaming(stream, self.intake, self.standing, self.turn, self.oddities, self.live)

    def readers(self) -> dict[Source, Reader]:
        """One for each source that is on."""
        settings = self.settings
        if self.network is None:
            return {}
        every = {Source.MENTIONS: settings.x_every}
        if settings.names or settings.x_search:
            every[Source.SEARCH] = settings.x_every
        if settings.x_messages_every:
            every[Source.MESSAGES] = settings.x_messages_every
        first = timedelta(hours=settings.x_first_hours)
        parts = (self.network, self.intake, self.standing, self.turn, self.database, self.oddities)
        return {
            source: Reader(source, *parts, self.live, Pace(seconds, settings.x_overlap, first, settings.x_stream_every))
            if source is not Source.MESSAGES
            else Reader(source, *parts, Live(), Pace(seconds, settings.x_overlap, first))
            for source, seconds in every.items()
        }

    async def _forget(self, stop: asyncio.Event) -> None:
        pause = 1.0
        while not await wait(stop, pause):
            try:
                async with self.database.transaction() as session:
                    await repository.forget(session, utc_now() - timedelta(days=self.settings.keep_days))
                pause = _SWEEP
            except Unavailable:
                pause = 1.0


def create_app(service: SocialService) -> FastAPI:
    """Health, metrics and `/api/v1`."""
    app = create_api("social", service.health, title="Switchboard social", max_body=10_000)
    app.include_router(api.routes(service.settings, service.database, service.judge, service.judgements))
    return app


def access(settings: SocialSettings) -> Access:
    """How to reach X."""
    return Access(
        consumer_key=settings.x_consumer_key.get_secret_value(),
        consumer_secret=settings.x_consumer_secret.get_secret_value(),
        access_token=settings.x_access_token.get_secret_value(),
        access_token_secret=settings.x_access_token_secret.get_secret_value(),
        url=settings.x_api_url,
        timeout=settings.x_timeout,
        names=settings.names,
        search=settings.x_search,
    )


def rules(common: Settings, settings: SocialSettings) -> Rules:
    """What opens a ticket."""
    return Rules(
        complaint_from=settings.complaint_from,
        question_from=settings.question_from,
        burst_window=timedelta(minutes=settings.burst_minutes),
        burst_from=settings.burst_from,
        languages=common.languages,
        names=settings.names,
        web=settings.x_web_url.rstrip("/"),
        summoned_only=settings.x_answers == "summoned",
    )


def main(arguments: list[str]) -> int:
    """Exit code: 0, 1 after a failure, 2 for an unknown command."""
    if arguments and arguments[0] in ("compose", "train"):
        from services.social.training.__main__ import main as training

        return training(arguments)
    settings = load(SocialSettings)
    match arguments:
        case ["migrate"]:
            db.migrate(settings.database.get_secret_value(), SCHEMA, _MIGRATIONS)
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
    service = SocialService(common, settings)
    return serve(
        "social", common.host, settings.port, create_app(service), service.tasks(), start=[service.resources()]
    )


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
