"""The frame of every service process: one loop, an HTTP port beside the work, an orderly end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, cast

import uvicorn
import uvloop
from fastapi import FastAPI

from shared.logs import log
from shared.waiting import wait
from shared.web.connections import Doors, raise_limit

Task = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set. Returning earlier, or raising, ends the process: a supervisor starts
it afresh."""
GRACE = 5.0
"""Seconds from SIGTERM to exit: shorter than any supervisor's patience, long enough for what is
under way."""


def serve(
    name: str,
    host: str,
    port: int,
    api: FastAPI,
    tasks: Mapping[str, Task],
    *,
    start: Sequence[AbstractAsyncContextManager[object]] = (),
) -> int:
    """Runs `api` on host:port beside `tasks` until SIGTERM or SIGINT. Returns the exit code: 0, or
    1 after a failure.

    `start`: entered in order before, left in reverse order after everything else.
    """
    return uvloop.run(_serve(name, host, port, api, tasks, start))


async def _serve(
    name: str,
    host: str,
    port: int,
    api: FastAPI,
    tasks: Mapping[str, Task],
    start: Sequence[AbstractAsyncContextManager[object]],
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        for manager in start:
            await stack.enter_async_context(manager)
        api.state.stop = stop
        server = _Server(http_config(api, host, port, Doors(raise_limit())))
        running: dict[asyncio.Future[None], str] = {
            asyncio.ensure_future(task(stop)): label for label, task in tasks.items()
        }
        running[asyncio.ensure_future(server.until(stop))] = "http"
        log.info("started", name=name, port=port)
        failed = await _first_failure(running, stop)
        stop.set()
        late = (await asyncio.wait(running, timeout=GRACE))[1] if running else set()
        for task in late:
            log.warning("did not end in time", task=running[task])
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    log.info("stopped", name=name, failed=failed)
    return 1 if failed else 0


def http_config(api: FastAPI, host: str, port: int, doors: Doors) -> uvicorn.Config:
    """Returns Uvicorn's configuration with our limits. WebSocket frames larger than a message
    needs are closed with 1009 before they are read."""
    return uvicorn.Config(
        api,
        host=host,
        port=port,
        http=cast("Any", doors.protocol),
        ws_max_size=64 << 10,
        ws_max_queue=8,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )


async def _first_failure(running: Mapping[asyncio.Future[None], str], stop: asyncio.Event) -> str:
    """Returns the name of the first task that ended by itself, or an empty string when `stop`
    came first."""
    stopping = asyncio.ensure_future(_wait(stop))
    done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    if stopping in done:
        return ""
    stopping.cancel()
    task = next(iter(done))
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    log.error("a part of the service ended", task=running[task], error=repr(error), exc_info=error)
    return running[task]


async def _wait(stop: asyncio.Event) -> None:
    await stop.wait()


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: the process has one stop event."""

    def install_signal_handlers(self) -> None:
        """Ours are set already."""

    async def main_loop(self) -> None:
        """Replaces uvicorn's loop, which looks ten times a second at whether it shall end: what
        it does meanwhile is to set the clock of the `Date` header."""
        while not await wait(self._stopping, 1.0):
            await self.on_tick(0)

    async def until(self, stop: asyncio.Event) -> None:
        """Serves until `stop` is set. Raises OSError where the port is taken."""
        self._stopping = stop
        serving = asyncio.ensure_future(self._serve())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        self.should_exit = True
        try:
            await serving
        except SystemExit as error:  # uvicorn's way to say that the port is taken
            raise OSError(f"cannot listen on {self.config.host}:{self.config.port}; is it taken?") from error
