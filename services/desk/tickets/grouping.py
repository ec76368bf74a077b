"""Tickets that stand in lists as one, under a leader. Each stays its own customer's, with its own
conversation and answers."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Label, Select, and_, func, literal_column, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor
from services.desk.tickets import domain, store
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events.desk import TicketGrouped

_HIGHEST = text(
    """
    SELECT DISTINCT ON (leader.id) leader.id, leader.rank AS own,
           least(leader.due_at, min(member.due_at) OVER (PARTITION BY leader.id)) AS due_at,
           member.number, member.level, member.score, member.rank, member.reasons
    FROM desk.tickets AS leader JOIN desk.tickets AS member ON member.group_id = leader.id
    WHERE leader.status = 'open' AND member.status = 'open' AND leader.id IN (
        SELECT group_id FROM desk.tickets WHERE group_id = ANY(CAST(:tickets AS uuid[]))
        UNION
        SELECT group_id FROM desk.tickets WHERE id = ANY(CAST(:tickets AS uuid[])) AND group_id IS NOT NULL
    )
    ORDER BY leader.id, member.rank, member.id
    """
).columns(id=TICKETS.c.id.type, reasons=TICKETS.c.reasons.type)
"""Of each open leader of these tickets or among them: the most urgent open member of its group."""


@cache
def stands_under_its_leader() -> ColumnElement[bool]:
    """Whether a ticket shows under its leader and not by itself: it has the same status, waits for
    nothing that the leader does not, and was not given to somebody else. What reopens, or is
    answered by itself, is seen again."""
    leader = TICKETS.alias("its_leader")
    found: Select[Any] = select(literal_column("1")).where(
        leader.c.id == TICKETS.c.group_id, _together(TICKETS, leader)
    )
    return TICKETS.c.group_id.is_not(None) & found.correlate(TICKETS).exists()


def size_of_group() -> tuple[Label[int], Label[int]]:
    """Columns of a ticket: how many stand under it with itself, and how many people they are."""
    member = TICKETS.alias("member")
    under = (member.c.group_id == TICKETS.c.id) & _together(member, TICKETS)
    tickets = select(func.count() + 1).select_from(member).where(under)
    others = select(func.count(member.c.customer_id.distinct()) + 1).where(
        under, member.c.customer_id != TICKETS.c.customer_id
    )
    return (
        tickets.correlate(TICKETS).scalar_subquery().label("group_size"),
        others.correlate(TICKETS).scalar_subquery().label("group_people"),
    )


async def members_of(session: AsyncSession, leader: str, most: int | None = None) -> list[str]:
    """Lists the tickets that stand under this one right now, oldest first."""
    found = select(TICKETS.c.id).where(TICKETS.c.group_id == leader, stands_under_its_leader())
    return list(await session.scalars(found.order_by(TICKETS.c.created_at, TICKETS.c.id).limit(most)))


async def leaders_of(session: AsyncSession, condition: ColumnElement[bool]) -> set[str]:
    """Leaders of the tickets that fulfil this condition."""
    found = await session.scalars(select(TICKETS.c.group_id).where(condition, TICKETS.c.group_id.is_not(None)))
    return set(found)


async def put_under(work: UnitOfWork, leader: str, tickets: Collection[str], actor: Actor) -> None:
    """Puts these tickets, and those under them, under that leader. All are locked."""
    if not tickets:
        return
    await store.put_under(work.session, leader, tickets)
    for ticket in sorted(tickets):
        work.record(TicketGrouped(leader=leader), ticket, utc_now(), actor)
    work.record(TicketGrouped(joined=str(len(tickets))), leader, utc_now(), actor)


async def hand_over(work: UnitOfWork, leader: str, actor: Actor) -> None:
    """Makes the oldest of the open tickets under this one the leader of the others, preferring
    one that waits. They are locked."""
    waiting = list(
        await work.session.scalars(
            select(TICKETS.c.id)
            .where(TICKETS.c.group_id == leader, TICKETS.c.status == "open")
            .order_by(TICKETS.c.waiting_since.is_(None), TICKETS.c.created_at, TICKETS.c.id)
        )
    )
    if not waiting:
        return
    following, *rest = waiting
    await store.put_under(work.session, following, rest)
    await raise_leaders(work, [following])
    work.record(TicketGrouped(joined=str(len(rest)), after=leader), following, utc_now(), actor)


async def raise_leaders(work: UnitOfWork, tickets: Collection[str]) -> None:
    """Gives leaders among these tickets, and leaders of these, the highest priority and the
    earliest due time of their open group. All are locked."""
    session = work.session
    found = (await session.execute(_HIGHEST, {"tickets": list(tickets)})).all()
    await store.raise_priority(session, [{"id": row.id, "due_at": row.due_at} for row in found])
    higher = [
        {
            "id": row.id,
            "level": row.level,
            "score": row.score,
            "rank": row.rank,
            "reasons": [domain.as_urgent_as(row.number), *row.reasons],
        }
        for row in found
        if row.rank < row.own
    ]
    await store.raise_priority(session, higher)
    work.clocks.update(row["id"] for row in higher)


def _together(member: Any, leader: Any) -> ColumnElement[bool]:
    same = or_(member.c.assignee_id.is_(None), member.c.assignee_id == leader.c.assignee_id)
    waits = or_(member.c.waiting_since.is_(None), leader.c.waiting_since.is_not(None))
    return and_(member.c.status == leader.c.status, same, waits)
