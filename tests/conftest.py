"""The real parts, started once for each process that runs tests: Apache Kafka and PostgreSQL."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import hypothesis
import pytest
import structlog

from deploy.local import kafka as local_kafka
from deploy.local import postgres as local_postgres
from tests.faults.report import pytest_terminal_summary  # noqa: F401 - pytest looks for it here

collect_ignore = ["examples"]  # they run where they belong: in a copy (tests/architecture/test_pigeon.py)
ON_CI = os.environ.get("CI") == "true"

hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("quick", hypothesis.settings.get_profile("untimed"), max_examples=10)
# A busy machine is no fault of the code.
hypothesis.settings.load_profile("quick" if os.environ.get("HYPOTHESIS_PROFILE") == "quick" else "untimed")

# A pretty traceback takes ten seconds, in which somebody who waits in line has given up.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@contextmanager
def engine_folder() -> Iterator[Path]:
    """Not one of pytest's own: it deletes those of older runs, and one of them may still be
    running."""
    with tempfile.TemporaryDirectory(prefix="switchboard-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user
        yield Path(folder)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """Bootstrap address of a real one-node Apache Kafka."""
    with engine_folder() as folder, local_kafka.running(folder) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Superuser's DSN of a real PostgreSQL."""
    # Nobody cuts the power of this one, and with fsync each test waits most of a second until its
    # database is gone.
    with engine_folder() as folder, local_postgres.running(folder, settings={"fsync": "off"}) as dsn:
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
