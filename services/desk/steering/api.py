"""What supervisors see and do, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from services.desk.actors import Actor, Permission
from services.desk.security import Caller, Reader, TheDesk, allowed
from services.desk.steering import service
from services.desk.steering.schemas import Floor, QueuePage
from services.desk.steering.service import Steering
from shared.errors import Unavailable

router = APIRouter(tags=["steering"])
Email = Annotated[str, Path(max_length=320, description="An agent's mail address")]


class Asking(BaseModel):
    """Why somebody is asked to come in."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", description="What they read; may be empty", max_length=500)


def steering_of(request: Request) -> Steering:
    """Returns what this process has read for supervisors."""
    found: Steering = request.app.state.steering
    return found


@router.get("/supervisor", summary="Who does what now, what waits, and what is due soon")
async def floor(
    steering: Annotated[Steering, Depends(steering_of)],
    _: Annotated[Actor, Depends(allowed(Permission.MANAGE_AGENTS))],
) -> Floor:
    """Returns agents with their load and work, queues with a forecast, and whose answer is due
    within an hour."""
    found = (await steering.current()).value
    if found is None:
        raise Unavailable("the database is away")
    return found


@router.get("/queues/{team}", summary="What waits in a queue, and why nobody has it")
async def queue(
    desk: TheDesk,
    _: Reader,
    steering: Annotated[Steering, Depends(steering_of)],
    team: Annotated[str, Path(max_length=60, description="A team's name")],
) -> QueuePage:
    """Lists the first 50 in the order in which they are given."""
    return await service.queue(desk, team, await steering.past())


@router.post("/agents/{agent}/call-in", status_code=204, summary="Ask an agent to come in")
async def call_in(desk: TheDesk, actor: Caller, agent: Email, body: Asking) -> None:
    """Tells an agent who is not ready, in their console. Responds 409 `ready` where they are."""
    await service.call_in(desk, agent, body.reason, actor=actor)
