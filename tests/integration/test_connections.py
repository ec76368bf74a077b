"""Nobody outside can hold a service's door shut: on a real port, with real half-sent requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from fastapi import Request

from shared.health import Health
from shared.run import http_config
from shared.web import connections, create_api
from shared.web.connections import Doors
from tests.waiting import until

STRANGER = ("127.0.0.2", 0)
"""An address that no proxy has: uvicorn trusts 127.0.0.1."""


@asynccontextmanager
async def service(doors: Doors) -> AsyncIterator[int]:
    api = create_api("stage", Health(), title="Stage")

    @api.post("/letters")
    async def take(request: Request) -> int:
        return len(await request.body())

    server = uvicorn.Server(http_config(api, "127.0.0.1", 0, doors))
    running = asyncio.ensure_future(server.serve())
    await until(lambda: server.started, "the port is open")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADERS_WITHIN", 0.5)
    monkeypatch.setattr(connections, "BODY_WITHIN", 0.5)


async def said(port: int, *parts: bytes, source: tuple[str, int] | None = STRANGER) -> bytes:
    """What comes back until the other side closes the connection, which we never do."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=source)
    for part in parts:
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.usefixtures("hurry")
async def test_half_sent_requests_do_not_stay() -> None:
    async with service(Doors(1000)) as port:
        halves = [b"", b"P", b"\r\n", b"POST /letters HTTP/1.1\r\nHost: a\r\n"] * 10
        for answer in await asyncio.gather(*(said(port, half) for half in halves)):
            assert answer.startswith(b"HTTP/1.1 408 ")
        body = b"POST /letters HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nDear"
        assert await said(port, body) == b""
        async with httpx.AsyncClient() as http:
            assert (await http.post(f"http://127.0.0.1:{port}/letters", content=b"Dear")).json() == 4


@pytest.mark.usefixtures("hurry")
async def test_a_second_request_on_the_same_connection_has_no_more_time_than_the_first() -> None:
    async with service(Doors(1000)) as port:
        first = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"
        answer = await said(port, first, b"GET /health/live HT")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"HTTP/1.1 408 " in answer


@pytest.mark.usefixtures("hurry")
async def test_a_slow_line_that_goes_on_sending_is_waited_for() -> None:
    async with service(Doors(1000)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=STRANGER)
        writer.write(b"POST /letters HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(10):  # 1.5 s in all, three times what a body may take that brings nothing
            writer.write(b"x" * 500)
            await asyncio.sleep(0.15)
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"5000")


async def test_headers_without_an_end_are_not_kept() -> None:
    async with service(Doors(1000)) as port:
        answer = await said(port, b"GET /health/live HTTP/1.1\r\n", *[b"X-More: " + b"y" * 4000 + b"\r\n"] * 17)
        assert answer.startswith(b"HTTP/1.1 431 ")


async def test_one_address_cannot_take_every_connection() -> None:
    async with service(Doors(8, per_address=3)) as port:
        held = [await asyncio.open_connection("127.0.0.1", port, local_addr=STRANGER) for _ in range(3)]
        assert (await said(port)).startswith(b"HTTP/1.1 503 ")
        live = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        assert (await said(port, live, source=("127.0.0.3", 0))).startswith(b"HTTP/1.1 200 ")
        proxied = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]  # a proxy speaks for many
        assert (await said(port, source=("127.0.0.3", 0))).startswith(b"HTTP/1.1 503 ")
        for _, writer in (*held, *proxied):
            writer.close()

        async def back() -> bool:
            return (await said(port, live)).startswith(b"HTTP/1.1 200 ")

        await until(back, "those who went make room")
