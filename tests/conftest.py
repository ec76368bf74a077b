"""The real parts, started once for the whole run: Apache Kafka and PostgreSQL."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from deploy.local import kafka as local_kafka
from deploy.local import postgres as local_postgres

ON_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real one-node Apache Kafka."""
    with local_kafka.running(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Superuser's DSN of a real PostgreSQL."""
    with local_postgres.running(tmp_path_factory.mktemp("postgres")) as dsn:
        yield dsn


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """DSN of a fresh, empty database, gone after the test."""
    name = f"test_{uuid4().hex}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f'CREATE DATABASE "{name}"')
    try:
        yield postgres.rsplit("/", 1)[0] + f"/{name}"
    finally:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def storage_url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/storage"
