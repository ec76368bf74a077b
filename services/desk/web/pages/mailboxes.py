"""Mailboxes at IMAP servers, for admins: added, tested, changed and removed at the email
service."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.actors import Permission
from services.desk.context import Desk
from services.desk.mailboxes import service as mailboxes
from services.desk.mailboxes.schemas import Mailbox, Settings
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
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
    try:
        found = await mailboxes.server_of(_desk(request), who.actor, typed.address)
    except Rejected as error:
        return _new(request, who, typed, error, status=200)
    except Unavailable as error:
        return _away(request, who, error)
    place = {"host": found.host, "port": found.port, "security": found.security, "sign_in": found.sign_in}
    return _new(request, who, msgspec.structs.replace(typed, **place))


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
    try:
        typed = msgspec.structs.replace(typed, port=_port(port))
        if sign_in == "password" and not password:
            raise Rejected(422, "password-empty", gettext(who.language)("Enter the password."))
        made = await mailboxes.add(_desk(request), who.actor, typed, password)
    except Rejected as error:
        return _new(request, who, typed, error)
    except Unavailable as error:
        return _away(request, who, error)
    return redirect(f"/mailboxes/{made.id}{'?test=1' if made.signed_in else ''}")


@router.get("/mailboxes/{mailbox}")
async def mailbox_page(request: Request, who: Looks, mailbox: str, test: Annotated[bool, Query()] = False) -> Response:
    """Shows one mailbox. `test`: signs in there and shows its folders, changing nothing."""
    return await _do(request, who, mailbox, None, test=test)


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

    return await _do(request, who, mailbox, change, then="?test=1")


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
    try:
        begun = await mailboxes.begin(_desk(request), who.actor, mailbox)
    except Rejected as error:
        return await _do(request, who, mailbox, _raising(error))
    except Unavailable as error:
        return _away(request, who, error)
    return await _do(request, who, mailbox, None, begun=begun)


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

    answer = await _do(request, who, mailbox, change, then="?test=1")
    if done or answer.status_code >= 400:
        return answer
    shown = page if page.startswith(("https://", "http://")) else ""
    return await _do(request, who, mailbox, None, begun={"page": shown, "code": code, "ticket": ticket}, early=True)


def _raising(error: Rejected) -> Any:
    async def change(_found: Mailbox) -> None:
        raise error

    return change


async def _do(request: Request, who: Viewer, mailbox: str, change: Any, *, then: str = "", **more: Any) -> Response:
    """Does something to a mailbox and goes back to it, or shows it with why that was refused."""
    desk, test = _desk(request), more.pop("test", False)
    try:
        found, status, errors = await mailboxes.one(desk, who.actor, mailbox), 200, {}
        if change:
            try:
                await change(found)
            except Rejected as error:
                status, errors = error.status, {"form": words.problem(error, gettext(who.language))}
            else:
                return redirect(f"/mailboxes/{found.id}{then}")
        tested = await mailboxes.tested(desk, who.actor, mailbox) if test else None
    except Unavailable as error:
        return _away(request, who, error)
    context = {"mailbox": found, "tested": tested, "errors": errors, "begun": None, "early": False, **_choices()}
    return _page(request, who, "mailbox.html", status, **(context | more))


def _new(request: Request, who: Viewer, typed: Settings, error: Rejected | None = None, status: int = 0) -> Response:
    errors = {"form": words.problem(error, gettext(who.language))} if error else {}
    context = {"typed": typed, "errors": errors, **_choices()}
    return _page(request, who, "mailbox_new.html", status or (error.status if error else 200), **context)


async def _list(request: Request, who: Viewer, error: Rejected | None = None, typed: str = "") -> Response:
    try:
        found = await mailboxes.every(_desk(request), who.actor)
    except Unavailable as unavailable:
        return _away(request, who, unavailable)
    errors = {"address": words.problem(error, gettext(who.language))} if error else {}
    context = {"everything": found, "errors": errors, "typed": typed, "away": False}
    return _page(request, who, "mailboxes.html", error.status if error else 200, **context)


def _away(request: Request, who: Viewer, error: Unavailable) -> Response:
    log.warning("mailboxes cannot be shown", error=str(error))
    return _page(request, who, "mailboxes.html", 503, everything=[], errors={}, typed="", away=True)


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
