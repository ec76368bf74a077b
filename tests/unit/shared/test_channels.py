"""A channel is announced as it is, and again when that changes; a provider that refuses us turns it
off."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from shared import channels
from shared.bus.memory import MemoryBus
from shared.channels import Announcer, Availability, Denied
from shared.errors import Unavailable
from shared.events import Channel
from shared.health import Health
from shared.topics import CHANNELS_ANNOUNCED
from tests.waiting import until

PIGEON = Channel(name="pigeon", label="Pigeon", icon="mail", reaches=("pigeon",))


async def test_it_is_announced_once_kafka_is_there_and_again_when_it_changes_or_a_while_has_passed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels, "_LOOK", 0.01)
    bus, now, stop = MemoryBus(down=True), [PIGEON], asyncio.Event()
    running = asyncio.create_task(Announcer(bus, lambda: now).run(stop))
    bus.down = False
    await until(lambda: bus.events(CHANNELS_ANNOUNCED) == [PIGEON])
    now[0] = replace(PIGEON, enabled=False, why_off="fog")
    await until(lambda: bus.events(CHANNELS_ANNOUNCED) == [PIGEON, now[0]])
    monkeypatch.setattr(channels, "_AGAIN", 0.0)
    await until(lambda: len(bus.events(CHANNELS_ANNOUNCED)) > 2)
    stop.set()
    await running


async def test_nothing_is_announced_before_it_is_known() -> None:
    bus = MemoryBus()
    await Announcer(bus, list)._announce()
    assert not bus.events(CHANNELS_ANNOUNCED)


async def test_a_refusal_turns_the_channel_off_and_silence_leaves_it_as_it_was() -> None:
    health, said = Health(), ["tower"]

    async def check() -> str:
        match said[0]:
            case "refused":
                raise Denied("a pass is needed: set PIGEON_PASS")
            case "silent":
                raise Unavailable("no answer")
        return said[0]

    availability = Availability(health, "loft", check)
    assert availability.why_off is None
    assert await availability.look() == channels.CHECK
    assert (availability.why_off, health.parts["loft"].ok, health.parts["loft"].detail) == ("", True, "tower")
    said[0] = "silent"
    assert await availability.look() == channels.SOON
    assert (availability.why_off, health.parts["loft"].ok, health.parts["loft"].detail) == ("", False, "no answer")
    said[0] = "refused"
    assert await availability.look() == channels.DENIED
    assert availability.why_off == "a pass is needed: set PIGEON_PASS"
    said[0] = "silent"
    await availability.look()
    assert (availability.why_off, health.parts["loft"].ok) == ("a pass is needed: set PIGEON_PASS", True)
    said[0] = "tower"
    await availability.look()
    assert availability.why_off == ""


async def test_where_something_is_not_set_the_provider_is_left_alone() -> None:
    health, stop = Health(), asyncio.Event()

    async def check() -> str:
        raise AssertionError

    availability = Availability(health, "loft", check, "set PIGEON_LOFT")
    running = asyncio.create_task(availability.run(stop))
    await until(lambda: "loft" in health.parts)
    assert (health.parts["loft"].ok, health.parts["loft"].detail) == (True, "off: set PIGEON_LOFT")
    stop.set()
    await running
