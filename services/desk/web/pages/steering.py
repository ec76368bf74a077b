"""The supervisor's page, its stream, and the page of a queue."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import StreamingResponse

from services.desk.actors import Permission
from services.desk.assignment import service as assignment
from services.desk.people import service as people
from services.desk.steering import service
from services.desk.steering.api import steering_of
from services.desk.steering.schemas import Floor
from services.desk.steering.service import EVERY, Steering
from services.desk.wallboard.schemas import Reading
from services.desk.web import words
from services.desk.web.answers import HEADERS, ConsoleRoute, html, redirect
from services.desk.web.console import Console
from services.desk.web.pages.inbox import console_of
from services.desk.web.pages.live import encode
from services.desk.web.pages.wallboard import CHECK_EVERY
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, keep_session, viewer, writer
from shared.errors import Rejected, Unavailable
from shared.waiting import wait

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Agent = Annotated[str, Form(max_length=320)]
_KEPT = 6
"""Rendered frames that are kept: two of each language."""
_frames: OrderedDict[tuple[int, int, str], bytes] = OrderedDict()


@router.get("/supervisor")
async def page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows who does what, what waits, and what is due soon."""
    who.actor.require(Permission.MANAGE_AGENTS)
    console = console_of(request)
    reading = await steering_of(request).current()
    if reading.value is None:
        raise Unavailable("nothing was read yet")
    context = {"viewer": who, "theme": who.theme, "section": "supervisor", "back": "/supervisor"}
    context |= {"after": console.live.newest, "seq": _seq(reading)}
    answer = html(console.render("supervisor.html", who.language, **context, **_floor(reading)))
    keep_session(answer, console.desk, who.token)
    return answer


@router.get("/supervisor/live")
async def live(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> StreamingResponse:
    """Streams the page as it changes, once a second."""
    who.actor.require(Permission.MANAGE_AGENTS)
    return StreamingResponse(
        _stream(console_of(request), steering_of(request), who),
        media_type="text/event-stream",
        headers=HEADERS | {"X-Accel-Buffering": "no"},
    )


@router.post("/supervisor/release")
async def release(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    agent: Agent = "",
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Puts all work of somebody who is not there today back into its queues."""
    console, _ = console_of(request), gettext(who.language)
    count = await assignment.release(console.desk, agent, reason, actor=who.actor)
    if not is_part(request):
        return redirect("/supervisor")
    name = (await console.agents()).get(agent, agent)
    return html(console.toast(who.language, _("%(who)s: back in the queues: %(count)s", who=name, count=count)))


@router.post("/supervisor/call-in")
async def call_in(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    agent: Agent = "",
    reason: Annotated[str, Form(max_length=500)] = "",
) -> Response:
    """Asks somebody to come in."""
    console, _ = console_of(request), gettext(who.language)
    await service.call_in(console.desk, agent, reason, actor=who.actor)
    if not is_part(request):
        return redirect("/supervisor")
    name = (await console.agents()).get(agent, agent)
    return html(console.toast(who.language, _("Asked to come in: %(who)s", who=name)))


@router.get("/queues/{team}")
async def queue_page(request: Request, team: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows what waits in a queue, and why nobody has it."""
    console = console_of(request)
    found = await service.queue(console.desk, team, await steering_of(request).past())
    context = {"viewer": who, "theme": who.theme, "section": "inbox", "back": request.url.path, "found": found}
    context |= {"after": console.live.newest, "title": words.team(found.queue.team)}
    return html(console.render("queue.html", who.language, **context))


async def _stream(console: Console, steering: Steering, who: Viewer) -> AsyncIterator[bytes]:
    yield b": hello\n\n"
    checked, sent = time.monotonic(), (0, True)
    while not await wait(steering.stopped, EVERY):
        if time.monotonic() > checked + CHECK_EVERY:
            if not await _may_watch(console, who):
                return
            checked = time.monotonic()
        reading = await steering.current()
        if reading.value is not None and (seen := (_seq(reading), reading.ok)) != sent:
            sent = seen
            yield _frame(console, reading, who.language)


async def _may_watch(console: Console, who: Viewer) -> bool:
    """Whether that still holds. While the database is away: yes, they were let in before."""
    try:
        session = await people.session(console.desk, who.token, prolong=False)
    except (Unavailable, Rejected):
        return True
    return session is not None and Permission.MANAGE_AGENTS in session.permissions


def _frame(console: Console, reading: Reading[Floor], language: str) -> bytes:
    """Renders what is to be seen once for all who look in this language."""
    seq = _seq(reading)
    key = (id(console), seq if reading.ok else -seq, language)
    if key not in _frames:
        body = console.render("parts/supervisor-all.html", language, viewer=None, **_floor(reading))
        _frames[key] = encode(seq, "supervisor", body)
        while len(_frames) > _KEPT:
            _frames.popitem(last=False)
    return _frames[key]


def _seq(reading: Reading[Floor]) -> int:
    """Grows from one to the next, in all processes: milliseconds since 1970."""
    return int(reading.at.timestamp() * 1000) if reading.at else 0


def _floor(reading: Reading[Floor]) -> dict[str, Any]:
    return {"floor": reading.value, "ok": reading.ok, "read_at": reading.at}
