"""What an agent's work is, as supervisors set it: skills with levels, languages, how much at once,
working hours, time off."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ConfigDict
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.people import audit, presence
from services.desk.people.domain import (
    Schedule,
    capacity_of,
    read_capacity,
    read_languages,
    read_schedule,
    write_skills,
)
from services.desk.people.models import AGENTS, TEAM_MEMBERS
from services.desk.signals import wake
from shared.errors import Rejected

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """What work somebody gets."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    id: str
    email: str
    name: str
    teams: tuple[str, ...]
    skills: dict[str, int]
    """Each with its level from 1 to 5; none means all."""
    languages: tuple[str, ...]
    """ISO 639; none means all."""
    capacity: dict[str, int]
    """Conversations at once, by kind of work: `mail`, `chat`, `text` and `post`."""
    hours: str
    """`mon-fri 09:00-12:00,13:00-17:00`; empty: whenever they say that they are there."""
    timezone: str
    time_off: str
    """`2026-12-24..2027-01-03, 2027-05-14`: first and last day, in their time zone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkChange:
    """What to set; None leaves it as it is."""

    skills: Sequence[str] | None = None
    """`billing`, or `billing:4`."""
    languages: Sequence[str] | None = None
    capacity: Mapping[str, int] | None = None
    hours: str | None = None
    timezone: str | None = None
    time_off: str | None = None


async def work_of(desk: Desk, agent: str) -> WorkView:
    """Returns what work an agent (a mail address) gets. Raises Rejected 404."""
    async with desk.database.transaction() as session:
        found = select(AGENTS).where(AGENTS.c.email == presence.own(agent))
        row = (await session.execute(found)).one_or_none()
        if row is None:
            raise Rejected(404, "no-such-agent", f"Nobody has the address {agent[:100]}.")
        return await _view(session, row)


async def set_work(desk: Desk, agent: str, change: WorkChange, *, actor: Actor) -> WorkView:
    """Sets what work somebody gets, from the next conversation on. Rejected 403, 404; 422
    `skills`, `languages`, `capacity` or `schedule`, with what to write."""
    actor.require(Permission.MANAGE_AGENTS)
    values: dict[str, Any] = {}
    if change.skills is not None:
        levels = presence.normal_skills(change.skills)
        values |= {"skills": list(levels), "skill_levels": levels}
    if change.languages is not None:
        values["languages"] = _read("languages", read_languages, change.languages)
    if change.capacity is not None:
        values["capacity"] = _read("capacity", read_capacity, change.capacity)
    async with desk.unit_of_work() as work:
        (row,) = await presence.locked(work.session, [agent], also_disabled=True) or [None]
        if row is None:
            raise Rejected(404, "no-such-agent", f"Nobody has the address {agent[:100]}.")
        schedule = Schedule(
            hours=row.hours if change.hours is None else change.hours,
            timezone=row.timezone if change.timezone is None else change.timezone,
            time_off=row.time_off if change.time_off is None else change.time_off,
        )
        tidy = _read("schedule", read_schedule, schedule)
        values |= {"hours": tidy.hours, "timezone": tidy.timezone, "time_off": tidy.time_off}
        changed = sorted(name for name, value in values.items() if value != getattr(row, name))
        if changed:
            await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(values))
            await audit.note(work.session, "person.changed", actor, row.email, what=", ".join(changed))
            await wake(work.session)
        return await _view(
            work.session, (await work.session.execute(select(AGENTS).where(AGENTS.c.id == row.id))).one()
        )


def _read(code: str, read: Callable[[Any], T], given: Any) -> T:
    try:
        return read(given)
    except ValueError as error:
        raise Rejected(422, code, f"{error}.") from error


async def _view(session: AsyncSession, row: Any) -> WorkView:
    teams = select(TEAM_MEMBERS.c.team).where(TEAM_MEMBERS.c.agent_id == row.id).order_by(TEAM_MEMBERS.c.team)
    return WorkView(
        id=row.id,
        email=row.email,
        name=row.name,
        teams=tuple(await session.scalars(teams)),
        skills=write_skills(row.skills, row.skill_levels),
        languages=tuple(row.languages),
        capacity=capacity_of(row.capacity),
        hours=row.hours,
        timezone=row.timezone,
        time_off=row.time_off,
    )
