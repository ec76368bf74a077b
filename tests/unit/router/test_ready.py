"""The router decides about nobody before it has read what is known of everybody."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from services.router import agents
from services.router.adapters import policy_yaml
from services.router.handlers import Router
from services.router.settings import RouterSettings
from shared.bus.memory import MemoryBus
from shared.health import Health
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED


async def test_the_engine_rests_until_all_customers_and_channels_are_known() -> None:
    bus, policy = MemoryBus(), policy_yaml.shipped()
    profiles, channels = bus.view(CUSTOMERS_UPDATED), bus.view(CHANNELS_ANNOUNCED)
    router = Router(profiles, channels.values, lambda: policy, "router")
    health, stop = Health(), asyncio.Event()
    health.expect("engine")
    channels.ready.set()
    ready = [profiles.ready, channels.ready]
    running = asyncio.ensure_future(agents.run(RouterSettings(), "127.0.0.1:1", router, ready, health, stop))
    for _ in range(100):  # turns of the loop; an engine tells of itself in its first
        await asyncio.sleep(0)
    assert health.parts["engine"].detail == "starting"
    stop.set()
    await running
    assert health.parts["engine"].detail == "starting"


async def test_a_router_that_is_killed_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus, policy = MemoryBus(), policy_yaml.shipped()
    router = Router(bus.view(CUSTOMERS_UPDATED), bus.view(CHANNELS_ANNOUNCED).values, lambda: policy, "router")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    app = agents.create_app(RouterSettings(), "127.0.0.1:1", router)
    app.finalize()
    await app.on_first_start()
    assert list(tmp_path.iterdir()) == []
