"""Decides which pages may call: the origins that the sites list, and no other (Fetch Standard, CORS
protocol)."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.dashboard.context import Sites
from shared.errors import Unavailable
from shared.web import problem

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key, x-site-key",
    "Access-Control-Max-Age": "600",
}


class Cors:
    """Answers preflights, and lets a listed origin read the answers, errors included."""

    def __init__(self, app: ASGIApp, sites: Sites) -> None:
        self._app, self._sites = app, sites

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request (ASGI)."""
        origin = Headers(scope=scope).get("origin", "") if scope["type"] == "http" else ""
        if not origin or not scope["path"].startswith("/api/"):
            await self._app(scope, receive, send)
            return
        try:
            known = await self._sites.know_origin(origin)
        except Unavailable:
            known = False

        async def open_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.append("Vary", "Origin")
                if known:
                    headers["Access-Control-Allow-Origin"] = origin
                    headers["Access-Control-Expose-Headers"] = "Retry-After"
            await send(message)

        if scope["method"] != "OPTIONS":
            await self._app(scope, receive, open_send)
            return
        refused = problem(403, "origin-not-allowed", "Pages of this origin may not call: add it to the site's origins.")
        allowed = Response(status_code=204, headers=_PREFLIGHT)
        await (allowed if known else refused)(scope, receive, open_send)
