"""Service levels over HTTP, for machines with the scope `admin`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.desk.actors import Actor, Permission
from services.desk.security import Caller, TheDesk, allowed
from services.desk.service_levels import service
from services.desk.service_levels.domain import MOST_MINUTES, Actions, Calendar, Policy, Situation
from services.desk.service_levels.schemas import CalendarState, StandingView
from shared.clock import utc_now

router = APIRouter(tags=["service levels"])
Admin = Annotated[Actor, Depends(allowed(Permission.MANAGE_SERVICE_LEVELS))]
Names = Annotated[list[str], Field(max_length=50, description="Empty: all")]
Minutes = Annotated[int, Field(ge=0, le=MOST_MINUTES, description="Minutes; 0: no target")]
Name = Annotated[str, Field(min_length=1, max_length=60)]


class ActionsBody(BaseModel):
    """What happens to the ticket then."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["", "urgent", "high", "normal", "low"] = Field("", description="It gets at least this priority")
    team: str = Field("", max_length=60, description="It goes to this team; empty: it stays")
    notify: list[Literal["assignee", "team", "supervisors"]] = Field([], description="Who is to hear of it")


class PolicyBody(BaseModel):
    """Targets of the tickets that the policy is for; without any it says that there are none."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    enabled: bool = True
    teams: Names = []
    channels: Names = []
    tiers: Names = []
    levels: Annotated[list[Literal["urgent", "high", "normal", "low"]], Field(description="Empty: all")] = []
    first: Minutes = 0
    next: Minutes = 0
    solution: Minutes = 0
    calendar: str | None = Field(
        None, max_length=60, description="Id of the calendar whose working time counts; null: around the clock"
    )
    warn_share: int = Field(0, ge=0, le=99, description="Per cent of the time after which a warning comes; 0: none")
    warn_minutes: int = Field(0, ge=0, le=MOST_MINUTES, description="Minutes before, for a warning; 0: none")
    on_warning: ActionsBody = ActionsBody()
    on_breach: ActionsBody = ActionsBody()


class PolicyView(PolicyBody):
    """The same, and its id."""

    id: str


class CalendarBody(BaseModel):
    """When somebody works."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    hours: str = Field("", max_length=1000, examples=["mon-fri 09:00-12:00,13:00-18:00"], description="Empty: always")
    zone: str = Field("UTC", max_length=60, examples=["Europe/Paris"])
    days_off: str = Field("", max_length=5000, examples=["2026-12-24,2027-01-02"])
    country: str = Field("", max_length=2, examples=["FR"], description="Whose public holidays are days off")
    region: str = Field("", max_length=20, examples=["BY"], description="Of the country")
    feed: str = Field("", max_length=2000, description="An iCalendar file whose whole-day events are days off")


class CalendarView(CalendarBody):
    """The same, its id, and how its feed does."""

    id: str
    feed_days: list[date]
    feed_at: datetime | None = Field(description="When the feed was read last")
    feed_error: str = Field(description="Why it could not be read the last time; empty where it could")


class ServiceLevelsView(BaseModel):
    """All policies in their order, and all calendars by name."""

    policies: list[PolicyView]
    calendars: list[CalendarView]


class MoveBody(BaseModel):
    """Where to."""

    model_config = ConfigDict(extra="forbid")

    by: int = Field(ge=-50, le=50, description="-1: before the one above it; 1: after the one below it")


class PreviewBody(BaseModel):
    """Somebody who writes for the first time."""

    model_config = ConfigDict(extra="forbid")

    team: str = Field("", max_length=60)
    channel: str = Field("email", max_length=60)
    tier: str = Field("", max_length=60)
    level: Literal["urgent", "high", "normal", "low"] = "normal"
    at: AwareDatetime | None = Field(None, description="Null: now")


def _policy(policy: Policy) -> PolicyView:
    return PolicyView.model_validate(msgspec.to_builtins(policy))


def _calendar(state: CalendarState) -> CalendarView:
    values = msgspec.to_builtins(state.calendar)
    return CalendarView.model_validate(values | {"feed_at": state.feed_at, "feed_error": state.feed_error})


