"""Who may sign in, for admins: invite, help, disable."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.accounts import service as accounts
from services.desk.actors import Permission
from services.desk.people import audit, roles, sessions
from services.desk.people.schemas import PersonView
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_NOT_FOUND = Rejected(404, "no-such-agent", "This person no longer exists.")


@router.get("/people")
async def people_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows everybody who may sign in, was invited to, or could once."""
    who.actor.require(Permission.MANAGE_PEOPLE)
    return await _people(request, who)


@router.post("/people")
async def invite(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    email: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    role: Annotated[str, Form()] = "agent",
) -> Response:
    """Shows the link, once."""
    who.actor.require(Permission.MANAGE_PEOPLE)
    try:
        link = await accounts.invite(console_of(request).desk, email, name, role, who.actor)
    except Rejected as error:
        field = "email" if error.code in ("email", "joined") else "form"
        typed = {"email": email, "name": name, "role": role}
        errors = {field: words.problem(error, gettext(who.language))}
        return await _people(request, who, error.status, errors=errors, typed=typed)
    return await _people(request, who, link=link)


@router.get("/people/{person}")
async def person_page(request: Request, person: str, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows one person, and where they are signed in."""
    who.actor.require(Permission.MANAGE_PEOPLE)
    found = await _one(request, person)
    await audit.noted(console_of(request).desk.database, "sessions.read", who.actor, found.email)
    return await _person(request, who, found)


@router.post("/people/{person}/link")
async def link(request: Request, person: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Creates a link for a new password, or to join after all. It is shown only once."""
    who.actor.require(Permission.MANAGE_PEOPLE)
    found = await _one(request, person)
    try:
        made = await accounts.password_link(console_of(request).desk, found.email, who.actor)
    except Rejected as error:
        return await _refused(request, who, found, error)
    return await _person(request, who, found, link=made)


@router.post("/people/{person}/disable")
async def disable(request: Request, person: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Disables a person, who is signed out at once; one who has not joined yet is deleted."""
    found = await _one(request, person, who)
    answer = await _do(request, who, found, accounts.disable(console_of(request).desk, found.email, who.actor))
    return redirect("/people") if found.state == "invited" and answer.status_code < 400 else answer


@router.post("/people/{person}/enable")
async def enable(request: Request, person: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Enables a person, who can sign in again."""
    found = await _one(request, person, who)
    return await _do(request, who, found, accounts.enable(console_of(request).desk, found.email, who.actor))


@router.post("/people/{person}/role")
async def set_role(
    request: Request, person: str, who: Annotated[Viewer, Depends(writer)], role: Annotated[str, Form()] = ""
) -> Response:
    """Gives somebody another one of the desk's roles."""
    found = await _one(request, person, who)
    return await _do(request, who, found, accounts.set_role(console_of(request).desk, found.email, role, who.actor))


@router.post("/people/{person}/second-step")
async def end_second_step(request: Request, person: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Turns off the second step of a person who lost their telephone, and the recovery codes
    too."""
    found = await _one(request, person, who)
    return await _do(request, who, found, accounts.end_second_step(console_of(request).desk, found.email, who.actor))


@router.post("/people/{person}/sessions/end")
async def end_sessions(request: Request, person: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends all sessions of a person; admins who do so to themselves stay signed in here."""
    found = await _one(request, person, who)
    but = who.session.id if found.id == who.agent.id else ""
    return await _do(request, who, found, sessions.end(console_of(request).desk, found.id, who.actor, but=but))


@router.post("/people/{person}/sessions/{session}/end")
async def end_session(request: Request, person: str, session: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends one session of a person."""
    found = await _one(request, person, who)
    return await _do(request, who, found, sessions.end(console_of(request).desk, found.id, who.actor, one=session))


async def _one(request: Request, person: str, who: Viewer | None = None) -> PersonView:
    """Finds somebody by id. `who`: somebody who has to be allowed to look after people. Rejected
    403, 404."""
    if who:
        who.actor.require(Permission.MANAGE_PEOPLE)
    found = next((each for each in await accounts.people(console_of(request).desk) if each.id == person), None)
    if found is None:
        raise _NOT_FOUND
    return found


async def _do(request: Request, who: Viewer, found: PersonView, work: Awaitable[object]) -> Response:
    try:
        await work
    except Rejected as error:
        return await _refused(request, who, found, error)
    return redirect(f"/people/{found.id}")


async def _refused(request: Request, who: Viewer, found: PersonView, error: Rejected) -> Response:
    errors = {"form": words.problem(error, gettext(who.language))}
    return await _person(request, who, found, error.status, errors=errors)


async def _people(request: Request, who: Viewer, status: int = 200, **more: Any) -> Response:
    context = {
        "roles": await _roles(request),
        "everybody": await accounts.people(console_of(request).desk),
        "typed": {"email": "", "name": "", "role": "agent"},
    }
    return _page(request, who, "people.html", status, **(context | more))


async def _person(request: Request, who: Viewer, found: PersonView, status: int = 200, **more: Any) -> Response:
    listed = await sessions.listed(console_of(request).desk, found.id)
    known = await _roles(request)
    return _page(request, who, "person.html", status, person=found, sessions=listed, roles=known, **more)


async def _roles(request: Request) -> list[str]:
    """Returns the names of the desk's roles: those that may least first."""
    return list(reversed(await roles.roles(console_of(request).desk.database)))


def _page(request: Request, who: Viewer, template: str, status: int, **more: Any) -> Response:
    console = console_of(request)
    context = {
        "section": "people",
        "back": request.url.path if request.method == "GET" else "/people",
        "after": console.live.newest,
        "errors": {},
        "said": "",
        "link": None,
    }
    body = console.render(template, who.language, viewer=who, theme=who.theme, **(context | more))
    return html(body, status)
