"""Whether an agent is there for work, for which, where they are reached, and what they can do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ConfigDict
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import DESK, Actor, Permission, actor_of
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.people.domain import Schedule, Standing, read_pauses, read_skills
from services.desk.people.models import AGENTS
from services.desk.signals import wake
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import AgentPresenceChanged
from shared.phone_numbers import typed

PRESENCES = ("ready", "busy", "wrap-up", "away")
"""`away` is the default; only who is `ready` gets work."""
_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentState:
    """Whether an agent is there, and what they can do."""

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    email: str
    name: str
    presence: str
    """`ready`, `busy`, `wrap-up` or `away`."""
    since: datetime
    reason: str
    """Why, for people: `lunch`, `missed a call`. Often empty."""
    paused: tuple[str, ...] = ()
    """Kinds of work that they do not take although they are ready: `voice`, `chat`, `mail`, `text`,
    `post`."""
    phone: str
    """Where calls are put through to, E.164; empty where it is not known."""
    skills: tuple[str, ...]
    """As the router's policy names them; empty means all."""
    called_at: datetime | None = None
    """When they were asked to come in, since they last said whether they are there."""
    called_by: str = ""
    """By whom: a name."""
    called_for: str = ""
    """Why. Often empty."""


async def state(desk: Desk, agent: str) -> AgentState:
    """Returns the state of one active agent. Raises Rejected 404."""
    async with desk.database.transaction() as session:
        return await _one(session, agent)


async def states(desk: Desk) -> tuple[AgentState, ...]:
    """Returns the states of all active agents, by name."""
    async with desk.database.transaction() as session:
        rows = await session.execute(select(AGENTS).where(AGENTS.c.active).order_by(AGENTS.c.name, AGENTS.c.email))
        return tuple(agent_state(row) for row in rows)


async def set_presence(desk: Desk, agent: str, presence: str, reason: str = "", *, actor: Actor) -> AgentState:
    """Sets it by hand. A call's end leaves it as it is chosen here. Without a telephone number one
    is ready for all but calls. Rejected 403; 404; 422 `presence`."""
    _may(actor, agent)
    if presence not in PRESENCES:
        raise Rejected(422, "presence", f"The presence is one of {', '.join(PRESENCES)}.")
    async with desk.unit_of_work() as work:
        (row,) = await locked(work.session, [agent]) or [None]
        if row is None:
            raise _unknown(agent)
        begun = update(AGENTS).where(AGENTS.c.id == row.id).values(seen_at=None, active_at=func.now(), called_at=None)
        await work.session.execute(begun)
        await change(work, row, presence, _tidy(reason), actor=actor)
        return await _one(work.session, row.email)


async def set_paused(desk: Desk, agent: str, kinds: Collection[str], *, actor: Actor) -> AgentState:
    """Sets which kinds of work an agent does not take, even when ready. Rejected 403; 404; 422
    `paused`."""
    _may(actor, agent)
    try:
        paused = read_pauses(kinds)
    except ValueError as error:
        raise Rejected(422, "paused", f"{error}.") from error
    async with desk.unit_of_work() as work:
        (row,) = await locked(work.session, [agent]) or [None]
        if row is None:
            raise _unknown(agent)
        await change(work, row, row.presence, row.presence_reason, after=row.presence_after, paused=paused, actor=actor)
        return await _one(work.session, row.email)


async def set_phone(desk: Desk, agent: str, number: str, *, actor: Actor) -> AgentState:
    """Sets an agent's telephone number; empty removes it, and then they get no calls. Raises
    Rejected 404, 422 with an example."""
    _may(actor, agent)
    phone = normal_number(number) if number.strip() else ""
    async with desk.unit_of_work() as work:
        (row,) = await locked(work.session, [agent]) or [None]
        if row is None:
            raise _unknown(agent)
        await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(phone=phone))
        await audit.note(work.session, "person.changed", actor, row.email, what="phone")
        await wake(work.session)
        return await _one(work.session, row.email)


async def set_skills(desk: Desk, agent: str, skills: Collection[str], *, actor: Actor) -> AgentState:
    """Sets them as the router's policy names them, `billing` or `billing:4`; none means all.
    Rejected 403, 404, 422."""
    actor.require(Permission.MANAGE_AGENTS)
    levels = normal_skills(skills)
    async with desk.unit_of_work() as work:
        (row,) = await locked(work.session, [agent]) or [None]
        if row is None:
            raise _unknown(agent)
        await work.session.execute(
            update(AGENTS).where(AGENTS.c.id == row.id).values(skills=list(levels), skill_levels=levels)
        )
        await audit.note(work.session, "person.changed", actor, row.email, what="skills")
        await wake(work.session)
        return await _one(work.session, row.email)


def normal_number(number: str) -> str:
    """Converts a number into E.164. Raises Rejected 422 with an example."""
    found = typed(number)
    if not found:
        raise Rejected(422, "number", "Enter the number with its country code, such as +33 6 12 34 56 78.")
    return found


