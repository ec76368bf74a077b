"""Each change of a ticket moves what is due when, in the same transaction; and what has become due
without any change is found by its time in the database.

Every process does both, at any time: what has become true is kept with the target, under the lock
of its ticket, so it is told once, and a process that was killed, or away for an hour, leaves
nothing undone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

from services.desk.actors import DESK
from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.service_levels import repository
from services.desk.service_levels.domain import (
    Event,
    Happening,
    Policy,
    Standing,
    follow,
    hours_of,
    policy_for,
    raised,
)
from services.desk.service_levels.repository import Row
from services.desk.tickets import commands, corrections, grouping, store
from services.desk.tickets.domain import due_at_level
from services.desk.tickets.domain.lifecycle import Assign, Assignee, Prioritise
from services.desk.tickets.models import TICKETS
from services.desk.unit_of_work import UnitOfWork
from shared.errors import Unavailable
from shared.events.desk import SlaBreached, SlaChanged, SlaWarned, kind_of
from shared.kernel import stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.waiting import wait

LONGEST = 5.0
"""Seconds between two looks. Targets are of minutes, and what is due is shown by each page
itself."""
_SHORTEST = 0.05
_BUSY = 1.0
"""Seconds, while another process looks."""
_MOST_DUE, _MOST_STALE = 50, 200
"""Tickets in one transaction, whose customers are locked until it is over: with each of the former
there may be much to do."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Finds what has become due, until `stop`; waits for PostgreSQL while it is unavailable."""
    while not stop.is_set():
        try:
            seconds = await look(desk)
        except Unavailable as error:
            log.warning("service levels are looked at later", error=str(error))
            seconds = LONGEST
        await wait(stop, seconds)


async def look(desk: Desk) -> float:
    """Finds what has become due by now, and tickets that the newest policies have not seen; at most
    as many as fit into a transaction. Returns the seconds until there may be more. Raises
    Unavailable."""
    async with desk.database.statements() as session:
        left = await repository.seconds_left(session)
    if left is None or left > 0:
        return LONGEST if left is None else min(LONGEST, max(_SHORTEST, left))
    async with desk.unit_of_work() as work:
        if not await repository.may_watch(work.session):
            return _BUSY
        stale = await repository.stale(work.session, _MOST_STALE)
        due = await repository.due(work.session, _MOST_DUE)
        if found := {*due, *stale}:
            leaders = await grouping.leaders_of(work.session, among(TICKETS.c.id, found))
            await work.lock(tickets=found | leaders)
            await _follow_all(work, found, tell={*stale} - {*due})
    if not stale:
        async with desk.database.transaction() as session:
            await repository.settle(session)
    return _SHORTEST


async def follow_changes(work: UnitOfWork) -> None:
    """Moves what is due when in the tickets that this transaction changed."""
    while work.clocks:
        found, work.clocks = work.clocks, set()
        await _follow_all(work, found)


async def _follow_all(work: UnitOfWork, tickets: Collection[str], tell: Collection[str] = ()) -> None:
    """Moves what is due when in these tickets, which are locked. tell: of which nothing else is
    recorded."""
    known = await repository.known(work.session, tickets)
    if known is None:
        return
    now, due, standings, happened = known.now, dict[str, datetime | None](), dict[str, Standing](), []
    for row in known.tickets:
        policy = policy_for(row.situation, known.policies)
        before = Standing(policy=row.policy, targets=row.targets)
        after, told = follow(row.situation, before, policy, hours_of(policy, known.calendars, now), now)
        if row.kept or policy or row.situation.runs:
            standings[row.id] = after
        if policy or row.policy:
            at = after.due_at if policy else await _promised(work, row)
            if at != row.due_at:
                due[row.id] = at
                if row.id in tell:
                    work.record(SlaChanged(policy=policy.name if policy else None), row.id, now, DESK)
        happened += [(row, policy, each) for each in told if policy]
    await repository.keep(work.session, known.version, standings)
    if due:
        await store.set_due(work.session, due)
        if grouped := [row.id for row in known.tickets if row.grouped and due.get(row.id)]:
            await grouping.raise_leaders(work, grouped)
    for row, policy, each in happened:
        await _tell(work, row, policy, each, now)


async def _promised(work: UnitOfWork, row: Row) -> datetime | None:
    """Returns when an answer is due by what the router promised, which counts where no policy is
    for a ticket."""
    ticket = store.ticket_of(await store.locked(work, row.id))
    return due_at_level(ticket, ticket.level, await corrections.promises(work, ticket))


async def _tell(work: UnitOfWork, row: Row, policy: Policy, what: Happening, now: datetime) -> None:
    """Records what has become true of a target, and does what the policy says then."""
    warned = what.event is Event.WARNED
    actions = policy.on_warning if warned else policy.on_breach
    notify, due_at = ",".join(actions.notify) or None, what.due_at.isoformat()
    change: SlaWarned | SlaBreached
    if warned:
        change = SlaWarned(target=what.kind.value, policy=policy.name, due_at=due_at, notify=notify)
    else:
        change = SlaBreached(target=what.kind.value, policy=policy.name, due_at=due_at, notify=notify)
    own = stable_id(kind_of(change), row.id, what.kind.value, what.began_at.isoformat())
    work.record(change, row.id, now, DESK, event_id=own)
    (METRICS.sla_warnings if warned else METRICS.sla_breaches).labels(target=what.kind.value).inc()
    if not row.situation.runs:
        return
    ticket = store.ticket_of(await store.locked(work, row.id))
    if (level := raised(ticket.level, actions.level)) != ticket.level:
        promised = await corrections.promises(work, ticket)
        raising = Prioritise(level=level, about="", actor=DESK, waiting=promised)
        ticket = await commands.execute(work, ticket, raising, now)
    if actions.team and actions.team != ticket.team:
        moving = Assign(actor=DESK, team=actions.team, assignee=Assignee(), why="service-level")
        await commands.execute(work, ticket, moving, now)
