"""How an agent likes the console: theme, language, keys. Kept in cookies of this browser; the
language also with the agent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.people import service as people
from services.desk.security import desk_of
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.pages.sign_in import YEAR
from services.desk.web.render import render
from services.desk.web.viewer import KEYS, LANGUAGE, SOUND, THEME, THEMES, Viewer, keep, viewer, writer
from shared.i18n import LANGUAGES

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.post("/preferences")
async def change(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    theme: Annotated[str, Form()] = "",
    language: Annotated[str, Form()] = "",
    keys: Annotated[str, Form()] = "",
    sound: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    """Stores what was chosen and redirects to the page."""
    desk = desk_of(request)
    answer = redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")
    for cookie, value, allowed in (
        (THEME, theme, THEMES),
        (LANGUAGE, language, LANGUAGES),
        (KEYS, keys, ("on", "off")),
        (SOUND, sound, ("on", "off")),
    ):
        if value in allowed:
            keep(answer, desk, cookie, value, YEAR)
    if language in LANGUAGES:
        await people.set_language(desk, who.agent.email, language)
    return answer


@router.get("/help/keys")
async def keys(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the list of keys as a page of its own."""
    channels = {channel.name: channel for channel in desk_of(request).channels.values()}
    after = console_of(request).live.newest
    body = render(
        "help.html", who.language, channels, viewer=who, theme=who.theme, section="", back="/help/keys", after=after
    )
    return html(body)
