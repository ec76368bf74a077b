"""Teams and who is in them, and what work each person gets, for supervisors."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.actors import Permission
from services.desk.assignment import offers
from services.desk.people import service as people
from services.desk.people import work
from services.desk.people.domain import CAPACITY, MOST_AT_ONCE
from services.desk.people.work import WorkChange
from services.desk.tickets import teams
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.calls import line as calling
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, viewer, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Name = Annotated[str, Form(max_length=200)]
Text = Annotated[str, Form(max_length=4000)]


@router.get("/teams")
async def teams_page(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    team: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Shows all teams, or one with its members."""
    who.actor.require(Permission.MANAGE_TEAMS)
    return await (_team(request, who, team) if team else _teams(request, who))


@router.post("/teams")
async def create(request: Request, who: Annotated[Viewer, Depends(writer)], team: Name = "") -> Response:
    """Makes a team."""
    try:
        await teams.create(console_of(request).desk, team, actor=who.actor)
    except Rejected as error:
        if error.status != 422:
            raise
        errors = {"team": words.problem(error, gettext(who.language))}
        return await _teams(request, who, error.status, errors=errors, typed=team)
    return redirect(_of(team))


@router.post("/teams/remove")
async def remove(request: Request, who: Annotated[Viewer, Depends(writer)], team: Name = "") -> Response:
    """Removes a team. Conversations that have it keep its name."""
    await teams.remove(console_of(request).desk, team, actor=who.actor)
    return redirect("/teams")


@router.post("/teams/join")
async def join(
    request: Request, who: Annotated[Viewer, Depends(writer)], team: Name = "", agent: Name = ""
) -> Response:
    """Puts somebody into a team; whoever has a conversation's team but no row makes one."""
    desk = console_of(request).desk
    await teams.create(desk, team, actor=who.actor)
    return await _do(request, who, team, teams.add_member(desk, team, agent, actor=who.actor))


@router.post("/teams/leave")
async def leave(
    request: Request, who: Annotated[Viewer, Depends(writer)], team: Name = "", agent: Name = ""
) -> Response:
    """Takes somebody out of a team."""
    desk = console_of(request).desk
    return await _do(request, who, team, teams.remove_member(desk, team, agent, actor=who.actor))


@router.post("/teams/work")
async def set_up(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    team: Name = "",
    delivery: Name = "pull",
    turn: Name = "spare",
    weight: Name = "1",
) -> Response:
    """Says how a team gets its work."""
    heavy = int(weight) if weight.isascii() and weight.isdecimal() and len(weight) < 3 else 0
    done = teams.set_up(console_of(request).desk, team, delivery=delivery, turn=turn, weight=heavy, actor=who.actor)
    return await _do(request, who, team, done, "&saved=on")


@router.get("/c/{ticket}/assignment")
async def assignment_page(request: Request, ticket: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows who could get a conversation, and why nobody else."""
    console = console_of(request)
    row = await console.row(ticket)
    found = await offers.why(console.desk, row.id)
    return _page(request, who, "assignment.html", 200, row=row, why=found, section="inbox")


@router.post("/c/{ticket}/accept")
async def accept(request: Request, ticket: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Takes a conversation that is offered."""
    row = await offers.accept(console_of(request).desk, ticket, actor=who.actor)
    opened = f"/c/{row.id}"
    return html("", headers={"HX-Redirect": opened}) if is_part(request) else redirect(opened)


@router.post("/c/{ticket}/decline")
async def decline(request: Request, ticket: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Lets an offered conversation go on to a colleague."""
    console = console_of(request)
    await offers.decline(console.desk, ticket, actor=who.actor)
    if not is_part(request):
        return redirect("/")
    return html(console.my_line(who, await calling.line(console.desk, who.agent.email)))


@router.get("/teams/people/{agent}")
async def work_page(request: Request, agent: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows what work somebody gets."""
    who.actor.require(Permission.MANAGE_AGENTS)
    return await _work(request, who, agent)


@router.post("/teams/people/{agent}")
async def set_work(
    request: Request,
    agent: str,
    who: Annotated[Viewer, Depends(writer)],
    skills: Text = "",
    languages: Text = "",
    hours: Text = "",
    timezone: Text = "",
    time_off: Text = "",
) -> Response:
    """Sets it; what cannot be read is reported beside its field, with what was typed."""
    form = await request.form()
    capacity = {kind: str(form.get(f"capacity-{kind}", "")).strip() for kind in CAPACITY}
    typed = {"skills": skills, "languages": languages, "hours": hours, "timezone": timezone, "time_off": time_off}
    try:
        counts = {kind: _count(kind, text) for kind, text in capacity.items() if text}
        change = WorkChange(
            skills=skills.split(","),
            languages=languages.split(","),
            capacity=counts,
            hours=hours,
            timezone=timezone,
            time_off=time_off,
        )
        await work.set_work(console_of(request).desk, agent, change, actor=who.actor)
    except Rejected as error:
        if error.status != 422:
            raise
        errors = {error.code: words.problem(error, gettext(who.language))}
        return await _work(request, who, agent, error.status, errors=errors, typed=typed | {"capacity": capacity})
    return redirect(f"/teams/people/{quote(agent)}?saved=on")


def _count(kind: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(MOST_AT_ONCE)):
        raise Rejected(422, "capacity", f"{kind}: write a number from 0 to {MOST_AT_ONCE}.")
    return int(text)


def _of(team: str) -> str:
    return f"/teams?team={quote(team.strip(), safe='')}"


async def _do(request: Request, who: Viewer, team: str, done: Awaitable[None], told: str = "") -> Response:
    try:
        await done
    except Rejected as error:
        if error.status not in (404, 422):
            raise
        errors = {"form": words.problem(error, gettext(who.language))}
        return await _team(request, who, team, error.status, errors=errors)
    return redirect(_of(team) + told)


async def _teams(request: Request, who: Viewer, status: int = 200, **more: Any) -> Response:
    listed = await teams.overview(console_of(request).desk)
    return _page(request, who, "teams.html", status, **({"teams": listed, "typed": ""} | more))


async def _team(request: Request, who: Viewer, team: str, status: int = 200, **more: Any) -> Response:
    desk = console_of(request).desk
    found = await teams.one(desk, team)
    members = set(await teams.members(desk, team))
    everybody = await people.agents(desk)
    context = {
        "team": found.name,
        "work": found,
        "members": [agent for agent in everybody if agent.email in members],
        "others": [agent for agent in everybody if agent.email not in members],
        "saved": "saved" in request.query_params,
    }
    return _page(request, who, "team.html", status, **(context | more))


async def _work(request: Request, who: Viewer, agent: str, status: int = 200, **more: Any) -> Response:
    found = await work.work_of(console_of(request).desk, agent)
    typed = {
        "skills": ", ".join(f"{skill}:{level}" for skill, level in found.skills.items()),
        "languages": ", ".join(found.languages),
        "capacity": found.capacity,
        "hours": found.hours,
        "timezone": found.timezone,
        "time_off": found.time_off,
    }
    context = {
        "person": found,
        "typed": typed,
        "usual": CAPACITY,
        "saved": "saved" in request.query_params,
    }
    return _page(request, who, "work.html", status, **(context | more))


def _page(request: Request, who: Viewer, template: str, status: int, **more: Any) -> Response:
    console = console_of(request)
    back = f"{request.url.path}?{request.url.query}".rstrip("?") if request.method == "GET" else "/teams"
    context = {"section": "people", "back": back, "after": console.live.newest, "errors": {}}
    return html(console.render(template, who.language, viewer=who, theme=who.theme, **(context | more)), status)
