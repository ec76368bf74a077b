"""Handing tickets over by hand: to somebody, to a team, or back to the queue, one or many."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from pydantic import ConfigDict
from sqlalchemy import exists, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.actors import Actor, Permission
from services.desk.assignment.models import ASSIGNMENTS, DECLINED
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.people.models import AGENTS
from services.desk.schema import EVENTS
from services.desk.tickets import commands, repository, store
from services.desk.tickets.domain import SETTLED
from services.desk.tickets.domain.lifecycle import Assign, Assignee
from services.desk.tickets.models import TICKETS
from services.desk.tickets.schemas import LeftOut, TicketRow
from services.desk.tickets.teams import checked
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events.desk import TicketAssigned, kind_of

MOST_AT_ONCE = 100
"""Tickets of one transaction."""
LET_GO = timedelta(hours=1)
"""For so long nobody is given again by itself what they gave back, or what was taken from them."""
_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """Where tickets go. None leaves that one as it is."""

    assignee: str | None = None
    """An agent's mail address; empty: back to the queue."""
    team: str | None = None
    note: str = ""
    """What whoever gets it sees first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A ticket that somebody wants to hand over."""

    ticket: str
    """Id or number."""
    was: str | None = None
    """Who had it when they looked: a mail address; empty: nobody; None: whoever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What became of tickets that were handed over together."""

    __pydantic_config__ = _DOCS

    done: tuple[TicketRow, ...]
    left_out: tuple[LeftOut, ...]
    """Those of which nothing was changed, and why: `taken` (somebody else has it meanwhile),
    `settled` (solved or closed), `no-such-ticket`."""


@dataclass(frozen=True, slots=True)
class Hands:
    """Tickets that are locked, and where they go."""

    work: UnitOfWork
    before: Mapping[str, TicketRow]
    to: Handover
    person: Assignee | None
    actor: Actor
    key: str

    async def give(self, own: str, was: str | None = None, *, settled: bool = True) -> None:
        """Hands over one of these. `settled`: also one that is solved. Rejected 409 `taken`,
        `settled`."""
        session, shown = self.work.session, self.before[own]
        row = (await session.execute(select(TICKETS).where(TICKETS.c.id == own))).one()
        if not settled and row.status in SETTLED:
            raise Rejected(409, "settled", "This conversation is solved.")
        theirs = self.person is not None and self.person.id == row.assignee_id
        if was is not None and was != shown.assignee and not theirs:
            who = shown.assignee_name or shown.assignee
            raise Rejected(409, "taken", f"{who} took this meanwhile." if who else "It is in its queue again.")
        note = ""
        if self.to.note.strip():
            text, author = self.to.note, self.actor.name
            added = await commands.note(self.work, row, text, actor=self.actor, author_name=author, key=self.key)
            note = added.id
            if await _told(session, own, note):
                return
        had = shown.assignee if self.person else ""
        command = Assign(actor=self.actor, assignee=self.person, team=self.to.team, had=had, note=note)
        after = await commands.execute(self.work, store.ticket_of(row), command, utc_now())
        if row.assignee_id and after.assignee_id is None and after.team == row.team:
            await _let_go(session, own, row.assignee_id)


@asynccontextmanager
async def handing(
    desk: Desk, tickets: Sequence[str], to: Handover, actor: Actor, key: str = ""
) -> AsyncIterator[Hands]:
    """Locks whom and what is handed over. Rejected 403 for a note of somebody who may not write
    any, 422 `unknown-agent`, `team`; tickets that do not exist are not there."""
    if to.note.strip():
        actor.require(Permission.NOTE)
    to = replace(to, team=None if to.team is None else checked(to.team))
    async with desk.unit_of_work() as work:
        person = None
        if to.assignee is not None:
            person = await _active(work.session, to.assignee) if to.assignee else Assignee()
        found = set[str]()
        for ticket in tickets:
            found |= set(await work.session.scalars(select(TICKETS.c.id).where(store.known_as(ticket))))
        if person is not None and not person.id:
            await _hold_owners(work.session, found)
        await work.lock(tickets=found)
        yield Hands(work, await repository.rows(work.session, found), to, person, actor, key)


async def _active(session: AsyncSession, agent: str) -> Assignee:
    """Returns an active agent, who cannot be disabled before this is committed."""
    own = agent.strip().lower().replace("\x00", "")
    found = select(AGENTS).where(AGENTS.c.email == own, AGENTS.c.active).with_for_update(read=True, key_share=True)
    row = (await session.execute(found)).one_or_none()
    if row is None:
        raise Rejected(422, "unknown-agent", f"No active agent has the address {agent[:100]}.")
    return Assignee(row.id, row.email, row.name)


async def _hold_owners(session: AsyncSession, tickets: Collection[str]) -> None:
    """Locks who has these, as `_let_go` needs them: agents come before tickets."""
    owners = select(TICKETS.c.assignee_id).where(among(TICKETS.c.id, tickets))
    held = select(AGENTS.c.id).where(AGENTS.c.id.in_(owners)).order_by(AGENTS.c.id)
    await session.execute(held.with_for_update(read=True, key_share=True))


async def _told(session: AsyncSession, ticket: str, note: str) -> bool:
    """Whether it was handed over with this note before: the request came twice."""
    assigned = (EVENTS.c.ticket_id == ticket, EVENTS.c.kind == kind_of(TicketAssigned))
    return bool(await session.scalar(select(exists().where(*assigned, EVENTS.c.data["note"].astext == note))))


async def _let_go(session: AsyncSession, ticket: str, agent: str) -> None:
    """Keeps that this agent does not have it any more, so that it goes on to a colleague."""
    now = utc_now()
    row: dict[str, Any] = {"id": str(uuid4()), "ticket_id": ticket, "agent_id": agent, "outcome": DECLINED}
    row |= {"at": now, "until": now + LET_GO, "pass_id": str(uuid4())}
    await session.execute(insert(ASSIGNMENTS).values(row))
