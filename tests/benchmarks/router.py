"""The router beside a plain aiokafka loop that makes the same decisions: messages a second and CPU seconds, in one run.

`python -m tests.benchmarks.router [--messages 30000] [--rounds 2] [--servers host:port]`; without servers a broker of its own
is started. The plain loop has no lanes, no static membership, no watchdog and no health: it is what one would write by hand.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psutil
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.router.adapters import policy_yaml
from services.router.agents import send
from services.router.handlers import Router
from shared import logs
from shared.bus.kafka import MAX_EVENT, KafkaView, create_topics
from shared.events import Channel, InboundMessage, Observed, Profile, Stated, ThreadClues
from shared.events.codec import encode
from shared.kernel import email_point, message_id
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, MESSAGES_RECEIVED, MESSAGES_ROUTED, all_topics

ROOT = Path(__file__).parents[2]
CUSTOMERS = 5_000
PATIENCE = 180.0
"""Seconds for one round: far more than the slowest machine that we have seen needs."""
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SENTENCES = {
    "en": [
        "Good morning, I ordered a lamp last week and would like to change the delivery address.",
        "The page that lists our invoices shows an error since yesterday.",
        "I cannot log in any more, although I changed my password.",
        "Could you tell me how to invite a colleague?",
        "Our whole shop is down and customers are calling us!",
        "Thank you for your help so far.",
    ],
    "fr": [
        "Bonjour, je souhaite modifier l’adresse de livraison de ma commande.",
        "Je n’arrive plus à me connecter depuis ce matin.",
        "Pouvez-vous me rembourser la deuxième facture ?",
        "Merci beaucoup pour votre aide, très bonne journée.",
    ],
    "ko": [
        "안녕하세요, 지난주에 주문한 상품의 배송지를 바꾸고 싶습니다.",
        "오늘 아침부터 로그인이 안 됩니다.",
        "환불은 언제쯤 받을 수 있을까요?",
        "도와주셔서 감사합니다.",
    ],
}


@dataclass(frozen=True)
class Result:
    """One round of one router. CPU seconds are from the first output to the last."""

    seconds: float
    cpu: float
    megabytes: float


def message(number: int, chance: random.Random) -> InboundMessage:
    """A mail or a chat message of about 1 KB, a third of them follow-ups."""
    language = chance.choices(("en", "fr", "ko"), (6, 3, 1))[0]
    channel = chance.choices(("email", "chat"), (3, 1))[0]
    customer = email_point(f"customer{chance.randrange(2 * CUSTOMERS)}@example.org")
    clues = ThreadClues(conversation=f"c{number % 5000}") if channel == "chat" else ThreadClues()
    if channel == "email" and number % 3 == 0:
        clues = ThreadClues(root=f"<m{number // 3}@example.org>", references=(f"<m{number // 3}@example.org>",))
    return InboundMessage(
        id=message_id(channel, f"<m{number}@example.org>"),
        channel=channel,
        provider_id=f"<m{number}@example.org>",
        sender=customer,
        received_at=START + timedelta(seconds=number / 10),
        subject="" if channel == "chat" else " ".join(chance.choice(SENTENCES[language]).split()[:6]),
        text=" ".join(chance.choices(SENTENCES[language], k=chance.randrange(3, 11))),
        sender_name="Some Customer",
        recipient="support@example.com",
        language=language,
        thread=clues,
        raw_uri=f"file:///storage/{number:032x}",
        birth_year=1950 + number % 55 if number % 7 == 0 else None,
    )


def profile(number: int, chance: random.Random) -> Profile:
    """What the desk knows of a customer after a while."""
    point = email_point(f"customer{number}@example.org")
    return Profile(
        contact_point=point,
        customer_id=f"c{number}",
        version=3,
        updated_at=START,
        contact_points=(point,),
        birth_year=1940 + chance.randrange(65) if number % 3 else None,
        stated=Stated(channel="phone", source="survey", at=START) if number % 10 == 0 else None,
        observed={
            "email": Observed(messages=chance.randrange(20), last_at=START),
            "chat": Observed(messages=4, last_at=START),
        },
        tier=chance.choice(("", "", "pro", "business")),
        recent_contacts=tuple(START + timedelta(hours=hours) for hours in range(chance.randrange(4))),
    )


async def preload(servers: str, messages: int) -> None:
    """Topics, channels, profiles and messages."""
    await create_topics(servers, all_topics(["email", "chat"]))
    producer = AIOKafkaProducer(bootstrap_servers=servers, linger_ms=20, max_batch_size=1 << 20)
    await producer.start()
    chance = random.Random(7)
    try:
        for name in ("email", "chat"):
            channel = Channel(name=name, label=name.title(), icon=name, reaches=(name,), live=name == "chat")
            await producer.send(CHANNELS_ANNOUNCED.name, encode(channel), key=name.encode())
        for number in range(CUSTOMERS):
            known = profile(number, chance)
            await producer.send(CUSTOMERS_UPDATED.name, encode(known), key=known.contact_point.encode())
        for number in range(messages):
            event = message(number, chance)
            await producer.send(MESSAGES_RECEIVED.name, encode(event), key=event.sender.encode())
    finally:
        await producer.stop()


async def ends(consumer: AIOKafkaConsumer, topic: str) -> int:
    """How many records were ever written to a topic."""
    partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
    return sum((await consumer.end_offsets(partitions)).values())


async def measure(servers: str, command: Sequence[str], messages: int, environment: dict[str, str]) -> Result:
    """Start a router in a group of its own and wait until it has routed all messages."""
    watcher = AIOKafkaConsumer(MESSAGES_ROUTED.name, bootstrap_servers=servers)
    await watcher.start()
    process: subprocess.Popen[bytes] | None = None
    try:
        before = await ends(watcher, MESSAGES_ROUTED.name)
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
        looked = psutil.Process(process.pid)
        deadline = time.monotonic() + PATIENCE
        first = last = (0.0, 0.0, 0)
        while last[2] < messages:
            done = await ends(watcher, MESSAGES_ROUTED.name) - before
            cpu = looked.cpu_times()
            last = time.monotonic(), cpu.user + cpu.system, done
            if not first[2] and done:
                first = last
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command} ended or took too long: {last[2]} of {messages} routed")
            await asyncio.sleep(0.02)
        scale = messages / (last[2] - first[2])
        return Result((last[0] - first[0]) * scale, (last[1] - first[1]) * scale, looked.memory_info().rss / 2**20)
    finally:
        if process:
            process.send_signal(signal.SIGTERM)
            process.wait(20)
        await watcher.stop()


async def plain(servers: str, group: str) -> None:
    """The same decisions in a loop written by hand."""
    views = KafkaView(servers, CUSTOMERS_UPDATED), KafkaView(servers, CHANNELS_ANNOUNCED)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    following = [asyncio.ensure_future(view.run(stop)) for view in views]
    await asyncio.gather(*(view.ready.wait() for view in views))
    policy = policy_yaml.shipped()
    router = Router(views[0], views[1].values, lambda: policy, group)
    consumer = AIOKafkaConsumer(
        MESSAGES_RECEIVED.name, bootstrap_servers=servers, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_EVENT, fetch_max_wait_ms=100,
    )  # fmt: skip
    producer = AIOKafkaProducer(
        bootstrap_servers=servers,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=1 << 20,
        max_request_size=2 * MAX_EVENT,
    )
    await producer.start()
    await consumer.start()
    try:
        while not stop.is_set():
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            acknowledgements = [
                future for records in batches.values() for future in await send(producer, router.handle(records))
            ]
            await asyncio.gather(*acknowledgements)
            if batches:
                await consumer.commit({tp: records[-1].offset + 1 for tp, records in batches.items()})
    finally:
        await consumer.stop()
        await producer.stop()
        await asyncio.gather(*following)


async def compare(servers: str, messages: int, rounds: int) -> str:
    """Both routers in turn, so that a busy machine is busy for both."""
    await preload(servers, messages)
    results: dict[str, list[Result]] = {"router": [], "plain aiokafka loop": []}
    for _ in range(rounds):
        group = f"bench-{uuid4().hex[:8]}"
        environment = {"SWITCHBOARD_KAFKA": servers, "SWITCHBOARD_SECRET": "x" * 32, "SWITCHBOARD_LOG_LEVEL": "warning",
                       "ROUTER_GROUP": group, "ROUTER_PORT": os.environ.get("ROUTER_PORT", "18390")}  # fmt: skip
        ours = [sys.executable, "-m", "services", "router"]
        results["router"].append(await measure(servers, ours, messages, environment))
        theirs = [sys.executable, "-m", "tests.benchmarks.router", "--plain", f"plain-{group}", "--servers", servers]
        results["plain aiokafka loop"].append(await measure(servers, theirs, messages, {}))
    return table(results, messages)


def table(results: dict[str, list[Result]], messages: int) -> str:
    """Medians, and our ratio to the plain loop."""
    middle = {
        name: Result(
            *(statistics.median(getattr(run, part) for run in runs) for part in ("seconds", "cpu", "megabytes"))
        )
        for name, runs in results.items()
    }
    base = middle["plain aiokafka loop"]
    rows = [f"{messages} messages, median of {len(results['router'])}", "", "| | messages/s | CPU s / 10,000 | RSS MB | speed ratio | CPU ratio |",
            "|---|---|---|---|---|---|"]  # fmt: skip
    for name, result in middle.items():
        rows.append(
            f"| {name} | {messages / result.seconds:,.0f} | {result.cpu / messages * 10_000:.2f} | {result.megabytes:.0f} "
            f"| {base.seconds / result.seconds:.2f} | {result.cpu / base.cpu:.2f} |"
        )
    return "\n".join(rows)


def main(arguments: Sequence[str] = ()) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--servers", default="")
    parser.add_argument("--plain", default="", help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.plain:
        logs.configure("plain", "json", "warning")
        uvloop.run(plain(chosen.servers, chosen.plain))
        return 0
    from deploy.local import kafka

    with (
        tempfile.TemporaryDirectory() as folder,
        nullcontext(chosen.servers) if chosen.servers else kafka.running(Path(folder)) as servers,
    ):
        print(asyncio.run(compare(servers, chosen.messages, chosen.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
