"""How pages leave the desk: with a strict policy for the browser, and errors that people can
read."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from services.desk.actors import Actor, Forbidden
from services.desk.people import audit
from services.desk.security import desk_of
from services.desk.web import words
from services.desk.web.render import gettext, render
from services.desk.web.viewer import SignedOut, is_part, language_of, theme_of
from shared.errors import Rejected, Unavailable
from shared.logs import log

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
"""Nothing inline, nothing evaluated, nothing from elsewhere."""
CSP = "; ".join(_POLICY)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "HX-Request, Cookie, Accept-Language, Accept-Encoding, Sec-Fetch-Site",
}

_API = "/api/"
_WORTH_IT, _EFFORT = 1000, 4
"""Bytes from which a page is compressed, and how hard: half a millisecond for a page, which is then
a fifth of its size."""


def html(body: str, status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    """Returns a page or a part of one, with the console's headers."""
    return HTMLResponse(body, status, HEADERS | (headers or {}))


def packed(request: Request, answer: Response) -> Response:
    """Compress a page for our own pages and for who typed its address. One that another site asks
    for, with words of its choice to be shown beside what is secret, is not: its length would tell
    whether they are the same (BREACH). Nor is a stream."""
    ours = request.headers.get("sec-fetch-site") in ("same-origin", "none")
    takes = "gzip" in request.headers.get("accept-encoding", "")
    if ours and takes and isinstance(answer, HTMLResponse) and len(answer.body) >= _WORTH_IT:
        answer.body = gzip.compress(answer.body, _EFFORT, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def redirect(to: str) -> RedirectResponse:
    """Redirects after a form to the page that shows what it did (303, RFC 9110, 15.4.4)."""
    return RedirectResponse(to, 303, HEADERS)


def onward(to: str) -> RedirectResponse:
    """Hands a form on to what it asks for next (307, RFC 9110, 15.4.8): the browser sends it there
    as it was, token and all."""
    return RedirectResponse(to, 307, HEADERS)


class ConsoleRoute(APIRoute):
    """A route whose errors are for people."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wraps the handler, so that its errors become pages."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return packed(request, await handler(request))
            except SignedOut as out:
                if is_part(request) or request.url.path.endswith("/live"):
                    return html("", 401)
                return redirect(out.to)
            except Rejected as error:
                await _note_refusal(request, error)
                text = words.problem(error, gettext(language_of(request)))
                return refuse(request, error.status, text, {"Retry-After": "2"} if error.status == 503 else None)
            except Unavailable as error:
                log.warning("unavailable", error=str(error))
                _ = gettext(language_of(request))
                text = _("Temporarily unavailable. Nothing was changed; please try again.")
                return refuse(request, 503, text, {"Retry-After": "2"})
            except (HTTPException, RequestValidationError):
                raise
            except Exception:  # noqa: BLE001 - whatever it is, a person waits for a page that says so
                log.exception("unexpected error", path=request.url.path)
                _ = gettext(language_of(request))
                return refuse(request, 500, _("Something went wrong on our side. It has been logged."))

        return handle


async def _note_refusal(request: Request, error: Rejected) -> None:
    """Records in the audit log that somebody who is signed in tried what they may not do."""
    actor: Actor | None = getattr(request.state, "actor", None)
    if error.status == 403 and actor:
        why = error.permission.value if isinstance(error, Forbidden) else error.code
        await audit.noted(desk_of(request).database, "access.refused", actor, request.url.path[:200], why=why)


def errors_as_pages(app: FastAPI) -> None:
    """Replaces the app's error answers, which are for programs, with pages for people where no
    page of ours answers, such as for an address that does not exist."""
    for kind, answer in list(app.exception_handlers.items()):
        if kind is not WebSocketRequestValidationError:
            app.add_exception_handler(kind, _for_people(answer))


def _for_people(answer: Callable[[Request, Any], Any]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        told: Response = await answer(request, error)
        browser = "text/html" in request.headers.get("accept", "") or is_part(request)
        if not browser or request.url.path.startswith(_API):
            return told
        text = gettext(language_of(request))(words.ERRORS.get(told.status_code, words.FAILED))
        kept = {name: value for name, value in told.headers.items() if name in ("allow", "retry-after")}
        return refuse(request, told.status_code, text, kept)

    return handle


def refuse(request: Request, status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """Renders what went wrong, as a toast for a part of a page and as a page otherwise."""
    language = language_of(request)
    template = "parts/toast.html" if is_part(request) else "error.html"
    channels = {channel.name: channel for channel in desk_of(request).channels.values()}
    body = render(template, language, channels, text=text, status=status, theme=theme_of(request), undo=None)
    return html(body, status, headers)
