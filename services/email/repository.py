"""The ledger's statements. Each takes the session of a transaction that its caller commits. Time is the database's, so
that processes whose clocks differ agree on what is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.email.models import Delivery, State
from shared.events import OutboundMessage
from shared.events.codec import encode

UNDER_WAY = (State.WAITING, State.SENDING)


async def add(session: AsyncSession, requests: Sequence[OutboundMessage]) -> None:
    """Note what was asked for, in this order; what is known already stays as it is."""
    for request in {entry.id: entry for entry in requests}.values():
        row = {
            "outbound_id": request.id,
            "ticket_id": request.ticket_id,
            "recipient": request.to,
            "state": State.WAITING,
            "request": encode(request),
            "requested_at": request.requested_at,
            "holder": 0,
            "attempts": 0,
            "message_id": "",
            "detail": "",
        }
        await session.execute(insert(Delivery).values(row).on_conflict_do_nothing())


async def claim(session: AsyncSession, holder: int, lease: timedelta, limit: int) -> list[Delivery]:
    """Take what is due, at most `limit`, and mark it `sending` until the lease ends. Of each ticket only its oldest that is
    under way, so that a later answer never overtakes; other tickets do not wait for it."""
    earlier = aliased(Delivery)
    blocked = select(earlier.outbound_id).where(
        earlier.ticket_id == Delivery.ticket_id, earlier.position < Delivery.position, earlier.state.in_(UNDER_WAY)
    )
    due = (
        select(Delivery.outbound_id)
        .where(Delivery.state == State.WAITING, Delivery.due_at <= func.now(), ~blocked.exists())
        .order_by(Delivery.due_at, Delivery.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Delivery)
        .where(Delivery.outbound_id.in_(due.scalar_subquery()))
        .values(
            state=State.SENDING,
            holder=holder,
            attempts=Delivery.attempts + 1,
            due_at=func.now() + lease,
            changed_at=func.now(),
        )
        .returning(Delivery)
    )
    return sorted((await session.scalars(taken)).all(), key=lambda delivery: delivery.position)


async def abandoned(session: AsyncSession, holder: int, limit: int) -> list[Delivery]:
    """Attempts that nobody will see the end of: their time is over, or the process behind them is gone and its advisory
    lock with it. `holder`: who asks. Locked for this transaction."""
    gone = and_(Delivery.holder != holder, func.pg_try_advisory_xact_lock(Delivery.holder))
    found = (
        select(Delivery)
        .where(Delivery.state == State.SENDING, or_(Delivery.due_at <= func.now(), gone))
        .order_by(Delivery.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await session.scalars(found)).all())


_OURS = (State.SENDING, State.UNCERTAIN)
"""What this attempt may still correct: another process may have given it up for lost in the meantime."""


async def note(session: AsyncSession, delivery: Delivery, state: State, detail: str, message_id: str = "") -> bool:
    """Write the end of this attempt; False where another process has written one that must stand."""
    current = and_(
        Delivery.outbound_id == delivery.outbound_id, Delivery.attempts == delivery.attempts, Delivery.state != state
    )
    return await _changed(session, current, _OURS, state=state, detail=detail[:2_000], message_id=message_id)


async def put_off(session: AsyncSession, delivery: Delivery, due_at: datetime, detail: str) -> bool:
    """Try again then."""
    current = and_(Delivery.outbound_id == delivery.outbound_id, Delivery.attempts == delivery.attempts)
    return await _changed(session, current, _OURS, state=State.WAITING, detail=detail[:2_000], due_at=due_at)


async def seconds_to_next(session: AsyncSession, most: float) -> float:
    """Until something is due or a lease ends, at most `most`. What waits behind its ticket's oldest is not counted."""
    earlier = aliased(Delivery)
    blocked = select(earlier.outbound_id).where(
        earlier.ticket_id == Delivery.ticket_id, earlier.position < Delivery.position, earlier.state.in_(UNDER_WAY)
    )
    next_at = (
        select(func.min(Delivery.due_at)).where(Delivery.state.in_(UNDER_WAY), ~blocked.exists()).scalar_subquery()
    )
    seconds = select(case((next_at.is_(None), most), else_=func.extract("epoch", next_at - func.clock_timestamp())))
    return min(most, max(0.0, float((await session.execute(seconds)).scalar_one())))


async def count(session: AsyncSession) -> dict[str, int]:
    """Entries by state."""
    rows = await session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {str(state): number for state, number in rows}


_OUT = (State.SENDING, State.SENT, State.UNCERTAIN)
"""What may come back: a returned mail can be faster than our own note that it was sent."""


async def answer(session: AsyncSession, ticket: str, outbound: str) -> Delivery | None:
    """This answer, where it has left."""
    named = select(Delivery).where(
        Delivery.outbound_id == outbound, Delivery.ticket_id == ticket, Delivery.state != State.WAITING
    )
    return await session.scalar(named.with_for_update())


async def newest_sent(
    session: AsyncSession, *, ticket: str = "", people: Sequence[str] = (), within: timedelta | None = None
) -> Delivery | None:
    """The newest answer that has left, of this ticket, to one of these people."""
    found = select(Delivery).where(Delivery.state.in_(_OUT))
    if ticket:
        found = found.where(Delivery.ticket_id == ticket)
    if people:
        found = found.where(Delivery.recipient.in_(people))
    if within:
        found = found.where(Delivery.changed_at > func.now() - within)
    return await session.scalar(found.order_by(Delivery.position.desc()).limit(1).with_for_update())


async def returned_by(session: AsyncSession, own_id: str) -> Delivery | None:
    """The answer for which this returned mail counted already."""
    return await session.scalar(
        select(Delivery).where(Delivery.returned_by == own_id, Delivery.returned_by != "").limit(1)
    )


async def returned(session: AsyncSession, delivery: Delivery, detail: str, own_id: str, *, failed: bool) -> bool:
    """Note what a returned mail tells; False where the answer had failed before. `failed`: for good."""
    values = {"state": State.FAILED, "returned_by": own_id} if failed else {}
    current = Delivery.outbound_id == delivery.outbound_id
    return await _changed(session, current, _OUT, detail=detail[:2_000], **values)


async def _changed(session: AsyncSession, current: Any, states: tuple[State, ...], **values: Any) -> bool:
    statement = update(Delivery).where(current, Delivery.state.in_(states)).values(**values, changed_at=func.now())
    return bool((await session.execute(statement.returning(Delivery.outbound_id))).first())
