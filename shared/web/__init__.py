"""The HTTP side that all services have: health, metrics, limits, and errors as RFC 9457 problem
details."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Malformed, Rejected, Unavailable
from shared.health import Health
from shared.logs import log
from shared.metrics import METRICS

GONE = 499
"""Nobody waits for the answer any more. nginx's number; it says that no fault was ours."""
RETRY_AFTER = 2
"""Seconds that we ask a caller to wait when something is away."""


def create_api(
    name: str,
    health: Health,
    *,
    title: str,
    description: str = "",
    max_body: int = 1_000_000,
    larger: Mapping[str, int] = MappingProxyType({}),
) -> FastAPI:
    """Creates an app with `/health/live`, `/health/ready` and `/metrics`. `max_body`: bytes of a
    request that are read; `larger`: as many below these paths."""
    api = FastAPI(
        title=title, description=description, version="1", docs_url=None, redoc_url=None, responses=dict(_ANSWERS)
    )
    api.state.health, api.state.service = health, name
    METRICS.started(name)
    api.add_middleware(EndsWithItsReader)
    api.add_middleware(Limits, max_body=max_body, larger=larger)
    api.add_exception_handler(Rejected, _rejected)
    api.add_exception_handler(Unavailable, _unavailable)
    api.add_exception_handler(Malformed, _malformed)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(ClientDisconnect, _gone)
    api.add_exception_handler(Exception, _unknown)

    @api.get("/health/live", include_in_schema=False)
    async def live() -> dict[str, bool]:
        return {"live": True}

    @api.get("/health/ready", include_in_schema=False)
    async def ready() -> JSONResponse:
        return JSONResponse(health.report(), 200 if health.ready else 503)

    @api.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return api


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """Returns an RFC 9457 problem. `code` is stable, for programs; `detail` says what to do, for
    people."""
    body = {
        "type": f"urn:switchboard:problem:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": detail,
        **more,
    }
    return _Problem(body, status, headers)


class _Problem(JSONResponse):
    """What was wrong is often quoted, and may be half a character: replaced, as no client could
    read it."""

    media_type = "application/problem+json"

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


_PROBLEM: dict[str, Any] = {
    "application/problem+json": {
        "schema": {
            "type": "object",
            "required": ["type", "title", "status", "detail"],
            "properties": {
                "type": {"type": "string", "description": "`urn:switchboard:problem:` and a code that is stable"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "detail": {"type": "string", "description": "What is wrong and what to do, for people"},
            },
        }
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "What you sent cannot be taken: RFC 9457, `detail` says what to do", "content": _PROBLEM},
    "503": {"description": "Something we need is away: send the same again after `Retry-After`", "content": _PROBLEM},
}
"""What any operation may answer beside its own."""


class Limits:
    """Refuses bodies that are too large, adds the headers that every answer should have, and
    counts."""

    def __init__(self, app: ASGIApp, max_body: int, larger: Mapping[str, int]) -> None:
        self._app, self._max_body, self._larger = app, max_body, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, read = time.perf_counter(), GONE, 0
        path: str = scope["path"]
        limit = next((most for below, most in self._larger.items() if path.startswith(below)), self._max_body)
        declared = next((value for key, value in scope["headers"] if key == b"content-length"), b"0")

        async def limited_receive() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413)
            return message

        async def hardened_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {key.lower() for key, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in _HARDENED if k not in present)]
            await send(message)

        try:
            if not declared.isdigit() or int(declared) > limit:
                await _too_large(limit)(scope, receive, hardened_send)
            else:
                await self._app(scope, limited_receive, hardened_send)
        except Exception:
            status = 500
            raise
        finally:
            route = getattr(scope.get("route"), "path", "other")
            METRICS.http_requests.labels(method=scope["method"], route=route, status=str(status)).inc()
            METRICS.http_seconds.labels(route=route).observe(time.perf_counter() - started)


class EndsWithItsReader:
    """Cancels what a GET is doing when whoever asked has hung up, and with it the statement that
    runs for them in PostgreSQL.

    What goes wrong without it: a few abandoned searches hold every connection. What changes
    something goes on to its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        heard: asyncio.Queue[Message | Exception] = asyncio.Queue()
        answering = False

        async def listen() -> None:
            try:
                while (message := await receive())["type"] != "http.disconnect":
                    heard.put_nowait(message)
                heard.put_nowait(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is for the one who reads the body
                heard.put_nowait(error)
                await asyncio.Event().wait()

        async def next_heard() -> Message:
            if isinstance(found := await heard.get(), Exception):
                raise found
            return found

        async def answer(message: Message) -> None:
            nonlocal answering
            answering = True  # who streams looks for the end of the reader by itself, and ends in good order
            await send(message)

        work = asyncio.ensure_future(self._app(scope, next_heard, answer))
        ears = asyncio.ensure_future(listen())
        try:
            await asyncio.wait({work, ears}, return_when=asyncio.FIRST_COMPLETED)
            if answering or work.done():
                await work
                return
            work.cancel()
            await asyncio.wait({work})
            if not work.cancelled():
                work.result()
        finally:
            ears.cancel()
            work.cancel()


_HARDENED = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)


def _too_large(limit: int) -> JSONResponse:
    return problem(
        413, "too-large", f"The request is larger than {limit:,} bytes. Send less, or send files by themselves."
    )


async def _gone(_: Request, __: Exception) -> Response:
    """Answers a client that sent half a request and hung up."""
    return Response(status_code=GONE)


async def _rejected(_: Request, error: Exception) -> Response:
    assert isinstance(error, Rejected)  # noqa: S101 - Starlette's signature is wider than what it calls
    headers = {"Retry-After": str(RETRY_AFTER)} if error.status in (429, 503) else None
    return problem(error.status, error.code, error.message, headers)


async def _unavailable(_: Request, error: Exception) -> Response:
    log.warning("unavailable", error=str(error))
    return problem(
        503,
        "unavailable",
        "Something we need is away for a moment. Nothing was done; send the same request again.",
        {"Retry-After": str(RETRY_AFTER)},
    )


async def _malformed(_: Request, error: Exception) -> Response:
    return problem(400, "malformed", str(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
    found = [
        {"field": ".".join(map(str, item["loc"][1:])) or str(item["loc"][0]), "problem": item["msg"]}
        for item in error.errors()
    ]
    summary = "; ".join(f"{item['field']}: {item['problem']}" for item in found)
    return problem(422, "invalid", summary[:1000], errors=found)


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == 413:
        return problem(413, "too-large", "The request is larger than this service reads. Send less.")
    codes = {404: "not-found", 405: "method-not-allowed", 401: "unauthorized", 403: "forbidden"}
    return problem(
        error.status_code, codes.get(error.status_code, "http-error"), str(error.detail), dict(error.headers or {})
    )


async def _unknown(_: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error)
    return problem(500, "unexpected", "Something went wrong on our side. It has been logged.")
