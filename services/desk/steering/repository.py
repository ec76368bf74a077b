"""Reads what supervisors see."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.assignment.models import ASSIGNMENTS, OFFERED
from services.desk.assignment.repository import WAITS
from services.desk.bulk import among
from services.desk.customers.models import CUSTOMERS
from services.desk.people.models import AGENTS, TEAMS
from services.desk.steering.domain import AHEAD, HOUR, LONGEST, Past, ranges
from services.desk.steering.schemas import Item
from services.desk.tickets import grouping
from services.desk.tickets.models import TICKETS
from services.desk.tickets.repository import CALLED

SHOWN = 12
"""Conversations of one agent that are named."""
AT_RISK = 30
FIRST = 50
"""Of a queue, those that its page shows."""
_ITEM = ("id", "number", "subject", "level", "status", "channel", "language", "team", "waiting_since", "due_at")
_ASKS = ("skills", "patience", "rank", "queue_at")
_NAMED = (
    CALLED.label("customer"),
    func.coalesce(AGENTS.c.email, "").label("assignee"),
    func.coalesce(AGENTS.c.name, "").label("assignee_name"),
)
_PLACE = (TICKETS.c.rank, TICKETS.c.queue_at, TICKETS.c.id)
_SINGLE = ~grouping.stands_under_its_leader()
_ARRIVALS = text(
    """
    SELECT r.week, floor(extract(epoch FROM m.at - r.begins) / 3600)::int AS hour, t.team,
        count(DISTINCT m.ticket_id) AS conversations
    FROM unnest(CAST(:weeks AS int[]), CAST(:begins AS timestamptz[])) AS r (week, begins)
    JOIN desk.messages AS m ON m.direction = 'in' AND m.at >= r.begins AND m.at < r.begins + :long
    JOIN desk.tickets AS t ON t.id = m.ticket_id
    GROUP BY r.week, hour, t.team
    """
)
_REPLIES = text(
    """
    SELECT team, count(*) AS replies, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS seconds
    FROM (
        SELECT t.team, extract(epoch FROM m.sent_at - lag(m.sent_at)
            OVER (PARTITION BY r.week, m.author ORDER BY m.sent_at, m.id)) AS took
        FROM unnest(CAST(:weeks AS int[]), CAST(:begins AS timestamptz[])) AS r (week, begins)
        JOIN desk.messages AS m ON m.sent_at >= r.begins AND m.sent_at < r.begins + :long
        JOIN desk.tickets AS t ON t.id = m.ticket_id
        WHERE m.direction = 'out' AND m.automatic = '' AND m.copy_of IS NULL
    ) AS replies WHERE took <= :longest GROUP BY team
    """
)
_FIRST = text("SELECT min(at) FROM desk.messages WHERE direction = 'in'")


def _items(*more: ColumnElement[Any]) -> Select[Any]:
    columns = (TICKETS.c[name] for name in _ITEM)
    found = select(*columns, *_NAMED, *more).join(CUSTOMERS, CUSTOMERS.c.id == TICKETS.c.customer_id)
    return found.outerjoin(AGENTS, AGENTS.c.id == TICKETS.c.assignee_id)


def item(row: Any) -> Item:
    """Converts a row of these queries."""
    values = {name: getattr(row, name) for name in _ITEM}
    return Item(**values, customer=row.customer, assignee=row.assignee, assignee_name=row.assignee_name)


async def work(session: AsyncSession) -> tuple[dict[str, list[Item]], dict[str, int]]:
    """Returns the open conversations that each agent has, the most urgent first and at most
    `SHOWN`, and how many they have in all, by mail address."""
    place = func.row_number().over(partition_by=TICKETS.c.assignee_id, order_by=_PLACE).label("place")
    total = func.count().over(partition_by=TICKETS.c.assignee_id).label("total")
    mine = select(TICKETS.c.id, place, total).where(TICKETS.c.assignee_id.is_not(None), TICKETS.c.status == "open")
    first = mine.where(_SINGLE).subquery()
    rows = _items(first.c.total).join(first, first.c.id == TICKETS.c.id).where(first.c.place <= SHOWN)
    found: dict[str, list[Item]] = {}
    totals: dict[str, int] = {}
    for row in await session.execute(rows.order_by(*_PLACE)):
        found.setdefault(row.assignee, []).append(item(row))
        totals[row.assignee] = int(row.total)
    return found, totals


async def queues(session: AsyncSession, now: datetime, team: str | None = None) -> dict[str, Any]:
    """Returns how many wait in each team's queue, since when, and how many of them are overdue."""
    late = func.count().filter(TICKETS.c.due_at <= now).label("late")
    columns = (TICKETS.c.team, func.count().label("waiting"), func.min(TICKETS.c.waiting_since).label("oldest"), late)
    counted = select(*columns).where(*WAITS, TICKETS.c.assignee_id.is_(None), _SINGLE).group_by(TICKETS.c.team)
    if team is not None:
        counted = counted.where(TICKETS.c.team == team)
    return {row.team: row for row in await session.execute(counted)}


