"""Reads what is decided on: teams that are given their work, their members and what these have, and
conversations that wait for somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.assignment.domain import ACCEPTED_FIRST, PUSH, RAMP_PER, Conversation, Team, Worker
from services.desk.assignment.models import ACCEPTED, ASSIGNMENTS, DECLINED, GIVEN, MISSED, OFFERED
from services.desk.bulk import among
from services.desk.people import presence
from services.desk.people.domain import VOICE, capacity_of, kind_of, write_skills
from services.desk.people.models import AGENTS, TEAM_MEMBERS, TEAMS
from services.desk.schema import EVENTS
from services.desk.tickets import grouping
from services.desk.tickets import repository as tickets
from services.desk.tickets.escalation import asked
from services.desk.tickets.models import TICKETS
from shared.bus import View
from shared.events import Channel

WAITS = (TICKETS.c.status == "open", TICKETS.c.waiting_since.is_not(None))
_SPOKEN_LATELY = timedelta(minutes=10)
"""A chat counts for so long after its last message although an answer was sent: they talk."""
_PAGE = 500
_COLUMNS = tuple(
    TICKETS.c[name] for name in ("id", "team", "channel", "language", "skills", "patience", "rank", "queue_at")
)
_PLACE = (TICKETS.c.rank, TICKETS.c.queue_at, TICKETS.c.id)


async def pushed_teams(session: AsyncSession) -> list[Team]:
    """Returns the teams that are given their work."""
    rows = await session.execute(select(TEAMS).where(TEAMS.c.delivery == PUSH).order_by(TEAMS.c.name))
    return [team(row) for row in rows]


def team(row: Any) -> Team:
    """Converts a team's row."""
    return Team(name=row.name, delivery=row.delivery, turn=row.turn, weight=row.weight)


async def queued(session: AsyncSession, teams: Collection[str]) -> frozenset[str]:
    """Returns those of these teams in whose queue somebody waits whom nobody has."""
    found = select(TICKETS.c.team).where(*WAITS, TICKETS.c.assignee_id.is_(None), among(TICKETS.c.team, teams))
    return frozenset(await session.scalars(found.distinct()))


async def workers(
    session: AsyncSession, teams: Collection[str] | None, channels: View[Channel], now: datetime
) -> dict[str, Worker]:
    """Returns the active members of these teams by id, with what they have; None: all agents."""
    if teams is not None and not teams:
        return {}
    rows = list(await session.execute(people(teams)))
    ids = [row.id for row in rows]
    loads, recent = await _loads(session, ids, channels, now), await _recent(session, now)
    return {row.id: worker(row, loads.get(row.id, {}), recent.get(row.id, 0)) for row in rows}


def people(teams: Collection[str] | None = None) -> Select[Any]:
    """Selects the active members of these teams, with those of them that they are in; None: all
    agents, and all of their teams."""
    named = func.array_remove(func.array_agg(TEAM_MEMBERS.c.team), None).label("teams")
    found = select(AGENTS, named).where(AGENTS.c.active).group_by(AGENTS.c.id).order_by(AGENTS.c.id)
    found = found.outerjoin(TEAM_MEMBERS, TEAM_MEMBERS.c.agent_id == AGENTS.c.id)
    return found if teams is None else found.where(among(TEAM_MEMBERS.c.team, teams))


def worker(row: Any, load: Mapping[str, int], recent: int) -> Worker:
    """Converts an agent's row, joined with their teams."""
    return Worker(
        id=row.id,
        standing=presence.standing(row),
        since=row.presence_since,
        teams=frozenset(row.teams),
        skills=write_skills(row.skills, row.skill_levels),
        languages=frozenset(row.languages),
        capacity=capacity_of(row.capacity),
        load=load,
        assigned_at=row.assigned_at,
        recent=recent,
    )


