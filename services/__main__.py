"""`python -m services <name> [command ...]`: run a service, or one of its commands.

`python -m services topics [replicas]` creates every topic, `migrate` brings every service's schema
up to date, and `channels` lists the channels. Services and channels are found by their folder.
"""

from __future__ import annotations

import asyncio
import importlib
import io
import sys
from pathlib import Path

from shared.errors import Misconfigured, Unavailable
from shared.settings import Settings, load, single
from shared.terminal import printable
from shared.topics import all_topics

_HERE = Path(__file__).parent


def names() -> list[str]:
    """Returns the name of every service in this folder."""
    return sorted(path.parent.name for path in _HERE.glob("*/app.py"))


def channels() -> dict[str, str]:
    """Returns the name of every channel, as each service's `channel.py` declares it, with that
    service."""
    found = sorted(path.parent.name for path in _HERE.glob("*/channel.py"))
    modules = {name: importlib.import_module(f"services.{name}.channel") for name in found}
    return {
        channel.name: name
        for name, module in modules.items()
        for channel in getattr(module, "CHANNELS", (module.CHANNEL,))
    }


class _Terminal(io.TextIOWrapper):
    """What is printed for a person: customers' words cannot steer their terminal."""

    def write(self, text: str, /) -> int:
        return super().write(printable(text, lines=True))


def main(arguments: list[str]) -> int:
    """Runs a service or command; returns the exit code. Each service's `app.py` has
    `main(arguments) -> exit code`."""
    if sys.stdout.isatty():
        sys.stdout = _Terminal(sys.stdout.buffer, sys.stdout.encoding, sys.stdout.errors, line_buffering=True)
    commands = {"topics": _topics, "migrate": _migrate, "channels": _channels}
    name, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if name not in [*names(), *commands]:
        print(f"usage: python -m services <{'|'.join([*names(), *commands])}> [command ...]", file=sys.stderr)
        return 2
    try:
        work = commands.get(name) or importlib.import_module(f"services.{name}.app").main
        return int(work(rest))
    except Misconfigured as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 78  # EX_CONFIG of sysexits.h: restarting will not help
    except Unavailable as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 75  # EX_TEMPFAIL: try again later


def _topics(arguments: list[str]) -> int:
    """Creates the topics that are missing, with as many replicas as the argument says (1 without
    it), and grants each service its rights."""
    if arguments and not (len(arguments) == 1 and arguments[0].isdecimal() and int(arguments[0]) > 0):
        print("usage: python -m services topics [replicas]", file=sys.stderr)
        return 2
    from shared.bus.access import grant, rights
    from shared.bus.kafka import create_topics

    replicas, address, topics = int(arguments[0]) if arguments else 1, load(Settings).kafka, all_topics([*channels()])
    made = asyncio.run(create_topics(address, topics, replicas))
    asyncio.run(grant(address, rights(topics, channels(), names())))
    print(f"{len(made)} topics created" if made else "all topics are there")
    return 0


def _migrate(_arguments: list[str]) -> int:
    """Migrates every service's schema, one after the other in one process: starting one for each
    takes longer than the work."""
    from shared.db import migrate

    for folder in sorted(_HERE.glob("*/migrations")):
        name = folder.parent.name
        dsn = single(f"{name.upper()}_DATABASE")
        if not dsn:
            raise Misconfigured(f"{name.upper()}_DATABASE is missing: the PostgreSQL DSN of the role {name}")
        migrate(dsn, name, folder)
    return 0


def _channels(_arguments: list[str]) -> int:
    print(*channels())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
