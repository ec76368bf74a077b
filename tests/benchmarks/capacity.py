"""How many messages a second an installation carries, by simulation: queues, processes and cores,
fed with costs that were measured.

A message goes through the stages in turn. A process takes what has gathered, up to `most`, and
works on one batch at a time, on one core; cores are shared by all processes of a node. What is
measured is the CPU of a batch: a part for the batch and one for each message, with the share of
PostgreSQL and Kafka.
"""

from __future__ import annotations

import heapq
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

SECONDS = 60.0
_HOP = 0.002
"""Seconds from a producer to a waiting consumer, with nobody else there."""


@dataclass(frozen=True)
class Stage:
    """`batch` and `each`: CPU milliseconds of a batch, and of each message in it."""

    name: str
    batch: float
    each: float
    most: int
    processes: int = 1


@dataclass(frozen=True)
class Node:
    """Machines of a kind, and the stages that share their cores."""

    cores: int
    stages: Sequence[Stage]


def usual(emails: int = 1, routers: int = 1, desks: int = 1) -> tuple[Stage, Stage, Stage]:
    """Costs of a mail of some 300 characters; see `docs/explanation/scale.md` for where each figure
    is from."""
    return (
        Stage("email", 0.0, 2.2, 1, emails),
        Stage("router", 1.2, 0.3, 100, routers),
        Stage("desk", 7.5, 1.1, 200, desks),
    )


@dataclass
class _Process:
    stage: int
    waiting: deque[tuple[float, int]] = field(default_factory=deque)
    busy: bool = False


@dataclass(frozen=True)
class Simulated:
    """Milliseconds from arrival to the end, and the share of time in which each stage's processes
    worked."""

    p50: float
    p95: float
    load: dict[str, float]
    behind: int
    """Messages that were not done in time: a stage is saturated where they are many."""


def simulate(nodes: Sequence[Node], rate: float, seconds: float = SECONDS, seed: int = 1) -> Simulated:
    """Simulates arrivals at random (Poisson) of so many messages a second."""
    chance = Random(seed)
    stages = [(stage, number) for number, node in enumerate(nodes) for stage in node.stages]
    processes = [[_Process(at) for _ in range(stage.processes)] for at, (stage, _) in enumerate(stages)]
    free = [node.cores for node in nodes]
    wanting: list[deque[_Process]] = [deque() for _ in nodes]
    events: list[tuple[float, int, str, tuple[object, ...]]] = []
    worked = [0.0] * len(stages)
    taken: list[float] = []
    count = arrived = 0

    def later(at: float, kind: str, *what: object) -> None:
        nonlocal count
        count += 1
        heapq.heappush(events, (at, count, kind, what))

    def want(process: _Process) -> None:
        if not process.busy and process.waiting:
            process.busy = True
            wanting[stages[process.stage][1]].append(process)

    def begin(node: int, now: float) -> None:
        while free[node] and wanting[node]:
            process = wanting[node].popleft()
            stage = stages[process.stage][0]
            batch = [process.waiting.popleft() for _ in range(min(len(process.waiting), stage.most))]
            spent = (stage.batch + stage.each * len(batch)) / 1e3 * chance.uniform(0.7, 1.3)
            worked[process.stage] += spent
            free[node] -= 1
            later(now + spent, "done", process, batch)

    later(chance.expovariate(rate), "arrive")
    while events:
        now, _, kind, what = heapq.heappop(events)
        if now > seconds:
            break
        if kind == "arrive":
            arrived += 1
            later(now + chance.expovariate(rate), "arrive")
            later(now, "enter", 0, (now, chance.getrandbits(30)))
        elif kind == "enter":
            at, message = what
            assert isinstance(at, int)
            assert isinstance(message, tuple)
            process = processes[at][message[1] % len(processes[at])]
            process.waiting.append(message)
            want(process)
        else:
            process, batch = what
            assert isinstance(process, _Process)
            assert isinstance(batch, list)
            process.busy = False
            free[stages[process.stage][1]] += 1
            for message in batch:
                if process.stage + 1 < len(stages):
                    later(now + _HOP, "enter", process.stage + 1, message)
                else:
                    taken.append(now - message[0])
            want(process)
        for node in range(len(nodes)):
            begin(node, now)
    ordered = sorted(taken) or [float("inf")]
    load = {stage.name: worked[at] / seconds / stage.processes for at, (stage, _) in enumerate(stages)}
    p50, p95 = (ordered[int(len(ordered) * share)] * 1e3 for share in (0.5, 0.95))
    return Simulated(p50, p95, load, arrived - len(taken))


def most(nodes: Sequence[Node], within: float = 1000.0) -> int:
    """Returns the highest rate, in steps of a twentieth, at which 95 of 100 messages are done
    within these milliseconds."""
    rate = 10.0
    while simulate(nodes, rate * 1.05, 20).p95 <= within and rate < 20_000:
        rate *= 1.05
    return round(rate)


INSTALLATIONS: dict[str, Sequence[Node]] = {
    "one machine, 2 cores": [Node(2, usual())],
    "one machine, 4 cores": [Node(4, usual())],
    "8 cores, 2 email, 2 routers, 2 desks": [Node(8, usual(2, 2, 2))],
    "16 cores, 4 email, 4 routers, 4 desks": [Node(16, usual(4, 4, 4))],
}


def report() -> str:
    """The simulated installations, as Markdown."""
    lines = [
        "| installation | at 20/s p50 / p95 ms | at 50/s | carries a second (p95 within 1 s) | busiest there |",
        "|---|---|---|---|---|",
    ]
    for name, nodes in INSTALLATIONS.items():
        slow, quick, limit = simulate(nodes, 20), simulate(nodes, 50), most(nodes)
        busiest = max(simulate(nodes, limit, 20).load.items(), key=lambda each: each[1])
        lines.append(
            f"| {name} | {slow.p50:.0f} / {slow.p95:.0f} | {quick.p50:.0f} / {quick.p95:.0f} | {limit:,} | "
            f"{busiest[0]}: {busiest[1]:.0%} of its processes' time |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
