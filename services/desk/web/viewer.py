"""Who looks at the console, and how they like it: from the session, from cookies, from the browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from fastapi import Request, Response

from services.desk.context import Desk
from services.desk.people import service as people
from services.desk.people.views import AgentView, Session
from services.desk.web import calling
from services.desk.web.calling import Line
from shared.clock import utc_now
from shared.errors import Rejected
from shared.i18n import negotiate

ADMIN = "admin"
THEMES = ("system", "light", "dark")
THEME, LANGUAGE, KEYS, VIEW, SOUND = "theme", "language", "keys", "view", "sound"
"""Cookies. None of them says who somebody is."""


class SignedOut(Exception):
    """Nobody is signed in here."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """An agent at a browser."""

    agent: AgentView
    session: Session
    token: str
    language: str
    theme: str
    keys: bool
    view: str
    """The list that they looked at last."""
    sound: bool = True
    """Whether a call may be heard."""
    line: Line | None = None
    """Their own part of the telephone line, where a whole page is made."""
    letters: int = 0
    """Dead letters of the last day that wait, for admins, where a whole page is made."""


def desk_of(request: Request) -> Desk:
    """This process's desk, as pages work with it."""
    desk: Desk = request.app.state.console.desk
    return desk


def theme_of(request: Request) -> str:
    """`system`, `light` or `dark`."""
    theme = request.cookies.get(THEME, "")
    return theme if theme in THEMES else "system"


def language_of(request: Request) -> str:
    """For pages before the sign-in: the cookie, then what the browser asks for."""
    return negotiate(request.headers.get("accept-language", ""), request.cookies.get(LANGUAGE, ""))


async def viewer(request: Request) -> Viewer:
    """Who is signed in. Raises SignedOut."""
    token = request.cookies.get(people.COOKIE, "")
    session = await people.session(desk_of(request), token) if token else None
    if session is None:
        raise SignedOut
    return Viewer(
        agent=session.agent,
        session=session,
        token=token,
        language=negotiate(
            request.headers.get("accept-language", ""), request.cookies.get(LANGUAGE) or session.agent.language
        ),
        theme=theme_of(request),
        keys=request.cookies.get(KEYS) != "off",
        view=unquote(request.cookies.get(VIEW, "all")),
        sound=request.cookies.get(SOUND) != "off",
        line=await calling.line(desk_of(request), session.agent.email) if _is_page(request) else None,
        letters=desk_of(request).letters.waiting(utc_now()) if session.agent.role == ADMIN and _is_page(request) else 0,
    )


async def writer(request: Request) -> Viewer:
    """Who is signed in and meant this: the request comes from our own pages and carries the session's token."""
    check_origin(request)
    found = await viewer(request)
    token = request.headers.get("x-csrf-token", "")
    if not token:
        form = await request.form()
        token = str(form.get("csrf", ""))
    people.check_csrf(found.session, token)
    return found


def admins_only(who: Viewer) -> None:
    """Rejected 403 for everybody else."""
    if who.agent.role != ADMIN:
        raise Rejected(403, "admin", "Only an admin can do this. Ask one of them.")


def check_origin(request: Request) -> None:
    """Refuse what another site sent. Browsers put Origin on every POST (Fetch, 3.2); without it, Sec-Fetch-Site must vouch."""
    origin = request.headers.get("origin", "")
    if origin:
        ours = {request.headers.get("host", ""), urlsplit(desk_of(request).common.public_url).netloc}
        trusted = urlsplit(origin).netloc in ours and origin != "null"
    else:
        trusted = request.headers.get("sec-fetch-site", "") == "same-origin"
    if not trusted:
        raise Rejected(403, "other-origin", "This was sent from another site. Open the desk itself and try again.")


def is_part(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def _is_page(request: Request) -> bool:
    """Whether a whole page is asked for, by a browser that shows it."""
    wanted = request.headers.get("accept", "")
    return request.method in ("GET", "POST") and "text/html" in wanted and not is_part(request)


def keep_session(answer: Response, desk: Desk, token: str) -> None:
    """Let the browser keep the session as long as the desk does, from now on."""
    hours = desk.settings.session_hours
    answer.set_cookie(people.COOKIE, token, max_age=hours * 3600, httponly=True, samesite="lax", secure=is_secure(desk))


def is_secure(desk: Desk) -> bool:
    """Whether cookies travel over https only."""
    return desk.common.public_url.startswith("https:")
