"""What the urgency model costs a router: the same records handled with it and without, in turn, in
one process."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import replace
from statistics import median
from types import SimpleNamespace
from typing import Any

import msgspec
import psutil

from services.router.adapters import policy_yaml, urgency
from services.router.domain.policy import Policy
from services.router.handlers import Router
from services.router.training.examples import HELD_OUT, composed
from shared import logs
from shared.events import InboundMessage
from shared.events.codec import encode
from shared.topics import MESSAGES_RECEIVED
from tests.benchmarks.workload import message

COUNT, BATCH, ROUNDS = 6_000, 100, 3


def usual() -> list[InboundMessage]:
    """Messages of the router's benchmark: a few hundred sentences again and again, as a small
    business has."""
    chance = random.Random(1)
    return [message(number, chance) for number in range(COUNT)]


def various() -> list[InboundMessage]:
    """The same with texts in eight languages that hardly repeat: the worst case of the model."""
    found = list(composed(HELD_OUT, 300, per_class=True))
    random.Random(2).shuffle(found)
    texts = [(found[n % len(found)], found[(7 * n + 3) % len(found)]) for n in range(COUNT)]
    return [
        msgspec.structs.replace(one, text=f"{first.text} {second.text}", subject="", language=first.language)
        for one, (first, second) in zip(usual(), texts, strict=True)
    ]


def seconds(policy: Policy, messages: list[InboundMessage]) -> float:
    """CPU seconds of handling them: decoded, decided on, encoded."""
    router = Router(SimpleNamespace(get=lambda _: None), tuple, lambda: policy, "bench")  # type: ignore[arg-type]
    raws: list[Any] = [
        SimpleNamespace(
            topic=MESSAGES_RECEIVED.name, partition=0, offset=n, timestamp=0, key=b"k", value=encode(one), headers=()
        )
        for n, one in enumerate(messages)
    ]
    started = time.process_time()
    for at in range(0, COUNT, BATCH):
        router.handle(raws[at : at + BATCH])
    return time.process_time() - started


def report() -> str:
    """The comparison, as Markdown."""
    memory = psutil.Process().memory_info().rss
    with_model = policy_yaml.shipped()
    without = replace(with_model, priority=replace(with_model.priority, model=None))
    rows = ["| messages | µs each with | without | speed with to without |", "|---|---|---|---|"]
    for name, messages in (("that repeat", usual()), ("that hardly repeat", various())):
        pairs = [(seconds(with_model, messages), seconds(without, messages)) for _ in range(ROUNDS)]
        ratios = sorted(other / mine for mine, other in pairs)
        mine, other = (1e6 * median(each) / COUNT for each in zip(*pairs, strict=True))
        rows.append(
            f"| {name} | {mine:.0f} | {other:.0f} | {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    grown = (psutil.Process().memory_info().rss - memory) / 2**20
    size = urgency.SHIPPED.stat().st_size / 2**20
    return (
        f"{COUNT:,} records decoded, decided on and encoded by one process without Kafka, {ROUNDS} rounds in turn; CPU time. What "
        f"repeats is read once and remembered. The model's file has {size:.1f} MB; the process grew by {grown:.0f} MB with the model, "
        f"numpy and all of these messages.\n\n" + "\n".join(rows)
    )


if __name__ == "__main__":
    logs.configure("bench", "json", "warning")
    sys.stdout.write(report())
