"""Mentions, and what agents say of posts, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.mentions import labels, service
from services.desk.mentions.schemas import MentionPage, MentionQuery, MentionView
from services.desk.security import Caller, Reader, TheDesk
from services.desk.tickets.schemas import MessageView

router = APIRouter(tags=["mentions"])


class Label(BaseModel):
    """What a post is."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(description="`complaint`, `question` or `other`")


@router.get("/mentions", summary="List posts that opened no ticket")
async def list_mentions(
    desk: TheDesk,
    _: Reader,
    channel: Annotated[str, Query(max_length=50)] = "",
    language: Annotated[str, Query(max_length=10, description="ISO 639-1")] = "",
    q: Annotated[str, Query(max_length=200, description="Words, or parts of them, that are all in the text")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str, Query(max_length=500, description="`next` of the page before")] = "",
) -> MentionPage:
    """Lists mentions, newest first. They are deleted after `DESK_MENTION_DAYS`."""
    query = MentionQuery(channel=channel, language=language, q=q, limit=limit, cursor=cursor)
    return await service.page(desk, query)


@router.get("/mentions/{mention}", summary="One mention")
async def get_mention(desk: TheDesk, _: Reader, mention: str) -> MentionView:
    """Returns a mention, with its ticket once that exists."""
    return await service.get(desk, mention)


@router.post("/mentions/{mention}/ticket", status_code=202, summary="Make a mention a ticket")
async def make_ticket(desk: TheDesk, actor: Caller, mention: str) -> MentionView:
    """Asks the channel's service to publish the post; within seconds `ticket_id` names the ticket.
    Again is harmless."""
    return await service.judge(desk, mention, actor=actor, ticket=True)


@router.put("/mentions/{mention}/label", summary="Say what a mention is")
async def label_mention(desk: TheDesk, actor: Caller, mention: str, body: Label) -> MentionView:
    """Labels a mention; the complaint model learns from it. `complaint` and `question` make it a
    ticket as well."""
    return await service.judge(desk, mention, actor=actor, label=body.label)


@router.put("/messages/{message}/label", summary="Say what a public post is that opened a ticket")
async def label_message(desk: TheDesk, actor: Caller, message: str, body: Label) -> MessageView:
    """Labels a public post that opened a ticket; the complaint model learns from it. The ticket
    does not change."""
    return await labels.judge(desk, message, body.label, actor=actor)
