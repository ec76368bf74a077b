"""Under a steady stream: a worker killed, one stopped, a second that joins and leaves. Nothing may be lost.

The short form: one of each. Counted by message id, from what Kafka acknowledged to what is on `messages-routed`.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from shared.bus.kafka import KafkaBus
from tests.integration.router_process import Outputs, RouterProcess, mails, prepared, send

PER_SECOND = 200


def worker(servers: str, folder: Path, group: str, replica: str) -> RouterProcess:
    """A worker of this group, on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {"ROUTER_SESSION_TIMEOUT": "6"}
    return RouterProcess(servers, port, folder / f"router-{replica}.log", group, replica, environment)


@asynccontextmanager
async def stream(bus: KafkaBus) -> AsyncIterator[list[str]]:
    """Messages at a steady rate while the block runs; the list grows by what Kafka has acknowledged."""
    acknowledged: list[str] = []
    ending = asyncio.Event()

    async def run() -> None:
        number = 0
        while not ending.is_set():
            batch = mails(PER_SECOND // 10, f"{uuid4().hex[:6]}.{number}")
            acknowledged.extend(await send(bus, batch))
            number += 1
            await asyncio.sleep(0.1)

    running = asyncio.ensure_future(run())
    try:
        yield acknowledged
    finally:
        ending.set()
        await running


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    connected = await prepared(kafka)
    yield connected
    await connected.stop()


@pytest.fixture
async def pair(kafka: str, bus: KafkaBus, tmp_path: Path) -> AsyncIterator[tuple[RouterProcess, RouterProcess]]:
    group = f"faults-{uuid4().hex[:8]}"
    one, other = (worker(kafka, tmp_path, group, replica) for replica in ("a", "b"))
    yield one, other
    for process in (one, other):
        if process.process:
            await process.end(signal.SIGKILL)


def new(outputs: Outputs, acknowledged: list[str], count: int) -> tuple[object, str]:
    """A condition: this many more of our messages are routed than now."""
    before = sum(number in outputs.routed for number in acknowledged)
    return lambda: sum(number in outputs.routed for number in acknowledged) >= before + count, "the stream stands still"


async def test_a_worker_killed_in_the_middle_loses_nothing(
    kafka: str, bus: KafkaBus, pair: tuple[RouterProcess, RouterProcess]
) -> None:
    one, _ = pair
    await one.start()
    async with Outputs(kafka) as outputs:
        async with stream(bus) as acknowledged:
            await outputs.wait(*new(outputs, acknowledged, 200))
            assert await one.end(signal.SIGKILL) == -signal.SIGKILL
            await one.start(ready=False)
            await outputs.wait(*new(outputs, acknowledged, 300))
        await outputs.wait_for(acknowledged)


async def test_a_worker_stopped_in_the_middle_loses_nothing_and_repeats_nothing(
    kafka: str, bus: KafkaBus, pair: tuple[RouterProcess, RouterProcess]
) -> None:
    one, _ = pair
    await one.start()
    async with Outputs(kafka) as outputs:
        async with stream(bus) as acknowledged:
            await outputs.wait(*new(outputs, acknowledged, 200))
            assert await one.end(signal.SIGTERM) == 0
            await one.start(ready=False)
            await outputs.wait(*new(outputs, acknowledged, 300))
        await outputs.wait_for(acknowledged)
        assert {outputs.times[number] for number in acknowledged} == {1}


async def test_a_second_worker_joins_and_is_killed_and_nothing_is_lost(
    kafka: str, bus: KafkaBus, pair: tuple[RouterProcess, RouterProcess]
) -> None:
    one, other = pair
    await one.start()
    async with Outputs(kafka) as outputs:
        async with stream(bus) as acknowledged:
            await outputs.wait(*new(outputs, acknowledged, 200))
            await other.start()
            await outputs.wait(*new(outputs, acknowledged, 300))
            assert {outputs.times[number] for number in acknowledged if number in outputs.routed} == {1}
            assert await other.end(signal.SIGKILL) == -signal.SIGKILL
            await outputs.wait(*new(outputs, acknowledged, 300))
        await outputs.wait_for(acknowledged)
