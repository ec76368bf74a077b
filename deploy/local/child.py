"""One service as a child process: its log lines are passed on, and it is started again when it
ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from io import FileIO

from deploy.local import guardian
from deploy.local.console import Console
from deploy.local.fork_server import Forked, Forks
from shared.waiting import wait

MISCONFIGURED = 78
"""EX_CONFIG of sysexits.h: a setting is wrong, and starting again will not help."""
_LONGEST_PAUSE = 30.0
_STEADY = 60.0
"""Seconds after which a service counts as running well, so that its next crash is its first
again."""


def pause_after(crashes: int) -> float:
    """Returns the seconds before the next start: 1, 2, 4 … 30."""
    return min(2.0 ** min(crashes - 1, 10), _LONGEST_PAUSE)


class Child:
    """`python -m services <name>`. `changed` is called whenever it has a new process id, or none;
    `ready` answers once it can work, or with False where that takes too long."""

    def __init__(
        self,
        name: str,
        forks: Forks,
        console: Console,
        ready: Callable[[Child], Awaitable[bool]],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name, self._forks, self._console, self._ready, self._changed = name, forks, console, ready, changed
        self._process: Forked | None = None
        self._stopping = asyncio.Event()
        self.misconfigured = False

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def run(self, environment: Mapping[str, str]) -> None:
        """Keeps the service running until `stop`, or until its settings are wrong."""
        crashes = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            telling = asyncio.create_task(self._tell_when_back()) if crashes else None
            try:
                reason = _reason(code := await self._run_once(environment))
            except OSError as error:
                code, reason = os.EX_OSERR, f"cannot be started: {error.strerror}"
            finally:
                if telling:
                    telling.cancel()
            self._changed()
            if self._stopping.is_set():
                return
            if code == MISCONFIGURED:
                self.misconfigured = True
                self._console.warn(
                    f"{self.name} stays off: its settings are wrong, as it says above. Correct them and start again."
                )
                return
            crashes = 1 if time.monotonic() - started > _STEADY else crashes + 1
            pause = pause_after(crashes)
            self._console.warn(f"{self.name} ended ({reason}); starting it again in {pause:.0f} s")
            await wait(self._stopping, pause)

    async def _tell_when_back(self) -> None:
        if await self._ready(self):
            self._console.say(f"{self.name} is back")

    async def _run_once(self, environment: Mapping[str, str]) -> int:
        output, theirs = os.pipe()
        with FileIO(output) as reading:
            with FileIO(theirs, "w") as writing, FileIO(os.devnull) as nothing:
                standard = nothing.fileno(), writing.fileno(), writing.fileno()
                process = self._process = await self._forks.run([self.name], environment, standard)
            return await self._follow(process, reading)

    async def _follow(self, process: Forked, output: FileIO) -> int:
        guardian.watch(process.pid, guardian.SERVICE)
        self._changed()
        lines = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), output
        )
        pump = asyncio.create_task(self._pass_on(lines))
        try:
            code = await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it started itself
            guardian.release(process.pid)
        await pump
        transport.close()
        return code

    async def _pass_on(self, output: asyncio.StreamReader) -> None:
        """Passes the output on line by line; an endless line comes in pieces."""
        while True:
            try:
                line = await output.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                line = end.partial
            except asyncio.LimitOverrunError as long:
                line = await output.readexactly(max(long.consumed, 1))
            if not line:
                return
            self._console.log(self.name, line.decode(errors="replace").rstrip())

    async def stop(self, seconds: float = 10.0) -> None:
        """Terminates the service; kills it if it has not ended after `seconds`."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await process.wait()
        except TimeoutError:
            self._console.warn(f"{self.name} did not end within {seconds:.0f} s: killed")
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """Kills the service at once."""
        self._stopping.set()
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def _reason(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
