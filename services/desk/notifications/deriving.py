"""Follows the timeline and writes what agents are told.

How far it was read stands in one row, which whoever reads on holds locked: any number of processes
do this, one at a time, and what one that was killed had not committed the next one does. So each
event tells each agent once. It costs those who change tickets nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk import signals
from services.desk.actors import Permission
from services.desk.bulk import among, document
from services.desk.context import Desk
from services.desk.notifications.domain import (
    ASSIGNED,
    RULES,
    About,
    Case,
    Directory,
    Notice,
    Preferences,
    Words,
    notices,
    over,
)
from services.desk.notifications.models import NOTIFICATION_CURSOR, NOTIFICATION_SETTINGS, NOTIFICATIONS
from services.desk.people import roles
from services.desk.people.models import AGENTS, TEAM_MEMBERS
from services.desk.schema import EVENTS
from services.desk.tickets import repository as tickets
from services.desk.tickets.models import MESSAGES
from services.desk.tickets.schemas import TicketRow
from services.desk.timeline import EventView, event_view
from shared.clock import utc_now
from shared.events.desk import AgentCalled, kind_of
from shared.listening import listening
from shared.loops import forever
from shared.metrics import METRICS
from shared.statements import Part, write
from shared.waiting import wait

_IDLE = 5.0
"""Seconds until the next look where nothing wakes us: what a lost notification costs at most."""
_REST = 0.2
"""Seconds between two looks in a flood of events."""
_MOST = 1000
"""Events in one transaction."""
_WANTED = frozenset(kind_of(change) for change in RULES)
_FOLDED = """
    INSERT INTO desk.notifications AS n
        (id, agent_id, kind, about, ticket_id, actor, what, count, first_at, at, seq, ways)
    SELECT id, agent_id, kind, about, ticket_id, actor, what, count, first_at, at, seq, ways
    FROM json_populate_recordset(NULL::desk.notifications, {0}::json)
    ON CONFLICT (agent_id, kind, about) WHERE read_at IS NULL DO UPDATE SET
        actor = EXCLUDED.actor, what = EXCLUDED.what, count = n.count + EXCLUDED.count, at = EXCLUDED.at,
        seq = EXCLUDED.seq, ways = EXCLUDED.ways, mailed_at = NULL
"""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Tells what happens until `stop`; waits for PostgreSQL while it is unavailable."""

    async def follow() -> None:
        async with listening(desk.database, {signals.LIVE: None}) as listener:
            more = True
            while more:
                while await derive(desk) == _MOST and not await wait(stop, _REST):
                    pass
                more = await listener.next(stop, _IDLE)
                await wait(stop, _REST)

    await forever("notifications", follow, stop)


async def derive(desk: Desk) -> int:
    """Tells what happened since the last look. Returns how many events were read; 0 where another
    process is at it. Raises Unavailable."""
    async with desk.database.transaction() as session:
        held = select(NOTIFICATION_CURSOR.c.seq).with_for_update(skip_locked=True)
        cursor = await session.scalar(held)
        if cursor is None:
            return 0
        newer = select(EVENTS).where(EVENTS.c.seq > cursor).order_by(EVENTS.c.seq).limit(_MOST)
        events = [event_view(row) for row in await session.execute(newer)]
        if not events:
            return 0
        lines = await _tell(session, [event for event in events if event.kind in _WANTED])
        await session.execute(update(NOTIFICATION_CURSOR).values(seq=events[-1].seq))
    for line in lines:
        METRICS.notifications.labels(kind=line["kind"]).inc(line["count"])
    return len(events)


@dataclass(frozen=True, slots=True)
class _Known:
    """What a batch of events is about."""

    rows: Mapping[str, TicketRow]
    words: Mapping[str, Words]
    ids: Mapping[str, str]
    """Of active agents who may read tickets, by mail address."""
    preferences: Mapping[str, Preferences]
    """Of those who chose, by mail address."""
    people: Directory

    def case(self, event: EventView) -> Case | None:
        """Returns an event with what is known of it; None where nobody can be told."""
        row, change = self.rows.get(event.ticket_id), event.change
        if isinstance(change, AgentCalled):
            return Case(change=change, at=event.at, ticket=About(), words=Words(), people=self.people)
        if row is None or change is None:
            return None
        quiet = row.imported or row.calm == "spam"
        about = About(assignee=row.assignee, team=row.team, created_at=row.created_at, quiet=quiet)
        words = self.words.get(event.data.get("message_id", ""), Words())
        return Case(change=change, at=event.at, ticket=about, words=words, people=self.people)


