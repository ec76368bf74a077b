"""Changes of a ticket's status, agent and team, teams, and who gets what work, over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from services.desk.assignment import offers, service
from services.desk.assignment.handing import MOST_AT_ONCE, Asked, HandedOver, Handover
from services.desk.assignment.offers import OfferView, WhyView
from services.desk.people import work
from services.desk.people.work import WorkChange, WorkView
from services.desk.security import Caller, Reader, TheDesk
from services.desk.tickets import service as tickets
from services.desk.tickets import teams
from services.desk.tickets.api import IdempotencyKey
from services.desk.tickets.schemas import TicketRow
from services.desk.tickets.teams import TeamView
from shared.errors import Rejected

router = APIRouter(tags=["tickets"])
Team = Annotated[str, Path(max_length=60, description="A team's name")]
Email = Annotated[str, Path(max_length=320, description="An agent's mail address")]


class Change(BaseModel):
    """What to change; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    status: str | None = Field(None, description="`open`, `pending`, `solved` or `closed`")
    assignee: str | None = Field(
        None, description="An agent's e-mail address; empty to put the ticket back into its queue"
    )
    team: str | None = Field(None, description="A team's name; empty for none")
    was: str | None = Field(
        None,
        description="Who had it when you looked, an e-mail address or empty: 409 `taken` where somebody else has it",
    )
    note: str = Field("", description="A note that whoever gets it sees first")


class Bulk(BaseModel):
    """Tickets, and where they go; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    tickets: list[str] = Field(description="Ids or numbers, 1 to 100", min_length=1, max_length=MOST_AT_ONCE)
    assignee: str | None = Field(
        None, description="An agent's e-mail address; empty to put the tickets back into their queues"
    )
    team: str | None = Field(None, description="A team's name; empty for none")
    note: str = Field("", description="A note on each that whoever gets it sees first")


class Away(BaseModel):
    """Why somebody is not there."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", description="What colleagues read beside their presence; may be empty", max_length=200)


class Work(BaseModel):
    """What work somebody gets; leave out what stays."""

    model_config = ConfigDict(extra="forbid")

    skills: list[str] | None = Field(
        None, description="With a level from 1 to 5 or without; none means all", examples=[["billing:4", "voice"]]
    )
    languages: list[str] | None = Field(None, description="ISO 639; none means all", examples=[["en", "fr"]])
    capacity: dict[str, int] | None = Field(
        None,
        description="Conversations at once, by kind of work: `mail`, `chat`, `text`, `post`; what is left out is usual",
        examples=[{"mail": 10, "chat": 3}],
    )
    hours: str | None = Field(
        None,
        description="When they work; empty: whenever they say that they are there",
        examples=["mon-fri 09:00-12:00,13:00-17:00"],
    )
    timezone: str | None = Field(None, description="Of hours and times off", examples=["Europe/Paris"])
    time_off: str | None = Field(
        None, description="First and last days", examples=["2026-12-24..2027-01-03, 2027-05-14"]
    )


class Released(BaseModel):
    """What went back."""

    tickets: int = Field(description="How many")


class By(BaseModel):
    """Who does it."""

    model_config = ConfigDict(extra="forbid")

    agent: str = Field(description="The agent's mail address", max_length=320, examples=["ann@example.org"])


class TeamWork(BaseModel):
    """How a team gets its work."""

    model_config = ConfigDict(extra="forbid")

    delivery: str = Field("pull", description="`pull`: members take from the queue; `push`: they are given their work")
    turn: str = Field("spare", description="`spare`: who has most room is next; `round`: who waited longest for work")
    weight: int = Field(1, description="Of one of its conversations, in what somebody has at once: 1 to 10")


@router.patch("/tickets/{ticket}", summary="Change status, assignee or team")
async def change(desk: TheDesk, actor: Caller, ticket: str, body: Change) -> TicketRow:
    """Changes a ticket's status, assignee or team. Each change is an event with the previous
    value, so that it can be undone."""
    row = None
    if body.assignee is not None or body.team is not None:
        row = await service.assign(
            desk, ticket, actor=actor, assignee=body.assignee, team=body.team, was=body.was, note=body.note
        )
    elif body.note:
        raise Rejected(422, "note", "A note goes with `assignee` or `team`. By itself it is added to `/notes`.")
    if body.status is not None:
        row = await tickets.set_status(desk, ticket, body.status, actor=actor)
    if row is None:
        raise Rejected(422, "nothing", "Send at least one of `status`, `assignee` and `team`.")
    return row


