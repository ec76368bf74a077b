"""The router beside loops written by hand, a framework and Kafka Streams: speed, CPU, memory and
latency, in one run on one broker.

`python -m tests.benchmarks.router [--messages 100000] [--rounds 3] [--servers host:port] [--only
name ...]`; without servers a broker of its own is started. Every contender reads the same preloaded
topic in a new group; they take turns, so that a busy machine is busy for all of them, and each
round begins with another one.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import kafka
from deploy.local.problem import Problem
from shared.clock import utc_now
from shared.events import InboundMessage, RoutedMessage
from shared.events.codec import decode, encode
from shared.topics import MESSAGES_RECEIVED, MESSAGES_ROUTED, Topic
from tests.benchmarks.contenders import CONTENDERS, OURS, Start
from tests.benchmarks.contenders.streams import STREAMS, built
from tests.benchmarks.end_to_end import Latency
from tests.benchmarks.workload import message, preload

ROOT = Path(__file__).parents[2]
WARM = 0.3
"""Of the messages that are counted, this share comes before them and is not: by then Java has
compiled what it runs most."""
RATE = 500
"""Messages a second for the latencies."""
SECONDS = 15
PACES = 3
"""How often the latencies are measured; their median counts."""
ALONE = "the log alone"
PATIENCE = 240.0
"""Seconds for one round: far more than the slowest machine that we have seen needs."""
NOTES = f"""
In brackets: this router's divided by theirs. CPU is that of the contender's processes with all their threads (librdkafka's and Java's
too), memory what is resident at the end. The broker has the JVM of the Compose file. All have the same topics, `acks=all`, a linger of
2 ms and commit only what is acknowledged. All are one process but the two replicas; a Python process uses one core at a time, Java's as
many as there are. The speed of a borrowed machine differs from day to day and from round to round: compare within this table, and no
closer than a tenth. Latency: from just before a message is given to a producer without linger until a waiting consumer of
`{MESSAGES_ROUTED.name}` has its decision, both in another process; {RATE} messages a second for {SECONDS} s, the first second not counted,
{PACES} times. A decision goes through the log twice: *{ALONE}* is once, from the same producer to the same consumer, with nobody else there.

- **{OURS}** is the service as it runs anywhere: Faust in batches, the fast lane asked first, health, metrics, a watchdog. A second
  replica is started as operators would start one.
- **The loops and FastStream** make the same decisions by the same code, with the same views, and send as their client's manual says.
  They have no fast lane, no watchdog, no static membership. FastStream takes whole batches of raw bytes, its fastest form that gives each output its own key and headers.
- **Kafka Streams** does like work in Java: one stream thread or two, at most 512 MB of heap, profiles in a global table in memory, the
  same policy file, words and denials in all languages, score, level, team, skills, ticket ids and JSON (on these messages the same as
  ours). It does less: no urgency model, no opening hours, skill time-outs and overflow, no channels that are merely reachable, switched off or opted out
  of, no notes of what was rejected, no dead letters, no fast lane, no policy that changes while it runs. It does more in one thing: a
  global table parses a profile at each look-up.

Where this router's time goes: 71 % in its handlers, of these 51 in the decision (words and mentions 22, channels 12, threads 4), 8 in the
JSON, 3 in decoding; a quarter in Faust, aiokafka and the sockets. Tried and left, as nothing was gained beyond the noise: garbage collected
a seventieth as often, commits every 3 s. Left for another reason: packed by Snappy what it writes is a fifth as large, for 1 µs a record,
but Kafka unpacks a native library into `/tmp` for it, a tmpfs in the Compose file, which Docker mounts noexec (not tried).
"""
_BROKER = {"log.retention.bytes": 256 << 20, "log.segment.bytes": 64 << 20, "log.retention.check.interval.ms": 5000}
"""By partition, so that what all rounds write does not fill the disk."""


@dataclass(frozen=True)
class Round:
    """What one contender needed for the messages that are counted. CPU seconds are those of its
    processes, all threads."""

    seconds: float
    cpu: float
    megabytes: float


async def ends(consumer: AIOKafkaConsumer, topic: str) -> int:
    """How many records were ever written to a topic."""
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    return sum((await consumer.end_offsets(partitions)).values())


@contextmanager
def running(commands: Sequence[Sequence[str]]) -> Iterator[list[psutil.Popen]]:
    """A contender's processes, for as long as they are looked at."""
    processes = [psutil.Popen(command, cwd=ROOT) for command in commands]
    try:
        yield processes
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()


