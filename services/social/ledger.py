"""The delivery ledger's statements. Each takes the session of a transaction that its caller commits. Time is the database's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.social.models import Delivery, State
from shared.events import OutboundMessage
from shared.events.codec import encode

UNDER_WAY = (State.WAITING, State.SENDING)


async def add(session: AsyncSession, requests: Sequence[OutboundMessage]) -> None:
    """Note what was asked for, in this order; what is known already stays as it is."""
    for request in requests:
        row = {
            "outbound_id": request.id,
            "ticket_id": request.ticket_id,
            "state": State.WAITING,
            "request": encode(request),
            "requested_at": request.requested_at,
            "attempts": 0,
            "provider_id": "",
            "detail": "",
        }
        await session.execute(insert(Delivery).values(row).on_conflict_do_nothing())


async def claim(session: AsyncSession) -> Delivery | None:
    """Mark what is due next as `sending`. Of each ticket only its oldest that is under way, so that a later answer never
    overtakes."""
    earlier = aliased(Delivery)
    blocked = select(earlier.outbound_id).where(
        earlier.ticket_id == Delivery.ticket_id, earlier.position < Delivery.position, earlier.state.in_(UNDER_WAY)
    )
    due = (
        select(Delivery.outbound_id)
        .where(Delivery.state == State.WAITING, Delivery.due_at <= func.now(), ~blocked.exists())
        .order_by(Delivery.due_at, Delivery.position)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(Delivery)
        .where(Delivery.outbound_id.in_(due.scalar_subquery()))
        .values(state=State.SENDING, attempts=Delivery.attempts + 1, changed_at=func.now())
        .returning(Delivery)
    )
    return (await session.scalars(taken)).first()


async def unseen(session: AsyncSession, older_than: timedelta) -> list[Delivery]:
    """Attempts that should have ended by now: nobody saw how."""
    found = select(Delivery).where(
        Delivery.state == State.SENDING, Delivery.changed_at <= func.now() - older_than, Delivery.due_at <= func.now()
    )
    return list(await session.scalars(found.order_by(Delivery.position).limit(20)))


async def finish(session: AsyncSession, delivery: Delivery, state: State, detail: str, provider_id: str) -> bool:
    """Write how an attempt ended; False where that is written already."""
    return await _change(session, delivery, state=state, detail=detail[:2000], provider_id=provider_id)


async def put_off(session: AsyncSession, delivery: Delivery, state: State, due_at: datetime, detail: str) -> bool:
    """Try again then: to send (`waiting`), or to find out (`sending`)."""
    return await _change(session, delivery, state=state, due_at=due_at, detail=detail[:2000])


async def is_ours(session: AsyncSession, provider_id: str) -> bool:
    """Whether this post is another answer's, which has been found already."""
    return bool(
        (await session.scalars(select(Delivery.outbound_id).where(Delivery.provider_id == provider_id))).first()
    )


async def count(session: AsyncSession) -> dict[str, int]:
    """Entries by state."""
    rows = await session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    return {str(state): number for state, number in rows}


async def _change(session: AsyncSession, delivery: Delivery, **values: object) -> bool:
    """`changed_at` stays at the start of the attempt while it is `sending`: a lookup begins there."""
    if values["state"] is not State.SENDING:
        values["changed_at"] = func.now()
    statement = (
        update(Delivery)
        .where(
            Delivery.outbound_id == delivery.outbound_id,
            Delivery.attempts == delivery.attempts,
            Delivery.state == State.SENDING,
        )
        .values(**values)
        .returning(Delivery.outbound_id)
    )
    return bool((await session.execute(statement)).first())
