"""What calls do to the presence of agents. It is read off the calls, so that whatever was late or
lost, nobody stays busy for ever."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among
from services.desk.calls import repository
from services.desk.calls.models import CALLS
from services.desk.people import presence
from services.desk.people.models import AGENTS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now


async def lock(session: AsyncSession, emails: Collection[str], *, skip: bool = False) -> list[Any]:
    """Locks the agents' rows until the commit and returns them."""
    return await presence.locked(session, [email for email in emails if email], skip=skip)


async def missed_offer(work: UnitOfWork, agent: str) -> None:
    """Sets an agent to `away` who was offered a call and did not take it: until they say that
    they are back, nobody waits for them."""
    for person in await lock(work.session, [agent]):
        if person.presence == "ready":
            await presence.change(work, person, "away", "missed a call")


async def missed_ring(work: UnitOfWork, agent: str) -> None:
    """Sets an agent to `away` who took a call, but then did not answer their telephone."""
    for person in await lock(work.session, [agent]):
        if person.presence_after:
            await presence.change(work, person, "away", "did not answer the telephone")


async def free(work: UnitOfWork, agent: str, reason: str) -> None:
    """Frees an agent whom a call no longer holds, and shows them the reason."""
    for person in await lock(work.session, [agent]):
        if person.presence_after:
            await presence.change(work, person, person.presence_after, reason)


async def settle(work: UnitOfWork, emails: Collection[str] | None = None, *, skip: bool = False) -> None:
    """Sets agents busy while a call holds them, to wrap-up after it, then back to what they
    were. What an agent chose by hand stays. `emails`: None for all whose presence a call may
    have changed; `skip`: leave out those that somebody else is changing."""
    now = utc_now()
    holding = _by_agent(await work.session.execute(_open()), now)
    if emails is None:
        held = select(AGENTS.c.email).where(
            AGENTS.c.active, or_(AGENTS.c.presence_after != "", among(AGENTS.c.email, holding))
        )
        emails = set(await work.session.scalars(held))
    people = await lock(work.session, emails, skip=skip) if emails else []
    rows = list(await work.session.execute(_open())) if people else []  # once more: what is locked changes no more
    holding, silent = _by_agent(rows, now), {row.agent for row in rows if repository.is_silent(row, now)}
    for person in people:
        if held_by := holding.get(person.email):
            if person.presence_after or (person.presence == "ready" and held_by == "busy"):
                await presence.change(work, person, held_by, after=person.presence_after or "ready")
        elif person.presence_after:
            reason = "nothing was heard of the call any more" if person.email in silent else ""
            await presence.change(work, person, person.presence_after, reason)


def _open() -> Any:
    return select(CALLS).where(repository.is_open())


def _by_agent(rows: Iterable[Any], now: datetime) -> dict[str, str]:
    """Returns `busy` or `wrap-up` by agent. An agent who is speaking is busy, whatever notes are
    left."""
    found: dict[str, str] = {}
    for row in rows:
        agent, held_by = repository.agent_on(row, now)
        if agent and found.get(agent) != "busy":
            found[agent] = held_by
    return found
