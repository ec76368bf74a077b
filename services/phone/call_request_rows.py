"""Stores and claims the desk's requests, in transactions of the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.phone.models import CALLS, REQUESTS
from shared.events import CallAction, CallRequested
from shared.events.codec import decode, encode

WAITING, DOING, DONE = "waiting", "doing", "done"


@dataclass(frozen=True, slots=True)
class ClaimedRequest:
    """A request that is being carried out. `place`: its position in the order of arrival;
    `interrupted`: the outcome of an earlier attempt is unknown."""

    id: str
    place: int
    request: bytes
    subject: str
    attempts: int
    interrupted: bool


async def add(session: AsyncSession, requests: Sequence[CallRequested]) -> None:
    """Adds requests that are not known yet. A callback without a call's id gets its own id as
    that."""
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


async def find(session: AsyncSession, request_id: str) -> CallRequested | None:
    """Returns a request that was recorded; None for one that is not known."""
    found = await session.scalar(select(REQUESTS.c.request).where(REQUESTS.c.id == request_id))
    return decode(CallRequested, found) if found else None


async def claim(session: AsyncSession, lease: timedelta) -> ClaimedRequest | None:
    """Claims the request that has been due for longest, until the lease ends; None where none is
    due."""
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


async def under_way(session: AsyncSession) -> bool:
    """Whether any request is not done yet."""
    return bool(await session.scalar(select(REQUESTS.select().where(REQUESTS.c.state != DONE).exists())))


async def reschedule(session: AsyncSession, request_id: str, due_at: datetime) -> None:
    """Reschedules a request, unless it is done meanwhile."""
    row = update(REQUESTS).where(REQUESTS.c.id == request_id, REQUESTS.c.state != DONE)
    await session.execute(row.values(state=WAITING, due_at=due_at))


async def end(session: AsyncSession, request_id: str) -> None:
    """Marks a request as done."""
    await session.execute(update(REQUESTS).where(REQUESTS.c.id == request_id).values(state=DONE))


async def unanswered(session: AsyncSession, subject: str, but: str) -> int:
    """Returns the number of callbacks for this subject that did not reach the customer."""
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
