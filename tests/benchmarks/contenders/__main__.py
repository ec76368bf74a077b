"""`python -m tests.benchmarks.contenders <module> <servers> <group>`: a loop of this package with
what all of them need.

That is views of the customers and channels, the shipped policy, and `Router`, which makes the
decisions of the real one.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys

import uvloop

from services.router.adapters import policy_yaml
from services.router.handlers import Router
from shared import logs
from shared.bus.kafka import KafkaView
from shared.topics import CHANNELS_ANNOUNCED, CUSTOMERS_UPDATED


async def main(module: str, servers: str, group: str) -> None:
    """Route until SIGTERM."""
    profiles, channels = KafkaView(servers, CUSTOMERS_UPDATED), KafkaView(servers, CHANNELS_ANNOUNCED)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    following = [asyncio.ensure_future(view.run(stop)) for view in (profiles, channels)]
    await asyncio.gather(profiles.ready.wait(), channels.ready.wait())
    policy = policy_yaml.shipped()
    router = Router(profiles, channels.values, lambda: policy, group)
    loop = importlib.import_module(f"tests.benchmarks.contenders.{module}")
    await loop.run(servers, group, router.handle, stop)
    await asyncio.gather(*following)


if __name__ == "__main__":
    logs.configure("contender", "json", "warning")
    uvloop.run(main(*sys.argv[1:]))
