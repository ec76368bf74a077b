"""Assignment by hand: to an agent, to a team, or back to the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.people.models import AGENTS
from services.desk.tickets import commands, store
from services.desk.tickets.domain import SETTLED
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import TicketRow
from services.desk.tickets.teams import MOST, checked, team_names
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import TicketAssigned


async def assign(
    desk: Desk, ticket: str, *, actor: Actor, assignee: str | None = None, team: str | None = None
) -> TicketRow:
    """Gives a ticket to `assignee` (an agent's e-mail address, empty to put it back into its
    queue) and/or to a team. None leaves that one as it is. Rejected 403, 404 no such ticket, 422
    `unknown-agent`."""
    actor.require(Permission.CHANGE_TICKETS)
    team = None if team is None else checked(team)
    async with desk.unit_of_work() as work:
        person = None
        if assignee is not None:
            person = await _active(work.session, assignee) if assignee else Assignee()
        found = await commands.assign(work, ticket, Assign(actor=actor, assignee=person, team=team))
    return await commands.row_of(desk, found)


async def give_back(desk: Desk, work: UnitOfWork, person: Any, actor: Actor) -> int:
    """Releases to their queues the tickets of an agent who is gone, including those that a
    customer's answer could still reopen. `person`: a row that is locked. Returns how many
    tickets."""
    reopens = utc_now() - timedelta(days=desk.settings.reopen_days)
    recent = or_(TICKETS.c.status.not_in(SETTLED), TICKETS.c.solved_at >= reopens)
    theirs = select(TICKETS.c.id).where(TICKETS.c.assignee_id == person.id, recent)
    await work.lock(tickets=set(await work.session.scalars(theirs)))
    tickets = await store.free(work.session, and_(TICKETS.c.assignee_id == person.id, recent))
    for ticket in tickets:
        freed = TicketAssigned(assignee="", assignee_name="", disabled=person.name or person.email)
        work.record(freed, ticket, utc_now(), actor)
    return len(tickets)


async def _active(session: AsyncSession, agent: str) -> Assignee:
    """Returns an active agent, who cannot be disabled before this is committed."""
    own = agent.strip().lower().replace("\x00", "")
    found = select(AGENTS).where(AGENTS.c.email == own, AGENTS.c.active).with_for_update(read=True, key_share=True)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise Rejected(422, "unknown-agent", f"No active agent has the address {agent[:100]}.")
    return Assignee(row.id, row.email, row.name)


async def teams(desk: Desk) -> tuple[str, ...]:
    """Returns all teams, sorted."""
    async with desk.database.transaction() as session:
        return await team_names(session, MOST)
