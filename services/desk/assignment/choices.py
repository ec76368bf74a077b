"""To whom tickets can be handed over, and how much they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from services.desk.actors import Permission
from services.desk.assignment import repository
from services.desk.assignment.handing import MOST_AT_ONCE
from services.desk.context import Desk
from services.desk.people.domain import kind_of, refusal
from services.desk.people.models import AGENTS
from services.desk.people.roles import with_permission
from services.desk.tickets import grouping, store
from services.desk.tickets import repository as tickets
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import TicketRow
from services.desk.tickets.teams import MOST, team_names
from shared.clock import utc_now
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be given tickets."""

    email: str
    name: str
    why_not: str
    """Why they get no work of this kind by themselves now; empty where they do. As `refusal`, or
    `full`."""
    has: int
    most: int
    """Conversations of this kind: what they have, and what they may have at once; 0 where that is
    not counted."""
    member: bool
    """Of the team of the tickets."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Tickets that are to be handed over, and to whom they can be."""

    rows: tuple[TicketRow, ...]
    people: tuple[Person, ...]
    """First those of the team who are there, then others who are, then everybody else."""
    teams: tuple[tuple[str, int], ...]
    """With how many wait in their queue."""


async def choices(desk: Desk, asked: Sequence[str]) -> Choices:
    """Returns whom these tickets (ids or numbers) can be given to; the kind of work and the team
    are those of the first. Rejected 404; 422 for none or more than 100."""
    if not 0 < len(asked) <= MOST_AT_ONCE:
        raise Rejected(422, "tickets", f"Choose 1 to {MOST_AT_ONCE} tickets.")
    now = utc_now()
    async with desk.database.snapshot() as session:
        ids = [await store.find(session, ticket) for ticket in asked]
        rows = await tickets.rows(session, ids)
        first = rows[ids[0]]
        kind = kind_of(desk.channels.get(first.channel))
        workers = await repository.workers(session, None, desk.channels, now)
        may = select(AGENTS.c.id, AGENTS.c.email, AGENTS.c.name).where(
            AGENTS.c.active, AGENTS.c.role.in_(with_permission(Permission.CHANGE_TICKETS))
        )
        names = list(await session.execute(may.order_by(AGENTS.c.name, AGENTS.c.email)))
        free = (*repository.WAITS, TICKETS.c.assignee_id.is_(None), ~grouping.stands_under_its_leader())
        counted = select(TICKETS.c.team, func.count()).where(*free).group_by(TICKETS.c.team)
        waiting = {row.team: int(row[1]) for row in await session.execute(counted)}
        teams = await team_names(session, MOST)
    people = []
    for row in names:
        who = workers[row.id]
        has, most = who.load.get(kind, 0), who.capacity.get(kind, 0)
        why_not = refusal(who.standing, kind, now) or ("full" if most and has >= most else "")
        people.append(Person(row.email, row.name or row.email, why_not, has, most, first.team in who.teams))
    people.sort(key=lambda each: (each.why_not not in ("", "full"), not each.member))
    return Choices(
        tuple(rows[own] for own in ids), tuple(people), tuple((name, waiting.get(name, 0)) for name in teams)
    )
