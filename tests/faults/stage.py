"""Everything between the door and the desk's database, each part its own process, restarted by a
supervisor as in production.

Router and desk reach Kafka through proxies, one before each broker; the door and who counts reach
it directly.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import ports
from deploy.local.kafka import Kafka, Node
from shared.bus.kafka import KafkaBus, create_topics
from shared.topics import CHANNELS_ANNOUNCED, MESSAGES_RECEIVED, all_topics
from tests.conftest import engine_folder
from tests.disk import Disk, small_disk
from tests.faults.proxy import Proxy
from tests.integration.desk_parts import migrate
from tests.integration.router_process import RouterProcess
from tests.unit.router.makers import CHAT, EMAIL
from tests.waiting import until

SESSION_TIMEOUT = 6
"""Seconds: the least that Kafka lets a consumer ask for."""


class Cluster(Kafka):
    """Each node has a second listener, which is known to the world by the port of the proxy before
    it."""

    def __init__(self, folder: Path, nodes: int) -> None:
        super().__init__(folder, nodes=nodes, settings={"log.cleaner.backoff.ms": 200})
        free = ports.free(2 * nodes)
        self.proxies = [Proxy(*free[2 * number : 2 * number + 2]) for number in range(nodes)]
        self.through_proxies = ",".join(f"{ports.HOST}:{proxy.port}" for proxy in self.proxies)

    def settings(self, node: Node) -> dict[str, str | int]:
        own, proxy = super().settings(node), self.proxies[node.number - 1]
        return own | {
            "listeners": f"{own['listeners']},PROXIED://{ports.HOST}:{proxy.target}",
            "advertised.listeners": f"{own['advertised.listeners']},PROXIED://{ports.HOST}:{proxy.port}",
            "listener.security.protocol.map": f"{own['listener.security.protocol.map']},PROXIED:PLAINTEXT",
        }


@dataclass
class Stage:
    """`kept`: what a supervisor starts again whenever it ends."""

    cluster: Cluster
    bus: KafkaBus
    dsn: str
    folder: Path
    disk: Disk | None = None
    """The brokers' own, where it is small."""
    kept: list[RouterProcess] = field(default_factory=list)
    restarts: int = 0

    @property
    def worker(self) -> RouterProcess:
        """The router that is always there."""
        return self.kept[0]

    def process(
        self, replica: str, service: str = "router", settings: Mapping[str, str] | None = None
    ) -> RouterProcess:
        """A process on ports of its own, not started yet."""
        port = ports.free()[0]
        environment = {
            "ROUTER_SESSION_TIMEOUT": str(SESSION_TIMEOUT),
            "SWITCHBOARD_STORAGE": f"file://{self.folder}/storage",
            f"{service.upper()}_PORT": str(port),
            f"{service.upper()}_DATABASE": self.dsn,
            **(settings or {}),
        }
        log = self.folder / f"{service}-{replica}.log"
        return RouterProcess(self.cluster.through_proxies, port, log, "router", environment, service=service)

    @asynccontextmanager
    async def another_worker(self) -> AsyncIterator[RouterProcess]:
        """A second router of the same group, ready; gone after the block, however it ends."""
        other = self.process("other")
        try:
            await other.start()
            yield other
        finally:
            await other.end(signal.SIGKILL)

    async def leader(self) -> Node:
        """The broker that leads the first partition of what comes in."""
        topics = await self._topics()
        partitions = next(topic["partitions"] for topic in topics if topic["topic"] == MESSAGES_RECEIVED.name)
        return self.cluster.nodes[next(each["leader"] for each in partitions if each["partition"] == 0) - 1]

    async def whole(self) -> None:
        """Wait until each broker is there and has everything again."""
        await asyncio.to_thread(self.cluster.wait)

        async def in_sync() -> bool:
            return all(
                len(each["isr"]) == len(each["replicas"])
                for topic in await self._topics()
                for each in topic["partitions"]
            )

        await until(in_sync, "the replicas never caught up")

    async def _topics(self) -> Sequence[dict[str, Any]]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.cluster.bootstrap)
        try:
            await admin.start()
            topics: Sequence[dict[str, Any]] = await admin.describe_topics()
            return topics
        finally:
            await admin.close()

    def restarted_since(self, restarts: int) -> bool:
        """Whether something was started again since there were so many restarts."""
        return self.restarts > restarts

    async def supervise(self) -> None:
        while True:
            for each in self.kept:
                if each.process and each.process.poll() is not None:
                    self.restarts += 1
                    await each.start(ready=False)
            await asyncio.sleep(0.2)


@asynccontextmanager
async def staged(nodes: int, postgres: str, megabytes: int = 0) -> AsyncIterator[Stage]:
    """A stage with so many brokers, ready. `postgres`: superuser's DSN. `megabytes`: of a disk that
    the brokers have for themselves."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(engine_folder())
        disk = stack.enter_context(small_disk(folder / "kafka", megabytes)) if megabytes else None
        cluster = Cluster(folder / "kafka", nodes)
        for proxy in cluster.proxies:
            await proxy.start()
            stack.push_async_callback(proxy.stop)
        stack.push_async_callback(asyncio.to_thread, _kill, cluster)
        dsn, *_ = await asyncio.gather(_database(postgres), asyncio.to_thread(cluster.start))
        await create_topics(cluster.bootstrap, all_topics(["email", "chat", "phone", "sms", "x"]), replication=nodes)
        bus = KafkaBus(cluster.bootstrap, "test")
        await bus.start()
        stack.push_async_callback(bus.stop)
        for channel in (EMAIL, CHAT):
            await bus.publish(CHANNELS_ANNOUNCED, channel.name, channel)
        stage = Stage(cluster, bus, dsn, folder, disk)
        stage.kept += [stage.process("one"), stage.process("one", "desk")]
        for process in stage.kept:
            stack.push_async_callback(process.end, signal.SIGKILL)
        await asyncio.gather(*(process.start() for process in stage.kept))
        supervising = asyncio.ensure_future(stage.supervise())
        try:
            yield stage
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)


def _kill(cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.kill()


async def _database(postgres: str) -> str:
    name = f"faults_{uuid4().hex}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    dsn = postgres.rsplit("/", 1)[0] + f"/{name}"
    await migrate(dsn)
    return dsn
