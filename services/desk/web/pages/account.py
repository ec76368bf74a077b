"""One's own account: password, second step, and where one is signed in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.accounts import service as accounts
from services.desk.people import passwords, second_step, sessions
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_SAID = {"password": words.N_("Your password was changed."), "off": words.N_("Two-step verification is off.")}
_FIELDS = {"password-wrong": "password", "code": "code"}


@router.get("/account")
async def account_page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the agent's own account page."""
    said = _SAID.get(request.query_params.get("said", ""), "")
    return await _page(request, who, said=gettext(who.language)(said) if said else "")


@router.post("/account/password")
async def change_password(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    old: Annotated[str, Form()] = "",
    new: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Sets a new password; all other sessions end."""
    _ = gettext(who.language)
    if new != again:
        return await _page(request, who, {"again": _("The passwords do not match.")}, "password")
    try:
        console = console_of(request)
        await accounts.change_password(
            console.desk, console.sign_ins, who.agent.email, old, new, who.actor, but=who.session.id
        )
    except Rejected as error:
        field = {"password-wrong": "old", "password": "new", "common-password": "new"}.get(error.code, "form")
        return await _page(request, who, {field: words.problem(error, _)}, "password", error.status)
    return redirect("/account?said=password")


@router.post("/account/second-step/on")
async def turn_on(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    ticket: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Turns on the second step with the first code of the app; shows the recovery codes."""
    desk = console_of(request).desk
    try:
        row = await accounts.confirmed(desk, console_of(request).sign_ins, who.agent.email, password)
        codes = await second_step.turn_on(desk, row, ticket, code, who.actor, but=who.session.id)
    except Rejected as error:
        again = second_step.enrol(desk, who.agent.id, who.agent.email, ticket)
        return await _refused(request, who, error, enrolment=again)
    return await _page(request, who, codes=codes)


@router.post("/account/second-step/codes")
async def new_codes(
    request: Request, who: Annotated[Viewer, Depends(writer)], password: Annotated[str, Form()] = ""
) -> Response:
    """Shows new recovery codes; those before let nobody in any more."""
    desk = console_of(request).desk
    try:
        row = await accounts.confirmed(desk, console_of(request).sign_ins, who.agent.email, password)
        codes = await second_step.new_codes(desk, row, who.actor)
    except Rejected as error:
        return await _refused(request, who, error)
    return await _page(request, who, codes=codes)


@router.post("/account/second-step/off")
async def turn_off(
    request: Request, who: Annotated[Viewer, Depends(writer)], password: Annotated[str, Form()] = ""
) -> Response:
    """Turns off the second step: the password is enough again."""
    desk = console_of(request).desk
    try:
        await accounts.confirmed(desk, console_of(request).sign_ins, who.agent.email, password)
        await accounts.end_second_step(desk, who.agent.email, who.actor)
    except Rejected as error:
        return await _refused(request, who, error)
    return redirect("/account?said=off")


@router.post("/account/sessions/end")
async def end_others(request: Request, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends all of the agent's sessions but this one."""
    await sessions.end(console_of(request).desk, who.agent.id, who.actor, but=who.session.id)
    return redirect("/account#sessions-title")


@router.post("/account/sessions/{session}/end")
async def end_one(request: Request, session: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends one of the agent's sessions."""
    await sessions.end(console_of(request).desk, who.agent.id, who.actor, one=session)
    return redirect("/account#sessions-title")


async def _refused(request: Request, who: Viewer, error: Rejected, **more: Any) -> Response:
    errors = {_FIELDS.get(error.code, "form"): words.problem(error, gettext(who.language))}
    return await _page(request, who, errors, "step", error.status, **more)


async def _page(
    request: Request,
    who: Viewer,
    errors: dict[str, str] | None = None,
    form: str = "",
    status: int = 0,
    **more: Any,
) -> Response:
    console = console_of(request)
    desk = console.desk
    person = await accounts.person(desk, who.agent.email)
    new = request.query_params.get("second-step") == "on" and not person.two_step
    context = {
        "section": "account",
        "back": "/account",
        "after": console.live.newest,
        "errors": errors or {},
        "form": form,
        "said": "",
        "codes": (),
        "least": passwords.SHORTEST,
        "two_step": person.two_step,
        "codes_left": await second_step.codes_left(desk, person.id),
        "enrolment": second_step.enrol(desk, person.id, person.email) if new else None,
        "sessions": await sessions.listed(desk, person.id),
    }
    body = console.render("account.html", who.language, viewer=who, theme=who.theme, **(context | more))
    return html(body, status or (422 if errors else 200))
