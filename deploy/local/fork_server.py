"""One process that has imported what all services need, and becomes each of them by a fork.

Six processes that import the same libraries take the same second and the same memory six times.
What is forked shares the memory, and starts at once, after a crash too; each service is still a
process of its own. `Forks` is our side, `main` the other one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FORKS = sys.platform == "linux"
"""Elsewhere a fork that executes nothing may crash in system libraries (Python, "multiprocessing:
Contexts and start methods")."""
_LARGEST = 64 << 10
"""Bytes of a request."""
_LATER = (
    "services.router.agents",
    "services.social.networks.x.network",
    "fsspec.implementations.local",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
)
"""What services import only once they run."""
_STANDARD = 3
"""Standard input, output and error."""


class Forked:
    """A process that was forked: a leader of its own session, whose parent is the fork server."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def returncode(self) -> int | None:
        """Its exit code, below 0 the signal that killed it; None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Returns its exit code, once it has ended."""
        return await asyncio.shield(self._ended)

    def ended(self, code: int) -> None:
        """Wakes those who wait."""
        if not self._ended.done():
            self._ended.set_result(code)


class Forks:
    """Forks `python -m services` in `root`. The server starts with the first one, and again after
    it was killed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._environment: Mapping[str, str] = {}
        """The server's own, and of all that it forks as far as they are given no other."""
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._running: dict[int, Forked] = {}
        self._starting: list[asyncio.Future[Forked]] = []
        self._telling: set[asyncio.Task[None]] = set()

    def start(self, environment: Mapping[str, str]) -> None:
        """Begins to import, with these settings; whoever is forked meanwhile waits for the end
        of that."""
        if not FORKS:
            return
        self._environment = dict(environment)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "deploy.local.fork_server", str(theirs.fileno())],
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        ours.setblocking(False)
        self._socket = ours
        asyncio.get_running_loop().add_reader(ours, self._hear)

    async def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], standard: tuple[int, int, int]
    ) -> Forked:
        """Runs `python -m services <arguments>` with what is added to the server's environment.
        `standard`: its input, output and error, which the caller closes. Raises OSError."""
        if not FORKS:
            return await self._execute(arguments, environment, standard)
        if self._socket is None:
            self.start(environment)
        assert self._socket is not None  # noqa: S101 - just opened
        own = {name: value for name, value in environment.items() if self._environment.get(name) != value}
        request = json.dumps({"arguments": list(arguments), "environment": own}).encode()
        started: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        socket.send_fds(self._socket, [request], standard)
        self._starting.append(started)
        return await started

    async def _execute(
        self, arguments: Sequence[str], environment: Mapping[str, str], standard: tuple[int, int, int]
    ) -> Forked:
        given, said, complained = standard
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services", *arguments), cwd=self._root, env=environment,
            stdin=given, stdout=said, stderr=complained, start_new_session=True,
        )  # fmt: skip
        executed = Forked(process.pid)

        async def tell() -> None:
            executed.ended(await process.wait())

        self._telling.add(telling := asyncio.create_task(tell()))
        telling.add_done_callback(self._telling.discard)
        return executed

    async def stop(self) -> None:
        """Ends the server. Those that it forked are not its children any more, and nobody tells
        when they end."""
        if self._socket is not None:
            self._lost()
        if self._server is not None:
            await asyncio.to_thread(self._server.wait)

    def _hear(self) -> None:
        assert self._socket is not None  # noqa: S101 - nobody reads from a closed one
        try:
            told = self._socket.recv(_LARGEST)
        except OSError:
            told = b""
        if not told:
            self._lost()
            assert self._server is not None  # noqa: S101 - it has just closed its end
            self._server.wait()
            return
        pid, code = json.loads(told)
        if code is None:
            self._running[pid] = Forked(pid)
            started = self._starting.pop(0)
            if not started.cancelled():
                started.set_result(self._running[pid])
        else:
            self._running.pop(pid).ended(code)

    def _lost(self) -> None:
        """Records that the server is gone, and with it whoever would tell us of its children:
        they count as killed."""
        assert self._socket is not None  # noqa: S101 - it is lost once
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        self._socket = None
        for started in self._starting:
            if not started.done():
                started.set_exception(OSError(errno.ECHILD, "the process that services are forked from has ended"))
        for forked in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(forked.pid, signal.SIGKILL)
            forked.ended(-signal.SIGKILL)
        self._starting, self._running = [], {}


def main(channel: int) -> None:
    """Imports, then forks whenever we are asked to, until nobody can ask any more. Returns in a
    child: what it is to do runs then."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # whoever started us closes our socket
        signal.signal(number, signal.SIG_IGN)
    requests = socket.socket(fileno=channel)
    gc.disable()
    _import_services()
    gc.collect()
    gc.freeze()  # whoever collects garbage would write to what is shared
    signal.signal(signal.SIGCHLD, lambda *_: None)
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    woken.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    with selectors.DefaultSelector() as both:
        both.register(requests, selectors.EVENT_READ)
        both.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in both.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    _tell_ends(requests)
                    continue
                asked, descriptors, _, _ = socket.recv_fds(requests, _LARGEST, _STANDARD)
                if not asked:
                    return
                pid = os.fork()
                if not pid:
                    _become(descriptors, **json.loads(asked))
                    for ours in (both, requests, woken, wakes):
                        ours.close()
                    gc.enable()
                    runpy.run_module("services", run_name="__main__", alter_sys=True)
                    return
                for descriptor in descriptors:
                    os.close(descriptor)
                _send(requests, pid, None)


def _import_services() -> None:
    """Imports the services; what cannot be imported is left to the service, which says why."""
    names = [f"services.{path.parent.name}.app" for path in sorted(Path("services").glob("*/app.py"))]
    for name in (*names, *_LATER):
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # a thread would not be there after a fork
    with contextlib.suppress(Exception):
        from shared.language import detect
        from shared.settings import Settings, load

        detect("Hello, where is my order?", load(Settings).languages)  # 60 MB, for whoever reads what customers write


def _tell_ends(requests: socket.socket) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            _send(requests, pid, os.waitstatus_to_exitcode(status))


def _send(requests: socket.socket, pid: int, code: int | None) -> None:
    with contextlib.suppress(OSError):  # nobody is there any more, which the next look shows
        requests.send(json.dumps([pid, code]).encode())


def _become(descriptors: Sequence[int], arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Becomes as a process is that was just executed."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.environ.update(environment)
    sys.argv = ["services", *arguments]
    with contextlib.suppress(OSError):  # what `top` shows
        Path("/proc/self/comm").write_text(" ".join(arguments)[:15])


if __name__ == "__main__":
    main(int(sys.argv[1]))
