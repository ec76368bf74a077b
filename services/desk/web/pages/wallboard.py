"""The wallboard: a page, its stream, and the links by which a display shows it without a login."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import StreamingResponse

from services.desk.actors import Permission
from services.desk.context import Desk
from services.desk.people import service as people
from services.desk.security import desk_of
from services.desk.wallboard import display
from services.desk.wallboard.schemas import Snapshot
from services.desk.web.answers import HEADERS, ConsoleRoute, html, redirect
from services.desk.web.console import Console
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import (
    SignedOut,
    Viewer,
    cookie,
    keep,
    keep_session,
    language_of,
    theme_of,
    viewer,
    writer,
)
from services.desk.web.wallboard import figures as wall
from shared.errors import Rejected, Unavailable

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
COOKIE = "switchboard_display"
"""Holds a display's token after its first request, so that the token stays out of the stream's
address."""
YEAR = 365 * 24 * 3600
CHECK_EVERY = 15.0
"""Seconds between two looks at whether a stream's viewer may still watch."""
_KEPT = 18
"""Rendered snapshots that are kept: two of each language for displays, agents and admins."""
_frames: OrderedDict[tuple[int, int, str, bool, bool], bytes] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody signed in, or a display."""

    desk: Desk
    language: str
    agent: Viewer | None = None
    display: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether they may see what takes this. A display has no permission."""
        return self.agent is not None and self.agent.actor.may(permission)

    async def may_watch(self) -> bool:
        """Whether that still holds. While the database is away: yes, they were let in before."""
        try:
            if self.agent:
                session = await people.session(self.desk, self.agent.token, prolong=False)
                return session is not None and Permission.READ in session.permissions
            return await display.allows(self.desk.database, _secret(self.desk), self.display)
        except Unavailable:
            return True


async def watcher(request: Request) -> Watcher:
    """Returns who watches: the session, or else the display's link. Raises SignedOut."""
    desk, token = desk_of(request), cookie(request, COOKIE)
    try:
        who = await viewer(request)
    except (SignedOut, Unavailable):
        if not await display.allows(desk.database, _secret(desk), token):
            raise
        return Watcher(desk, language_of(request), display=token)
    return Watcher(desk, who.language, agent=who)


@router.get("/wallboard")
async def page(request: Request) -> Response:
    """Shows the wallboard. With `display=<token>`: for a display, which stores the token in a
    cookie."""
    desk, token = desk_of(request), request.query_params.get("display", "")
    if token:
        if not await display.allows(desk.database, _secret(desk), token):
            _ = gettext(language_of(request))
            raise Rejected(403, "display", _("This display link is no longer valid."))
        answer: Response = redirect("/wallboard")
        keep(answer, desk, COOKIE, token, YEAR)
        return answer
    who = await watcher(request)
    answer = html(await _page(request, who))
    if who.agent:
        keep_session(answer, desk, who.agent.token)
    return answer


@router.post("/wallboard/links")
async def make_link(
    request: Request, who: Annotated[Viewer, Depends(writer)], name: Annotated[str, Form()] = ""
) -> Response:
    """Makes a new display link, shown once."""
    who.actor.require(Permission.MANAGE_DISPLAYS)
    desk = desk_of(request)
    token = await display.create(desk.database, _secret(desk), name, actor=who.actor)
    link = f"{desk.common.public_url}/wallboard?display={token}"
    return html(await _page(request, Watcher(desk, who.language, agent=who), link=link))


@router.post("/wallboard/links/{link}/revoke")
async def revoke_link(request: Request, link: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Revokes a display link: the display goes dark."""
    who.actor.require(Permission.MANAGE_DISPLAYS)
    active = {each.id for each in await display.links(desk_of(request).database)}
    if link in active:
        await display.revoke(desk_of(request).database, link, actor=who.actor)
    return redirect("/wallboard")


@router.get("/wallboard/live")
async def live(request: Request, who: Annotated[Watcher, Depends(watcher)]) -> StreamingResponse:
    """Streams all figures, once a second."""
    return StreamingResponse(
        _stream(console_of(request), who), media_type="text/event-stream", headers=HEADERS | {"X-Accel-Buffering": "no"}
    )


async def _page(request: Request, who: Watcher, link: str = "") -> str:
    console, desk = console_of(request), who.desk
    snapshot = await console.wallboard.current()
    announced = console.channels
    history = await console.wallboard.history([name for name, channel in announced.items() if channel.enabled])
    lines = wall.channels_of(history, snapshot, announced)
    displays = who.may(Permission.MANAGE_DISPLAYS)
    links: tuple[display.DisplayLink, ...] = ()
    if displays:
        with suppress(Unavailable):
            links = await display.links(desk.database)
    theme = who.agent.theme if who.agent else theme_of(request)
    return console.render(
        "wallboard.html" if who.agent else "wallboard-display.html",
        who.language,
        viewer=who.agent,
        theme="dark" if theme == "system" else theme,
        section="wallboard",
        back="/wallboard",
        after=console.live.newest,
        history=history,
        shown=wall.rows(history),
        lines=lines,
        series=wall.series(history, lines),
        links=who.agent is not None,
        displays=displays,
        letters=who.may(Permission.MANAGE_DEAD_LETTERS),
        display_links=links,
        link=link,
        **wall.context(snapshot, who.language, announced),
    )


async def _stream(console: Console, who: Watcher) -> AsyncIterator[bytes]:
    yield b": hello\n\n"
    checked = time.monotonic()
    source = console.wallboard.watch()
    try:
        async for snapshot in source:
            if time.monotonic() > checked + CHECK_EVERY:
                if not await who.may_watch():
                    return
                checked = time.monotonic()
            yield _frame(console, snapshot, who)
    finally:
        with suppress(asyncio.CancelledError):
            await source.aclose()


def _frame(console: Console, snapshot: Snapshot, who: Watcher) -> bytes:
    """Renders a snapshot once for all who watch in this language and may see the same lists."""
    links, letters = who.agent is not None, who.may(Permission.MANAGE_DEAD_LETTERS)
    key = (id(console), snapshot.seq, who.language, links, letters)
    if key not in _frames:
        parts = wall.parts(snapshot, who.language, console.channels, links=links, letters=letters)
        _frames[key] = wall.frame(snapshot, parts)
        while len(_frames) > _KEPT:
            _frames.popitem(last=False)
    return _frames[key]


def _secret(desk: Desk) -> str:
    return desk.common.secret.get_secret_value()
