"""Who looks at the console, and how they like it: from the session, from cookies, from the
browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from fastapi import Request, Response

from services.desk.actors import Actor, Kind, Permission
from services.desk.context import Desk
from services.desk.dead_letters.service import DeadLetterList
from services.desk.notifications import service as notifications
from services.desk.people import presence
from services.desk.people import service as people
from services.desk.people.schemas import AgentView, Session
from services.desk.security import desk_of
from services.desk.web.calls import line as calling
from services.desk.web.calls.line import Line
from shared.clock import utc_now
from shared.errors import Rejected
from shared.i18n import negotiate

_WITHOUT = ("/account", "/logout", "/preferences")
"""What somebody can do before they have a second step, where one is asked for, and with no
permission at all."""
_BY_ITSELF = ("/live", "/calls/mine", "/looks", "/notifications/seen")
"""Ends of paths that a browser asks for while nobody does anything."""
THEMES = ("system", "light", "dark")
THEME, LANGUAGE, KEYS, VIEW, SOUND = "theme", "language", "keys", "view", "sound"
"""Cookies. None of them says who somebody is."""


class SignedOut(Exception):
    """Nobody is signed in here."""

    to = "/login"


class StepMissing(SignedOut):
    """Somebody is signed in, and has to set up their second step first."""

    to = "/account?second-step=on"


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
    ip: str = ""
    letters: int = 0
    """Dead letters of the last day that wait, for those who may see them, where a whole page is
    made."""
    unread: int = 0
    """Notifications that they have not read, where a whole page is made."""

    @property
    def actor(self) -> Actor:
        """Who does what the agent asks for."""
        return actor_of_session(self.session, self.ip)


def actor_of_session(session: Session, ip: str) -> Actor:
    """Returns the agent who is signed in."""
    return Actor(Kind.AGENT, session.agent.email, session.agent.name, session.permissions, ip)


def ip_of(request: Request) -> str:
    """Returns the IP address from which a request comes; empty if it is unknown."""
    return request.client.host if request.client else ""


def theme_of(request: Request) -> str:
    """Returns the theme: `system`, `light` or `dark`."""
    theme = cookie(request, THEME)
    return theme if theme in THEMES else "system"


def language_of(request: Request) -> str:
    """Returns the language for pages before the sign-in: the cookie's, then what the browser
    asks for."""
    return negotiate(request.headers.get("accept-language", ""), cookie(request, LANGUAGE))


async def viewer(request: Request) -> Viewer:
    """Returns who is signed in. Raises SignedOut."""
    token = cookie(request, people.COOKIE)
    session = await people.session(desk_of(request), token) if token else None
    if session is None:
        raise SignedOut
    actor = request.state.actor = actor_of_session(session, ip_of(request))
    if not request.url.path.startswith(_WITHOUT):
        if desk_of(request).settings.second_step and not session.two_step:
            raise StepMissing
        actor.require(Permission.READ)
    if desk_of(request).settings.idle_minutes and not request.url.path.endswith(_BY_ITSELF):
        await presence.did(desk_of(request), session.agent.id)
    return Viewer(
        agent=session.agent,
        session=session,
        token=token,
        language=negotiate(
            request.headers.get("accept-language", ""), cookie(request, LANGUAGE) or session.agent.language
        ),
        theme=theme_of(request),
        keys=cookie(request, KEYS) != "off",
        view=unquote(cookie(request, VIEW) or "all"),
        sound=cookie(request, SOUND) != "off",
        ip=ip_of(request),
        line=await calling.line(desk_of(request), session.agent.email) if _is_page(request) else None,
        unread=await notifications.unread_count(desk_of(request), session.agent.id) if _is_page(request) else 0,
        letters=_waiting(request) if actor.may(Permission.MANAGE_DEAD_LETTERS) and _is_page(request) else 0,
    )


def _waiting(request: Request) -> int:
    dead_letters: DeadLetterList = request.app.state.dead_letters
    return dead_letters.waiting(utc_now())


async def writer(request: Request) -> Viewer:
    """Returns who is signed in and meant this: the request comes from our own pages and carries
    the session's token."""
    check_origin(request)
    found = await viewer(request)
    token = request.headers.get("x-csrf-token", "")
    if not token:
        form = await request.form()
        token = str(form.get("csrf", ""))
    people.check_csrf(found.session, token)
    return found


def check_origin(request: Request) -> None:
    """Refuses what another site sent. Browsers put Origin on every POST (Fetch, 3.2); without
    it, Sec-Fetch-Site must vouch."""
    origin = request.headers.get("origin", "")
    if origin:
        ours = {request.headers.get("host", ""), urlsplit(desk_of(request).common.public_url).netloc}
        trusted = urlsplit(origin).netloc in ours and origin != "null"
    else:
        trusted = request.headers.get("sec-fetch-site", "") == "same-origin"
    if not trusted:
        raise Rejected(403, "other-origin", "This request came from another site. Open the desk itself and try again.")


def is_part(request: Request) -> bool:
    """Whether htmx asks for a part of a page."""
    return request.headers.get("hx-request") == "true" and request.headers.get("hx-history-restore-request") != "true"


def _is_page(request: Request) -> bool:
    """Whether a whole page is asked for, by a browser that shows it."""
    wanted = request.headers.get("accept", "")
    return request.method in ("GET", "POST") and "text/html" in wanted and not is_part(request)


def keep_session(answer: Response, desk: Desk, token: str) -> None:
    """Sets the session's cookie for as long as the desk keeps the session, from now on."""
    keep(answer, desk, people.COOKIE, token, desk.settings.session_hours * 3600)


def cookie(request: Request, name: str) -> str:
    """Returns a cookie's value; empty if the browser has none."""
    return request.cookies.get(_named(desk_of(request), name), "")


def keep(answer: Response, desk: Desk, name: str, value: str, seconds: int | None = None) -> None:
    """Sets a cookie, for us alone, out of the reach of scripts. Over https it is a `__Host-`
    cookie, which no other host, not even a neighbour under the same domain, can set or read (RFC
    6265bis, 4.1.3); plain http, as on one's own machine, has no such cookies. `seconds`: None
    until the browser is closed."""
    secure = _is_secure(desk)
    answer.set_cookie(_named(desk, name), value, max_age=seconds, secure=secure, httponly=True, samesite="lax")


def forget(answer: Response, desk: Desk, name: str) -> None:
    """Deletes a cookie from the browser."""
    answer.delete_cookie(_named(desk, name), secure=_is_secure(desk), httponly=True, samesite="lax")


def _named(desk: Desk, name: str) -> str:
    return f"__Host-{name}" if _is_secure(desk) else name


def _is_secure(desk: Desk) -> bool:
    """Whether agents reach the desk over https only."""
    return desk.common.public_url.startswith("https:")
