"""What is broken on purpose, as one table. The long form runs all of it, the short form what has a
`short`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local.problem import Problem
from services.router.agents import COMMIT_EVERY
from shared.clock import utc_now
from shared.events import Profile
from shared.events.codec import encode
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED, MESSAGES_RECEIVED, MESSAGES_RECEIVED_LIVE, Topic
from tests.faults.channels import phone_killed, social_killed
from tests.faults.proxy import Proxy
from tests.faults.stage import Stage
from tests.faults.stream import Stream, written
from tests.integration.router_process import send
from tests.topic import records_on
from tests.unit.router.makers import CHAT
from tests.waiting import until

_SLOW_BEFORE = 0.5
"""Seconds: some round trips."""
_SEGMENT_MS = 100
"""A segment is closed by the next record after this time, and only closed ones are compacted."""

Fault = Callable[[Stage, Stream, float], Awaitable[None]]
"""Breaks something while the stream runs, and returns once it is whole again. The number: seconds,
or how often."""


@dataclass(frozen=True)
class Case:
    """`long`, `short`: how long (or often) in that form, which the name may tell; without `short`
    only in the long one. `once`: the router does not even repeat itself on the topic; elsewhere it
    may, and the desk drops what it has."""

    name: str
    fault: Fault
    long: float
    short: float | None = None
    once: bool = False
    brokers: int = 1
    disk: int = 0
    """Megabytes of a disk that the brokers have for themselves; 0: they are on that of
    everybody."""


async def killed(stage: Stage, stream: Stream, times: float) -> None:
    for _ in range(int(times)):
        before = stage.restarts
        await asyncio.sleep(
            random.uniform(0, COMMIT_EVERY)
        )  # else it would die just after a decision was seen, each time
        os.kill(stage.worker.pid, signal.SIGKILL)
        await until(partial(stage.restarted_since, before), "nobody started it again")
        await stream.flows()


async def terminated(stage: Stage, stream: Stream, times: float) -> None:
    for _ in range(int(times)):
        worker = stage.kept.pop(0)
        assert await worker.end(signal.SIGTERM) == 0
        await worker.start(ready=False)
        stage.kept.insert(0, worker)
        await stream.flows()


async def joined_and_left(stage: Stage, stream: Stream, times: float) -> None:
    await _joined(stage, stream, times, signal.SIGTERM)


async def joined_and_killed(stage: Stage, stream: Stream, times: float) -> None:
    await _joined(stage, stream, times, signal.SIGKILL)


async def _joined(stage: Stage, stream: Stream, times: float, end: signal.Signals) -> None:
    for _ in range(int(times)):
        async with stage.another_worker() as other:
            await stream.flows()
            assert await other.end(end) == (0 if end == signal.SIGTERM else -end)
        await stream.flows()


async def worker_hung(stage: Stage, stream: Stream, seconds: float) -> None:
    async with _stopped(stage.worker.pid):
        await asyncio.sleep(seconds)
    await stream.flows()


async def worker_hung_beside_another(stage: Stage, stream: Stream, seconds: float) -> None:
    """Its partitions go to the other one, which works on; then it wakes, with batches in its hands
    that are not its own any more."""
    async with stage.another_worker() as other:
        async with _stopped(stage.worker.pid):
            await asyncio.sleep(seconds)
            await stream.flows()
        await stream.flows()
        assert await other.end(signal.SIGTERM) == 0
    await stream.flows()


async def rebalances(stage: Stage, stream: Stream, times: float) -> None:
    """A member that joins, gets partitions, does nothing with them and leaves, again and again: two
    rebalances each."""
    for _ in range(int(times)):
        member = AIOKafkaConsumer(
            bootstrap_servers=stage.cluster.bootstrap,
            group_id=stage.worker.group,
            enable_auto_commit=False,
            session_timeout_ms=10_000,
        )
        try:
            member.subscribe([MESSAGES_RECEIVED_LIVE.name, MESSAGES_RECEIVED.name])
            await member.start()
            await until(member.assignment, "the group let nobody in")
            await asyncio.sleep(random.uniform(0, 0.5))
        finally:
            await member.stop()
        await asyncio.sleep(random.uniform(0, 0.5))
    await stream.flows()


async def broker_killed(stage: Stage, stream: Stream, seconds: float) -> None:
    node = stage.cluster.nodes[0]
    await asyncio.to_thread(node.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(node.start)
    await stage.whole()
    await stream.flows()


async def disk_full(stage: Stage, stream: Stream, seconds: float) -> None:
    """Nothing fits on the broker's disk, and a supervisor starts it again and again; then there is
    room."""
    node, full_until, ended = stage.cluster.nodes[0], time.monotonic() + seconds, 0
    assert stage.disk

    async def supervise() -> None:
        nonlocal ended
        while True:
            if node.pid is None:
                ended += 1
                with contextlib.suppress(OSError, Problem):
                    await asyncio.to_thread(node.start)
            await asyncio.sleep(0.2)

    supervising = asyncio.ensure_future(supervise())
    try:
        while time.monotonic() < full_until or not ended:
            stage.disk.fill()
            await asyncio.sleep(0.1)
        stage.disk.free()
        await stream.flows()
    finally:
        supervising.cancel()
        await asyncio.gather(supervising, return_exceptions=True)


async def leader_killed(stage: Stage, stream: Stream, seconds: float) -> None:
    node = await stage.leader()
    await asyncio.to_thread(node.kill)
    await stream.flows()
    await asyncio.sleep(seconds)
    await asyncio.to_thread(node.start)
    await stage.whole()
    await stream.flows()


async def broker_hung(stage: Stage, stream: Stream, seconds: float) -> None:
    async with _stopped(stage.cluster.nodes[0].pid or 0):
        await asyncio.sleep(seconds)
    await stream.flows()


async def network_cut(stage: Stage, stream: Stream, seconds: float) -> None:
    """While it is slow, so that requests and answers are on their way: these are lost."""
    for proxy in stage.cluster.proxies:
        proxy.slow()
    await asyncio.sleep(_SLOW_BEFORE)
    await _network(stage, stream, seconds, Proxy.cut)


async def network_silent(stage: Stage, stream: Stream, seconds: float) -> None:
    await _network(stage, stream, seconds, Proxy.hush)


async def network_slow(stage: Stage, stream: Stream, seconds: float) -> None:
    await _network(stage, stream, seconds, Proxy.slow)


async def _network(stage: Stage, stream: Stream, seconds: float, fails: Callable[[Proxy], int]) -> None:
    try:
        connections = [fails(proxy) for proxy in stage.cluster.proxies]
        assert all(connections), "nobody was connected through the proxy"
        await asyncio.sleep(seconds)
    finally:
        for proxy in stage.cluster.proxies:
            proxy.heal()
    await stream.flows()


async def gaps(stage: Stage, stream: Stream, times: float) -> None:
    """Compacted topics from which most offsets are gone, and transactions, whose markers are
    offsets without a record."""
    mail = written(f"{stream.run}.known", 5)
    versions = itertools.count(1)
    await _compact_at_once(stage)
    producer = AIOKafkaProducer(bootstrap_servers=stage.cluster.bootstrap, transactional_id=f"gaps-{stream.run}")
    await producer.start()
    try:
        for _ in range(int(times)):
            async with producer.transaction():
                for version in itertools.islice(versions, 20):
                    profile = Profile(contact_point=mail.sender, customer_id="c", version=version, updated_at=utc_now())
                    await producer.send(CUSTOMERS_UPDATED.name, encode(profile), key=mail.sender.encode())
                    await producer.send(CHANNELS_ANNOUNCED.name, encode(CHAT), key=CHAT.name.encode())
            await asyncio.sleep(2 * _SEGMENT_MS / 1000)
        await producer.begin_transaction()
        untrue = Profile(contact_point=mail.sender, customer_id="c", version=10**6, updated_at=utc_now())
        await producer.send(CUSTOMERS_UPDATED.name, encode(untrue), key=mail.sender.encode())
        await producer.send(CHANNELS_ANNOUNCED.name, encode(CHAT), key=CHAT.name.encode())
        again = written(stream.run, 5)
        await producer.send(MESSAGES_RECEIVED.name, encode(again), key=again.sender.encode())
        await producer.abort_transaction()
    finally:
        await producer.stop()
    for topic in (CUSTOMERS_UPDATED, CHANNELS_ANNOUNCED):
        await until(partial(_has_gaps, stage, topic), f"{topic.name} was never compacted")
    await killed(stage, stream, 1)
    stream.acknowledged += await send(stage.bus, [mail])
    await until(lambda: mail.id in stream.outputs.routed, "the mail was not decided on")
    assert stream.outputs.routed[mail.id].decision.profile_version == next(versions) - 1


async def _compact_at_once(stage: Stage) -> None:
    quick = {"cleanup.policy": "compact", "segment.ms": _SEGMENT_MS, "min.cleanable.dirty.ratio": 0.01}
    configs = {name: str(value) for name, value in quick.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=stage.cluster.bootstrap)
    try:
        await admin.start()
        topics = (CUSTOMERS_UPDATED.name, CHANNELS_ANNOUNCED.name)
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, configs) for name in topics])
    finally:
        await admin.close()


async def _has_gaps(stage: Stage, topic: Topic[Any]) -> bool:
    found = await records_on(stage.cluster.bootstrap, topic)
    return any(
        one.partition == next_.partition and next_.offset > one.offset + 10 for one, next_ in itertools.pairwise(found)
    )


@asynccontextmanager
async def _stopped(pid: int) -> AsyncIterator[None]:
    """The process stands still, as on a machine that is out of memory or asleep."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


