"""The phone service, wired together.

`python -m services phone`: run; `migrate`: bring the database's schema up to date; `ledger`: how many texts are in
which state.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from services.phone import consumer, ledger
from services.phone.adapters.signatures import Signatures
from services.phone.adapters.twilio_api import TwilioProvider
from services.phone.adapters.twiml import Script
from services.phone.api import Webhooks
from services.phone.availability import Availability
from services.phone.call_flow import CallFlow
from services.phone.call_log import CallLog
from services.phone.call_requests import CallRequestPolicy, CallRequests
from services.phone.call_timers import CallTimers
from services.phone.delivering import Deliverer, DeliveryPolicy
from services.phone.files import EarlyPublisher, FileFetcher
from services.phone.models import OUTBOX, SCHEMA
from services.phone.receiving import Texts
from services.phone.settings import PhoneSettings
from shared import db, logs
from shared.attempts import RetryPolicy
from shared.bus import Bus
from shared.bus.kafka import KafkaBus
from shared.db import Database
from shared.errors import SwitchboardError
from shared.health import Health
from shared.language import detect
from shared.outbox import Outbox
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.storage import Storage
from shared.web import create_api

_MIGRATIONS = Path(__file__).parent / "migrations"
_HANDS = 4
"""CallRequests of the desk that are carried out at a time: one slow answer of Twilio's must not hold up another caller."""


class PhoneService:
    """Everything that one process of this service runs."""

    def __init__(self, common: Settings, settings: PhoneSettings, bus: Bus, health: Health) -> None:
        self.settings, self.bus, self.health = settings, bus, health
        token, off = settings.auth_token.get_secret_value(), settings.why_off
        self.languages = common.languages
        self.database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=16)
        self.outbox = Outbox(OUTBOX, self.database, bus)
        hosts = tuple(host.strip() for host in settings.media_hosts.split(",") if host.strip())
        self.provider = TwilioProvider(
            settings.account_sid or "off", token or "off", settings.number, settings.api_url, hosts, settings.timeout
        )
        self.provider.largest_file = settings.max_file_bytes
        self.availability = Availability(self.provider, off, bus, health)
        script = Script(
            settings.public_url,
            settings.company,
            settings.number,
            settings.speech_rate,
            settings.menu_seconds,
            settings.ring_seconds,
            settings.wait_music,
            settings.voicemail_seconds,
            settings.fallback_number,
        )
        ring = timedelta(seconds=settings.ring_seconds)
        self.calls = CallLog(self.database, self.outbox, timedelta(seconds=settings.notes_seconds))
        policy = CallRequestPolicy(
            settings.number, settings.default_language, ring, tries=settings.callback_tries, why_off=off
        )
        self.requests = CallRequests(self.calls, self.provider, script, policy)
        patience = RetryPolicy(
            first=timedelta(seconds=settings.retry_first),
            longest=timedelta(minutes=5),
            give_up=timedelta(hours=settings.give_up_hours),
        )
        delivery = DeliveryPolicy(
            timedelta(seconds=settings.timeout * 2), timedelta(seconds=settings.settle_seconds), patience, off
        )
        self.deliverer = Deliverer(self.database, self.outbox, self.provider, script, delivery)
        self.texts = Texts(self.database, self.outbox, self.deliverer, self.languages)
        self.fetcher = FileFetcher(self.database, self.outbox, Storage(common.storage), self.provider)
        self.timers = CallTimers(self.calls, self.provider)
        talk = CallFlow(self.calls, script, settings.opening, settings.default_language, settings.wait_limit)
        signatures = None if off else Signatures(settings.public_url, token, settings.account_sid)
        self.webhooks = Webhooks(signatures, self.texts, self.calls, talk, script, settings.default_language)

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[None]:
        """What is opened first and closed last. The language detector takes half a second to load: the first text should not
        wait for it, and channels that are off do without."""
        if not self.settings.why_off:
            await asyncio.to_thread(detect, "Hello, where is my order?", self.languages)
        try:
            yield
        finally:
            await self.provider.close()
            await self.bus.stop()
            await self.database.dispose()

    def api(self) -> FastAPI:
        """Webhooks, health and metrics."""
        api = create_api("phone", self.health, title="Switchboard phone", max_body=100_000)
        api.include_router(self.webhooks.routes())
        return api

    def tasks(self) -> dict[str, Task]:
        """What runs beside HTTP."""
        return {
            "postgres": partial(self.database.keep_checking, self.health),
            "outbox": self.outbox.run,
            "text requests": consumer.deliveries(self.bus, self.deliverer).run,
            "call requests": consumer.calls(self.bus, self.requests).run,
            **{f"texts {hand}": self.deliverer.run for hand in range(self.settings.senders)},
            **{f"calls {hand}": self.requests.run for hand in range(_HANDS)},
            "files": self.fetcher.run,
            "heralding": EarlyPublisher(self.database, self.outbox).run,
            "timers": self.timers.run,
            "announcing": self.availability.announce,
            "looking": self.availability.look,
        }


def main(arguments: list[str]) -> int:
    """Run, or one of the commands above. Returns the exit code."""
    common, settings = load(Settings), load(PhoneSettings)
    logs.configure("phone", common.log_format, common.log_level)
    match arguments:
        case []:
            health = Health()
            health.expect("kafka", "postgres", "twilio")
            bus = KafkaBus(common.kafka, "phone", health)
            service = PhoneService(common, settings, bus, health)
            tasks = {"kafka": bus.keep_connecting, **service.tasks()}
            return serve("phone", common.host, settings.port, service.api(), tasks, start=[service.resources()])
        case ["migrate"]:
            db.migrate(settings.database.get_secret_value(), SCHEMA, _MIGRATIONS)
            return 0
        case ["ledger"]:
            try:
                asyncio.run(_ledger(settings))
            except SwitchboardError as error:
                print(f"phone: {error}", file=sys.stderr)
                return 1
            return 0
        case _:
            print("usage: python -m services phone [migrate | ledger]", file=sys.stderr)
            return 2


async def _ledger(settings: PhoneSettings) -> None:
    database = Database(settings.database.get_secret_value(), SCHEMA)
    try:
        async with database.transaction() as session:
            for state, number in sorted((await ledger.count(session)).items()):
                print(f"{state}: {number}")
    finally:
        await database.dispose()
