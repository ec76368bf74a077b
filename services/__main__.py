"""`python -m services <name> [command ...]`: run a service, or one of its commands.

`python -m services topics` creates every topic, `python -m services channels` lists the channels. Services and channels
are found by their folder.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path

from shared.bus.kafka import create_topics
from shared.errors import Misconfigured, Unavailable
from shared.settings import Settings, load
from shared.topics import all_topics

_HERE = Path(__file__).parent


def names() -> list[str]:
    """Every service in this folder."""
    return sorted(path.parent.name for path in _HERE.glob("*/app.py"))


def channels() -> list[str]:
    """The name of every channel, as each describes itself in its `channel.py`."""
    found = sorted(path.parent.name for path in _HERE.glob("*/channel.py"))
    return [importlib.import_module(f"services.{name}.channel").CHANNEL.name for name in found]


def main(arguments: list[str]) -> int:
    """Each service's `app.py` has `main(arguments) -> exit code`."""
    if not arguments or arguments[0] not in [*names(), "topics", "channels"]:
        print(f"usage: python -m services <{'|'.join(names())}|topics|channels> [command ...]", file=sys.stderr)
        return 2
    try:
        if arguments[0] == "channels":
            print(*channels())
            return 0
        if arguments[0] == "topics":
            return _topics(arguments[1:])
        app = importlib.import_module(f"services.{arguments[0]}.app")
        return int(app.main(arguments[1:]))
    except Misconfigured as error:
        print(f"{arguments[0]}: {error}", file=sys.stderr)
        return 78  # EX_CONFIG of sysexits.h: restarting will not help


def _topics(arguments: list[str]) -> int:
    """Create the topics that are missing, with so many replicas as the argument says (1 without it)."""
    if arguments and not (len(arguments) == 1 and arguments[0].isdecimal() and int(arguments[0]) > 0):
        print("usage: python -m services topics [replicas]", file=sys.stderr)
        return 2
    try:
        made = asyncio.run(
            create_topics(load(Settings).kafka, all_topics(channels()), int(arguments[0]) if arguments else 1)
        )
    except Unavailable as error:
        print(f"topics: {error}", file=sys.stderr)
        return 75  # EX_TEMPFAIL: try again later
    print(f"{len(made)} topics created" if made else "all topics are there")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
