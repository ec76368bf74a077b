"""Sees to it that no child outlives us, even when we are killed with -9.

A tiny process of its own holds the reading end of a pipe. As long as we live, the pipe is open;
when it closes, the guardian stops what is still there, in the order of the ranks, and ends. It runs
on the standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, cast

SERVICE, ENGINE = 0, 1
"""Ranks: services are stopped before the engines that they write to."""
_PATIENCE = 12.0
"""Seconds a rank gets to end by itself. Kafka needs most: 2 to 4 s, more on a busy machine."""

_lock = threading.Lock()
_guardian: subprocess.Popen[bytes] | None = None
_watched: set[int] = set()
_kept: list[int] = []


def keep(descriptor: int) -> None:
    """Lets the guardian hold this open file (a lock) until it has stopped everything. Call it
    before `watch`."""
    _kept.append(descriptor)


def watch(pid: int, rank: int, stop: int = signal.SIGTERM) -> None:
    """Makes the guardian stop the process group `pid` with signal `stop` when this process is
    gone."""
    with _lock:
        _watched.add(pid)
        _tell(f"+ {pid} {rank} {int(stop)}\n")


def release(pid: int) -> None:
    """Stops guarding the process `pid`, which has ended: its number may be reused by another
    process."""
    global _guardian  # noqa: PLW0603 - one guardian a process
    with _lock:
        if pid not in _watched:
            return
        _watched.remove(pid)
        _tell(f"- {pid} 0 0\n")
        if not _watched and _guardian is not None:
            _guardian.communicate()  # nothing is left to guard: it ends
            _guardian = None


def _tell(line: str) -> None:
    global _guardian  # noqa: PLW0603 - one guardian a process
    if _guardian is None or _guardian.poll() is not None:
        _guardian = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=_kept,
            start_new_session=True,
        )
    pipe = cast("IO[bytes]", _guardian.stdin)
    pipe.write(line.encode())
    pipe.flush()


def _alive(pid: int) -> bool:
    """Whether the group `pid` still has members. One that has ended counts as gone, even where
    nobody collects it."""
    with contextlib.suppress(OSError):
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return False
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stop(groups: Sequence[tuple[int, int]]) -> None:
    for pid, stop in groups:
        with contextlib.suppress(OSError):
            os.kill(pid, stop)
    deadline = time.monotonic() + _PATIENCE
    while any(_alive(pid) for pid, _ in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid, _ in groups:
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def main(lines: IO[str]) -> None:
    """Maintains the list until the pipe closes, then stops what is left on it."""
    watched: dict[int, tuple[int, int]] = {}
    for line in lines:
        sign, *numbers = line.split()
        pid, rank, stop = map(int, numbers)
        watched.pop(pid, None)
        if sign == "+":
            watched[pid] = (rank, stop)
    for each in (SERVICE, ENGINE):
        _stop([(pid, stop) for pid, (its, stop) in watched.items() if its == each])


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    main(sys.stdin)
