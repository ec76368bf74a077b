"""The processes of a demonstration: stand-ins for Twilio and X, and the whole system. None outlives
us."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from deploy.demo.practice import Practice
from deploy.local import guardian
from deploy.local.problem import Problem

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60.0
_SYSTEM_SECONDS = 900.0
"""The first start downloads 130 MB."""
_STOP_SECONDS = 60.0


class Process:
    """A Python module as a child in a session of its own, so that a Ctrl-C is ours to pass on in
    order."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name, self._process = name, process

    @classmethod
    async def start(cls, name: str, module: str, *arguments: str, environment: Mapping[str, str], rank: int) -> Process:
        """Starts `python -m module arguments`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            cwd=ROOT,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        guardian.watch(process.pid, rank, signal.SIGINT if rank == guardian.SERVICE else signal.SIGTERM)
        return cls(name, process)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    async def line(self) -> str:
        """Returns the next line that it prints; empty at its end."""
        stream = cast("asyncio.StreamReader", self._process.stdout)
        with contextlib.suppress(ValueError):  # an endless line: nobody misses it
            return (await stream.readline()).decode(errors="replace")
        return "\n"

    async def wait(self) -> None:
        """Waits until the process has ended."""
        await self._process.wait()

    async def stop(self, how: signal.Signals) -> None:
        """Sends it the signal to end, and kills what is left."""
        with contextlib.suppress(ProcessLookupError):
            if self.runs:
                self._process.send_signal(how)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await self._process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            guardian.release(self.pid)


async def start_exchange(practice: Practice, pace: float) -> tuple[Process, dict[str, str]]:
    """Starts Twilio's stand-in; returns it and the account that it has. Raises Problem."""
    arguments = (str(practice.exchange), practice.phone_service, str(pace))
    process, said = await _stand_in("the practice telephone exchange", "tests.providers.twilio", arguments)
    account: dict[str, str] = json.loads(said)
    return process, account


async def start_network(practice: Practice) -> tuple[Process, dict[str, str]]:
    """Starts X's stand-in; returns it and the settings that give us access. Raises Problem."""
    process, said = await _stand_in("the practice X", "tests.providers.x", (str(practice.network),))
    keys: dict[str, str] = json.loads(said)
    return process, keys


async def _stand_in(name: str, module: str, arguments: Sequence[str]) -> tuple[Process, str]:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = await Process.start(name, module, *arguments, environment=environment, rank=guardian.ENGINE)
    try:
        async with asyncio.timeout(_START_SECONDS):
            said = await process.line()
        if not said or not said.startswith("{"):
            rest = said
            async with asyncio.timeout(5):
                while line := await process.line():
                    rest = line
            raise Problem(f"{name} did not start: {rest.strip() or 'it said nothing'}")
    except BaseException as error:
        await process.stop(signal.SIGKILL)
        if isinstance(error, TimeoutError):
            raise Problem(f"{name} did not start within {_START_SECONDS:.0f} s: is the machine very busy?") from error
        raise
    return process, said


class Run:
    """`python -m deploy.local`. Everything it says is kept in `log`; what matters to a newcomer is
    passed on to `tell`."""

    def __init__(self, process: Process, home: Path, log: Path, tell: Callable[[str], None]) -> None:
        self.process, self._home, self._log, self._tell = process, home, log, tell
        self._up = False
        self._last = ""
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(cls, home: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> Run:
        """Starts the run; `wait_until_up` ends when it can be used."""
        variables = {**environment, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"}
        process = await Process.start("Switchboard", "deploy.local", environment=variables, rank=guardian.SERVICE)
        return cls(process, home, home / "services.log", tell)

    async def wait_until_up(self) -> dict[str, Any]:
        """Waits until the system is up; returns the contents of run.json. Raises Problem with
        the line that says why it did not start."""
        deadline = asyncio.get_running_loop().time() + _SYSTEM_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            if not self.process.runs:
                await self._reading
                raise Problem(
                    f"{self._last.removeprefix('switchboard: ') or 'Switchboard ended'} (more in {self._log})"
                )
            with contextlib.suppress(OSError, ValueError):
                found: dict[str, Any] = json.loads((self._home / "run.json").read_text())
                self._up = True
                return found
            await asyncio.sleep(0.2)
        raise Problem(f"Switchboard was not up after {_SYSTEM_SECONDS:.0f} s: its log is {self._log}")

    async def wait(self) -> None:
        """Waits until it ends by itself, which it should not. Raises Problem then."""
        await self.process.wait()
        await self._reading
        raise Problem(f"Switchboard ended by itself: {self._last or 'it said nothing'} (more in {self._log})")

    async def stop(self) -> None:
        """Stops the system in its own order: services first, then Kafka and PostgreSQL."""
        await self.process.stop(signal.SIGINT)
        await self._reading

    async def _read(self) -> None:
        with self._log.open("w", encoding="utf-8") as log:
            while line := await self.process.line():
                self._keep(log, line)

    def _keep(self, log: IO[str], line: str) -> None:
        log.write(line)
        log.flush()
        text = line.rstrip()
        self._last = text or self._last
        if text.startswith("▲") or (not self._up and text.startswith(("▸", "  downloading", "  installing"))):
            self._tell(text.lstrip("▸▲ "))
