"""Handing out calls: offers to agents, what becomes of those that nobody answers, and the callers'
places in line.

Any number of desk processes do this at the same time: each decides on rows that it has locked, and
leaves out what another one holds. What is to be done is read off the database each time, so a
process may be killed at any moment and another one goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import all_, and_, func, literal, select

from services.desk import signals
from services.desk.actors import DESK
from services.desk.calls import availability, domain, repository, ticket_link
from services.desk.calls.domain import WAITING, Offer
from services.desk.calls.models import CALLS
from services.desk.calls.repository import being_answered, being_offered, in_order
from services.desk.calls.service import ask, change, record_change
from services.desk.context import Desk
from services.desk.people import presence
from services.desk.people.domain import refusal
from services.desk.people.models import AGENTS
from services.desk.people.presence import PRESENCES
from services.desk.signals import wake
from services.desk.unit_of_work import UnitOfWork
from shared.clock import utc_now
from shared.events import CallAction, CallOutcome, CallRequested, CallState
from shared.events.desk import CallOffered
from shared.listening import listening
from shared.loops import forever
from shared.metrics import METRICS
from shared.topics import CALLS_REQUESTED

_BUSY, _IDLE = 1.0, 15.0
"""Seconds until the next look when nothing wakes us: while somebody waits, and otherwise. A row
that another process held just now is looked at again then."""
_SHORTEST = 0.05
_UNHEARD = "the telephone line did not say what became of the call"
_PLACE_EVERY = timedelta(seconds=4)
"""A caller hears a sentence about the place, and then music: news come no faster than that."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Serves whoever waits until `stop`, again whenever something has changed; waits for PostgreSQL
    where it is unavailable."""

    async def follow() -> None:
        async with listening(desk.database, {signals.CALLS: None}) as listener:
            while await listener.next(stop, await serve(desk)):
                pass

    await forever("calls", follow, stop)


async def serve(desk: Desk) -> float:
    """Handles everything about waiting calls that is due now. Returns the seconds until there
    may be more."""
    await ticket_link.catch_up(desk)
    async with desk.database.transaction() as session:
        waiting = await repository.read(session, repository.waits(utc_now()))
        await _measure(session, waiting)
    async with desk.unit_of_work() as work:
        await _lapse(work, waiting)
    async with desk.unit_of_work() as work:
        await _give_up(work)
        await availability.settle(work, skip=True)
    if not waiting:
        return _IDLE
    async with desk.unit_of_work() as work:
        await _offer(desk, work)
    async with desk.unit_of_work() as work:
        return await _places(desk, work)


async def _locked(session: Any) -> list[Any]:
    """Locks and returns the waiting calls that no other transaction is changing."""
    statement = repository.ROWS.where(repository.waits(utc_now())).order_by(CALLS.c.call_id)
    return list(await session.execute(statement.with_for_update(of=CALLS, skip_locked=True)))


async def _lapse(work: UnitOfWork, seen: Sequence[Any]) -> None:
    """Offers that nobody answered in time, and answers of which nothing was heard: the call goes
    on, its age is kept."""
    now = utc_now()
    if not any(_is_late(row, now) for row in seen):
        return
    late = [row for row in await _locked(work.session) if _is_late(row, now)]
    asked_of = {row.offered_to or row.answered_by for row in late}
    people = {row.email for row in await presence.locked(work.session, asked_of, skip=True, also_disabled=True)}
    late = [row for row in late if (row.offered_to or row.answered_by) in people]
    await work.session.execute(repository.share_tickets({row.ticket_id for row in late if row.ticket_id}))
    for row in late:
        agent, offered = row.offered_to or row.answered_by, bool(row.offered_to)
        asked = {**row.asked, agent: now.isoformat()}
        values: dict[str, Any] = {
            "offered_to": "",
            "offered_until": None,
            "offer_missing": [],
            "answered_by": "",
            "answer_id": "",
        }
        await change(work.session, row.call_id, **values, answer_until=None, asked=asked)
        if offered:
            await availability.missed_offer(work, agent)
        else:
            await availability.free(work, agent, _UNHEARD)
        why = "missed" if offered else "unheard"
        record_change(
            work, row.call_id, row.ticket_id, CallState.QUEUED.value, "", version=row.version, actor=DESK, why=why
        )
    await wake(work.session)


def _is_late(row: Any, now: datetime) -> bool:
    offered = row.offered_to and not being_offered(row, now)
    return bool(offered or (row.answered_by and not being_answered(row, now)))


async def _give_up(work: UnitOfWork) -> None:
    """Callbacks of which the phone service has told nothing at all. Whatever it tells later
    counts."""
    late = and_(CALLS.c.version == 0, CALLS.c.direction == "out", CALLS.c.at <= utc_now() - domain.LONGEST["bridging"])
    found = select(CALLS).where(late, repository.is_open()).order_by(CALLS.c.call_id).with_for_update(skip_locked=True)
    rows = list(await work.session.execute(found))
    if rows:
        people = await availability.lock(work.session, {row.agent for row in rows})
        await work.session.execute(repository.share_tickets({row.ticket_id for row in rows}))
        for person in people:
            await availability.free(work, person.email, _UNHEARD)
    for row in rows:
        state, outcome = CallState.ENDED.value, CallOutcome.UNCERTAIN.value
        await change(work.session, row.call_id, state=state, outcome=outcome, detail=_UNHEARD)
        record_change(work, row.call_id, row.ticket_id, state, row.agent, actor=DESK, outcome=outcome)


async def _offer(desk: Desk, work: UnitOfWork) -> None:
    now = utc_now()
    rows = {row.call_id: row for row in await _locked(work.session)}
    if all(repository.caller(row, now).offered for row in rows.values()):
        return
    emails = set(await work.session.scalars(select(AGENTS.c.email).where(AGENTS.c.active)))
    locked = {person.email for person in await availability.lock(work.session, emails, skip=True)}
    everybody = list(await work.session.execute(select(AGENTS).where(AGENTS.c.active)))
    occupied = await _occupied(work.session, now) | (emails - locked)
    offers = domain.next_offers(
        [repository.caller(row, now) for row in rows.values()],
        [repository.agent(person, now, occupied) for person in everybody],
        now,
        head_start=timedelta(seconds=desk.settings.phone_head_start),
        pause=timedelta(seconds=desk.settings.offer_seconds),
    )
    tickets = {row.ticket_id for offer in offers if (row := rows[offer.call_id]).ticket_id}
    await work.session.execute(repository.share_tickets(tickets))
    for offer in offers:
        await _make(desk, work, rows[offer.call_id], offer, now)


async def _make(desk: Desk, work: UnitOfWork, row: Any, offer: Offer, now: datetime) -> None:
    until = now + timedelta(seconds=desk.settings.offer_seconds)
    await ask(
        work,
        CallRequested(
            id=str(uuid4()),
            action=CallAction.OFFER,
            call_id=offer.call_id,
            requested_at=now,
            expires_at=until,
            agent=offer.agent,
            ticket_id=row.ticket_id or "",
        ),
    )
    missing = sorted(offer.missing)
    await change(work.session, row.call_id, offered_to=offer.agent, offered_until=until, offer_missing=missing)
    state = CallState.OFFERED.value
    record_change(work, row.call_id, row.ticket_id, state, "", offered_to=offer.agent, version=row.version, actor=DESK)
    offered = CallOffered(call_id=row.call_id, agent=offer.agent, until=until.isoformat())
    work.record(offered, row.ticket_id or "", now, DESK, customer=row.call_id)


async def _occupied(session: Any, now: datetime) -> set[str]:
    """Returns the agents who are being rung, are speaking, or are being offered a call. An agent
    who sets themselves ready is not occupied, although notes are left."""
    found = set()
    for row in await session.execute(select(CALLS).where(repository.is_open())):
        agent, held_by = repository.agent_on(row, now)
        offered = row.offered_to if row.state in WAITING and being_offered(row, now) else ""
        found |= {agent if held_by == "busy" else "", offered} - {""}
    return found


async def _places(desk: Desk, work: UnitOfWork) -> float:
    """Callers hear their place whenever it has changed. Seconds until there may be more to do."""
    now, head_start = utc_now(), timedelta(seconds=desk.settings.phone_head_start)
    rows = [row for row in await _locked(work.session) if not being_answered(row, now)]
    whole = await repository.read(work.session, repository.waits(now))
    order = [row.call_id for row in in_order([r for r in whole if not being_answered(r, now)], now, head_start)]
    moved = [row for row in rows if row.call_id in order and row.position != order.index(row.call_id) + 1]
    if moved:
        talk = domain.usual_talk(await repository.talks(work.session, now))
        there = (AGENTS.c.active, AGENTS.c.presence.in_(domain.ON_DUTY), AGENTS.c.phone != "")
        on_duty = select(func.count()).where(*there, literal("voice") != all_(AGENTS.c.paused))
        count = int(await work.session.scalar(on_duty) or 0)
        for row in moved:
            if row.position_at is None or row.position_at + _PLACE_EVERY <= now:
                await _place(work, row, order.index(row.call_id) + 1, talk, count, now)
    pause = timedelta(seconds=desk.settings.offer_seconds)
    return _until_next(whole, moved, now, pause)


async def _place(work: UnitOfWork, row: Any, position: int, talk: float, on_duty: int, now: datetime) -> None:
    await change(work.session, row.call_id, position=position, position_at=now)
    request = CallRequested(
        id=str(uuid4()),
        action=CallAction.PLACE,
        call_id=row.call_id,
        requested_at=now,
        position=position,
        expected_wait=domain.expected_wait(position, talk, on_duty),
    )
    work.send(CALLS_REQUESTED, row.call_id, request)


def _until_next(rows: Sequence[Any], moved: Sequence[Any], now: datetime, pause: timedelta) -> float:
    """Returns the seconds until the first timer runs out; never long, as a row that another
    process holds may be ours in a moment."""
    moments = [row.offered_until for row in rows if row.offered_to]
    moments += [row.answer_until + repository.MARGIN for row in rows if row.answered_by]
    moments += [datetime.fromisoformat(at) + pause for row in rows for at in row.asked.values()]
    moments += [row.position_at + _PLACE_EVERY for row in moved if row.position_at]
    coming: list[float] = [(moment - now).total_seconds() for moment in moments if moment > now]
    return max(_SHORTEST, min([_BUSY, *coming]))


async def _measure(session: Any, waiting: Sequence[Any]) -> None:
    now = utc_now()
    METRICS.calls_waiting.set(len(waiting))
    oldest = min((row.waiting_since or row.at for row in waiting), default=now)
    METRICS.calls_oldest.set(max(0.0, (now - oldest).total_seconds()))
    counted = select(AGENTS.c.presence, func.count()).where(AGENTS.c.active).group_by(AGENTS.c.presence)
    found = {row.presence: int(row[1]) for row in await session.execute(counted)}
    for name in PRESENCES:
        METRICS.agents.labels(presence=name).set(found.get(name, 0))
    ready = await session.execute(select(AGENTS).where(AGENTS.c.active, AGENTS.c.presence == "ready"))
    METRICS.agents_for_calls.set(sum(not refusal(presence.standing(row), domain.VOICE, now) for row in ready))
