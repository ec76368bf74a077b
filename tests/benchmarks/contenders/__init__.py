"""Who is compared: each is a process of its own that reads `messages-received` and writes `messages-routed`.

The loops make their decisions by the router's own code (`__main__.py` sets all of them up); Kafka Streams makes them in Java.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial

Start = Callable[[str, str], list[str]]
"""The command for these bootstrap servers and this consumer group."""


def _service(servers: str, group: str) -> list[str]:
    """The router as it runs anywhere."""
    settings = {
        "SWITCHBOARD_KAFKA": servers,
        "SWITCHBOARD_SECRET": "x" * 32,
        "SWITCHBOARD_LOG_LEVEL": "warning",
        "ROUTER_GROUP": group,
        "ROUTER_PORT": os.environ.get("ROUTER_PORT", "18390"),
    }
    return ["env", *(f"{name}={value}" for name, value in settings.items()), sys.executable, "-m", "services", "router"]


def _loop(module: str, servers: str, group: str) -> list[str]:
    return [sys.executable, "-m", "tests.benchmarks.contenders", module, servers, group]


OURS = "this router"
CONTENDERS: dict[str, Start] = {
    OURS: _service,
    "plain aiokafka loop": partial(_loop, "plain_aiokafka"),
    "confluent-kafka loop": partial(_loop, "plain_confluent"),
    "FastStream": partial(_loop, "fast_stream"),
}
