"""Changes of a ticket's status, agent and team over HTTP."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.desk.assignment import service
from services.desk.security import Reader, TheDesk, Writer, actor
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketRow
from shared.errors import Rejected

router = APIRouter(tags=["tickets"])


class Change(BaseModel):
    """What to change; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    status: str | None = Field(None, description="`open`, `pending`, `solved` or `closed`")
    assignee: str | None = Field(
        None, description="An agent's e-mail address; empty to put the ticket back into its queue"
    )
    team: str | None = Field(None, description="A team's name; empty for none")


@router.patch("/tickets/{ticket}", summary="Change status, assignee or team")
async def change(desk: TheDesk, token: Writer, ticket: str, body: Change) -> TicketRow:
    """Each change is an event with what was before, so that it can be undone."""
    row = None
    if body.assignee is not None or body.team is not None:
        row = await service.assign(desk, ticket, agent=actor(token), assignee=body.assignee, team=body.team)
    if body.status is not None:
        row = await tickets.set_status(desk, ticket, body.status, agent=actor(token))
    if row is None:
        raise Rejected(422, "nothing", "Send at least one of `status`, `assignee` and `team`.")
    return row


@router.get("/teams", summary="Teams that have tickets")
async def teams(desk: TheDesk, _: Reader) -> list[str]:
    """Sorted by name."""
    return list(await service.teams(desk))
