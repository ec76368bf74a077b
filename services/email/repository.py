"""Finds the reply that a returned mail is about. Each statement takes the session of a transaction
that its caller commits, and locks what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.domain.sent import MOST
from services.email.models import DELIVERIES
from shared.delivery import SENDING, WAITING
from shared.events import DeliveryState, OutboundMessage
from shared.events.codec import decode

_LEFT = (SENDING, DeliveryState.SENT.value, DeliveryState.UNCERTAIN.value, DeliveryState.DELIVERED.value)
"""What may come back: a returned mail can be faster than our own note that it was sent, and the
first server that took it may send it back."""
_COLUMNS = DELIVERIES.c
MOST_TEXTS = 20
"""Replies of a ticket that a mail is compared with: programs quote the last ones."""


class Reply(NamedTuple):
    """A reply that has left. `returned_by`: the id of the mail that it came back with."""

    request: OutboundMessage
    state: str
    returned_by: str

    @property
    def may_return(self) -> bool:
        """Whether it has not come back for good already."""
        return self.state in _LEFT


async def named(session: AsyncSession, ticket: str, outbound: str) -> Reply | None:
    """Returns this reply, where it has left."""
    return await _one(
        session, _COLUMNS.outbound_id == outbound, _COLUMNS.ticket_id == ticket, _COLUMNS.state != WAITING
    )


async def sent_as(session: AsyncSession, outbound: str) -> Reply | None:
    """Returns this reply, of whatever ticket, where it has left."""
    return await _one(session, _COLUMNS.outbound_id == outbound, _COLUMNS.state != WAITING)


async def newest_sent(
    session: AsyncSession, *, ticket: str = "", people: Sequence[str] = (), within: timedelta | None = None
) -> Reply | None:
    """Returns the newest reply that has left, of this ticket, to one of these people."""
    wanted: list[ColumnElement[bool]] = [_COLUMNS.state.in_(_LEFT)]
    if ticket:
        wanted.append(_COLUMNS.ticket_id == ticket)
    if people:
        wanted.append(_COLUMNS.recipient.in_(people))
    if within:
        wanted.append(_COLUMNS.changed_at > func.now() - within)
    return await _one(session, *wanted)


async def texts_sent(session: AsyncSession, ticket: str) -> tuple[str, ...]:
    """Returns the texts of this ticket's replies that have left, the newest first, at most
    `MOST_TEXTS`."""
    left = (_COLUMNS.ticket_id == ticket, _COLUMNS.state != WAITING)
    newest = select(_COLUMNS.request).where(*left).order_by(_COLUMNS.position.desc()).limit(MOST_TEXTS)
    return tuple(decode(OutboundMessage, request).text[:MOST] for request in await session.scalars(newest))


async def returned_by(session: AsyncSession, own_id: str) -> Reply | None:
    """Returns the reply for which this returned mail counted already."""
    return await _one(session, _COLUMNS.returned_by == own_id, _COLUMNS.returned_by != "")


async def note_return(session: AsyncSession, reply: Reply, own_id: str) -> None:
    """Records the returned mail that a reply came back with."""
    mine = _COLUMNS.outbound_id == reply.request.id
    await session.execute(update(DELIVERIES).where(mine).values(returned_by=own_id))


async def _one(session: AsyncSession, *wanted: ColumnElement[bool]) -> Reply | None:
    newest: Any = select(DELIVERIES).where(*wanted).order_by(_COLUMNS.position.desc()).limit(1)
    row = (await session.execute(newest.with_for_update())).first()
    return Reply(decode(OutboundMessage, row.request), row.state, row.returned_by) if row else None
