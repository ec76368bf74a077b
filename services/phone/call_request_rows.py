"""Statements about the desk's requests. Each takes the session of a transaction that its caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone.models import CALLS, REQUESTS
from shared.events import CallAction, CallRequested
from shared.events.codec import encode

WAITING, DOING, DONE = "waiting", "doing", "done"


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request that is being carried out. `place`: counts them in the order in which they came; `interrupted`: an
    earlier attempt was cut short, and nobody knows how it ended."""

    id: str
    place: int
    request: bytes
    subject: str
    attempts: int
    interrupted: bool


async def add(session: AsyncSession, requests: Sequence[CallRequested]) -> None:
    """Note them; what is known already stays as it is. A callback without a call's id gets its own."""
    for request in requests:
        callback = request.action is CallAction.CALL_BACK
        named = request if request.call_id else _named(request)
        row = {
            "id": request.id,
            "call_id": named.call_id,
            "subject": (request.about or request.ticket_id) if callback else "",
            "state": WAITING,
            "request": encode(named),
        }
        await session.execute(insert(REQUESTS).values(row).on_conflict_do_nothing())


async def find(session: AsyncSession, request_id: str) -> bytes | None:
    """The request as it came."""
    return await session.scalar(select(REQUESTS.c.request).where(REQUESTS.c.id == request_id))


async def claim(session: AsyncSession, lease: timedelta) -> ClaimedRequest | None:
    """The oldest that is due, for the time of the lease."""
    due = (
        select(REQUESTS.c.id, REQUESTS.c.state)
        .where(REQUESTS.c.state != DONE, REQUESTS.c.due_at <= func.now())
        .order_by(REQUESTS.c.due_at, REQUESTS.c.place)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = (await session.execute(due)).first()
    if found is None:
        return None
    taken = (
        update(REQUESTS)
        .where(REQUESTS.c.id == found.id)
        .values(state=DOING, due_at=func.now() + lease, attempts=REQUESTS.c.attempts + 1)
        .returning(REQUESTS)
    )
    row = (await session.execute(taken)).one()
    return ClaimedRequest(row.id, row.place, row.request, row.subject, row.attempts, found.state == DOING)


async def reschedule(session: AsyncSession, request_id: str, due_at: datetime) -> None:
    """Try again then, unless it got through meanwhile."""
    row = update(REQUESTS).where(REQUESTS.c.id == request_id, REQUESTS.c.state != DONE)
    await session.execute(row.values(state=WAITING, due_at=due_at))


async def end(session: AsyncSession, request_id: str) -> None:
    """There is nothing more to do."""
    await session.execute(update(REQUESTS).where(REQUESTS.c.id == request_id).values(state=DONE))


async def unanswered(session: AsyncSession, subject: str, but: str) -> int:
    """How many callbacks for this were made that did not reach the customer."""
    if not subject:
        return 0
    made = (
        select(func.count())
        .select_from(REQUESTS.join(CALLS, CALLS.c.id == REQUESTS.c.call_id))
        .where(REQUESTS.c.subject == subject, REQUESTS.c.id != but, CALLS.c.sid != "", CALLS.c.connected_at.is_(None))
    )
    return int((await session.execute(made)).scalar_one())


def _named(request: CallRequested) -> CallRequested:
    fields = {name: getattr(request, name) for name in CallRequested.__struct_fields__}
    return CallRequested(**{**fields, "call_id": request.id})
