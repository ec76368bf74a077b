"""Signing in and out. Works without JavaScript."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.people import service as people
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.render import gettext, render
from services.desk.web.viewer import (
    LANGUAGE,
    SignedOut,
    Viewer,
    check_origin,
    desk_of,
    is_secure,
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


@router.get("/login")
async def form(request: Request, language: str = "") -> Response:
    """The form; whoever is signed in goes on to the inbox."""
    try:
        await viewer(request)
        return redirect("/")
    except SignedOut:
        pass
    if language in LANGUAGES:
        answer = redirect("/login")
        answer.set_cookie(LANGUAGE, language, max_age=YEAR, samesite="lax", secure=is_secure(desk_of(request)))
        return answer
    return _page(request)


@router.post("/login")
async def sign_in(
    request: Request, email: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Start a session, or say beside the field what is missing."""
    check_origin(request)
    _ = gettext(language_of(request))
    errors = {}
    if "@" not in email:
        errors["email"] = _("Type your email address, like sam@example.org.")
    if not password:
        errors["password"] = _("Type your password.")
    if errors:
        return _page(request, errors, email, 422)
    desk = desk_of(request)
    try:
        token = await people.sign_in(desk, email.strip(), password, ip=request.client.host if request.client else "")
    except Rejected as error:
        return _page(request, {"form": words.problem(error, _)}, email, error.status)
    answer = redirect("/")
    keep_session(answer, desk, token)
    return answer


@router.post("/logout")
async def sign_out(request: Request, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """End the session here and at the desk."""
    await people.sign_out(desk_of(request), who.token)
    answer = redirect("/login")
    answer.delete_cookie(people.COOKIE)
    return answer


def _page(request: Request, errors: dict[str, str] | None = None, email: str = "", status: int = 200) -> Response:
    body = render("login.html", language_of(request), {}, theme=theme_of(request), errors=errors or {}, email=email)
    return html(body, status)
