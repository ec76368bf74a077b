"""Mailboxes at IMAP servers, for admins: added, tested, changed and removed at the email
service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.actors import Permission
from services.desk.context import Desk
from services.desk.mailboxes import service as mailboxes
from services.desk.mailboxes.schemas import Mailbox, Settings
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, onward, redirect
from services.desk.web.mailboxes.words import AFTER, SECURITY, SIGN_INS
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, viewer, writer
from shared.errors import Rejected, Unavailable
from shared.logs import log

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PORTS = range(1, 65_536)
_LONGEST_PORT = 5
"""Digits: Python refuses to read thousands of them."""
Text = Annotated[str, Form()]


def admin(who: Annotated[Viewer, Depends(viewer)]) -> Viewer:
    """Lets in who may manage mailboxes and looks."""
    who.actor.require(Permission.MANAGE_MAILBOXES)
    return who


def changing(who: Annotated[Viewer, Depends(writer)]) -> Viewer:
    """Lets in who may manage mailboxes and does something."""
    who.actor.require(Permission.MANAGE_MAILBOXES)
    return who


Looks = Annotated[Viewer, Depends(admin)]
Does = Annotated[Viewer, Depends(changing)]


@router.get("/mailboxes")
async def mailboxes_page(request: Request, who: Looks) -> Response:
    """Shows all mailboxes, and what becomes of each."""
    return await _list(request, who)


@router.post("/mailboxes/new")
async def find(request: Request, who: Does, address: Text = "") -> Response:
    """Looks up the server of an address, and asks for what is still needed to sign in there."""
    typed = Settings(address=address.strip())
    if "@" not in typed.address:
        return await _list(request, who, Rejected(422, "email", "No address."), typed.address)

    async def look() -> Response:
        found = await mailboxes.server_of(_desk(request), who.actor, typed.address)
        place = {"host": found.host, "port": found.port, "security": found.security, "sign_in": found.sign_in}
        return _new(request, who, msgspec.structs.replace(typed, **place))

    return await _asked(request, who, look, lambda error: _new(request, who, typed, error, status=200))


@router.post("/mailboxes")
async def add(
    request: Request,
    who: Does,
    address: Text = "",
    host: Text = "",
    port: Text = "",
    security: Text = "tls",
    sign_in: Text = "password",
    username: Text = "",
    password: Text = "",
) -> Response:
    """Adds a mailbox that is not read yet, and goes on to a test of it."""
    typed = Settings(
        address=address.strip(), host=host.strip(), security=security, sign_in=sign_in, username=username.strip()
    )

    async def make() -> Response:
        nonlocal typed
        typed = msgspec.structs.replace(typed, port=_port(port))
        if sign_in == "password" and not password:
            raise Rejected(422, "password-empty", gettext(who.language)("Enter the password."))
        made = await mailboxes.add(_desk(request), who.actor, typed, password)
        return onward(f"/mailboxes/{made.id}/test") if made.signed_in else redirect(f"/mailboxes/{made.id}")

    return await _asked(request, who, make, lambda error: _new(request, who, typed, error))


@router.get("/mailboxes/{mailbox}")
async def mailbox_page(request: Request, who: Looks, mailbox: str) -> Response:
    """Shows one mailbox."""
    return await _show(request, who, mailbox)


@router.get("/mailboxes/{mailbox}/test")
async def tested_page(who: Looks, mailbox: str) -> Response:  # noqa: ARG001 - who may look
    """Goes back to a mailbox, where somebody comes by the address of a test."""
    return redirect(f"/mailboxes/{mailbox}")


@router.post("/mailboxes/{mailbox}/test")
async def test(request: Request, who: Does, mailbox: str) -> Response:
    """Signs in to a mailbox and shows its folders, changing nothing."""
    return await _show(request, who, mailbox, test=True)


@router.post("/mailboxes/{mailbox}/read")
async def read(
    request: Request,
    who: Does,
    mailbox: str,
    folders: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    junk: Text = "auto",
    after: Text = "leave",
    move_to: Text = "",
    since: Text = "",
) -> Response:
    """Changes which folders are read and what becomes of mails, and starts reading."""

    async def change(found: Mailbox) -> None:
        if not folders:
            raise Rejected(422, "folders", "No folder.")
        if after == "move" and not move_to.strip():
            raise Rejected(422, "move-to", "No folder to move to.")
        ordered = sorted(folders, key=lambda name: name != "INBOX")  # the first is watched all the time
        changes = {"folders": ordered, "junk": junk, "after": after, "enabled": True}
        changes["move_to"] = move_to.strip() if after == "move" else ""
        if found.state == "new":
            changes["since"] = _day(since)
        settings = msgspec.structs.replace(found.settings, **changes)
        await mailboxes.change(_desk(request), who.actor, found.id, settings)

    return await _do(request, who, mailbox, change)


@router.post("/mailboxes/{mailbox}/server")
async def server(
    request: Request,
    who: Does,
    mailbox: str,
    host: Text = "",
    port: Text = "",
    security: Text = "tls",
    username: Text = "",
    password: Text = "",
) -> Response:
    """Changes server, user and password; an empty one stays as it was."""

    async def change(found: Mailbox) -> None:
        place = {"host": host.strip(), "port": _port(port), "security": security, "username": username.strip()}
        settings = msgspec.structs.replace(found.settings, **place)
        await mailboxes.change(_desk(request), who.actor, found.id, settings, password)

    return await _do(request, who, mailbox, change, test=True)


@router.post("/mailboxes/{mailbox}/enabled")
async def enable(request: Request, who: Does, mailbox: str, enabled: Annotated[bool, Form()] = False) -> Response:
    """Turns reading off, or on again where it was."""

    async def change(found: Mailbox) -> None:
        settings = msgspec.structs.replace(found.settings, enabled=enabled)
        await mailboxes.change(_desk(request), who.actor, found.id, settings)

    return await _do(request, who, mailbox, change)


@router.post("/mailboxes/{mailbox}/remove")
async def remove(request: Request, who: Does, mailbox: str) -> Response:
    """Forgets a mailbox; its mails stay at its server."""

    async def change(found: Mailbox) -> None:
        await mailboxes.remove(_desk(request), who.actor, found.id)

    answer = await _do(request, who, mailbox, change)
    return redirect("/mailboxes") if answer.status_code < 400 else answer


@router.post("/mailboxes/{mailbox}/sign-in")
async def begin(request: Request, who: Does, mailbox: str) -> Response:
    """Begins a sign-in at Google or Microsoft, and shows what to do there."""

    async def start() -> Response:
        begun = await mailboxes.begin(_desk(request), who.actor, mailbox)
        return await _show(request, who, mailbox, begun=begun)

    return await _asked(request, who, start, lambda error: _show(request, who, mailbox, error))


@router.post("/mailboxes/{mailbox}/sign-in/end")
async def end(
    request: Request,
    who: Does,
    mailbox: str,
    ticket: Text = "",
    address: Text = "",
    page: Text = "",
    code: Text = "",
) -> Response:
    """Ends a sign-in once the person has agreed; shows the same again where they have not yet."""
    done = False

    async def change(found: Mailbox) -> None:
        nonlocal done
        done = await mailboxes.end(_desk(request), who.actor, found, ticket, address)

    answer = await _do(request, who, mailbox, change, test=True)
    if done or answer.status_code >= 400:
        return answer
    shown = page if page.startswith(("https://", "http://")) else ""
    begun = {"page": shown, "code": code, "ticket": ticket}
    return await _show(request, who, mailbox, begun=begun, early=True)


async def _do(
    request: Request,
    who: Viewer,
    mailbox: str,
    change: Callable[[Mailbox], Awaitable[None]],
    *,
    test: bool = False,
) -> Response:
    """Does something to a mailbox and goes back to it, or on to a test of it."""

    async def work() -> Response:
        found = await mailboxes.one(_desk(request), who.actor, mailbox)
        try:
            await change(found)
        except Rejected as error:
            return await _show(request, who, mailbox, error)
        return onward(f"/mailboxes/{found.id}/test") if test else redirect(f"/mailboxes/{found.id}")

    return await _asked(request, who, work)


async def _show(
    request: Request, who: Viewer, mailbox: str, error: Rejected | None = None, *, test: bool = False, **more: Any
) -> Response:
    """Shows a mailbox, and why something was refused."""

    async def work() -> Response:
        found = await mailboxes.one(_desk(request), who.actor, mailbox)
        tested = await mailboxes.tested(_desk(request), who.actor, mailbox) if test else None
        errors = {"form": words.problem(error, gettext(who.language))} if error else {}
        context = {"mailbox": found, "tested": tested, "errors": errors, "begun": None, "early": False, **_choices()}
        return _page(request, who, "mailbox.html", error.status if error else 200, **(context | more))

    return await _asked(request, who, work)


async def _asked(
    request: Request,
    who: Viewer,
    work: Callable[[], Awaitable[Response]],
    refused: Callable[[Rejected], Response | Awaitable[Response]] | None = None,
) -> Response:
    """Does what needs the email service, and says so where that is away. `refused`: shows why it
    would not; otherwise the desk does."""
    try:
        return await work()
    except Rejected as error:
        if refused is None:
            raise
        shown = refused(error)
        return await shown if isinstance(shown, Awaitable) else shown
    except Unavailable as error:
        log.warning("mailboxes cannot be shown", error=str(error))
        return _page(request, who, "mailboxes.html", 503, everything=[], errors={}, typed="", away=True)


def _new(request: Request, who: Viewer, typed: Settings, error: Rejected | None = None, status: int = 0) -> Response:
    errors = {"form": words.problem(error, gettext(who.language))} if error else {}
    context = {"typed": typed, "errors": errors, **_choices()}
    return _page(request, who, "mailbox_new.html", status or (error.status if error else 200), **context)


async def _list(request: Request, who: Viewer, error: Rejected | None = None, typed: str = "") -> Response:
    async def work() -> Response:
        found = await mailboxes.every(_desk(request), who.actor)
        errors = {"address": words.problem(error, gettext(who.language))} if error else {}
        context = {"everything": found, "errors": errors, "typed": typed, "away": False}
        return _page(request, who, "mailboxes.html", error.status if error else 200, **context)

    return await _asked(request, who, work)


def _page(request: Request, who: Viewer, template: str, status: int, **more: Any) -> Response:
    console = console_of(request)
    context = {
        "section": "mailboxes",
        "back": request.url.path if request.method == "GET" else "/mailboxes",
        "after": console.live.newest,
    }
    body = console.render(template, who.language, viewer=who, theme=who.theme, **(context | more))
    return html(body, status)


def _choices() -> dict[str, Any]:
    return {"securities": SECURITY, "sign_ins": SIGN_INS, "afters": AFTER}


def _desk(request: Request) -> Desk:
    return console_of(request).desk


def _port(text: str) -> int:
    digits = text.strip()
    if not digits.isdecimal() or len(digits) > _LONGEST_PORT or int(digits) not in _PORTS:
        raise Rejected(422, "port", "No port.")
    return int(digits)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text.strip() else None
    except ValueError as error:
        raise Rejected(422, "day", "No day.") from error
