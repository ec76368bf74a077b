"""Serves the desk's page and an operator's tools by HTTP: mailboxes, how they send, and addresses
that are not written to."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.email import senders as sending
from services.email import suppressions
from services.email.adapters.dns import place_of
from services.email.domain.headers import one_address
from services.email.domain.incoming import LONGEST_ADDRESS
from services.email.domain.oauth import Refused
from services.email.domain.suppression import Why
from services.email.imap_mailboxes import Given, ImapMailboxes, Shown, Tried
from services.email.settings import EmailSettings
from shared.db import Database
from shared.errors import Rejected
from shared.mailboxes import is_ours

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


class Silent(BaseModel):
    """An address that is not written to. `reason`: `hard-bounce`, `complaint` or `by-hand`."""

    model_config = ConfigDict(from_attributes=True)

    address: str
    reason: Why
    detail: str
    source: str
    added_at: datetime


class Silenced(BaseModel):
    """A page of them, by address. `next`: what `after` takes for the page behind; empty at the
    end."""

    suppressions: list[Silent]
    next: str


class Silence(BaseModel):
    """An address that is not to be written to. `detail`: why, for agents to read."""

    model_config = ConfigDict(extra="forbid")

    address: Annotated[str, Field(max_length=LONGEST_ADDRESS), AfterValidator(one_address)]
    reason: Why = Why.BY_HAND
    detail: str = Field("", max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")


class Sending(BaseModel):
    """Mailboxes that send in a way of their own, by address."""

    senders: list[sending.Shown]


class Begun(BaseModel):
    """A sign-in that a person goes on with at a provider's page."""

    page: str = Field(description="Where the person signs in as the mailbox and agrees")
    code: str = Field(description="What to type there; empty: the browser ends at an address, which ends the sign-in")
    ticket: str = Field(description="For the end of the sign-in")


class End(BaseModel):
    """What ends a sign-in. `address`: at which the browser ended, where there was no code."""

    ticket: str = Field(max_length=20_000)
    address: str = Field("", max_length=4_000)


class Ended(BaseModel):
    """Whether the person has agreed."""

    done: bool


def routes(
    settings: EmailSettings, secret: str, mailboxes: ImapMailboxes, senders: sending.Senders, database: Database
) -> APIRouter:
    """Makes `/api/v1`. Every request needs the bearer token of the settings, or one that the desk
    made of `secret`, SWITCHBOARD_SECRET."""
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(_authorised(settings, secret))])

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

    router.include_router(_signing_in(mailboxes))
    router.include_router(_suppressions(database))
    router.include_router(_senders(senders))
    return router


def _senders(senders: sending.Senders) -> APIRouter:
    router = APIRouter(prefix="/senders")

    @router.get("")
    async def every() -> Sending:
        return Sending(senders=await senders.every())

    @router.get("/{address}")
    async def one(address: str) -> sending.Shown:
        return await senders.one(address)

    @router.put("/{address}")
    async def put(address: str, given: sending.Given) -> sending.Shown:
        return await senders.put(address, given)

    @router.delete("/{address}", status_code=204)
    async def remove(address: str) -> None:
        await senders.remove(address)

    @router.post("/{address}/test")
    async def test(address: str) -> sending.Checked:
        return await senders.tried(address)

    return router


def _signing_in(mailboxes: ImapMailboxes) -> APIRouter:
    router = APIRouter(prefix="/mailboxes/{identity}/sign-in")

    @router.post("")
    async def begin(identity: str) -> Begun:
        mailbox = await mailboxes.one(identity)
        with _refused():
            return Begun(**(await mailboxes.sign_in.begin(mailbox))._asdict())

    @router.post("/end")
    async def end(identity: str, given: End) -> Ended:
        mailbox = await mailboxes.one(identity)
        with _refused():
            done = await mailboxes.sign_in.end(mailbox, given.ticket, given.address)
        if done:
            mailboxes.changed.set()
        return Ended(done=done)

    return router


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise Rejected(422, f"sign-in-{error.trouble}", f"Nobody was signed in: {error}") from error


def _suppressions(database: Database) -> APIRouter:
    router = APIRouter(prefix="/suppressions")

    @router.get("")
    async def silenced(
        after: Annotated[str, Query(max_length=LONGEST_ADDRESS)] = "",
        limit: Annotated[int, Query(ge=1, le=suppressions.MOST)] = suppressions.MOST,
    ) -> Silenced:
        async with database.statements() as session:
            page = await suppressions.every(session, after, limit)
        following = page[-1].address if len(page) == limit else ""
        return Silenced(suppressions=[Silent.model_validate(entry) for entry in page], next=following)

    @router.post("", status_code=204)
    async def silence(given: Silence) -> None:
        async with database.statements() as session:
            await suppressions.add(session, given.address, given.reason, given.detail, "API")

    @router.delete("/{address}", status_code=204)
    async def unsilence(address: Annotated[str, Path(max_length=LONGEST_ADDRESS)]) -> None:
        async with database.statements() as session:
            if not await suppressions.remove(session, address):
                raise Rejected(404, "not-suppressed", "This address is not on the list.")

    return router


def _authorised(settings: EmailSettings, secret: str) -> Callable[[str], Awaitable[None]]:
    async def authorised(authorization: Annotated[str, Header()] = "") -> None:
        if is_ours(secret, authorization.removeprefix("Bearer ")):
            return
        token = settings.api_token.get_secret_value()
        if len(token) < _SHORTEST_TOKEN:
            raise Rejected(
                403, "api-off", f"Set EMAIL_API_TOKEN to at least {_SHORTEST_TOKEN} characters to use this API."
            )
        if not hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
            raise Rejected(401, "unauthorized", "Send `Authorization: Bearer <EMAIL_API_TOKEN>`.")

    return authorised
