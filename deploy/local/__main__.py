"""`python -m deploy.local`: everything on this machine, until Ctrl-C.

SWITCHBOARD_HOME: where data is kept (`var`). SWITCHBOARD_PORT: the first of 100 ports (8000).
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from deploy.local.console import Console
from deploy.local.home import Home
from deploy.local.plan import find_services, make_plan, misspelt
from deploy.local.problem import Problem
from deploy.local.settings import settings_of
from deploy.local.supervisor import PATIENCE, Supervisor

_ROOT = Path(__file__).parents[2]


def main(arguments: list[str]) -> int:
    """Runs everything. Exit code: 0 after an orderly stop, 1 after a problem, which is reported
    in one line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("--root", type=Path, default=_ROOT, help="the folder with `services/`; for tests")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for a service to be ready; for tests")
    chosen = parser.parse_args(arguments)
    logging.getLogger("aiokafka.conn").setLevel(logging.ERROR)  # it warns of a password that stays on this machine
    os.umask(0o077)  # also of all that is started: what customers wrote is for the owner's eyes only
    root: Path = chosen.root.resolve()
    settings = settings_of(root)
    console = Console()
    try:
        _warn(root, dotenv_values(root / ".env"), console)
        asyncio.run(_run(root, settings, console, chosen.patience))
    except Problem as problem:
        print(f"switchboard: {problem}", file=sys.stderr)
        return 1
    except BaseExceptionGroup as group:
        problems, others = group.split(Problem)
        if problems is None or others is not None:
            raise
        print(f"switchboard: {_first(problems)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before there was anything to stop
        return 130
    console.say("stopped; all data is kept")
    return 0


async def _run(root: Path, settings: Mapping[str, str], console: Console, patience: float) -> None:
    home = Home(root / settings.get("SWITCHBOARD_HOME", "var"))
    plan = make_plan(root, home.folder, settings.get("SWITCHBOARD_PORT", "8000"))
    home.claim()
    console.names(plan.services)
    supervisor = Supervisor(plan, home, settings, console, patience)

    asked: list[float] = []

    def stop() -> None:
        # Some senders signal the process and then its group: only later is it a person in a hurry.
        asked.append(time.monotonic())
        if asked[-1] - asked[0] > 1:
            supervisor.kill()
        supervisor.stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    await supervisor.run()


def _warn(root: Path, file: Iterable[str], console: Console) -> None:
    """Warns of misspelt settings in `.env`: they have no effect, and nothing else would report
    them."""
    example = root / ".env.example"
    for name, meant in misspelt(file, find_services(root), example.read_text() if example.is_file() else "").items():
        advice = f"did you mean {meant}?" if meant else ".env.example lists all settings"
        console.warn(f"{name} in .env is no setting: {advice}")


def _first(group: BaseExceptionGroup[Problem]) -> BaseException:
    """Returns the first error of a group: where several things failed at once, one line is
    enough, as the rest follows from it, or comes next time."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
