"""Serves an operator's tools by HTTP: mailboxes at IMAP servers."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path
from pydantic import BaseModel

from services.email.adapters.dns import place_of
from services.email.imap_mailboxes import Given, ImapMailboxes, Shown, Tried
from services.email.settings import EmailSettings
from shared.errors import Rejected

_SHORTEST_TOKEN = 16


class Listed(BaseModel):
    """All mailboxes, by address."""

    mailboxes: list[Shown]


class Found(BaseModel):
    """The IMAP server of an address. `how`: by what it was found, for people."""

    host: str
    port: int
    security: str
    sign_in: str
    how: str


def routes(settings: EmailSettings, mailboxes: ImapMailboxes) -> APIRouter:
    """Makes `/api/v1`. Every request needs the bearer token of the settings."""
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(_authorised(settings))])

    @router.get("/mailboxes")
    async def every() -> Listed:
        return Listed(mailboxes=[Shown.model_validate(mailbox) for mailbox in await mailboxes.every()])

    @router.get("/servers/{address}")
    async def server(address: Annotated[str, Path(max_length=200)]) -> Found:
        return Found(**asdict(await place_of(address)))

    @router.post("/mailboxes", status_code=201)
    async def add(given: Given) -> Shown:
        return Shown.model_validate(await mailboxes.add(given))

    @router.get("/mailboxes/{identity}")
    async def one(identity: str) -> Shown:
        return Shown.model_validate(await mailboxes.one(identity))

    @router.put("/mailboxes/{identity}")
    async def change(identity: str, given: Given) -> Shown:
        return Shown.model_validate(await mailboxes.change(identity, given))

    @router.delete("/mailboxes/{identity}", status_code=204)
    async def remove(identity: str) -> None:
        await mailboxes.remove(identity)

    @router.post("/mailboxes/{identity}/test")
    async def test(identity: str) -> Tried:
        return await mailboxes.tried(identity)

    return router


def _authorised(settings: EmailSettings) -> Callable[[str], Awaitable[None]]:
    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        token = settings.api_token.get_secret_value()
        if len(token) < _SHORTEST_TOKEN:
            raise Rejected(
                403, "api-off", f"Set EMAIL_API_TOKEN to at least {_SHORTEST_TOKEN} characters to use this API."
            )
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Rejected(401, "unauthorized", "Send `Authorization: Bearer <EMAIL_API_TOKEN>`.")

    return authorised
