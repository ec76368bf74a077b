"""A call and its ticket find each other, whichever is there first; and the ticket learns what was
spoken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from services.desk.bulk import among
from services.desk.calls import domain, repository
from services.desk.calls.models import CALLS
from services.desk.calls.repository import agent_on
from services.desk.calls.service import by_phone, change, give, record_change
from services.desk.context import Desk
from services.desk.cursors import is_uuid
from services.desk.people.models import AGENTS
from services.desk.tickets import call_outcomes
from services.desk.tickets.models import MESSAGES, TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now

_LATE = timedelta(days=7)
"""As long as a message may be on its way: the retention of `messages-received-live`."""
_MOST = 200


async def catch_up(desk: Desk) -> None:
    """Links calls whose message arrived after them."""
    missing = (
        select(CALLS.c.call_id)
        .join(MESSAGES, MESSAGES.c.conversation == CALLS.c.call_id)
        .where(CALLS.c.ticket_id.is_(None), CALLS.c.at > utc_now() - _LATE, *_OF_CALLS)
        .limit(_MOST)
    )
    async with desk.unit_of_work() as work:
        found = sorted(set(await work.session.scalars(missing)))
        if not found:
            return
        locked = await repository.lock(work.session, *found)
        # Another process may have been faster.
        rows = {call: row for call, row in locked.items() if row.ticket_id is None}
        people = {agent for row in rows.values() if (agent := agent_on(row, utc_now())[0])}
        if people:
            await work.session.execute(
                select(AGENTS.c.id)
                .where(among(AGENTS.c.email, people))
                .order_by(AGENTS.c.id)
                .with_for_update(key_share=True)
            )
        tickets = await link(work, rows, {})
        await settle(work, rows)
        for call, ticket in tickets.items():
            row = rows[call]
            record_change(work, call, ticket, repository.state(row, utc_now()), row.agent, version=row.version)


async def link(work: UnitOfWork, calls: Collection[str], named: Mapping[str, str]) -> dict[str, str]:
    """Links calls to their tickets. Returns tickets by call id, all of them locked; `calls` are
    locked already. `named`: call id → ticket, as reported by the phone service."""
    rows = list(await work.session.execute(select(CALLS).where(among(CALLS.c.call_id, calls))))
    known = {row.call_id: row.ticket_id for row in rows if row.ticket_id}
    open_ones = [row.call_id for row in rows if not row.ticket_id]
    found = {}
    if open_ones:
        told = {named[call] for call in open_ones if is_uuid(named.get(call, ""))}
        real = set(await work.session.scalars(select(TICKETS.c.id).where(among(TICKETS.c.id, told)))) if told else set()
        messages = select(MESSAGES.c.conversation, MESSAGES.c.ticket_id).where(
            among(MESSAGES.c.conversation, open_ones), *_OF_CALLS
        )
        found = {
            row.conversation: row.ticket_id for row in await work.session.execute(messages.order_by(MESSAGES.c.at))
        }
        found |= {call: named[call].lower() for call in open_ones if named.get(call, "").lower() in real}
    tickets = known | found
    await work.lock(tickets=set(tickets.values()))
    for call, ticket in sorted(found.items()):
        await change(work.session, call, ticket_id=ticket)
        agent, presence = agent_on(next(row for row in rows if row.call_id == call), utc_now())
        if presence == "busy":
            person = await work.session.execute(select(AGENTS).where(AGENTS.c.email == agent, AGENTS.c.active))
            if (row := person.one_or_none()) is not None:
                await give(work, ticket, row)
    return tickets


async def settle(work: UnitOfWork, calls: Collection[str]) -> None:
    """Records on the tickets of these calls, which are locked already, what was spoken; once for
    each call."""
    spoke = select(CALLS).where(
        among(CALLS.c.call_id, calls), CALLS.c.ticket_id.is_not(None), CALLS.c.connected_at.is_not(None)
    )
    for row in list(await work.session.execute(spoke.order_by(CALLS.c.call_id))):
        done: dict[str, Any] = {}
        if not row.counted:
            await call_outcomes.answered(work, row.ticket_id, row.connected_at, by_phone(row.agent), "call")
            done["counted"] = True
        if row.ended_at and not row.noted:
            await _note(work, row)
            done["noted"] = True
        if done:
            await change(work.session, row.call_id, **done)


async def _note(work: UnitOfWork, row: Any) -> None:
    name = (
        await work.session.scalar(select(AGENTS.c.name).where(AGENTS.c.email == row.agent)) or row.agent or "somebody"
    )
    took = domain.talked((row.ended_at - row.connected_at).total_seconds())
    text = f"Callback, {took}, by {name}" if row.direction == "out" else f"Call, {took}, answered by {name}"
    await call_outcomes.add_note(work, row.ticket_id, text, row.ended_at, by_phone(row.agent), name, key=row.call_id)


_OF_CALLS = (MESSAGES.c.call.is_not(None),)