def normal_skills(skills: Collection[str]) -> dict[str, int]:
    """Reads skills with their levels. Raises Rejected 422."""
    try:
        return read_skills(skills)
    except ValueError as error:
        raise Rejected(422, "skills", f"{error}.") from error


async def locked(
    session: AsyncSession, agents: Collection[str], *, skip: bool = False, also_disabled: bool = False
) -> list[Any]:
    """Locks these active agents (or also those who were disabled) until the commit and
    returns their rows by id. `skip`: leave out those that somebody else is changing right now.
    Must come after calls, and before customers and tickets. Not so strong that a ticket's
    assignment would wait."""
    emails = [own(agent) for agent in agents]
    found = select(AGENTS).where(among(AGENTS.c.email, emails)).order_by(AGENTS.c.id)
    found = found if also_disabled else found.where(AGENTS.c.active)
    return list(await session.execute(found.with_for_update(key_share=True, skip_locked=skip)))


async def change(
    work: UnitOfWork,
    row: Any,
    presence: str,
    reason: str = "",
    *,
    after: str = "",
    paused: list[str] | None = None,
    actor: Actor = DESK,
) -> None:
    """Changes the presence of an agent whose row is locked. `after`: the presence to which the
    end of a call returns them; empty if it does not."""
    pauses = row.paused if paused is None else paused
    if (row.presence, row.presence_reason, row.presence_after, row.paused) == (presence, reason, after, pauses):
        return
    now = utc_now()
    since = row.presence_since if row.presence == presence else now
    values = {"presence": presence, "presence_since": since, "presence_reason": reason, "presence_after": after}
    values["paused"] = pauses
    await work.session.execute(update(AGENTS).where(AGENTS.c.id == row.id).values(values))
    changed = AgentPresenceChanged(
        agent=row.email, presence=presence, reason=reason, paused=",".join(pauses) if paused is not None else None
    )
    work.record(changed, "", now, actor, customer=row.email)
    await wake(work.session)


async def leave(work: UnitOfWork, agent: str) -> None:
    """Gives no more work to the agent with this id, who has signed out; a call in progress
    continues."""
    email = await work.session.scalar(select(AGENTS.c.email).where(AGENTS.c.id == agent))
    for row in await locked(work.session, [email] if email else []):
        await gone(work, row, "signed out", actor_of(row.email))


async def did(desk: Desk, agent: str) -> None:
    """Notes that the agent with this id did something just now, at most once a minute."""
    stale = or_(AGENTS.c.active_at.is_(None), AGENTS.c.active_at < func.now() - timedelta(minutes=1))
    async with desk.database.statements() as session:
        await session.execute(update(AGENTS).where(AGENTS.c.id == agent, stale).values(active_at=func.now()))


async def gone(work: UnitOfWork, row: Any, reason: str, actor: Actor = DESK) -> None:
    """Sets an agent away, whose row is locked and who left without saying so; a call in progress
    continues."""
    if row.presence_after:
        await change(work, row, row.presence, row.presence_reason, after="away", actor=actor)
    elif row.presence == "ready":
        await change(work, row, "away", reason, actor=actor)


async def gone_for_today(work: UnitOfWork, row: Any, reason: str, actor: Actor) -> None:
    """Sets an agent away, whose row is locked, as somebody else knows; a call in progress
    continues."""
    if row.presence_after:
        await change(work, row, row.presence, row.presence_reason, after="away", actor=actor)
    else:
        await change(work, row, "away", _tidy(reason), actor=actor)


def _tidy(reason: str) -> str:
    return " ".join(reason.replace("\x00", "").split())[:_LONGEST_REASON]


def standing(row: Any) -> Standing:
    """Converts an agent's row into whether they are there for work."""
    return Standing(
        presence=row.presence,
        paused=frozenset(row.paused),
        reachable=bool(row.phone),
        schedule=Schedule(hours=row.hours, timezone=row.timezone, time_off=row.time_off),
    )


def own(agent: str) -> str:
    """Returns a mail address as it is stored."""
    return agent.strip().lower().replace("\x00", "")


def agent_state(row: Any) -> AgentState:
    """Converts an agent's row into the view for readers."""
    return AgentState(
        email=row.email,
        name=row.name,
        presence=row.presence,
        since=row.presence_since,
        reason=row.presence_reason,
        paused=tuple(row.paused),
        phone=row.phone,
        skills=tuple(row.skills),
        called_at=row.called_at,
        called_by=row.called_by if row.called_at else "",
        called_for=row.called_for if row.called_at else "",
    )


def _may(actor: Actor, agent: str) -> None:
    actor.require(Permission.TAKE_CALLS if actor.is_agent(agent) else Permission.MANAGE_AGENTS)


async def _one(session: AsyncSession, agent: str) -> AgentState:
    found = select(AGENTS).where(AGENTS.c.email == own(agent), AGENTS.c.active)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise _unknown(agent)
    return agent_state(row)


def _unknown(agent: str) -> Rejected:
    return Rejected(404, "no-such-agent", f"No active agent has the address {agent[:100]}.")
