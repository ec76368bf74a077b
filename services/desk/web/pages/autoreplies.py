"""What customers are told automatically, for admins: by team and language, with a preview."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.actors import Permission
from services.desk.autoreplies import service as autoreplies
from services.desk.autoreplies.domain import Rule, Texts, previewed, problem_with
from services.desk.tickets import teams
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.autoreplies.words import to_begin_with
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer, writer
from shared.clock import utc_now
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_MOST_TEAMS = 200
_FIELDS = {"autoreply-hours": "hours", "autoreply-language": "language", "autoreply-texts": "language", "team": "team"}
"""Where on the page something is wrong, by the code of the refusal."""
_URL = "/automatic-replies"


@router.get(_URL)
async def autoreplies_page(
    request: Request, who: Annotated[Viewer, Depends(viewer)], team: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """Shows the rule of a team, or that of everybody: as it was saved, or one to begin with."""
    who.actor.require(Permission.MANAGE_AUTOREPLIES)
    return await _page(request, who, team)


@router.post(_URL)
async def save(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    team: Annotated[str, Form(max_length=60)] = "",
    enabled: Annotated[bool, Form()] = False,
    hours: Annotated[str, Form(max_length=1000)] = "",
    zone: Annotated[str, Form(max_length=60)] = "UTC",
    holidays: Annotated[str, Form(max_length=5000)] = "",
    language: Annotated[str, Form(max_length=10)] = "en",
    do: Annotated[str, Form(max_length=10)] = "save",
) -> Response:
    """Keeps a rule, or only shows what customers would get by it."""
    who.actor.require(Permission.MANAGE_AUTOREPLIES)
    desk = console_of(request).desk
    form = await request.form()
    texts = {
        code: Texts(**{name: _typed(form.get(f"{name}-{code}")) for name in ("received", "closed")})
        for code in desk.common.languages
    }
    rule = Rule(
        team=team.strip(),
        enabled=enabled,
        hours=hours.strip(),
        zone=zone.strip(),
        holidays=holidays.strip(),
        language=language,
        texts={code: own for code, own in texts.items() if own.received or own.closed},
    )
    errors = _wrong_texts(rule, who)
    try:
        if errors:
            return await _page(request, who, rule.team, 422, rule=rule, errors=errors)
        if do == "preview":
            shown = previewed(autoreplies.checked(rule, desk.common.languages), who.agent.name, utc_now())
            return await _page(request, who, rule.team, rule=rule, shown=shown)
        await autoreplies.put(desk, rule, actor=who.actor)
    except Rejected as error:
        errors = {_FIELDS.get(error.code, "form"): words.problem(error, gettext(who.language))}
        return await _page(request, who, rule.team, error.status, rule=rule, errors=errors)
    return await _page(request, who, rule.team, saved=True)


@router.post(f"{_URL}/remove")
async def remove(
    request: Request, who: Annotated[Viewer, Depends(writer)], team: Annotated[str, Form(max_length=60)] = ""
) -> Response:
    """Forgets the rule of a team: that of everybody counts for it."""
    await autoreplies.remove(console_of(request).desk, team, actor=who.actor)
    return redirect(_URL)


@router.post(f"{_URL}/resume")
async def resume(request: Request, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Lets the brake of all automatic replies go."""
    await autoreplies.resume(console_of(request).desk, actor=who.actor)
    return redirect(_URL)


def _typed(value: object) -> str:
    """Undoes what forms do to the ends of lines."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""


def _wrong_texts(rule: Rule, who: Viewer) -> dict[str, str]:
    """Returns what is wrong with each text, by its field."""
    translate = gettext(who.language)
    found = {
        f"{name}-{code}": problem_with(getattr(own, name))
        for code, own in rule.texts.items()
        for name in ("received", "closed")
    }
    return {field: translate(words.PROBLEMS[f"autoreply-{what}"]) for field, what in found.items() if what}


async def _page(
    request: Request, who: Viewer, team: str, status: int = 200, *, rule: Rule | None = None, **more: Any
) -> Response:
    console = console_of(request)
    desk = console.desk
    saved = {each.team: each for each in await autoreplies.rules(desk, actor=who.actor)}
    async with desk.database.transaction() as session:
        known = await teams.team_names(session, _MOST_TEAMS)
    context = {
        "section": "autoreplies",
        "back": _URL,
        "after": console.live.newest,
        "rule": rule or saved.get(team) or to_begin_with(team, desk.common.languages),
        "rules": saved,
        "teams": sorted({*known, *filter(None, saved)}),
        "codes": desk.common.languages,
        "paused": await autoreplies.paused_since(desk),
        "most": desk.settings.autoreplies_per_minute,
        "errors": {},
        "shown": None,
        "saved": False,
    }
    body = console.render("autoreplies.html", who.language, viewer=who, theme=who.theme, **(context | more))
    return html(body, status)
