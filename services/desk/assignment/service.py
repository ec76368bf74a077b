"""Assignment by hand: to an agent, to a team, or back to the queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select

from services.desk.actors import Actor, Permission
from services.desk.assignment import pushing
from services.desk.assignment.handing import MOST_AT_ONCE, Asked, HandedOver, Handover, handing
from services.desk.assignment.models import ASSIGNMENTS, OFFERED, WITHDRAWN
from services.desk.context import Desk
from services.desk.people import audit, presence
from services.desk.signals import wake
from services.desk.tickets import commands, repository, store
from services.desk.tickets.domain import SETTLED
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import LeftOut, TicketRow
from services.desk.tickets.teams import MOST, team_names
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import TicketAssigned


async def assign(
    desk: Desk,
    ticket: str,
    *,
    actor: Actor,
    assignee: str | None = None,
    team: str | None = None,
    was: str | None = None,
    note: str = "",
) -> TicketRow:
    """Gives a ticket to `assignee` (an agent's e-mail address, empty to put it back into its
    queue) and/or to a team. None leaves that one as it is. `was`: who had it when the caller looked
    (empty: nobody); None does not ask. `note`: what whoever gets it sees first. Rejected 403, 404
    no such ticket, 409 `taken` where somebody else has it meanwhile, 422 `unknown-agent`."""
    actor.require(Permission.CHANGE_TICKETS)
    async with handing(desk, [ticket], Handover(assignee=assignee, team=team, note=note), actor) as hands:
        own = await store.find(hands.work.session, ticket)
        await hands.give(own, was)
    return await commands.row_of(desk, own)


async def assign_all(desk: Desk, tickets: Sequence[Asked], to: Handover, *, actor: Actor, key: str = "") -> HandedOver:
    """Gives many tickets like `assign`, in one transaction: those that can be. `key`: the same one
    adds the note once. Rejected 403; 422 `unknown-agent`, and for none or more than 100 tickets."""
    actor.require(Permission.CHANGE_TICKETS)
    if not 0 < len(tickets) <= MOST_AT_ONCE:
        raise Rejected(422, "tickets", f"Choose 1 to {MOST_AT_ONCE} tickets.")
    done: list[str] = []
    left_out: list[LeftOut] = []
    async with handing(desk, [each.ticket for each in tickets], to, actor, key) as hands:
        for each in tickets:
            own = ""
            try:
                own = await store.find(hands.work.session, each.ticket)
                await hands.give(own, each.was, settled=False)
                done.append(own)
            except Rejected as error:
                if error.status not in (404, 409):
                    raise
                number = hands.before[own].number if own else 0
                left_out.append(
                    LeftOut(ticket_id=own or each.ticket, number=number, code=error.code, detail=str(error))
                )
    async with desk.database.statements() as session:
        rows = await repository.rows(session, done)
    return HandedOver(done=tuple(rows[own] for own in done), left_out=tuple(left_out))


async def release(desk: Desk, agent: str, reason: str = "", *, actor: Actor) -> int:
    """Sets an agent (a mail address) away, who is not there today, and puts all their work back
    into its queues, with its age; what they are offered goes on. Returns how many tickets. Rejected
    403, 404."""
    actor.require(Permission.MANAGE_AGENTS)
    async with desk.unit_of_work() as work:
        (person,) = await presence.locked(work.session, [agent]) or [None]
        if person is None:
            raise Rejected(404, "no-such-agent", f"No active agent has the address {agent[:100]}.")
        await presence.gone_for_today(work, person, reason, actor)
        asked = select(ASSIGNMENTS).where(ASSIGNMENTS.c.agent_id == person.id, ASSIGNMENTS.c.outcome == OFFERED)
        for offer in list(await work.session.execute(asked.order_by(ASSIGNMENTS.c.id).with_for_update())):
            await pushing.end_offer(work, offer, person.email, WITHDRAWN, utc_now())
        theirs = and_(TICKETS.c.assignee_id == person.id, TICKETS.c.status.not_in(SETTLED))
        await work.lock(tickets=set(await work.session.scalars(select(TICKETS.c.id).where(theirs))))
        rows = list(await work.session.execute(select(TICKETS).where(theirs).order_by(TICKETS.c.id)))
        back = Assign(actor=actor, assignee=Assignee(), why="released", had=person.email)
        await commands.assign_all(work, [(store.ticket_of(row), back) for row in rows], utc_now())
        await audit.note(work.session, "work.released", actor, person.email, tickets=str(len(rows)))
        await wake(work.session)
    return len(rows)


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


async def teams(desk: Desk) -> tuple[str, ...]:
    """Returns all teams, sorted."""
    async with desk.database.transaction() as session:
        return await team_names(session, MOST)