def _read(body: PolicyBody, policy: str = "") -> Policy:
    values = body.model_dump()
    actions = {name: msgspec.convert(values.pop(name), Actions) for name in ("on_warning", "on_breach")}
    return msgspec.convert(values | actions | {"id": policy}, Policy)


@router.get("/service-levels", summary="Policies and calendars")
async def list_service_levels(desk: TheDesk, actor: Admin) -> ServiceLevelsView:
    """Lists all policies, the first that is for a ticket counts, and all calendars."""
    found = await service.overview(desk, actor=actor)
    return ServiceLevelsView(
        policies=[_policy(each) for each in found.policies], calendars=[_calendar(each) for each in found.calendars]
    )


@router.post("/service-levels/policies", status_code=201, summary="Add a policy")
async def add_policy(desk: TheDesk, actor: Caller, body: PolicyBody) -> PolicyView:
    """Adds a policy after all others. Tickets that wait get it within seconds. Responds 422 with
    what to write instead."""
    return _policy(await service.put_policy(desk, _read(body), actor=actor))


@router.put("/service-levels/policies/{policy}", summary="Change a policy")
async def put_policy(desk: TheDesk, actor: Caller, policy: str, body: PolicyBody) -> PolicyView:
    """Replaces a policy. Tickets that wait get it within seconds, counted from their beginning."""
    return _policy(await service.put_policy(desk, _read(body, policy), actor=actor))


@router.post("/service-levels/policies/{policy}/move", status_code=204, summary="Move a policy")
async def move_policy(desk: TheDesk, actor: Caller, policy: str, body: MoveBody) -> None:
    """Moves a policy among the others."""
    await service.move_policy(desk, policy, body.by, actor=actor)


@router.delete("/service-levels/policies/{policy}", status_code=204, summary="Forget a policy")
async def remove_policy(desk: TheDesk, actor: Caller, policy: str) -> None:
    """Forgets a policy: the next one that is for a ticket counts, and else what the router
    promises."""
    await service.remove_policy(desk, policy, actor=actor)


@router.post("/service-levels/calendars", status_code=201, summary="Add a calendar")
async def add_calendar(desk: TheDesk, actor: Caller, body: CalendarBody) -> CalendarView:
    """Adds a calendar. Its feed is read within a minute, then every few hours."""
    calendar = await service.put_calendar(desk, Calendar(**body.model_dump()), actor=actor)
    return _calendar(CalendarState(calendar, None, ""))


@router.put("/service-levels/calendars/{calendar}", summary="Change a calendar")
async def put_calendar(desk: TheDesk, actor: Caller, calendar: str, body: CalendarBody) -> CalendarView:
    """Replaces a calendar. What is due moves within seconds."""
    await service.put_calendar(desk, Calendar(id=calendar, **body.model_dump()), actor=actor)
    found = await service.overview(desk, actor=actor)
    return next(_calendar(each) for each in found.calendars if each.calendar.id == calendar)


@router.delete("/service-levels/calendars/{calendar}", status_code=204, summary="Forget a calendar")
async def remove_calendar(desk: TheDesk, actor: Caller, calendar: str) -> None:
    """Forgets a calendar. Responds 409 `calendar-used` while a policy counts its time."""
    await service.remove_calendar(desk, calendar, actor=actor)


@router.post("/service-levels/preview", summary="What would be due")
async def preview(desk: TheDesk, actor: Admin, body: PreviewBody) -> StandingView:
    """Tells what would be due if somebody wrote for the first time. Nothing is kept."""
    at = body.at or utc_now()
    values = body.model_dump(exclude={"at"})
    return await service.preview(desk, Situation(created_at=at, waiting_since=at, **values), actor=actor)


@router.get("/tickets/{ticket}/service-level", summary="Where a ticket stands")
async def service_level(
    desk: TheDesk, ticket: str, _: Annotated[Actor, Depends(allowed(Permission.READ))]
) -> StandingView:
    """Tells which policy is for a ticket, and of each target when it is due, whether it is paused,
    was met or missed."""
    return await service.of_ticket(desk, ticket)
