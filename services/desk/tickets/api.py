"""Tickets over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from services.desk.security import Caller, Reader, TheDesk
from services.desk.tickets import corrections, originals, service
from services.desk.tickets.schemas import MessageView, TicketRow, TicketView, ViewCount
from shared.events.learning import KINDS

router = APIRouter(tags=["tickets"])
IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key", max_length=200, description="Send the same key again after a time-out: it is done once"
    ),
]


class Reply(BaseModel):
    """An answer to the customer."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        description="Plain text, at most 100,000 characters", examples=["Dear Ann, it works again. Sorry for the wait!"]
    )
    channel: str = Field("", description="Empty: the channel of the customer's newest message")
    to: str = Field("", description="A contact point of the ticket; empty: the best one on that channel")
    cc: list[str] | None = Field(
        None,
        max_length=48,
        description="E-mail addresses that get a copy of a mail; null: everybody whom the newest mail of the ticket went to",
    )
    bcc: list[str] = Field([], max_length=48, description="E-mail addresses that get a copy of a mail unseen")
    seen: int | None = Field(
        None, description="The ticket's `version` that you read; if it has moved, nothing is sent (409 `stale`)"
    )
    status: str = Field("pending", description="The ticket's status afterwards: `open`, `pending` or `solved`")
    author_name: str = Field("", max_length=200, description="Shown to the customer as the sender's name")


class Note(BaseModel):
    """A note that only the team sees."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="At most 100,000 characters")


class Priority(BaseModel):
    """How urgent a ticket is in somebody's view."""

    model_config = ConfigDict(extra="forbid")

    level: str = Field(description="`urgent`, `high`, `normal` or `low`")
    about: str = Field("", description=f"What the message is really about: {', '.join(KINDS)}; empty: no opinion")


@router.get("/counts", summary="How many tickets each view holds")
async def counts(
    desk: TheDesk,
    _: Reader,
    agent: Annotated[str, Query(description="Whose `mine`: an e-mail address")] = "",
    grouped: Annotated[bool, Query(description="False counts a group of tickets about the same as one")] = True,
) -> list[ViewCount]:
    """Returns the number of tickets in each view, counted to 100 and no further."""
    return list(await service.view_counts(desk, agent, grouped=grouped))


@router.get("/tickets/{ticket}", summary="One ticket with its timeline")
async def get_ticket(
    desk: TheDesk,
    _: Reader,
    ticket: str,
    messages: Annotated[int, Query(ge=1, le=200, description="How many of the newest messages")] = 30,
    before: Annotated[str, Query(max_length=500, description="`earlier` of a former answer")] = "",
) -> TicketView:
    """Returns a ticket by id or number, with its messages, its events, the reasons for its
    priority and the channels on which to answer."""
    return await service.get_ticket(desk, ticket, messages=messages, before=before)


@router.post("/tickets/{ticket}/replies", status_code=201, summary="Answer the customer")
async def reply(desk: TheDesk, actor: Caller, ticket: str, body: Reply, key: IdempotencyKey = "") -> MessageView:
    """Stores a reply and hands it to the channel in one step; `delivery` shows what became of
    it."""
    draft = service.Draft(
        text=body.text,
        author_name=body.author_name,
        channel=body.channel,
        to=body.to,
        cc=body.cc,
        bcc=body.bcc,
        seen=body.seen,
        status=body.status,
        key=key,
    )
    return await service.reply(desk, ticket, draft, actor=actor)


@router.post("/tickets/{ticket}/notes", status_code=201, summary="Add a note for the team")
async def note(desk: TheDesk, actor: Caller, ticket: str, body: Note, key: IdempotencyKey = "") -> MessageView:
    """Adds a note, which is never sent to the customer."""
    return await service.add_note(desk, ticket, body.text, actor=actor, author_name=actor.name, key=key)


@router.post("/tickets/{ticket}/priority", summary="Change the priority, or say what it is really about")
async def prioritise(desk: TheDesk, actor: Caller, ticket: str, body: Priority) -> TicketRow:
    """Moves a ticket to another level. What an agent says teaches the urgency model; what a
    program says does not."""
    return await corrections.prioritise(desk, ticket, body.level, body.about, actor=actor)


@router.get("/messages/{message}", summary="One message")
async def get_message(desk: TheDesk, _: Reader, message: str) -> MessageView:
    """Returns a message, with the router's decision if it came from a customer."""
    return await service.get_message(desk, message)


@router.get(
    "/messages/{message}/original",
    summary="One message as it was received",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
async def get_original(desk: TheDesk, actor: Reader, message: str) -> Response:
    """Returns the raw mail with all of its headers, for "Show original", also of mail that is
    only text: `GET /api/v1/messages/{id}/original`. Responds 404 `no-original` if the channel
    stored none. The console has the same at `/m/{id}/raw`."""
    data, media_type, headers = await originals.raw(desk, message, actor)
    return Response(data, media_type=media_type, headers=headers)


@router.get(
    "/messages/{message}/files/{index}",
    summary="A file of a message",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
async def get_file(desk: TheDesk, actor: Reader, message: str, index: int) -> Response:
    """Returns a file by its place in `attachments`; the first is 0."""
    data, media_type, headers = await originals.file(desk, message, index, actor)
    return Response(data, media_type=media_type, headers=headers)
