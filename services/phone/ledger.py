"""Statements about texts that go out. Each takes the session of a transaction that its caller commits. Time is the
database's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Update, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone.domain.deliveries import State, lower
from services.phone.models import DELIVERIES
from shared.events import OutboundMessage
from shared.events.codec import decode, encode
from shared.kernel import ContactPoint

UNDER_WAY = (State.WAITING, State.SENDING)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One text on its way. `interrupted`: an attempt whose end nobody has seen; the provider is asked. `sending_since`:
    when the attempt began."""

    outbound_id: str
    request: bytes
    attempts: int
    interrupted: bool
    requested_at: datetime
    sending_since: datetime


async def add(session: AsyncSession, requests: Sequence[OutboundMessage]) -> None:
    """Note what was asked for, in this order; what is known already stays as it is."""
    for request in requests:
        row = {
            "outbound_id": request.id,
            "ticket_id": request.ticket_id,
            "state": State.WAITING,
            "request": encode(request),
            "requested_at": request.requested_at,
        }
        await session.execute(insert(DELIVERIES).values(row).on_conflict_do_nothing())


async def claim(session: AsyncSession, lease: timedelta) -> Delivery | None:
    """One that is due, marked `sending` until the lease ends; of each ticket only its oldest that is under way."""
    earlier = DELIVERIES.alias()
    blocked = select(earlier.c.outbound_id).where(
        earlier.c.ticket_id == DELIVERIES.c.ticket_id,
        earlier.c.place < DELIVERIES.c.place,
        earlier.c.state.in_(UNDER_WAY),
    )
    due = (
        select(DELIVERIES.c.outbound_id, DELIVERIES.c.state, DELIVERIES.c.sending_since)
        .where(DELIVERIES.c.state.in_(UNDER_WAY), DELIVERIES.c.due_at <= func.now(), ~blocked.exists())
        .order_by(DELIVERIES.c.due_at, DELIVERIES.c.place)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = (await session.execute(due)).first()
    if found is None:
        return None
    interrupted = found.state == State.SENDING
    values: dict[str, Any] = {"state": State.SENDING, "due_at": func.now() + lease}
    if not interrupted:
        values |= {"attempts": DELIVERIES.c.attempts + 1, "sending_since": func.now()}
    taken = update(DELIVERIES).where(DELIVERIES.c.outbound_id == found.outbound_id).values(values).returning(DELIVERIES)
    row = (await session.execute(taken)).one()
    return Delivery(row.outbound_id, row.request, row.attempts, interrupted, row.requested_at, row.sending_since)


async def reschedule(session: AsyncSession, delivery: Delivery, due_at: datetime, detail: str) -> None:
    """Certainly not sent: try again then, unless another attempt has begun since."""
    await session.execute(_attempt(delivery).values(state=State.WAITING, due_at=due_at, detail=detail[:2_000]))


async def ask_later(session: AsyncSession, delivery: Delivery, pause: timedelta, detail: str) -> None:
    """It stays `sending`: after the pause the provider is asked whether it went out, unless another attempt has begun
    since."""
    await session.execute(_attempt(delivery).values(due_at=func.now() + pause, detail=detail[:2_000]))


async def advance(session: AsyncSession, outbound_id: str, state: State, sid: str, detail: str) -> State | None:
    """Write a state that is further than the one known. Returns the former state, or None where nothing changed."""
    query = select(DELIVERIES.c.state).where(DELIVERIES.c.outbound_id == outbound_id).with_for_update()
    before = await session.scalar(query)
    if before is None or State(before) not in lower(state):
        return None
    values: dict[str, Any] = {"state": state, "detail": detail[:2_000]}
    if sid:
        values["sid"] = sid
    await session.execute(update(DELIVERIES).where(DELIVERIES.c.outbound_id == outbound_id).values(values))
    return State(before)


async def heard(session: AsyncSession, outbound_id: str, status: str, at: datetime) -> datetime | None:
    """When the provider told this status of a text for the first time; None where that is now, or the text is none of ours."""
    row = select(DELIVERIES.c.heard).where(DELIVERIES.c.outbound_id == outbound_id).with_for_update()
    known: dict[str, str] | None = await session.scalar(row)
    if known is None:
        return None
    if status in known:
        return datetime.fromisoformat(known[status])
    values = {"heard": {**known, status: at.isoformat()}}
    await session.execute(update(DELIVERIES).where(DELIVERIES.c.outbound_id == outbound_id).values(values))
    return None


async def find(session: AsyncSession, outbound_id: str) -> OutboundMessage | None:
    """What was asked for."""
    found = await session.scalar(select(DELIVERIES.c.request).where(DELIVERIES.c.outbound_id == outbound_id))
    return decode(OutboundMessage, found) if found else None


async def outbound_of(session: AsyncSession, sid: str) -> str:
    """Which of ours the provider's SID is; empty where it is none."""
    return (await session.scalar(select(DELIVERIES.c.outbound_id).where(DELIVERIES.c.sid == sid))) or ""


async def lock_texts_to(session: AsyncSession, point: ContactPoint) -> None:
    """Nobody else looks up a text to this number until the commit."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"phone:{point}", 0))))


async def sids(session: AsyncSession, among: Sequence[str]) -> set[str]:
    """Those of these SIDs that are known to be some text of ours."""
    return set((await session.scalars(select(DELIVERIES.c.sid).where(DELIVERIES.c.sid.in_(among)))).all())


async def count(session: AsyncSession) -> dict[str, int]:
    """Entries by state."""
    rows = await session.execute(select(DELIVERIES.c.state, func.count()).group_by(DELIVERIES.c.state))
    return {str(state): number for state, number in rows}


def _attempt(delivery: Delivery) -> Update:
    """Its row, as long as no other attempt has begun."""
    return update(DELIVERIES).where(
        DELIVERIES.c.outbound_id == delivery.outbound_id,
        DELIVERIES.c.attempts == delivery.attempts,
        DELIVERIES.c.state == State.SENDING,
    )