async def _tell(session: AsyncSession, events: Sequence[EventView]) -> list[dict[str, Any]]:
    """Writes the lines of these events. Returns what they add."""
    if not events:
        return []
    known = await _known(session, events)
    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    done: list[tuple[str, str, datetime]] = []
    for event in events:
        case = known.case(event)
        if case is None:
            continue
        if agent := known.ids.get(over(case.change)):
            lines.pop((agent, ASSIGNED, event.ticket_id), None)
            done.append((agent, event.ticket_id, event.at))
        for notice in notices(case, event.actor):
            _fold(lines, notice, event, known)
    await _settle(session, done)
    await write(session, Part(_FOLDED, (document(list(lines.values())),)))
    await signals.ring(session, {key[0] for key in lines} | {agent for agent, _, _ in done})
    return list(lines.values())


def _fold(lines: dict[tuple[str, str, str], dict[str, Any]], notice: Notice, event: EventView, known: _Known) -> None:
    ways = known.preferences.get(notice.agent, Preferences()).ways_of(notice.kind)
    if not ways:
        return
    agent, about = known.ids[notice.agent], notice.team or event.ticket_id
    before = lines.get((agent, notice.kind, about))
    lines[agent, notice.kind, about] = {
        "id": str(uuid4()),
        "agent_id": agent,
        "kind": notice.kind,
        "about": about,
        "ticket_id": None if notice.team else event.ticket_id,
        "actor": event.actor,
        "what": notice.what,
        "count": before["count"] + 1 if before else 1,
        "first_at": before["first_at"] if before else event.at,
        "at": event.at,
        "seq": event.seq,
        "ways": list(ways),
    }


async def _settle(session: AsyncSession, done: Iterable[tuple[str, str, datetime]]) -> None:
    """Marks as read what was offered and is over."""
    for agent, ticket, at in done:
        mine = (NOTIFICATIONS.c.agent_id == agent, NOTIFICATIONS.c.about == ticket, NOTIFICATIONS.c.kind == ASSIGNED)
        over_now = update(NOTIFICATIONS).where(*mine, NOTIFICATIONS.c.read_at.is_(None), NOTIFICATIONS.c.at <= at)
        await session.execute(over_now.values(read_at=utc_now()))


async def _known(session: AsyncSession, events: Sequence[EventView]) -> _Known:
    rows = await tickets.rows(session, list({event.ticket_id for event in events if event.ticket_id}))
    noted = case((MESSAGES.c.direction == "note", MESSAGES.c.text), else_="").label("noted")
    said = select(MESSAGES.c.id, MESSAGES.c.author, noted, MESSAGES.c.automatic)
    about = {event.data["message_id"] for event in events if event.data.get("message_id")}
    words = {
        row.id: Words(row.author, row.noted, bool(row.automatic))
        for row in await session.execute(said.where(among(MESSAGES.c.id, about)))
    }
    leads = AGENTS.c.role.in_(roles.with_permission(Permission.MANAGE_TEAMS)).label("leads")
    reads = AGENTS.c.role.in_(roles.with_permission(Permission.READ))
    active = select(AGENTS.c.id, AGENTS.c.email, NOTIFICATION_SETTINGS.c.preferences, leads)
    active = active.where(AGENTS.c.active, reads)
    chose = active.outerjoin(NOTIFICATION_SETTINGS, NOTIFICATION_SETTINGS.c.agent_id == AGENTS.c.id)
    agents = list(await session.execute(chose.order_by(AGENTS.c.email)))
    in_team = select(TEAM_MEMBERS.c.team, func.array_agg(AGENTS.c.email).label("emails"))
    in_team = in_team.join(AGENTS, AGENTS.c.id == TEAM_MEMBERS.c.agent_id).group_by(TEAM_MEMBERS.c.team)
    teams = in_team.where(among(TEAM_MEMBERS.c.team, {row.team for row in rows.values()}))
    return _Known(
        rows=rows,
        words=words,
        ids={row.email: row.id for row in agents},
        preferences={row.email: msgspec.convert(row.preferences, Preferences) for row in agents if row.preferences},
        people=Directory(
            agents=frozenset(row.email for row in agents),
            members={row.team: row.emails for row in await session.execute(teams)},
            supervisors=[row.email for row in agents if row.leads],
        ),
    )
