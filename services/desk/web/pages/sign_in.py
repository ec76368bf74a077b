"""Signing in and out. Works without JavaScript."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.people import links, passwords
from services.desk.people import service as people
from services.desk.security import desk_of
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext, render
from services.desk.web.viewer import (
    LANGUAGE,
    SignedOut,
    StepMissing,
    Viewer,
    check_origin,
    cookie,
    forget,
    ip_of,
    keep,
    keep_session,
    language_of,
    theme_of,
    viewer,
    writer,
)
from shared.errors import Rejected
from shared.i18n import LANGUAGES

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
YEAR = 365 * 24 * 3600
CLEARED = '"cache", "storage"'
"""What the browser forgets at the end: pages and drafts of the desk. Not "cookies", which would be
those of all hosts of its domain."""


@router.get("/login")
async def form(request: Request, language: str = "") -> Response:
    """Shows the form; somebody who is signed in is redirected to the inbox."""
    try:
        await viewer(request)
        return redirect("/")
    except StepMissing as missing:
        return redirect(missing.to)
    except SignedOut:
        pass
    if language in LANGUAGES:
        answer = redirect("/login")
        keep(answer, desk_of(request), LANGUAGE, language, YEAR)
        return answer
    return _page(request)


@router.post("/login")
async def sign_in(
    request: Request, email: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Starts a session, or shows beside the field what is missing."""
    check_origin(request)
    _ = gettext(language_of(request))
    errors = {}
    if "@" not in email:
        errors["email"] = _("Enter your email address, such as sam@example.org.")
    if not password:
        errors["password"] = _("Enter your password.")
    if errors:
        return _page(request, errors, email, 422)
    desk = desk_of(request)
    try:
        browser = request.headers.get("user-agent", "")
        token = await people.sign_in(
            desk, console_of(request).sign_ins, email, password, ip=ip_of(request), browser=browser
        )
    except Rejected as error:
        return _page(request, {"form": words.problem(error, _)}, email, error.status)
    except people.CodeNeeded as needed:
        return _page(request, ticket=needed.ticket)
    return await _signed_in(request, token)


@router.post("/login/code")
async def second_step(
    request: Request, ticket: Annotated[str, Form()] = "", code: Annotated[str, Form()] = ""
) -> Response:
    """Checks the code of the app, or a recovery code, and starts a session."""
    check_origin(request)
    _, desk = gettext(language_of(request)), desk_of(request)
    browser = request.headers.get("user-agent", "")
    try:
        token = await people.sign_in_with_code(
            desk, console_of(request).sign_ins, ticket, code, ip=ip_of(request), browser=browser
        )
    except Rejected as error:
        field, again = ("code", ticket) if error.code == "code" else ("form", "")
        return _page(request, {field: words.problem(error, _)}, status=error.status, ticket=again)
    return await _signed_in(request, token)


@router.get("/join/{token}")
async def join_form(request: Request, token: str) -> Response:
    """Shows the form for somebody who was invited or forgot the password. Looking does not use
    the link up: mail scanners look too."""
    return await _join(request, token)


@router.post("/join/{token}")
async def join(
    request: Request, token: str, password: Annotated[str, Form()] = "", again: Annotated[str, Form()] = ""
) -> Response:
    """Sets the password, once."""
    check_origin(request)
    _ = gettext(language_of(request))
    if password != again:
        return await _join(request, token, {"again": _("The passwords do not match.")})
    try:
        await links.use(desk_of(request), token, password, ip_of(request))
    except Rejected as error:
        if error.status != 422:
            raise
        return await _join(request, token, {"password": words.problem(error, _)})
    return redirect("/login?joined=1")


@router.post("/logout")
async def sign_out(request: Request, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends the session here and at the desk."""
    await people.sign_out(desk_of(request), who.token, who.ip)
    answer = redirect("/login")
    forget(answer, desk_of(request), people.COOKIE)
    answer.headers["Clear-Site-Data"] = CLEARED
    return answer


async def _signed_in(request: Request, token: str) -> Response:
    """Replaces the session that this browser had with a new one."""
    await people.sign_out(desk_of(request), cookie(request, people.COOKIE), ip_of(request))
    answer = redirect("/")
    keep_session(answer, desk_of(request), token)
    return answer


async def _join(request: Request, token: str, errors: dict[str, str] | None = None) -> Response:
    email, name = await links.owner(desk_of(request), token)
    context = {"errors": errors or {}, "email": email, "name": name, "least": passwords.SHORTEST}
    body = render("join.html", language_of(request), {}, theme=theme_of(request), **context)
    return html(body, 422 if errors else 200)


def _page(
    request: Request, errors: dict[str, str] | None = None, email: str = "", status: int = 200, ticket: str = ""
) -> Response:
    context = {"errors": errors or {}, "email": email, "ticket": ticket, "joined": "joined" in request.query_params}
    body = render("login.html", language_of(request), {}, theme=theme_of(request), **context)
    return html(body, status)
