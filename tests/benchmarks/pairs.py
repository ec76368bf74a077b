"""One router and one desk, and two of each, on one Kafka and one PostgreSQL: how many messages they
route and write in a second, and that each is written once."""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx

from deploy.local import kafka, ports
from deploy.local.postgres import Postgres
from shared.bus.kafka import KafkaBus, create_topics
from shared.topics import MESSAGES_RECEIVED, all_topics
from tests.benchmarks import workload
from tests.benchmarks.builds import ROOT
from tests.waiting import eventually

MESSAGES, ROUNDS = 3_000, 3
_LOOK = 0.25


@contextmanager
def service(name: str, servers: str, dsn: str, home: Path) -> Iterator[None]:
    """A process of this service, ready."""
    port = ports.free()[0]
    variables = os.environ | {
        "DESK_DATABASE": dsn,
        f"{name.upper()}_PORT": str(port),
        "SWITCHBOARD_KAFKA": servers,
        "SWITCHBOARD_SECRET": "s" * 40,
        "SWITCHBOARD_STORAGE": f"file://{home}",
    }
    with (home / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "services", name], cwd=ROOT, env=variables, stdout=log, stderr=log
        )
        try:
            ready = f"http://127.0.0.1:{port}/health/ready"
            try:
                eventually(lambda: httpx.get(ready).is_success, f"{name} to be ready", 150)
            except AssertionError as error:
                raise AssertionError((home / f"{name}.log").read_text()[-2000:]) from error
            yield
        finally:
            process.terminate()
            process.wait(30)


async def _publish(servers: str) -> set[str]:
    bus, chance, run = KafkaBus(servers, "bench"), random.Random(7), uuid4().hex[:8]
    await bus.start()
    ids = set()
    try:
        for first in range(0, MESSAGES, 500):
            made = []
            for number in range(first, first + 500):
                message = workload.mail(run, number, chance)
                ids.add(message.id)
                made.append((MESSAGES_RECEIVED, message.sender, message))
            await bus.publish_all(made)
    finally:
        await bus.stop()
    return ids


async def _once(dsn: str, ids: set[str]) -> None:
    """Waits until all are written. Raises AssertionError where one is there twice."""
    started, database = time.monotonic(), await asyncpg.connect(dsn)
    count = "SELECT count(*) FROM desk.messages WHERE id = ANY($1::uuid[])"
    while await database.fetchval(count, list(ids)) < len(ids):
        assert time.monotonic() - started < 300, "not all are written"
        await asyncio.sleep(_LOOK)
    told_of = "data ->> 'message_id'"
    events = (
        f"SELECT count(*), count(DISTINCT {told_of}) FROM desk.ticket_events "
        f"WHERE kind = 'message.added' AND {told_of} = ANY($1::text[])"
    )
    told, different = await database.fetchrow(events, list(ids)) or (0, 0)
    await database.close()
    assert told == different == len(ids), f"{told} added, {different} different ones, of {len(ids)}"


def report() -> str:
    """One of each and two of each, in turn, as Markdown."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        with kafka.running(home / "kafka") as servers, Postgres(home / "postgres") as server:
            asyncio.run(create_topics(servers, all_topics(["email"])))
            migrate = [sys.executable, "-m", "services", "desk", "migrate"]
            variables = os.environ | {"DESK_DATABASE": server.dsn, "SWITCHBOARD_SECRET": "s" * 40}
            subprocess.run(migrate, cwd=ROOT, env=variables, check=True, stdout=subprocess.DEVNULL)
            for _ in range(ROUNDS):
                for number, found in rates.items():
                    with ExitStack() as running:
                        for name in ("router", "desk"):
                            for _ in range(number):
                                running.enter_context(service(name, servers, server.dsn, home))
                        started = time.monotonic()
                        ids = asyncio.run(_publish(servers))
                        asyncio.run(_once(server.dsn, ids))
                        found.append(MESSAGES / (time.monotonic() - started))
    lines = ["| | messages a second, received to written |", "|---|---|"]
    for number, found in rates.items():
        kind = "one router, one desk" if number == 1 else "two routers, two desks"
        lines.append(f"| {kind} | {statistics.median(found):.0f} ({min(found):.0f} to {max(found):.0f}) |")
    return (
        f"{MESSAGES:,} mails, published while all processes run; {ROUNDS} rounds in turn, median (least to greatest). Each was written, and "
        f"told of, exactly once.\n\n" + "\n".join(lines)
    )


if __name__ == "__main__":
    sys.stdout.write(report())