CASES = (
    Case("a worker is killed (kill -9)", killed, long=3, short=1),
    Case("a worker is stopped (SIGTERM) and started", terminated, long=3, short=1, once=True),
    Case("a second worker joins and leaves", joined_and_left, long=1, short=1, once=True),
    Case("a second worker joins and is killed", joined_and_killed, long=1),
    Case("rebalances in a storm", rebalances, long=10, short=3, once=True),
    Case("a worker hangs for {:g} s", worker_hung, long=5, short=3),
    Case("a worker hangs for {:g} s beside another", worker_hung_beside_another, long=15),
    Case("the network is cut for {:g} s", network_cut, long=5, short=2),
    Case("the network is silent for {:g} s", network_silent, long=15),
    Case("the network is slow for {:g} s", network_slow, long=5, short=2, once=True),
    Case("compacted topics with gaps, and transactions", gaps, long=4, short=2),
    Case("the broker hangs for {:g} s", broker_hung, long=5, short=3),
    Case("the broker hangs for {:g} s", broker_hung, long=15),
    Case("the broker is killed and started again", broker_killed, long=2, short=0),
    Case("phone is killed (kill -9) while people text", phone_killed, long=3, short=1),
    Case("social is killed (kill -9) while people post", social_killed, long=3, short=1),
    Case("the broker's disk is full for {:g} s", disk_full, long=30, short=5, disk=200),
    Case("of three brokers the leader is killed", leader_killed, long=5, brokers=3),
)
