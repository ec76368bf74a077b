"""A router with a million contact points: how long until it is ready, and how much memory it takes.

`python -m tests.benchmarks.views [--entries 1000000] [--servers host:port]`; without servers a
broker of its own is started.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import kafka, ports
from shared.bus.entries import Entries
from shared.bus.kafka import create_topics
from shared.events import Observed, OpenTicket, Profile, Stated
from shared.events.codec import encode
from shared.kernel import ContactPoint, contact_point, email_point, stable_id, ticket_id
from shared.topics import CUSTOMERS_UPDATED, all_topics
from tests.benchmarks.workload import START

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Seconds: far more than the slowest machine that we have seen needs."""
LOOKUPS = 50_000
_FIRST = ("Ann", "Marthe", "Jean-Pierre", "Min-jun", "Sofia", "Lukas", "Olga", "Hiro", "Élodie", "Tom")
_LAST = ("Duval", "Garnier", "Kim", "Müller", "Rossi", "Novak", "O’Brien", "Tanaka", "Lefèvre", "Smith")
_DOMAINS = ("example.org", "mail.example.com", "company.example")


@dataclass(frozen=True)
class Result:
    """A router that has read everything. Seconds are from the start of its process; memory is the
    most that it took meanwhile."""

    entries: int
    record: float
    """Bytes of one encoded profile, on average."""
    seconds: float
    megabytes: float
    view: float
    """Megabytes of `megabytes` that the view tells to take."""
    first: float
    """CPU seconds for one look-up of somebody who did not write lately."""
    again: float

    def __str__(self) -> str:
        return "\n".join(
            [
                "| a router's view of customers | measured |",
                "|---|---|",
                f"| contact points | {self.entries:,}, {self.record:.0f} bytes each on the topic |",
                f"| from the start of the process until all are read | {self.seconds:.1f} s |",
                f"| most memory meanwhile | {self.megabytes:.0f} MB, of these the view {self.view:.0f} MB |",
                f"| one look-up | {self.first * 1e6:.1f} µs, of somebody who wrote lately {self.again * 1e6:.1f} µs |",
            ]
        )


def profile(number: int, chance: random.Random) -> Profile:
    """A customer of some years: one in three has given a phone number too, one in twenty has an
    open ticket."""

    def moment() -> datetime:
        return START - timedelta(microseconds=chance.randrange(10**14))

    name = f"{chance.choice(_FIRST)} {chance.choice(_LAST)}"
    address = email_point(f"{name.replace(' ', '.')}{number}@{chance.choice(_DOMAINS)}")
    phone: tuple[ContactPoint, ...] = (contact_point("tel", f"+336{number:08d}"),) if number % 3 == 0 else ()
    last, waits = moment(), number % 20 == 0
    ticket = OpenTicket(
        ticket_id=ticket_id(str(number)),
        channel="email",
        thread_key=f"email:<{number}@mail.example.org>",
        generation=0,
        last_message_at=last,
    )
    return Profile(
        contact_point=address,
        customer_id=stable_id("customer", address),
        version=chance.randrange(1, 40),
        updated_at=last,
        name=name,
        contact_points=(address, *phone),
        birth_year=1940 + chance.randrange(65) if number % 3 else None,
        stated=Stated(channel="phone", source="survey", at=moment()) if number % 10 == 0 else None,
        observed={
            channel: Observed(messages=chance.randrange(1, 20), last_at=moment())
            for channel in ("email", "chat")[: 1 + number % 2]
        },
        language=chance.choice(("en", "fr", "ko")),
        tier=chance.choice(("", "", "pro", "business")),
        open_tickets=(ticket,) if waits else (),
        recent_contacts=(last,) if waits else (),
    )


def profiles(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of the topic, the same on every run."""
    chance = random.Random(7)
    for number in range(count):
        found = profile(number, chance)
        yield found.contact_point.encode(), encode(found)


async def fill(servers: str, count: int) -> float:
    """Write `count` profiles to an empty topic; returns the mean size of a value in bytes."""
    await create_topics(servers, all_topics(["email", "chat"]))
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=20, max_batch_size=1 << 20)
    await producer.start()
    size, sent = 0, 0
    batch = producer.create_batch()

    async def send() -> None:
        await producer.send_batch(batch, CUSTOMERS_UPDATED.name, partition=sent % CUSTOMERS_UPDATED.partitions)

    try:
        for key, value in profiles(count):
            size += len(value)
            if batch.append(key=key, value=value, timestamp=None) is None:
                await send()
                sent += 1
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        await send()
    finally:
        await producer.stop()
    return size / count


def read(servers: str, count: int, record: float) -> Result:
    """Start a router and watch it until its views are ready."""
    port = ports.free(1)[0]
    environment = {"SWITCHBOARD_KAFKA": servers, "SWITCHBOARD_SECRET": "x" * 32, "SWITCHBOARD_LOG_LEVEL": "error",
                   "ROUTER_GROUP": f"bench-{uuid4().hex[:8]}", "ROUTER_PORT": str(port)}  # fmt: skip
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "services", "router"], cwd=ROOT, env=os.environ | environment)
    try:
        looked, most = psutil.Process(process.pid), 0
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as router:
            while not _ready(router):
                most = max(most, looked.memory_info().rss)
                if process.poll() is not None or time.monotonic() > started + PATIENCE:
                    raise RuntimeError(
                        f"the router ended or took longer than {PATIENCE:.0f} s to read {count} profiles"
                    )
                time.sleep(0.1)
            seconds = time.monotonic() - started
            entries, view = (_told(router, f"switchboard_view_{what}") for what in ("entries", "bytes"))
        most = max(most, looked.memory_info().rss)
    finally:
        process.terminate()
        process.wait(20)
    assert entries == count, f"the view holds {entries:.0f} of {count}"
    first, again = lookups()
    return Result(count, record, seconds, most / 1e6, view / 1e6, first, again)


def lookups() -> tuple[float, float]:
    """CPU seconds for one look-up: of anybody, and of somebody who was asked for just before."""
    held = Entries(CUSTOMERS_UPDATED)
    for key, value in profiles(LOOKUPS):
        held.take(key, value)
    known = [found.contact_point for found in held.values()]
    return _each(held.get, known), _each(held.get, known[-100:] * (LOOKUPS // 100))


def _each(look: Callable[[str], object], known: Sequence[str]) -> float:
    started = time.process_time()
    for point in known:
        look(point)
    return (time.process_time() - started) / len(known)


def _ready(router: httpx.Client) -> bool:
    try:
        return bool(router.get("/health/ready").json()["parts"]["views"]["ok"])
    except httpx.TransportError:
        return False


def _told(router: httpx.Client, metric: str) -> float:
    families = text_string_to_metric_families(router.get("/metrics").text)
    return next(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == metric and sample.labels == {"topic": CUSTOMERS_UPDATED.name}
    )


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--servers", default="")
    chosen = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        nullcontext(chosen.servers) if chosen.servers else kafka.running(Path(folder)) as servers,
    ):
        record = asyncio.run(fill(servers, chosen.entries))
        print(read(servers, chosen.entries, record))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
