"""Who is compared: each is one or more processes of its own that read `messages-received` and write
`messages-routed`.

The loops make their decisions by the router's own code (`__main__.py` sets all of them up); Kafka
Streams makes them in Java.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial

Start = Callable[[str, str], list[list[str]]]
"""The commands, one for each process, for these bootstrap servers and this consumer group."""


def _service(replicas: int, policy: str, servers: str, group: str) -> list[list[str]]:
    """The router as it runs anywhere, under a published policy or the one that comes with it."""
    settings = {
        "SWITCHBOARD_KAFKA": servers,
        "SWITCHBOARD_SECRET": "x" * 32,
        "SWITCHBOARD_LOG_LEVEL": "warning",
        "ROUTER_GROUP": group,
        "ROUTER_POLICY": policy,
    }
    port, common = int(os.environ.get("ROUTER_PORT", "18390")), [f"{name}={value}" for name, value in settings.items()]
    return [
        ["env", *common, f"ROUTER_PORT={port + n}", sys.executable, "-m", "services", "router"] for n in range(replicas)
    ]


def _loop(module: str, servers: str, group: str) -> list[list[str]]:
    return [[sys.executable, "-m", "tests.benchmarks.contenders", module, servers, group]]


OURS = "this router"
WITHOUT_MODEL = "words"
"""Name of a policy that differs from the shipped one in this alone; whoever starts the contenders
publishes it."""
CONTENDERS: dict[str, Start] = {
    OURS: partial(_service, 1, "default"),
    "this router without its model": partial(_service, 1, WITHOUT_MODEL),
    "this router, two replicas": partial(_service, 2, "default"),
    "plain aiokafka loop": partial(_loop, "plain_aiokafka"),
    "confluent-kafka loop": partial(_loop, "plain_confluent"),
    "FastStream": partial(_loop, "fast_stream"),
}
