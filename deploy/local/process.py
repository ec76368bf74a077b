"""One engine as a child process: started in a session of its own, watched by the guardian, stopped
gently."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from deploy.local import guardian
from deploy.local.problem import Problem


class Engine:
    """A server that we start and stop. `stop_signal` is its gentle way out; its output goes to the
    file `log`."""

    def __init__(self, name: str, log: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
        self.name, self.log, self.stop_signal = name, log, stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(
        self, command: Sequence[str], *, user: str | None = None, environment: Mapping[str, str] | None = None
    ) -> None:
        """Starts the server. The log is begun anew: what matters of an older one has been said."""
        if self._process is not None:  # it ended by itself, and its number may be somebody else's by now
            guardian.release(self._process.pid)
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=user,
                extra_groups=[] if user else None,
                env=environment,
                cwd=self.log.parent,
                start_new_session=True,
            )
        guardian.watch(self._process.pid, guardian.ENGINE, self.stop_signal)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Returns when `ready()` is true. Raises Problem when it ended before, or is not ready
        in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid is None:
                raise Problem(f"{self.name} did not start: {self.last_words()} (more in {self.log})")
            if time.monotonic() > deadline:
                raise Problem(
                    f"{self.name} was not ready after {seconds:.0f} s: is the machine very busy? See {self.log}, then try again"
                )
            time.sleep(0.05)

    def last_words(self) -> str:
        """Returns the line of its log that most likely says why it ended."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        telling = [line for line in lines if any(word in line for word in ("FATAL", "ERROR", "Exception", "PANIC"))]
        return (telling or lines or ["it said nothing"])[-1].strip()[:300]

    def stop(self, seconds: float = 20.0) -> None:
        """Stops it gracefully, and kills it if it has not ended after `seconds`."""
        self._end(self.stop_signal, seconds)

    def kill(self) -> None:
        """Kills it at once, as a crash would."""
        self._end(signal.SIGKILL, 5.0)

    def _end(self, how: signal.Signals, seconds: float) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how) if how == signal.SIGKILL else process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if self._process is process:
            self._process = None
            guardian.release(process.pid)


def stop_leftovers(mark: str, how: signal.Signals) -> None:
    """Stops a server of an earlier run that no process holds any more: one whose command line
    has `mark`, a path in its folder."""
    left = [
        process
        for process in psutil.process_iter(["cmdline"])
        if mark in (process.info["cmdline"] or []) and process.pid != os.getpid()
    ]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.send_signal(how)
    _, stubborn = psutil.wait_procs(left, timeout=15)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