@router.post("/tickets/assign", summary="Hand many tickets over")
async def assign_all(desk: TheDesk, actor: Caller, body: Bulk, key: IdempotencyKey = "") -> HandedOver:
    """Gives each to an agent or a team, or puts it back into its queue, and tells which could not
    be, and why."""
    asked = [Asked(ticket) for ticket in body.tickets]
    to = Handover(assignee=body.assignee, team=body.team, note=body.note)
    return await service.assign_all(desk, asked, to, actor=actor, key=key)


@router.post("/agents/{agent}/release", summary="Put all work of somebody back into its queues")
async def release(desk: TheDesk, actor: Caller, agent: Email, body: Away) -> Released:
    """Sets an agent away who is not there today; what they have goes back with its age."""
    return Released(tickets=await service.release(desk, agent, body.reason, actor=actor))


@router.get("/teams", summary="List teams")
async def list_teams(desk: TheDesk, _: Reader) -> list[str]:
    """Lists the teams that were made and those that tickets were given to, sorted by name."""
    return list(await service.teams(desk))


@router.put("/teams/{team}", status_code=204, summary="Create a team")
async def create_team(desk: TheDesk, actor: Caller, team: Team) -> None:
    """Creates a team, which needs no ticket. Idempotent."""
    await teams.create(desk, team, actor=actor)


@router.delete("/teams/{team}", status_code=204, summary="Remove a team")
async def remove_team(desk: TheDesk, actor: Caller, team: Team) -> None:
    """Removes a team. Its tickets keep its name; it is listed as long as there are any."""
    await teams.remove(desk, team, actor=actor)


@router.put("/teams/{team}/work", status_code=204, summary="Say how a team gets its work")
async def set_up_team(desk: TheDesk, actor: Caller, team: Team, body: TeamWork) -> None:
    """Sets all of it. A team that nobody made is created."""
    await teams.set_up(desk, team, delivery=body.delivery, turn=body.turn, weight=body.weight, actor=actor)


@router.get("/teams/{team}/work", summary="How a team gets its work")
async def get_team(desk: TheDesk, _: Reader, team: Team) -> TeamView:
    """Returns delivery, turn and weight, and the members' names."""
    return await teams.one(desk, team)


@router.get("/teams/{team}/members", summary="List who is in a team")
async def list_members(desk: TheDesk, _: Reader, team: Team) -> list[str]:
    """Lists the members' mail addresses, sorted."""
    return list(await teams.members(desk, team))


@router.put("/teams/{team}/members/{email}", status_code=204, summary="Put an agent into a team")
async def add_member(desk: TheDesk, actor: Caller, team: Team, email: Email) -> None:
    """Adds a member. Idempotent."""
    await teams.add_member(desk, team, email, actor=actor)


@router.delete("/teams/{team}/members/{email}", status_code=204, summary="Take an agent out of a team")
async def remove_member(desk: TheDesk, actor: Caller, team: Team, email: Email) -> None:
    """Removes a member. Idempotent."""
    await teams.remove_member(desk, team, email, actor=actor)


@router.get("/agents/{agent}/work", summary="What work an agent gets")
async def get_work(desk: TheDesk, _: Reader, agent: Email) -> WorkView:
    """Returns skills with levels, languages, capacity, working hours, time off and teams."""
    return await work.work_of(desk, agent)


@router.patch("/agents/{agent}/work", summary="Say what work an agent gets")
async def set_work(desk: TheDesk, actor: Caller, agent: Email, body: Work) -> WorkView:
    """Sets what the body gives, from the next conversation on. Responds 422 with what to write."""
    return await work.set_work(desk, agent, WorkChange(**body.model_dump()), actor=actor)


@router.get("/agents/{agent}/offers", summary="What an agent is asked to accept")
async def list_offers(desk: TheDesk, _: Reader, agent: Email) -> list[OfferView]:
    """Lists what is offered to an agent now, what ends first at the top."""
    return list(await offers.of_agent(desk, agent))


@router.post("/tickets/{ticket}/accept", summary="Take a conversation that is offered")
async def accept(desk: TheDesk, actor: Caller, ticket: str, body: By) -> TicketRow:
    """Gives it to the agent to whom it is offered. Responds 409 `offer-over` otherwise."""
    return await offers.accept(desk, ticket, actor=actor.acting_for(body.agent))


@router.post("/tickets/{ticket}/decline", summary="Let an offered conversation go on to a colleague")
async def decline(desk: TheDesk, actor: Caller, ticket: str, body: By) -> TicketRow:
    """Passes it on with its age."""
    return await offers.decline(desk, ticket, actor=actor.acting_for(body.agent))


@router.get("/tickets/{ticket}/assignment", summary="Who could get a conversation, and why nobody else")
async def get_assignment(desk: TheDesk, _: Reader, ticket: str) -> WhyView:
    """Tells it as it was decided, or, of one that nobody was given, as it stands."""
    return await offers.why(desk, ticket)