async def _loads(
    session: AsyncSession, agents: Collection[str], channels: View[Channel], now: datetime
) -> dict[str, dict[str, int]]:
    """Returns the weight of what each of these agents has, by kind of work: open conversations,
    chats in which somebody just spoke, and what they are being offered."""
    chats = [channel.name for channel in channels.values() if kind_of(channel) in ACCEPTED_FIRST]
    talks = and_(
        TICKETS.c.status == "pending", among(TICKETS.c.channel, chats), TICKETS.c.last_message_at > now - _SPOKEN_LATELY
    )
    weight = func.coalesce(TEAMS.c.weight, 1)
    columns = (TICKETS.c.channel, func.sum(weight).label("weight"))
    has = select(TICKETS.c.assignee_id.label("agent"), *columns).outerjoin(TEAMS, TEAMS.c.name == TICKETS.c.team)
    has = has.where(among(TICKETS.c.assignee_id, agents), or_(TICKETS.c.status == "open", talks))
    has = has.where(~grouping.stands_under_its_leader()).group_by(TICKETS.c.assignee_id, TICKETS.c.channel)
    offers = select(ASSIGNMENTS.c.agent_id.label("agent"), *columns).join(
        TICKETS, TICKETS.c.id == ASSIGNMENTS.c.ticket_id
    )
    offers = offers.outerjoin(TEAMS, TEAMS.c.name == TICKETS.c.team).where(ASSIGNMENTS.c.outcome == OFFERED)
    offers = offers.group_by(ASSIGNMENTS.c.agent_id, TICKETS.c.channel)
    found: dict[str, dict[str, int]] = {}
    for row in [*await session.execute(has), *await session.execute(offers)]:
        load, kind = found.setdefault(row.agent, {}), kind_of(channels.get(row.channel))
        load[kind] = load.get(kind, 0) + int(row.weight)
    return found


async def _recent(session: AsyncSession, now: datetime) -> dict[str, int]:
    given = select(ASSIGNMENTS.c.agent_id, func.count()).where(
        ASSIGNMENTS.c.at > now - RAMP_PER, ASSIGNMENTS.c.outcome.in_((GIVEN, OFFERED, ACCEPTED))
    )
    return {row.agent_id: int(row[1]) for row in await session.execute(given.group_by(ASSIGNMENTS.c.agent_id))}


async def waiting(
    session: AsyncSession,
    teams: Collection[str],
    channels: View[Channel],
    now: datetime,
    pause: timedelta,
    since: int | None = None,
) -> AsyncIterator[Conversation]:
    """Yields conversations of these teams that nobody has or is offered, in the order in which they
    are given. Calls are handed out elsewhere. `pause`: for how long somebody is not asked again;
    `since`: only those to which something happened after this event."""
    offered = select(ASSIGNMENTS.c.ticket_id).where(ASSIGNMENTS.c.outcome == OFFERED)
    spoken = [channel.name for channel in channels.values() if kind_of(channel) == VOICE]
    base = select(*_COLUMNS).where(
        *WAITS,
        TICKETS.c.assignee_id.is_(None),
        among(TICKETS.c.team, teams),
        ~among(TICKETS.c.channel, spoken),
        TICKETS.c.id.not_in(offered),
        ~grouping.stands_under_its_leader(),
    )
    if since is not None:
        base = base.where(TICKETS.c.id.in_(select(EVENTS.c.ticket_id).where(EVENTS.c.seq > since)))
    after: tuple[Any, ...] | None = None
    while True:
        further = base.where(tuple_(*_PLACE) > after) if after else base
        rows = list(await session.execute(further.order_by(*_PLACE).limit(_PAGE)))
        let_go = await refused(session, [row.id for row in rows], pause)
        for row in rows:
            yield conversation(row, channels, now, let_go.get(row.id, {}))
        if len(rows) < _PAGE:
            return
        after = (rows[-1].rank, rows[-1].queue_at, rows[-1].id)


def conversation(
    row: Any, channels: View[Channel], now: datetime, let_go: Mapping[str, datetime] | None = None
) -> Conversation:
    """Converts a ticket's row. `let_go`: as `refused` returns."""
    return Conversation(
        id=row.id,
        team=row.team,
        kind=kind_of(channels.get(row.channel)),
        language=row.language,
        skills=asked(row.skills, tickets.patience(row.patience), now),
        rank=row.rank,
        queue_at=row.queue_at,
        asked=let_go or {},
    )


async def refused(session: AsyncSession, ids: Collection[str], pause: timedelta) -> dict[str, dict[str, datetime]]:
    """Returns who let these conversations go, and until when each is not asked again."""
    found: dict[str, dict[str, datetime]] = {}
    let_go = (among(ASSIGNMENTS.c.ticket_id, ids), ASSIGNMENTS.c.outcome.in_((DECLINED, MISSED)))
    for row in await session.execute(select(ASSIGNMENTS).where(*let_go).order_by(ASSIGNMENTS.c.at)):
        found.setdefault(row.ticket_id, {})[row.agent_id] = (row.until or row.at) + pause
    return found


def owned_by(agents: Iterable[str], teams: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    """Builds the conditions for conversations of these teams, whose customer waits, that these
    agents have."""
    return (*WAITS, among(TICKETS.c.assignee_id, list(agents)), among(TICKETS.c.team, teams))
