"""Teams and who is in them. There is a team once somebody made it, or once a ticket was given to
it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.people import audit
from services.desk.people.models import AGENTS, TEAM_MEMBERS, TEAMS
from services.desk.signals import wake
from shared.errors import Rejected

MOST = 200
"""Teams that are listed."""
DELIVERIES, TURNS, MOST_WEIGHT = ("pull", "push"), ("spare", "round"), 10
_LONGEST = 60
_TEAMS = text(
    """
    WITH RECURSIVE found AS (
        (SELECT team FROM desk.tickets ORDER BY team LIMIT 1)
        UNION ALL
        SELECT (SELECT team FROM desk.tickets WHERE team > found.team ORDER BY team LIMIT 1) FROM found WHERE found.team IS NOT NULL
    )
    SELECT team FROM found WHERE team <> '' UNION SELECT name FROM desk.teams ORDER BY team LIMIT :most
    """
)
"""Distinct teams of tickets by jumping along the index, however many tickets there are, and those
without any."""


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team, and the names of who is in it and may sign in."""

    name: str
    members: tuple[str, ...]
    delivery: str = "pull"
    """`push`: conversations are given to its members; `pull`: they take them from the queue."""
    turn: str = "spare"
    """Who is next: `spare`, who has most room; `round`, who was given something longest ago."""
    weight: int = 1
    """Of one of its conversations, in what somebody has at once."""


async def team_names(session: AsyncSession, most: int) -> tuple[str, ...]:
    """Returns all teams, sorted."""
    return tuple(await session.scalars(_TEAMS, {"most": most}))


def checked(name: str) -> str:
    """Returns a team's name as it is stored. Rejected 422."""
    name = name.strip()
    if len(name) > _LONGEST or not name.isprintable():
        raise Rejected(422, "team", f"A team's name has at most {_LONGEST} printable characters.")
    return name


async def create(desk: Desk, team: str, *, actor: Actor) -> None:
    """Makes a team, which needs no ticket. Idempotent. Rejected 403, 422."""
    actor.require(Permission.MANAGE_TEAMS)
    name = checked(team)
    if not name:
        raise Rejected(422, "team", "Give the team a name.")
    async with desk.database.transaction() as session:
        made = insert(TEAMS).values(name=name).on_conflict_do_nothing().returning(TEAMS.c.name)
        if await session.scalar(made):
            await audit.note(session, "team.created", actor, name)


async def remove(desk: Desk, team: str, *, actor: Actor) -> None:
    """Forgets a team and who is in it. Where tickets have it, it is still listed. Rejected 403,
    404."""
    actor.require(Permission.MANAGE_TEAMS)
    async with desk.database.transaction() as session:
        if not await session.scalar(delete(TEAMS).where(TEAMS.c.name == checked(team)).returning(TEAMS.c.name)):
            raise _unknown(team)
        await audit.note(session, "team.removed", actor, checked(team))


async def overview(desk: Desk) -> tuple[TeamView, ...]:
    """Returns all teams with who is in them, sorted by name."""
    joined = select(TEAM_MEMBERS.c.team, AGENTS.c.name, AGENTS.c.email)
    joined = joined.join(AGENTS, TEAM_MEMBERS.c.agent_id == AGENTS.c.id).where(AGENTS.c.active)
    async with desk.database.snapshot() as session:
        names = await team_names(session, MOST)
        found = list(await session.execute(joined.order_by(AGENTS.c.name, AGENTS.c.email)))
        made = {row.name: (row.delivery, row.turn, row.weight) for row in await session.execute(select(TEAMS))}
    return tuple(
        TeamView(name, tuple(row.name or row.email for row in found if row.team == name), *made.get(name, ()))
        for name in names
    )


async def one(desk: Desk, team: str) -> TeamView:
    """Returns a team. Raises Rejected 404."""
    found = next((each for each in await overview(desk) if each.name == checked(team)), None)
    if found is None:
        raise _unknown(team)
    return found


async def set_up(desk: Desk, team: str, *, delivery: str, turn: str, weight: int, actor: Actor) -> None:
    """Says how a team gets its work, and makes it where nobody did. Rejected 403, 422."""
    actor.require(Permission.MANAGE_TEAMS)
    name = checked(team)
    if not name or delivery not in DELIVERIES or turn not in TURNS or not 1 <= weight <= MOST_WEIGHT:
        text = f"The delivery is `pull` or `push`, the turn `spare` or `round`, the weight from 1 to {MOST_WEIGHT}."
        raise Rejected(422, "team-work", text)
    values = {"delivery": delivery, "turn": turn, "weight": weight}
    async with desk.unit_of_work() as work:
        new = insert(TEAMS).values(name=name, **values)
        await work.session.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))
        await audit.note(work.session, "team.changed", actor, name, delivery=delivery, turn=turn, weight=str(weight))
        await wake(work.session)


async def members(desk: Desk, team: str) -> tuple[str, ...]:
    """Returns the mail addresses of who is in a team, sorted."""
    found = select(AGENTS.c.email).join(TEAM_MEMBERS, TEAM_MEMBERS.c.agent_id == AGENTS.c.id)
    async with desk.database.transaction() as session:
        return tuple(await session.scalars(found.where(TEAM_MEMBERS.c.team == checked(team)).order_by(AGENTS.c.email)))


async def add_member(desk: Desk, team: str, agent: str, *, actor: Actor) -> None:
    """Puts somebody (a mail address) into a team. Idempotent. Rejected 403, 404."""
    actor.require(Permission.MANAGE_TEAMS)
    async with desk.database.transaction() as session:
        name = await session.scalar(select(TEAMS.c.name).where(TEAMS.c.name == checked(team)))
        if name is None:
            raise _unknown(team)
        row = insert(TEAM_MEMBERS).values(team=name, agent_id=await _agent(session, agent))
        if await session.scalar(row.on_conflict_do_nothing().returning(TEAM_MEMBERS.c.team)):
            await audit.note(session, "team.joined", actor, agent.strip().lower(), team=name)


async def remove_member(desk: Desk, team: str, agent: str, *, actor: Actor) -> None:
    """Takes somebody (a mail address) out of a team. Idempotent. Rejected 403, 404 where nobody
    has this address."""
    actor.require(Permission.MANAGE_TEAMS)
    async with desk.database.transaction() as session:
        mine = (TEAM_MEMBERS.c.team == checked(team), TEAM_MEMBERS.c.agent_id == await _agent(session, agent))
        if await session.scalar(delete(TEAM_MEMBERS).where(*mine).returning(TEAM_MEMBERS.c.team)):
            await audit.note(session, "team.left", actor, agent.strip().lower(), team=checked(team))


async def _agent(session: AsyncSession, email: str) -> str:
    own = email.strip().lower().replace("\x00", "")
    found = await session.scalar(select(AGENTS.c.id).where(AGENTS.c.email == own))
    if found is None:
        raise Rejected(404, "no-such-agent", f"Nobody has the address {email[:100]}.")
    return str(found)


def _unknown(team: str) -> Rejected:
    return Rejected(404, "no-such-team", f"No team was made with the name {team[:60]!r}.")
