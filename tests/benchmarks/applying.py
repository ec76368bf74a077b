"""The desk alone: how many routed messages it writes in a second and what that costs, this build
and the one before in turn, beside the same rows by COPY.

A desk of each build runs on one Kafka and one PostgreSQL, in a database of its own. It stands still
while the records are written to `messages-routed`, and then works them off.
"""

from __future__ import annotations

import asyncio
import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import psutil

from deploy.local import kafka, ports
from deploy.local.postgres import Postgres
from shared.bus.kafka import KafkaBus, create_topics
from shared.events import ChannelChoice, Decision, Reason, RoutedMessage, ThreadMatch
from shared.kernel import Level, ticket_id
from shared.topics import MESSAGES_ROUTED, all_topics
from tests.benchmarks import builds, workload
from tests.waiting import eventually

RECORDS, WARM = 10_000, 1_000
LOOK = 0.25
"""Seconds between two looks at the desk's metrics, which it makes itself."""
TABLES = ("customers", "contact_points", "tickets", "messages", "message_words", "customer_words", "ticket_events")
"""What applying writes, in the order of foreign keys; what follows goes through the outbox, which
is empty again."""


@dataclass(frozen=True)
class Round:
    """`rate`: records a second; CPU milliseconds of a record; `copy`: by COPY, messages a
    second."""

    rate: float
    desk: float
    postgres: float
    copy: float


@contextmanager
def desk(tree: Path, servers: str, dsn: str, home: Path) -> Iterator[tuple[psutil.Popen, str]]:
    """A desk of this checkout, ready, and its URL."""
    port = ports.free()[0]
    variables = os.environ | {
        "DESK_DATABASE": dsn,
        "DESK_PORT": str(port),
        "SWITCHBOARD_KAFKA": servers,
        "SWITCHBOARD_SECRET": "s" * 40,
        "SWITCHBOARD_STORAGE": f"file://{home}",
    }
    command, url = [sys.executable, "-m", "services", "desk"], f"http://127.0.0.1:{port}"
    with (home / "desk.log").open("ab") as log:
        subprocess.run([*command, "migrate"], cwd=tree, env=variables, stdout=log, stderr=log, check=True)
        process = psutil.Popen(command, cwd=tree, env=variables, stdout=log, stderr=log)
        try:
            eventually(lambda: httpx.get(f"{url}/health/ready").is_success, "the desk to be ready")
            yield process, url
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            process.wait(30)


def measured(server: Postgres, servers: str, home: Path, tree: Path) -> Round:
    """One round of one build, in a new database."""
    name = f"bench_{uuid4().hex[:8]}"
    dsn = asyncio.run(_database(server.dsn, name))
    with desk(tree, servers, dsn, home) as (process, url):
        _work_off(servers, process, url, WARM)
        before = _used(process.pid), _used(server.pid or 0)
        seconds = _work_off(servers, process, url, RECORDS)
        spent = [
            (_used(pid) - was) * 1000 / RECORDS for pid, was in zip((process.pid, server.pid or 0), before, strict=True)
        ]
    copied = asyncio.run(_copy(server.dsn, name))
    return Round(RECORDS / seconds, *spent, copied)


def _work_off(servers: str, process: psutil.Popen, url: str, count: int) -> float:
    """Seconds from the moment the desk goes on until all is written and its outbox is empty."""
    done = partial(_counted, url, "switchboard_messages_applied_total{")
    before = done()
    process.suspend()
    asyncio.run(_publish(servers, count))
    process.resume()
    started = time.monotonic()
    while done() - before < count:
        time.sleep(LOOK)
    seconds = time.monotonic() - started
    eventually(lambda: not _counted(url, 'switchboard_outbox_waiting{service="desk"'), "the outbox to be empty", 60)
    return seconds