def used(processes: Sequence[psutil.Popen]) -> float:
    """CPU seconds so far, of all of them."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))


async def measure(servers: str, start: Start, messages: int, times: int) -> tuple[Round, list[Latency]]:
    """One round of one contender: what waits for it as fast as it can, then so many times messages
    at a steady pace."""
    watcher = AIOKafkaConsumer(MESSAGES_ROUTED.name, MESSAGES_RECEIVED.name, bootstrap_servers=servers)
    await watcher.start()
    try:
        before, there = await ends(watcher, MESSAGES_ROUTED.name), await ends(watcher, MESSAGES_RECEIVED.name)
        looks: list[tuple[float, float, int]] = []
        with running(start(servers, f"bench-{uuid4().hex[:8]}")) as processes:
            deadline = time.monotonic() + PATIENCE
            while not looks or looks[-1][2] < there:
                if any(process.poll() is not None for process in processes) or time.monotonic() > deadline:
                    raise RuntimeError(f"{processes} ended or took too long: {looks[-1:]} of {there} messages routed")
                await asyncio.sleep(0.05)
                done = await ends(watcher, MESSAGES_ROUTED.name) - before
                looks.append((time.monotonic(), used(processes), done))
            megabytes = sum(process.memory_info().rss for process in processes) / 2**20
            paced = [await pace(servers, MESSAGES_ROUTED) for _ in range(times)]
    finally:
        await watcher.stop()
    first = next(look for look in looks if look[2] >= messages * WARM)
    last = next(look for look in looks if look[2] >= min(first[2] + messages, there))
    scale = messages / (last[2] - first[2])
    return Round((last[0] - first[0]) * scale, (last[1] - first[1]) * scale, megabytes), paced


async def pace(servers: str, topic: Topic[Any]) -> Latency:
    """Send messages by a clock to `messages-received`, and see when each arrives on a topic. The
    first second is not counted.

    From just before the message is given to a producer without linger, which waits for all
    replicas, until a consumer that waits for it has it: so the way into Kafka, the router's work
    and the way out are in it.
    """
    consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=servers, auto_offset_reset="latest")
    producer = AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=0)
    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    chance, count = random.Random(11), RATE * SECONDS
    prepared = [message(number, chance) for number in range(count)]
    try:
        listening = asyncio.ensure_future(_arrivals(consumer, count))
        start, sent = time.monotonic(), []
        for number, event in enumerate(prepared):
            await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
            now = msgspec.structs.replace(event, received_at=utc_now())
            sent.append(await producer.send(MESSAGES_RECEIVED.name, encode(now), key=now.sender.encode()))
        await asyncio.gather(*sent)
        return Latency.of((await asyncio.wait_for(listening, 30))[RATE:])
    finally:
        await consumer.stop()
        await producer.stop()


async def _arrivals(consumer: AIOKafkaConsumer, count: int) -> list[float]:
    """Seconds on the way, of so many messages."""
    took: list[float] = []
    while len(took) < count:
        for partition, records in (await consumer.getmany(timeout_ms=200)).items():
            now = utc_now()
            for one in records:
                routed = partition.topic == MESSAGES_ROUTED.name
                message = decode(RoutedMessage, one.value).message if routed else decode(InboundMessage, one.value)
                took.append((now - message.received_at).total_seconds())
    return took


async def compare(servers: str, contenders: Mapping[str, Start], messages: int, rounds: int) -> str:
    """All contenders in turn, several times; latencies in the last round."""
    await preload(servers, round(messages * (1 + WARM)))
    results: dict[str, list[Round]] = {name: [] for name in contenders}
    latencies = {ALONE: [await pace(servers, MESSAGES_RECEIVED) for _ in range(PACES)]}
    for number in range(rounds):
        first = number % len(contenders)
        for name in [*contenders][first:] + [*contenders][:first]:
            times = PACES if number == rounds - 1 else 0
            found, latencies[name] = await measure(servers, contenders[name], messages, times)
            results[name].append(found)
            told = " / ".join(map(str, latencies[name]))
            print(f"round {number + 1}, {name}: {messages / found.seconds:,.0f}/s {told}", file=sys.stderr)
    medians = {name: _median(Round, found) for name, found in results.items()}
    return table(medians, {name: _median(Latency, found) for name, found in latencies.items()}, messages, rounds)


F = TypeVar("F", Round, Latency)


def _median(kind: type[F], found: Sequence[F]) -> F:
    return kind(*(statistics.median(getattr(one, part.name) for one in found) for part in fields(kind)))


def table(results: Mapping[str, Round], latencies: Mapping[str, Latency], messages: int, rounds: int) -> str:
    """Medians with our ratio to each, and what was measured."""
    ours = results.get(OURS, next(iter(results.values())))
    lines = [
        f"{messages:,} messages on one broker, after {messages * WARM:,.0f} that are not counted; median of {rounds} rounds in turn.",
        "",
        f"| | messages/s | CPU s per 10,000 | RSS MB | latency at {RATE}/s |",
        "|---|---|---|---|---|",
    ]
    for name, one in results.items():
        cells = (
            f"{messages / one.seconds:,.0f} ({one.seconds / ours.seconds:.2f})",
            f"{one.cpu / messages * 10_000:.2f} ({ours.cpu / one.cpu:.2f})",
            f"{one.megabytes:.0f} ({ours.megabytes / one.megabytes:.2f})",
            _shown(latencies[name]),
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(f"| {ALONE} | | | | {_shown(latencies[ALONE])} |")
    return "\n".join([*lines, NOTES])


def _shown(latency: Latency) -> str:
    return f"p50 {latency.p50:.1f} ms, p99 {latency.p99:.1f} ms"


def main(arguments: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default="")
    parser.add_argument("--only", nargs="*", default=[*CONTENDERS, *STREAMS])
    chosen = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        nullcontext(chosen.servers)
        if chosen.servers
        else kafka.running(Path(folder) / "kafka", settings=_BROKER, jvm=kafka.AS_IN_COMPOSE) as servers,
    ):
        contenders, absent = dict(CONTENDERS), ""
        try:
            contenders |= built(Path(folder) / "streams")
        except Problem as problem:
            absent = f"\nKafka Streams is left out: {problem}"
        contenders = {name: start for name, start in contenders.items() if name in chosen.only}
        print(asyncio.run(compare(servers, contenders, chosen.messages, chosen.rounds)) + absent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
