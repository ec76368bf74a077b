"""Groups of tickets over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.desk.security import Caller, TheDesk
from services.desk.tickets import group_commands
from services.desk.tickets.api import IdempotencyKey
from services.desk.tickets.commands import Draft
from services.desk.tickets.schemas import Answered, TicketRow

router = APIRouter(tags=["tickets"])


class ReplyAll(BaseModel):
    """An answer to everybody who wrote about the same."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        description="Plain text, at most 100,000 characters. Public replies begin with the name of the account they answer.",
        examples=["We are on it, and write again as soon as it works. Sorry!"],
    )
    seen: int | None = Field(
        None, description="The leading ticket's `version` that you read; if it has moved, nothing is sent (409 `stale`)"
    )
    status: str = Field("pending", description="The tickets' status afterwards: `open`, `pending` or `solved`")
    author_name: str = Field("", max_length=200, description="Shown to the customers as the sender's name")


@router.post("/tickets/{ticket}/reply-all", status_code=201, summary="Reply to all tickets of a group")
async def reply_all(desk: TheDesk, actor: Caller, ticket: str, body: ReplyAll, key: IdempotencyKey = "") -> Answered:
    """Sends each customer a reply of their own, in their own conversation, on the channel that they
    wrote on."""
    draft = Draft(text=body.text, author_name=body.author_name, seen=body.seen, status=body.status, key=key)
    return await group_commands.reply_all(desk, ticket, draft, actor=actor)


@router.post("/tickets/{ticket}/ungroup", summary="Take a ticket out of its group")
async def ungroup(desk: TheDesk, actor: Caller, ticket: str) -> TicketRow:
    """Removes a ticket from its group for good. If it led the group, the oldest of the others
    leads from now on. A ticket of no group is left unchanged."""
    return await group_commands.ungroup(desk, ticket, actor=actor)