async def deliveries(session: AsyncSession) -> dict[str, str]:
    """Returns how each team that was made gets its work."""
    return {row.name: row.delivery for row in await session.execute(select(TEAMS.c.name, TEAMS.c.delivery))}


async def at_risk(session: AsyncSession, now: datetime) -> tuple[list[Item], int, int]:
    """Returns whose answer is due within an hour, how many there are, and how many are overdue."""
    soon = (*WAITS, TICKETS.c.due_at > now, TICKETS.c.due_at <= now + HOUR, _SINGLE)
    rows = await session.execute(_items().where(*soon).order_by(TICKETS.c.due_at, TICKETS.c.id).limit(AT_RISK))
    found = [item(row) for row in rows]
    count = len(found)
    if count == AT_RISK:
        count = int(await session.scalar(select(func.count()).select_from(TICKETS).where(*soon)) or 0)
    late = select(func.count()).select_from(TICKETS).where(*WAITS, TICKETS.c.due_at <= now, _SINGLE)
    return found, count, int(await session.scalar(late) or 0)


async def waiting(session: AsyncSession, team: str) -> list[Any]:
    """Returns the first rows of a queue in the order in which they are given, with who is asked to
    accept them (`offered_to`, `offered_name`)."""
    asked = select(ASSIGNMENTS.c.ticket_id, AGENTS.c.email, AGENTS.c.name).join(
        AGENTS, AGENTS.c.id == ASSIGNMENTS.c.agent_id
    )
    offer = asked.where(ASSIGNMENTS.c.outcome == OFFERED).subquery()
    more = (*(TICKETS.c[name] for name in _ASKS), offer.c.email.label("offered_to"), offer.c.name.label("offered_name"))
    rows = _items(*more).outerjoin(offer, offer.c.ticket_id == TICKETS.c.id)
    mine = rows.where(*WAITS, TICKETS.c.assignee_id.is_(None), TICKETS.c.team == team, _SINGLE)
    return list(await session.execute(mine.order_by(*_PLACE).limit(FIRST)))


async def names(session: AsyncSession, agents: Collection[str]) -> dict[str, str]:
    """Returns the names of these agents by id."""
    rows = await session.execute(select(AGENTS.c.id, AGENTS.c.email, AGENTS.c.name).where(among(AGENTS.c.id, agents)))
    return {row.id: row.name or row.email for row in rows}


async def history(session: AsyncSession, begins: datetime) -> tuple[datetime | None, dict[str, Past]]:
    """Returns when the oldest message came, and what was counted of each team in the hours from
    `begins` on, in each of the last weeks."""
    weeks = ranges(begins)
    values = {"weeks": [week for week, _ in weeks], "begins": [at for _, at in weeks], "long": timedelta(hours=AHEAD)}
    arrivals: dict[str, dict[tuple[int, int], int]] = {}
    for row in await session.execute(_ARRIVALS, values):
        arrivals.setdefault(row.team, {})[row.week, row.hour] = int(row.conversations)
    replies = {row.team: row for row in await session.execute(_REPLIES, values | {"longest": LONGEST})}
    found = {
        team: Past(
            arrivals=arrivals.get(team, {}),
            replies=int(replies[team].replies) if team in replies else 0,
            seconds=float(replies[team].seconds) if team in replies else 0.0,
        )
        for team in {*arrivals, *replies}
    }
    return await session.scalar(_FIRST), found
