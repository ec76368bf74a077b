"""Wires the phone service.

`python -m services phone`: run; `migrate`: bring the database's schema up to date; `ledger`: count
texts by state.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from services.phone import consumer
from services.phone.adapters.signatures import Signatures
from services.phone.adapters.twilio_api import TwilioProvider
from services.phone.adapters.twiml import Script
from services.phone.api import Webhooks
from services.phone.call_flow import CallFlow
from services.phone.call_log import CallLog
from services.phone.call_requests import CallRequestPolicy, CallRequests
from services.phone.call_timers import CallTimers
from services.phone.channel import CHANNELS
from services.phone.files import EarlyPublisher, FileFetcher
from services.phone.models import DELIVERIES, OUTBOX, SCHEMA
from services.phone.receiving import Texts
from services.phone.sender import TextSender
from services.phone.settings import PhoneSettings
from shared.attempts import RetryPolicy
from shared.bus import Bus
from shared.channels import Announcer, Availability
from shared.db import Database
from shared.delivery import Deliverer, DeliveryPolicy, Ledger, print_counts
from shared.events import Channel
from shared.health import Health
from shared.language import detect
from shared.outbox import Outbox
from shared.run import Task
from shared.service import Command, Program, Service, bus_of
from shared.settings import Settings
from shared.storage import Storage
from shared.web import create_api

_CONCURRENCY = 4
"""Requests of the desk that are carried out at a time: one slow response of Twilio's must not hold
up another caller."""


def create(
    common: Settings, settings: PhoneSettings, *, bus: Bus | None = None, provider: TwilioProvider | None = None
) -> Service:
    """Wires one process of this service. `bus`, `provider`: in place of Kafka and of Twilio as the
    settings say."""
    health, off = Health(), settings.why_off
    health.expect("postgres", "twilio")
    (bus, connecting), provider = bus_of("phone", common, health, bus), provider or twilio(settings)
    database = Database(settings.database.get_secret_value(), SCHEMA, pool_size=16)
    outbox, scripts = Outbox(OUTBOX, database, bus), script(settings)
    calls = CallLog(database, outbox, timedelta(seconds=settings.notes_seconds))
    requests = CallRequests(calls, provider, scripts, _call_policy(settings))
    longest = timedelta(seconds=settings.timeout * 2)
    sender = TextSender(database, provider, scripts, longest, off)
    deliverer = Deliverer(database, Ledger(DELIVERIES, outbox), sender, _delivery_policy(settings, longest))
    webhooks = Webhooks(
        None if off else Signatures(settings.public_url, settings.auth_token.get_secret_value(), settings.account_sid),
        Texts(database, outbox, deliverer, common.languages),
        calls,
        CallFlow(calls, scripts, settings.opening, settings.default_language, settings.wait_limit),
        scripts,
        settings.default_language,
    )
    availability = Availability(health, "twilio", provider.check, off)

    def channels() -> list[Channel]:
        why = availability.why_off
        return [] if why is None else [replace(one, enabled=not why, why_off=why) for one in CHANNELS]

    @asynccontextmanager
    async def resources() -> AsyncIterator[None]:
        """Loads the language detector, which takes half a second, unless the channels are off: the
        first text should not wait for it."""
        if not off:
            await asyncio.to_thread(detect, "Hello, where is my order?", common.languages)
        try:
            yield
        finally:
            await provider.close()
            await bus.stop()
            await database.dispose()

    tasks: dict[str, Task] = {
        **connecting,
        "postgres": partial(database.keep_checking, health),
        "outbox": outbox.run,
        "text requests": consumer.deliveries(bus, deliverer).run,
        "call requests": consumer.calls(bus, requests).run,
        "texts": deliverer.run,
        **{f"calls {number}": requests.run for number in range(_CONCURRENCY)},
        "files": FileFetcher(database, outbox, Storage(common.storage), provider).run,
        "early messages": EarlyPublisher(database, outbox).run,
        "timers": CallTimers(calls, provider).run,
        "announcing": Announcer(bus, channels).run,
        "twilio": availability.run,
    }
    api = create_api("phone", health, title="Switchboard phone", max_body=100_000)
    api.include_router(webhooks.routes())
    return Service(api, tasks, resources)


def twilio(settings: PhoneSettings) -> TwilioProvider:
    """Makes the client of Twilio's API."""
    provider = TwilioProvider(
        settings.account_sid or "off",
        settings.auth_token.get_secret_value() or "off",
        settings.number,
        settings.api_url,
        tuple(host.strip() for host in settings.media_hosts.split(",") if host.strip()),
        settings.timeout,
    )
    provider.largest_file = settings.max_file_bytes
    return provider


def script(settings: PhoneSettings) -> Script:
    """Makes what callers hear."""
    return Script(
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


def _call_policy(settings: PhoneSettings) -> CallRequestPolicy:
    return CallRequestPolicy(
        settings.number,
        settings.default_language,
        timedelta(seconds=settings.ring_seconds),
        tries=settings.callback_tries,
        why_off=settings.why_off,
    )


def _delivery_policy(settings: PhoneSettings, longest: timedelta) -> DeliveryPolicy:
    """Leases end once an attempt is certainly over and would show in Twilio's list."""
    settle = timedelta(seconds=settings.settle_seconds)
    retry = RetryPolicy(
        first=timedelta(seconds=settings.retry_first),
        longest=timedelta(minutes=5),
        give_up=timedelta(hours=settings.give_up_hours),
    )
    return DeliveryPolicy(lease=longest + settle, retry=retry, concurrency=settings.senders, settle=settle)


main = Program(
    "phone",
    PhoneSettings,
    create,
    Path(__file__).parent,
    {"ledger": Command(partial(print_counts, DELIVERIES))},
).main
