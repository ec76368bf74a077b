"""Calls, callbacks and the presence of agents over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from services.desk.calls import service
from services.desk.calls.schemas import CallbackView, CallsView, CallView
from services.desk.people import presence
from services.desk.people.presence import AgentState
from services.desk.security import Caller, Reader, TheDesk

router = APIRouter(tags=["calls"])


class By(BaseModel):
    """Who does it."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(description="The agent's mail address", max_length=320, examples=["ann@example.org"])


class CallBack(By):
    """A callback to make."""

    number: str = Field("", max_length=40, description="Empty: the one that is known", examples=["+33 6 12 34 56 78"])


class Presence(BaseModel):
    """Whether an agent is there for work."""

    model_config = ConfigDict(extra="forbid")

    presence: str = Field(description="`ready`, `busy`, `wrap-up` or `away`")
    reason: str = Field("", max_length=200, description="For people, such as `lunch`")


class Paused(BaseModel):
    """What somebody does not take at the moment."""

    model_config = ConfigDict(extra="forbid")

    paused: list[str] = Field(
        description="Kinds of work: `voice`, `chat`, `mail`, `text`, `post`; none: they take all", examples=[["voice"]]
    )


class Phone(BaseModel):
    """Where calls are put through to."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(
        max_length=40, description="With its country; empty to forget it", examples=["+33 6 12 34 56 78"]
    )


class Skills(BaseModel):
    """What an agent can do."""

    model_config = ConfigDict(extra="forbid")

    skills: list[str] = Field(
        description="As the router's policy names them; none means all", examples=[["french", "voice"]]
    )


@router.get("/calls", summary="Who is on the line")
async def calls(desk: TheDesk, _: Reader) -> CallsView:
    """Callers in line, in the order in which they are served, and calls that agents are on."""
    return CallsView(waiting=await service.waiting(desk), ongoing=await service.ongoing(desk))


@router.get("/calls/{call}", summary="One call")
async def get_call(desk: TheDesk, _: Reader, call: str) -> CallView:
    """Returns a call's current state, or how it ended."""
    return await service.get_call(desk, call)


@router.post("/calls/{call}/answer", summary="Take a waiting call")
async def answer(desk: TheDesk, actor: Caller, call: str, body: By) -> CallView:
    """Takes a waiting call; the agent's telephone rings. The first agent gets the call: 409
    `call-taken` for the others."""
    return await service.answer(desk, call, actor=actor.acting_for(body.agent))


@router.post("/calls/{call}/decline", status_code=204, summary="Let an offered call go on to the next agent")
async def decline(desk: TheDesk, actor: Caller, call: str, body: By) -> None:
    """Passes an offered call on to the next agent; the caller keeps the place."""
    await service.decline(desk, call, actor=actor.acting_for(body.agent))


@router.post("/calls/{call}/hang-up", status_code=204, summary="End a call")
async def hang_up(desk: TheDesk, actor: Caller, call: str, body: By) -> None:
    """Ends a call; only the agent who is on it may do so."""
    await service.hang_up(desk, call, actor=actor.acting_for(body.agent))


@router.post("/calls/{call}/finish", status_code=204, summary="The notes after a call are written")
async def finish(desk: TheDesk, actor: Caller, call: str, body: By) -> None:
    """Ends the agent's wrap-up: they are free for the next call."""
    await service.finish(desk, call, actor=actor.acting_for(body.agent))


@router.get("/callbacks", summary="Whom to call")
async def callbacks(
    desk: TheDesk,
    _: Reader,
    agent: Annotated[str, Query(description="Only what this agent has the skills for: a mail address")] = "",
) -> list[CallbackView]:
    """Lists callbacks in the order of work: customers who asked for one, and those who wrote but
    would rather be called."""
    return list(await service.callbacks(desk, agent))


@router.post("/tickets/{ticket}/call", status_code=201, summary="Call the customer")
async def call_back(desk: TheDesk, actor: Caller, ticket: str, body: CallBack) -> CallView:
    """Rings the agent's telephone first, then the customer's."""
    return await service.call_back(desk, ticket, actor=actor.acting_for(body.agent), number=body.number)


@router.post("/tickets/{ticket}/callback-done", status_code=204, summary="The customer was reached in another way")
async def callback_done(desk: TheDesk, actor: Caller, ticket: str, body: By) -> None:
    """Takes the ticket off the list of callbacks."""
    await service.callback_done(desk, ticket, actor=actor.acting_for(body.agent))


@router.get("/agents", summary="Agents and their presence")
async def agents(desk: TheDesk, _: Reader) -> list[AgentState]:
    """Lists agents and their presence, by name."""
    return list(await presence.states(desk))


@router.put("/agents/{agent}/presence", summary="Say whether an agent is there for work")
async def set_presence(desk: TheDesk, actor: Caller, agent: str, body: Presence) -> AgentState:
    """Sets an agent's presence. Calls are offered only to who has a number at which they arrive."""
    return await presence.set_presence(desk, agent, body.presence, body.reason, actor=actor)


@router.put("/agents/{agent}/paused", summary="Say what work an agent does not take at the moment")
async def set_paused(desk: TheDesk, actor: Caller, agent: str, body: Paused) -> AgentState:
    """Replaces those before. Who is ready gets work of the other kinds."""
    return await presence.set_paused(desk, agent, body.paused, actor=actor)


@router.put("/agents/{agent}/phone", summary="Say where calls reach an agent")
async def set_phone(desk: TheDesk, actor: Caller, agent: str, body: Phone) -> AgentState:
    """Sets the number at which calls reach an agent; it is stored as E.164."""
    return await presence.set_phone(desk, agent, body.number, actor=actor)


@router.put("/agents/{agent}/skills", summary="Say what an agent can do")
async def set_skills(desk: TheDesk, actor: Caller, agent: str, body: Skills) -> AgentState:
    """Replaces those before."""
    return await presence.set_skills(desk, agent, body.skills, actor=actor)