def _counted(url: str, name: str) -> float:
    lines = httpx.get(f"{url}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def _used(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


async def _publish(servers: str, count: int) -> None:
    bus, chance, run = KafkaBus(servers, "bench"), random.Random(7), uuid4().hex[:8]
    await bus.start()
    try:
        for first in range(0, count, 500):
            made = [_routed(number, run, chance) for number in range(first, min(count, first + 500))]
            await bus.publish_all([(MESSAGES_ROUTED, one.decision.ticket_id, one) for one in made])
    finally:
        await bus.stop()


def _routed(number: int, run: str, chance: random.Random) -> RoutedMessage:
    """A mail in a thread of its own, from one of 500 people, with a decision of usual size."""
    message = workload.mail(run, number, chance)
    thread = ThreadMatch(key=f"email:{message.provider_id}", generation=0, rule="new", evidence=message.provider_id)
    reasons = tuple(
        Reason(code=code, text=f"A sentence for people that says why this counts: {code}", weight=10.0)
        for code in ("base", "words.urgent", "customer.waited", "language")
    )
    channels = tuple(ChannelChoice(channel=name, reasons=reasons[:1]) for name in ("email", "chat", "phone"))
    decision = Decision(
        message_id=message.id,
        ticket_id=ticket_id(thread.key, 0),
        thread=thread,
        score=40,
        level=Level.NORMAL,
        reasons=reasons,
        channels=channels,
        team="support",
        skills=(),
        language=message.language,
        policy="default@1",
        reply_within=480,
    )
    return RoutedMessage(message=message, decision=decision)


async def _database(dsn: str, name: str) -> str:
    admin = await asyncpg.connect(dsn)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    return f"{dsn.rpartition('/')[0]}/{name}"


async def _copy(dsn: str, name: str) -> float:
    """Messages a second by COPY in one transaction on one connection, into the same tables, with
    their indexes and foreign keys."""
    database = await asyncpg.connect(f"{dsn.rpartition('/')[0]}/{name}")
    there = [row[0] for row in await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'desk'")]
    kept = {}
    for table in (table for table in TABLES if table in there):
        kept[table] = io.BytesIO()
        await database.copy_from_table(table, schema_name="desk", output=kept[table], format="binary")
    count = await database.fetchval("SELECT count(*) FROM desk.messages")
    await database.execute(f"TRUNCATE {', '.join(f'desk.{table}' for table in kept)} CASCADE")
    started = time.monotonic()
    async with database.transaction():
        for table, rows in kept.items():
            rows.seek(0)
            await database.copy_to_table(table, schema_name="desk", source=rows, format="binary")
    seconds = time.monotonic() - started
    await database.close()
    return float(count / seconds)


def table() -> str:
    """This build and the one before, as Markdown."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, builds.beside() as before:
        home = Path(folder)
        home.chmod(0o755)
        with kafka.running(home / "kafka") as servers, Postgres(home / "postgres") as server:
            asyncio.run(create_topics(servers, all_topics(["email"])))
            found = builds.in_turn(
                {"this build": builds.ROOT, "before": before}, partial(measured, server, servers, home)
            )
    ours, theirs = found.values()
    return "\n".join(
        [
            (
                f"{RECORDS:,} mails in threads of their own, from 500 people, written to `messages-routed` while the desk stood still, after "
                f"{WARM:,} not counted; {builds.ROUNDS} rounds in turn. Median (least to greatest). Before: {builds.BEFORE}."
            ),
            "",
            builds.compared(
                [
                    ("records a second", 0, [one.rate for one in ours], [one.rate for one in theirs]),
                    (
                        "CPU ms of a record, desk and PostgreSQL",
                        2,
                        [one.desk + one.postgres for one in ours],
                        [one.desk + one.postgres for one in theirs],
                    ),
                    ("of it the desk", 2, [one.desk for one in ours], [one.desk for one in theirs]),
                    ("of it PostgreSQL", 2, [one.postgres for one in ours], [one.postgres for one in theirs]),
                    (
                        "records a second to those of COPY of the same rows",
                        2,
                        [one.rate / one.copy for one in ours],
                        [one.rate / one.copy for one in theirs],
                    ),
                ]
            ),
        ]
    )


if __name__ == "__main__":
    print(table())
