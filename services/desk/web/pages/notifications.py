"""The agent's own notifications: the list behind the bell, and how they want to be told."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from services.desk.cursors import as_uuid
from services.desk.notifications import service as notifications
from services.desk.notifications.domain import DAYS, KINDS, WAYS, Preferences, Quiet
from services.desk.notifications.words import path
from services.desk.web import words
from services.desk.web.answers import HEADERS, ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, viewer, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_IN_PANEL = 20
_OWN = "/me/notifications"
_FIELDS = {"zone": "zone", "quiet": "begins", "mail_after": "mail-after", "ways": "form"}


@router.get("/notifications")
async def notifications_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows what the agent was told, as a page; of it the newest, as the part behind the bell."""
    console = console_of(request)
    if is_part(request):
        return html(await _list(request, who))
    context = {"section": "notifications", "back": "/notifications", "after": console.live.newest}
    context |= await _listed(request, who, notifications.MOST)
    return html(console.render("notifications.html", who.language, viewer=who, theme=who.theme, **context))


@router.post("/notifications/read")
async def read(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    up_to: Annotated[int | None, Form(ge=0)] = None,
) -> Response:
    """Marks everything as read that the agent saw in the list: what came since stays."""
    await notifications.read(console_of(request).desk, who.agent.email, actor=who.actor, up_to=up_to)
    return html(await _list(request, who)) if is_part(request) else redirect("/notifications")


@router.post("/notifications/seen")
async def seen(
    request: Request, who: Annotated[Viewer, Depends(writer)], ticket: Annotated[str, Form(max_length=40)]
) -> Response:
    """Marks as read what the agent was told of a conversation while they look at it."""
    await notifications.opened(console_of(request).desk, who.agent.id, as_uuid(ticket, "ticket"))
    return Response(status_code=204)


@router.get("/colleagues")
async def colleagues(
    request: Request, _: Annotated[Viewer, Depends(viewer)], q: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """Lists whom a note may mention, as the agent types."""
    found = await notifications.colleagues(console_of(request).desk, q.replace("\x00", ""))
    return JSONResponse([{"handle": each.handle, "name": each.name} for each in found], headers=HEADERS)


@router.get(_OWN)
async def settings_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows how the agent wants to be told."""
    chosen = await notifications.preferences(console_of(request).desk, who.agent.email, actor=who.actor)
    return _settings(request, who, chosen, said=request.query_params.get("said") == "saved")


@router.post(_OWN)
async def save(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    begins: Annotated[str, Form(max_length=5)] = "",
    ends: Annotated[str, Form(max_length=5)] = "",
    zone: Annotated[str, Form(max_length=60)] = "UTC",
    mail_after: Annotated[str, Form(max_length=10)] = "",
    *,
    details: Annotated[bool, Form()] = False,
) -> Response:
    """Keeps how the agent wants to be told."""
    form = await request.form()
    ways = {kind: tuple(way for way in WAYS if f"{kind}.{way}" in form) for kind in KINDS}
    quiet = Quiet(
        begins=begins, ends=ends, days=tuple(day for day in DAYS if f"day.{day}" in form), zone=zone.strip() or "UTC"
    )
    minutes = int(mail_after) if mail_after.isdecimal() else 0
    wanted = Preferences(ways=ways, quiet=quiet, details=details, mail_after=minutes)
    try:
        await notifications.choose(console_of(request).desk, who.agent.email, wanted, actor=who.actor)
    except Rejected as error:
        field = _FIELDS.get(error.code.removeprefix("notifications-"), "form")
        errors = {field: words.problem(error, gettext(who.language))}
        return _settings(request, who, wanted, errors, typed=mail_after)
    return redirect(f"{_OWN}?said=saved")


def _settings(
    request: Request,
    who: Viewer,
    chosen: Preferences,
    errors: dict[str, str] | None = None,
    *,
    said: bool = False,
    typed: str | None = None,
) -> Response:
    console = console_of(request)
    body = console.render(
        "notification-settings.html",
        who.language,
        viewer=who,
        theme=who.theme,
        section="account",
        back=_OWN,
        after=console.live.newest,
        chosen=chosen,
        minutes=chosen.mail_after if typed is None else typed,
        kinds=tuple(KINDS),
        ways=WAYS,
        days=DAYS,
        errors=errors or {},
        said=said,
    )
    return html(body, 422 if errors else 200)


async def _listed(request: Request, who: Viewer, limit: int) -> dict[str, Any]:
    console = console_of(request)
    found = await notifications.listed(console.desk, who.agent.email, actor=who.actor, limit=limit)
    return {"found": found, "url": path}


async def _list(request: Request, who: Viewer) -> str:
    context = await _listed(request, who, _IN_PANEL)
    return console_of(request).render("parts/bell-list.html", who.language, viewer=who, **context)
