"""Wiring: views, policy, handlers, engine, health and metrics."""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import FastAPI

from services.router.adapters import policy_yaml
from services.router.handlers import Router
from services.router.policies import Policies
from services.router.settings import RouterSettings
from services.router.waiting import all_set
from shared import logs
from shared.bus.kafka import KafkaView
from shared.health import Health
from shared.run import Task, serve
from shared.settings import Settings, load
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, POLICIES_PUBLISHED
from shared.web import create_api


def main(arguments: list[str]) -> int:
    """Without arguments: run. With: `policy check|publish|show`."""
    if arguments:
        from services.router import commands

        return commands.main(arguments)
    common, settings = load(Settings), load(RouterSettings)
    logs.configure("router", common.log_format, common.log_level)
    health = Health()
    api, tasks = create(common.kafka, settings, health)
    return serve("router", common.host, settings.port, api, tasks)


def create(servers: str, settings: RouterSettings, health: Health) -> tuple[FastAPI, dict[str, Task]]:
    """The health and metrics app, and what runs beside it."""
    from services.router import agents  # Faust takes a second to import, which a command need not wait for

    health.expect("views", "engine")
    profiles, channels, published = (
        KafkaView(servers, CUSTOMERS_UPDATED),
        KafkaView(servers, CHANNELS_ANNOUNCED),
        KafkaView(servers, POLICIES_PUBLISHED),
    )
    policies = Policies(settings.policy, published, policy_yaml.shipped(), policy_yaml.parse, health)
    router = Router(profiles, channels.values, policies.current, settings.group)
    ready = [view.ready for view in (profiles, channels, published)]
    api = create_api(
        "router", health, title="Router", description="Decides about every message. Health and metrics only."
    )
    return api, {
        "profiles": profiles.run,
        "channels": channels.run,
        "policies": published.run,
        "policy": policies.follow,
        "views": partial(_tell_ready, ready, health),
        "engine": partial(agents.run, settings, servers, router, ready, health),
    }


async def _tell_ready(ready: list[asyncio.Event], health: Health, stop: asyncio.Event) -> None:
    """Tell when every view has read what was there; then wait for the end."""
    health.set("views", ok=False, detail="reading customers, channels and policies")
    if await all_set(ready, stop):
        health.set("views", ok=True)
        await stop.wait()
