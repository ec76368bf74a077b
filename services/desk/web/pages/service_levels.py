"""Policies and calendars of service levels, for admins; and where a conversation stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.service_levels import service
from services.desk.service_levels.domain import Calendar, Policy, Situation
from services.desk.service_levels.schemas import CalendarState
from services.desk.tickets import teams
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.service_levels import forms
from services.desk.web.service_levels.words import CHIPS, LISTENERS
from services.desk.web.viewer import Viewer, viewer, writer
from shared.clock import utc_now
from shared.errors import Rejected
from shared.kernel import Level

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_URL = "/service-levels"
_FIELDS = {
    "sla-name": "name",
    "sla-team": "form",
    "sla-level": "form",
    "sla-minutes": "first",
    "sla-share": "warn_share",
    "sla-match": "tiers",
    "calendar-hours": "hours",
    "calendar-country": "country",
    "feed-address": "feed",
}
"""Where on a page something is wrong, by the code of the refusal."""
Id = Annotated[str, Query(max_length=60)]
Chosen = Annotated[str, Query(max_length=60)]
Own = Annotated[str, Form(max_length=60)]


@router.get(_URL)
async def overview_page(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    team: Chosen = "",
    channel: Chosen = "email",
    tier: Chosen = "",
    level: Chosen = "normal",
    preview: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """Shows policies and calendars, and what would be due for somebody who writes now."""
    now, known = utc_now(), level if level in tuple(Level) else "normal"
    asked = Situation(team=team, channel=channel, tier=tier.strip(), level=known, created_at=now, waiting_since=now)
    return await _overview(request, who, asked, preview=bool(preview))


@router.get(f"{_URL}/policy")
async def policy_page(request: Request, who: Annotated[Viewer, Depends(viewer)], policy: Id = "") -> Response:
    """Shows a policy, or an empty form for a new one."""
    found = await service.overview(console_of(request).desk, actor=who.actor)
    known = {each.id: each for each in found.policies}
    if policy and policy not in known:
        raise Rejected(404, "no-such-policy", "There is no such policy.")
    return await _policy(request, who, known.get(policy) or Policy(name="", warn_share=75))


@router.post(f"{_URL}/policy")
async def save_policy(request: Request, who: Annotated[Viewer, Depends(writer)], policy: Own = "") -> Response:
    """Keeps a policy; what cannot be is reported beside its field, with what was typed."""
    fields = await _fields(request)
    typed = forms.policy(fields, policy)
    try:
        await service.put_policy(console_of(request).desk, typed, actor=who.actor)
    except Rejected as error:
        return await _policy(request, who, typed, error.status, errors=_wrong(error, who), typed=fields)
    return redirect(f"{_URL}?saved=on")


@router.post(f"{_URL}/move")
async def move(
    request: Request, who: Annotated[Viewer, Depends(writer)], policy: Own = "", by: Annotated[int, Form()] = 0
) -> Response:
    """Moves a policy up or down."""
    await service.move_policy(console_of(request).desk, policy, by, actor=who.actor)
    return redirect(_URL)


@router.post(f"{_URL}/policy/remove")
async def remove_policy(request: Request, who: Annotated[Viewer, Depends(writer)], policy: Own = "") -> Response:
    """Forgets a policy."""
    await service.remove_policy(console_of(request).desk, policy, actor=who.actor)
    return redirect(_URL)


@router.get(f"{_URL}/calendar")
async def calendar_page(request: Request, who: Annotated[Viewer, Depends(viewer)], calendar: Id = "") -> Response:
    """Shows a calendar, or an empty form for a new one."""
    return _calendar(request, who, await _state(request, who, calendar))


@router.post(f"{_URL}/calendar")
async def save_calendar(request: Request, who: Annotated[Viewer, Depends(writer)], calendar: Own = "") -> Response:
    """Keeps a calendar."""
    typed = forms.calendar(await _fields(request), calendar)
    try:
        await service.put_calendar(console_of(request).desk, typed, actor=who.actor)
    except Rejected as error:
        return _calendar(request, who, CalendarState(typed, None, ""), error.status, errors=_wrong(error, who))
    return redirect(f"{_URL}?saved=on")


@router.post(f"{_URL}/calendar/remove")
async def remove_calendar(request: Request, who: Annotated[Viewer, Depends(writer)], calendar: Own = "") -> Response:
    """Forgets a calendar that no policy counts."""
    try:
        await service.remove_calendar(console_of(request).desk, calendar, actor=who.actor)
    except Rejected as error:
        found = await _state(request, who, calendar)
        return _calendar(request, who, found, error.status, errors=_wrong(error, who))
    return redirect(_URL)


@router.get("/c/{ticket}/service-level")
async def standing_page(request: Request, ticket: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows which policy is for a conversation, and where each target stands."""
    console = console_of(request)
    row = await console.row(ticket)
    found = await service.of_ticket(console.desk, row.id)
    return _page(request, who, "service-level.html", row=row, standing=found, chips=CHIPS, section="inbox")


async def _overview(request: Request, who: Viewer, asked: Situation, *, preview: bool) -> Response:
    desk = console_of(request).desk
    found = await service.overview(desk, actor=who.actor)
    shown = await service.preview(desk, asked, actor=who.actor) if preview else None
    return _page(
        request,
        who,
        "service-levels.html",
        found=found,
        calendars={each.calendar.id: each.calendar for each in found.calendars},
        asked=asked,
        shown=shown,
        saved="saved" in request.query_params,
        **await _choices(request),
    )


async def _policy(request: Request, who: Viewer, policy: Policy, status: int = 200, **more: Any) -> Response:
    found = await service.overview(console_of(request).desk, actor=who.actor)
    calendars = [each.calendar for each in found.calendars]
    context = {"policy": policy, "calendars": calendars, "typed": {}, "listeners": tuple(LISTENERS)}
    return _page(request, who, "service-level-policy.html", status, **(context | await _choices(request) | more))


def _calendar(request: Request, who: Viewer, state: CalendarState, status: int = 200, **more: Any) -> Response:
    return _page(request, who, "service-level-calendar.html", status, calendar=state.calendar, state=state, **more)


async def _state(request: Request, who: Viewer, calendar: str) -> CalendarState:
    found = await service.overview(console_of(request).desk, actor=who.actor)
    known = {each.calendar.id: each for each in found.calendars}
    if calendar and calendar not in known:
        raise Rejected(404, "no-such-calendar", "There is no such calendar.")
    return known.get(calendar) or CalendarState(Calendar(name="", hours="mon-fri 09:00-17:00"), None, "")


async def _choices(request: Request) -> dict[str, Any]:
    desk = console_of(request).desk
    async with desk.database.statements() as session:
        known = await teams.team_names(session, teams.MOST)
    return {"teams": known, "channel_names": sorted(each.name for each in desk.channels.values())}


async def _fields(request: Request) -> dict[str, list[str]]:
    form = await request.form()
    return {name: [each for each in form.getlist(name) if isinstance(each, str)] for name in form}


def _wrong(error: Rejected, who: Viewer) -> dict[str, str]:
    """Returns what is wrong by its field; passes on what is not the admin's to mend."""
    if error.status not in (409, 422):
        raise error
    return {_FIELDS.get(error.code, "form"): words.problem(error, gettext(who.language))}


def _page(request: Request, who: Viewer, template: str, status: int = 200, **more: Any) -> Response:
    console = console_of(request)
    back = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method == "GET" else _URL
    context = {"section": "service-levels", "back": back, "after": console.live.newest, "errors": {}}
    return html(console.render(template, who.language, viewer=who, theme=who.theme, **(context | more)), status)
