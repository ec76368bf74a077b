"""What several files start: a router, and a dashboard with a site."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from shared.bus.kafka import KafkaBus
from tests.integration.dashboard_parts import Process, Site, Stage, stage
from tests.integration.router_process import Outputs, RouterProcess, prepared


@pytest.fixture
async def bus(kafka: str) -> AsyncIterator[KafkaBus]:
    connected = await prepared(kafka)
    yield connected
    await connected.stop()


@pytest.fixture
async def outputs(kafka: str, bus: KafkaBus) -> AsyncIterator[Outputs]:
    async with Outputs(kafka) as reader:
        yield reader


@pytest.fixture
async def router(kafka: str, free_port: int, tmp_path: Path, bus: KafkaBus) -> AsyncIterator[RouterProcess]:
    """Not yet started: a test may set its environment before."""
    worker = RouterProcess(kafka, free_port, tmp_path / "router.log")
    yield worker
    if worker.process:
        await worker.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def place(kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(kafka, postgres, tmp_path_factory.mktemp("dashboard")) as made:
        yield made


@pytest.fixture(scope="module")
def door(place: Stage) -> Process:
    return place.start().ready()


@pytest.fixture(scope="module")
def site(place: Stage) -> Site:
    return place.site()
