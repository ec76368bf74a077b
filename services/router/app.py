"""Wiring: views, policy, handlers, engine, health, metrics, and what the desk asks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI

from services.router import learning, policy_api
from services.router.adapters.urgency import Models
from services.router.api import LARGEST, routes
from services.router.handlers import Router
from services.router.policies import Policies
from services.router.settings import RouterSettings
from shared import logs
from shared.bus.views import KafkaView
from shared.health import Health
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, MODELS_LEARNED, POLICIES_PUBLISHED
from shared.waiting import wait
from shared.web import create_api

_LOOK_EVERY = 0.2
"""Seconds between two looks at how far the views are."""


def main(arguments: list[str]) -> int:
    """Runs the service where there are no arguments, else a command, such as `policy
    check|publish|show`."""
    if arguments:
        from services.router import commands

        logs.configure("router", "console", "warning")  # to standard error: what a command prints may go to a file
        return commands.main(arguments)
    common, settings = load(Settings), load(RouterSettings)
    logs.configure("router", common.log_format, common.log_level)
    health = Health()
    api, tasks = create(common, settings, health)
    return serve("router", common.host, settings.port, api, tasks)


def create(common: Settings, settings: RouterSettings, health: Health) -> tuple[FastAPI, dict[str, Task]]:
    """Creates the app with health, metrics and what the desk asks, and the tasks that run beside
    it."""
    from services.router import agents  # Faust takes a second to import, which a command need not wait for

    servers = common.kafka
    health.expect("views", "engine")
    profiles, channels, published, learned = (
        KafkaView(servers, CUSTOMERS_UPDATED),
        KafkaView(servers, CHANNELS_ANNOUNCED),
        KafkaView(servers, POLICIES_PUBLISHED),
        KafkaView(servers, MODELS_LEARNED),
    )
    views = (profiles, channels, published, learned)
    models = Models(learned, settings.policy)
    policies = Policies(settings.policy, published, models, health)
    router = Router(profiles, channels.values, policies.current, settings.group)
    ready = [view.ready for view in views]
    about = "Decides about every message. Beside health and metrics: what the desk asks."
    api = create_api("router", health, title="Router", description=about, max_body=LARGEST)
    secret = common.secret.get_secret_value()
    api.include_router(routes(secret, common.languages, channels.values, policies.current, models))
    history = policy_api.History(servers, settings.policy, published)
    api.include_router(policy_api.routes(secret, policies, models, history))
    return api, {
        "profiles": profiles.run,
        "channels": channels.run,
        "policies": published.run,
        "models": learned.run,
        "policy": policies.follow,
        "views": partial(_tell_ready, views, health),
        "learning": partial(learning.nightly, learned, settings.learn_hours),
        "engine": partial(agents.run, settings, servers, router, ready, health),
    }


async def _tell_ready(views: Sequence[KafkaView[Any]], health: Health, stop: asyncio.Event) -> None:
    """Reports to health how far the views are until each has read what was there; then waits for
    the end."""
    while reading := [view.progress for view in views if not view.ready.is_set()]:
        health.set("views", ok=False, detail=f"reading {'; '.join(reading)}")
        if await wait(stop, _LOOK_EVERY):
            return
    health.set("views", ok=True)
    await stop.wait()
