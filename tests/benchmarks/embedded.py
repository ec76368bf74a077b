"""The embedded run at rest: how soon it is up, the processor time that it takes with nothing to do,
and its memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks import builds
from tests.stack import free_ports

SETTLE, SECONDS = 20.0, 30.0
"""Seconds after the start, in which Java compiles what it runs, and seconds that are measured."""
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Rest:
    """One start: seconds until all services are ready; cores (CPU seconds a second) and megabytes
    by process."""

    up: float
    cores: Counter[str]
    memory: Counter[str]


def table() -> str:
    """This build and the one before in turn, as Markdown."""
    with builds.beside() as before:
        ours, theirs = builds.in_turn({"this build": builds.ROOT, "before": before}, measured).values()
    return shown(ours, theirs)


def shown(ours: Sequence[Rest], theirs: Sequence[Rest]) -> str:
    """What was measured, as Markdown."""
    rows = [("up, seconds", 1, [rest.up for rest in ours], [rest.up for rest in theirs])]
    for what, unit, digits in (("cores", "cores at rest", 4), ("memory", "MB at rest", 0)):
        mine, other = ([getattr(rest, what) for rest in rests] for rests in (ours, theirs))
        rows.append((f"{unit}, all", digits, [each.total() for each in mine], [each.total() for each in other]))
        rows += [
            (f"{unit}, {name}", digits, [each[name] for each in mine], [each[name] for each in other])
            for name, _ in mine[0].most_common()
        ]
    return (
        f"{builds.compared(rows)}\n\nBefore: {builds.BEFORE}. Starts with an empty home; {SECONDS:.0f} seconds, from {SETTLE:.0f} seconds "
        "after the start. Memory: proportional shares, so that shared pages count once."
    )


def measured(tree: Path) -> Rest:
    """Start the system of this checkout, let it rest, and stop it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        home, began = Path(folder) / "home", time.monotonic()
        settings = {"SWITCHBOARD_HOME": str(home), "SWITCHBOARD_PORT": str(free_ports())}
        with (Path(folder) / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local"],
                cwd=tree,
                env={**os.environ, **settings},
                stdout=output,
                stderr=output,
            )
        try:
            while not (home / "run.json").exists():
                if process.poll() is not None or time.monotonic() - began > _PATIENCE:
                    raise RuntimeError(f"{tree} did not start: {(Path(folder) / 'output').read_text()[-2000:]}")
                time.sleep(0.05)
            up = time.monotonic() - began
            time.sleep(SETTLE)
            names = {
                service["pid"]: name
                for name, service in json.loads((home / "run.json").read_text())["services"].items()
            }
            before, since = _seconds(process.pid, names), time.monotonic()
            time.sleep(SECONDS)
            after, seconds = _seconds(process.pid, names), time.monotonic() - since
            cores = Counter({name: (after[name] - before[name]) / seconds for name in after})
            return Rest(up, cores, _megabytes(process.pid, names))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _processes(root: int, names: dict[int, str]) -> dict[psutil.Process, str]:
    """All of a run, each with what it is."""
    found = {}
    for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            line = " ".join(process.cmdline())
            engine = "Kafka" if "kafka.Kafka" in line else "PostgreSQL" if "postgres" in line.split(" ")[0] else ""
            found[process] = names.get(process.pid) or engine or "around them"
    return found


def _seconds(root: int, names: dict[int, str]) -> Counter[str]:
    taken: Counter[str] = Counter()
    for process, name in _processes(root, names).items():
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            taken[name] += times.user + times.system  # type: ignore[assignment] # a Counter of seconds
    return taken


def _megabytes(root: int, names: dict[int, str]) -> Counter[str]:
    held: Counter[str] = Counter()
    for process, name in _processes(root, names).items():
        with suppress(psutil.NoSuchProcess):
            full: Any = process.memory_full_info()
            held[name] += getattr(full, "pss", full.rss) / 1e6
    return held


if __name__ == "__main__":
    print(table())
