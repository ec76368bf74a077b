"""What agents are asked to accept, what they say to it, and why somebody gets a conversation or
does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from pydantic import ConfigDict
from sqlalchemy import and_, select, update

from services.desk.actors import Actor, Permission
from services.desk.assignment import pushing, repository
from services.desk.assignment.domain import PUSH, Deal, Snapshot, Team
from services.desk.assignment.models import ACCEPTED, ASSIGNMENTS, DECLINED, OFFERED, PASSES
from services.desk.context import Desk
from services.desk.people import presence
from services.desk.people.models import AGENTS, TEAMS
from services.desk.tickets import commands, store
from services.desk.tickets import repository as tickets
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import TicketRow
from shared.clock import utc_now
from shared.errors import Rejected
from shared.metrics import METRICS

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class OfferView:
    """A conversation that an agent is asked to accept."""

    __pydantic_config__ = _DOCS

    ticket: TicketRow
    until: datetime
    """Then it goes on to a colleague."""

    def left(self) -> float:
        """Returns the seconds in which it can still be accepted."""
        return max(0.0, (self.until - utc_now()).total_seconds())


@dataclass(frozen=True, slots=True)
class VerdictView:
    """Whether an agent could get a conversation."""

    __pydantic_config__ = _DOCS

    agent: str
    """Mail address."""
    name: str
    why_not: str
    """`away`, `busy`, `wrap-up`, `paused`, `no-phone`, `off-hours`, `skills`, `language`, `asked`
    (let it go just now), `full`, `ramp` (became ready just now); empty: could get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WhyView:
    """Who could get a conversation, and why nobody else."""

    __pydantic_config__ = _DOCS

    team: str
    pushed: bool
    """Whether its team is given its work; otherwise members take it from their queue."""
    at: datetime
    """When this was so: the moment of the decision, or now."""
    decided: str
    """Mail address of who was given or offered it then; empty: this is how it stands now."""
    offered: bool
    verdicts: tuple[VerdictView, ...]
    """Of the team's members, first those who could get it."""


async def of_agent(desk: Desk, agent: str) -> tuple[OfferView, ...]:
    """Lists what an agent (a mail address) is asked to accept now, the oldest first."""
    found = (
        select(ASSIGNMENTS.c.ticket_id, ASSIGNMENTS.c.until)
        .join(AGENTS, AGENTS.c.id == ASSIGNMENTS.c.agent_id)
        .join(TICKETS, TICKETS.c.id == ASSIGNMENTS.c.ticket_id)
    )
    open_ = (ASSIGNMENTS.c.outcome == OFFERED, ASSIGNMENTS.c.until > utc_now(), TICKETS.c.assignee_id.is_(None))
    mine = found.where(AGENTS.c.email == presence.own(agent), TICKETS.c.status == "open", *open_)
    async with desk.database.statements() as session:
        until = {row.ticket_id: row.until for row in await session.execute(mine.order_by(ASSIGNMENTS.c.until))}
        rows = await tickets.rows(session, list(until)) if until else {}
    return tuple(OfferView(rows[ticket], ends) for ticket, ends in until.items() if ticket in rows)


async def accept(desk: Desk, ticket: str, *, actor: Actor) -> TicketRow:
    """Takes a conversation that the actor, an agent, is offered. Rejected 403, 404; 409
    `offer-over` where it is offered to them no more."""
    return await _answered(desk, ticket, ACCEPTED, actor)


async def decline(desk: Desk, ticket: str, *, actor: Actor) -> TicketRow:
    """Lets an offered conversation go on to a colleague, with its age. Rejected as `accept`."""
    return await _answered(desk, ticket, DECLINED, actor)


async def _answered(desk: Desk, ticket: str, outcome: str, actor: Actor) -> TicketRow:
    actor.require(Permission.CHANGE_TICKETS)
    now = utc_now()
    async with desk.unit_of_work() as work:
        own = await store.find(work.session, ticket)
        (person,) = await presence.locked(work.session, [actor.id]) or [None]
        row = await store.locked(work, own)
        mine = and_(ASSIGNMENTS.c.ticket_id == own, ASSIGNMENTS.c.outcome == OFFERED, ASSIGNMENTS.c.until > now)
        mine = and_(mine, ASSIGNMENTS.c.agent_id == (person.id if person else None))
        open_ = row.assignee_id is None and row.status == "open"
        ended = update(ASSIGNMENTS).where(mine).values(outcome=outcome).returning(ASSIGNMENTS)
        offer = (await work.session.execute(ended)).one_or_none() if open_ and person else None
        if offer is None or person is None:
            raise Rejected(409, "offer-over", "This conversation is not offered to you any more.")
        await pushing.end_offer(work, offer, person.email, outcome, now)
        if outcome == ACCEPTED:
            who = Assignee(person.id, person.email, person.name)
            taken = Assign(actor=actor, assignee=who, why=outcome)
            await commands.execute(work, store.ticket_of(row), taken, now)
        shown = (await tickets.rows(work.session, [own]))[own]
    METRICS.assignments.labels(outcome=outcome).inc()
    return shown


async def why(desk: Desk, ticket: str) -> WhyView:
    """Tells who could get a conversation: as it was decided, of one that was given or offered to
    whoever has it; else as it stands. Raises Rejected 404."""
    now = utc_now()
    async with desk.database.snapshot() as session:
        own = await store.find(session, ticket)
        row = (await session.execute(select(TICKETS).where(TICKETS.c.id == own))).one()
        set_up = (await session.execute(select(TEAMS).where(TEAMS.c.name == row.team))).one_or_none()
        team = repository.team(set_up) if set_up else Team(name=row.team)
        last = select(ASSIGNMENTS, AGENTS.c.email, PASSES.c.snapshot).select_from(ASSIGNMENTS)
        last = last.join(AGENTS, AGENTS.c.id == ASSIGNMENTS.c.agent_id)
        last = last.join(PASSES, PASSES.c.id == ASSIGNMENTS.c.pass_id).where(ASSIGNMENTS.c.ticket_id == own)
        kept = (await session.execute(last.order_by(ASSIGNMENTS.c.at.desc(), ASSIGNMENTS.c.id).limit(1))).one_or_none()
        decided = kept is not None and (kept.outcome == OFFERED or kept.agent_id == row.assignee_id)
        people = await repository.workers(session, [row.team], desk.channels, now)
        names = {each.id: each for each in await session.execute(select(AGENTS.c.id, AGENTS.c.email, AGENTS.c.name))}
        if kept is not None and decided:
            verdicts = msgspec.json.decode(kept.snapshot, type=Snapshot).verdicts(own)
        else:
            pause = timedelta(seconds=desk.settings.chat_offer_seconds)
            refused = (await repository.refused(session, [own], pause)).get(own)
            asks = repository.conversation(row, desk.channels, now, refused)
            verdicts = Deal(people.values(), [team], now).verdicts(asks)
    shown = [
        VerdictView(names[own].email, names[own].name, no)
        for own, no in verdicts.items()
        if no != "team" and own in names
    ]
    return WhyView(
        team=row.team,
        pushed=team.delivery == PUSH,
        at=kept.at if kept is not None and decided else now,
        decided=kept.email if kept is not None and decided else "",
        offered=kept is not None and decided and kept.outcome == OFFERED,
        verdicts=tuple(sorted(shown, key=lambda each: (each.why_not != "", each.name, each.agent))),
    )
