"""Asks the email service about mailboxes, by HTTP: an admin waits for the answer. Whoever may not
manage mailboxes is refused here; what was done is in the audit log."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.mailboxes.schemas import Begun, Ended, Found, Listed, Mailbox, Settings, Tested
from services.desk.people import audit
from shared.asking import ask
from shared.errors import Unavailable
from shared.mailboxes import token

_PATIENCE = 45.0
"""Seconds. A test signs in at the mailbox's server, which the email service gives 40 s."""
_REFUSALS = frozenset({404, 409, 422})
_ALL = "/mailboxes"
T = TypeVar("T")


async def every(desk: Desk, actor: Actor) -> list[Mailbox]:
    """Returns all mailboxes by address. Raises Unavailable where the email service is away; so do
    all of these."""
    return (await _ask(desk, actor, "GET", _ALL, Listed)).mailboxes


async def one(desk: Desk, actor: Actor, mailbox: str) -> Mailbox:
    """Returns a mailbox by its id. Rejected 404."""
    return await _ask(desk, actor, "GET", _at(mailbox), Mailbox)


async def server_of(desk: Desk, actor: Actor, address: str) -> Found:
    """Looks up the IMAP server of an address. Rejected 422 where nothing tells it."""
    return await _ask(desk, actor, "GET", f"/servers/{quote(address, safe='')}", Found)


async def add(desk: Desk, actor: Actor, settings: Settings, password: str) -> Mailbox:
    """Adds a mailbox that is not read yet. Rejected 409, 422."""
    body = {**msgspec.to_builtins(settings), "enabled": False, "password": password}
    added = await _ask(desk, actor, "POST", _ALL, Mailbox, body)
    await _note(desk, actor, "mailbox.added", added, server=added.host)
    return added


async def change(desk: Desk, actor: Actor, mailbox: str, settings: Settings, password: str = "") -> Mailbox:
    """Changes how a mailbox is read; an empty password: as before. Rejected 404, 422."""
    body = {**msgspec.to_builtins(settings), "password": password}
    changed = await _ask(desk, actor, "PUT", _at(mailbox), Mailbox, body)
    await _note(desk, actor, "mailbox.changed", changed, server=changed.host, enabled="" if changed.enabled else "no")
    return changed


async def remove(desk: Desk, actor: Actor, mailbox: str) -> None:
    """Forgets a mailbox; its mails stay at its server. Rejected 404."""
    found = await one(desk, actor, mailbox)
    await _ask(desk, actor, "DELETE", _at(mailbox), type(None))
    await _note(desk, actor, "mailbox.removed", found)


async def tested(desk: Desk, actor: Actor, mailbox: str) -> Tested:
    """Signs in and looks, changing nothing; folders by name, the inbox first. Rejected 404."""
    found = await _ask(desk, actor, "POST", f"{_at(mailbox)}/test", Tested)
    folders = sorted(found.folders, key=lambda name: (name != "INBOX", name.casefold()))
    return msgspec.structs.replace(found, folders=folders)


async def begin(desk: Desk, actor: Actor, mailbox: str) -> Begun:
    """Begins a sign-in at Google or Microsoft. Rejected 404, 422."""
    return await _ask(desk, actor, "POST", f"{_at(mailbox)}/sign-in", Begun)


async def end(desk: Desk, actor: Actor, mailbox: Mailbox, ticket: str, address: str) -> bool:
    """Ends a sign-in; False where the person has not agreed yet. Rejected 404, 422."""
    body = {"ticket": ticket, "address": address}
    done = (await _ask(desk, actor, "POST", f"{_at(mailbox.id)}/sign-in/end", Ended, body)).done
    if done:
        await _note(desk, actor, "mailbox.signed-in", mailbox)
    return done


def _at(mailbox: str) -> str:
    return f"{_ALL}/{quote(mailbox, safe='')}"


async def _note(desk: Desk, actor: Actor, kind: str, mailbox: Mailbox, **data: str) -> None:
    await audit.noted(desk.database, kind, actor, mailbox.address, **data)


async def _ask(desk: Desk, actor: Actor, method: str, path: str, kind: type[T], body: Any = None) -> T:
    actor.require(Permission.MANAGE_MAILBOXES)
    told = await ask(
        "email",
        f"{desk.settings.email_url}/api/v1{path}",
        method,
        bearer=token(desk.common.secret.get_secret_value()),
        seconds=_PATIENCE,
        refusals=_REFUSALS,
        body=None if body is None else msgspec.json.encode(body),
    )
    try:
        return msgspec.json.decode(told or b"null", type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable(f"the email service is of another version: {error}") from error
