"""Connections cost us something only while they say something: limits and time-outs below ASGI.

uvicorn waits for the rest of a request as long as its sender likes, takes headers of any size and
connections from anybody: 600 half-sent requests stayed open for ever.
"""

from __future__ import annotations

import resource
from asyncio import BaseTransport, TimerHandle
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.metrics import METRICS

HEADERS_WITHIN = 10.0
"""Seconds from connecting, or from a request's first byte, to the end of its headers: half of what
mod_reqtimeout gives."""
BODY_WITHIN = 20.0
BYTES_A_SECOND = 500
"""A body has 20 s, and as long beyond that as it brings 500 bytes a second: mod_reqtimeout's
default for Apache 2.4."""
MAX_HEADERS = 64 << 10
"""Bytes; h11 takes as many, nginx 32 KB."""
PER_ADDRESS = 200
"""Connections of one address: an office behind one router, not a flood. A trusted proxy speaks for
many and has no such limit."""
_RESERVED = 256
"""File descriptors for PostgreSQL, Kafka, and files."""


class Doors:
    """Counts the HTTP connections of a process. WebSockets leave the count once they are upgraded;
    they have limits of their own."""

    def __init__(self, most: int, per_address: int = PER_ADDRESS) -> None:
        self._most, self._per_address = most, per_address
        self._open: Counter[str] = Counter()
        self._trusted: Callable[[str], bool] | None = None

    def protocol(self, **wired: Any) -> Connection:
        """Creates a connection; given to `uvicorn.Config(http=…)`."""
        config: uvicorn.Config = wired["config"]
        if self._trusted is None:
            proxies = ProxyHeadersMiddleware(config.loaded_app, config.forwarded_allow_ips)
            self._trusted = proxies.trusted_hosts.__contains__
        return Connection(self, **wired)

    def enter(self, address: str) -> bool:
        """Whether one more connection of this address is taken; it has to `leave` then."""
        full = self._open[address] >= self._per_address
        if self._open.total() >= self._most or (full and not (self._trusted and self._trusted(address))):
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Removes from the count a connection that was closed, or became a WebSocket."""
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


def raise_limit() -> int:
    """Raises the limit of open files to the highest that the user may have. Returns how many
    connections that leaves room for."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    return max(files - _RESERVED, _RESERVED)


class Connection(HttpToolsProtocol):
    """One HTTP connection, closed when it is too many, too slow, or its headers are too large."""

    def __init__(self, doors: Doors, **wired: Any) -> None:
        super().__init__(**wired)
        self._doors = doors
        self._counted = ""
        self._timer: TimerHandle | None = None
        self._in_body = False
        self._began = 0.0
        self._bytes = 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(cast("Any", transport))
        address = self.client[0] if self.client else ""
        if not self._doors.enter(address):
            self._refuse("too-many", b"503 Service Unavailable")
            return
        self._counted = address
        self._expect(HEADERS_WITHIN)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Removes the connection from the count: from here on another protocol has it."""
        self._leave()
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if self._timer is None and idle:
            self._expect(HEADERS_WITHIN)
        super().data_received(data)
        if self._timer is not None and not self._in_body:  # still at the headers
            self._bytes += len(data)
            if self._bytes > MAX_HEADERS:
                self._refuse("large-headers", b"431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect(HEADERS_WITHIN)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._expect(BODY_WITHIN, body=True)

    def on_body(self, body: bytes) -> None:
        self._bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._cancel()
        super().on_message_complete()

    def _expect(self, seconds: float, *, body: bool = False) -> None:
        self._cancel()
        self._in_body, self._began, self._bytes = body, self.loop.time(), 0
        self._timer = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        self._timer = None
        if not self._in_body:
            self._refuse("slow-headers", b"408 Request Timeout")
            return
        left = BODY_WITHIN + self._bytes / BYTES_A_SECOND - (self.loop.time() - self._began)
        if left > 0 or self.flow.read_paused:  # paused: we are slow, not they
            self._timer = self.loop.call_later(max(left, 1.0), self._late)
        else:
            METRICS.http_refused.labels(reason="slow-body").inc()
            self.transport.close()  # who reads the body gets ClientDisconnect

    def _refuse(self, reason: str, status: bytes) -> None:
        self._cancel()
        METRICS.http_refused.labels(reason=reason).inc()
        self.transport.write(
            b"HTTP/1.1 " + status + b"\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )
        self.transport.close()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _leave(self) -> None:
        self._cancel()
        if self._counted:
            self._doors.leave(self._counted)
            self._counted = ""
