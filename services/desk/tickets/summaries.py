"""What other subjects ask about tickets inside their own transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.tickets.models import TICKETS
from shared.events import OpenTicket


@dataclass(frozen=True, slots=True)
class ThreadsOf:
    """A customer's threads, as `Profile` carries them."""

    open: tuple[OpenTicket, ...] = ()
    generations: dict[str, int] = field(default_factory=dict)


_MOST = 20
"""As `Profile.open_tickets` promises."""
THREADS = f"""
    (SELECT id, channel, thread_key, generation, status, last_message_at FROM desk.tickets
     WHERE customer_id = c.id AND status IN ('open', 'pending') ORDER BY last_message_at DESC LIMIT {_MOST})
    UNION
    (SELECT id, channel, thread_key, generation, status, last_message_at FROM desk.tickets
     WHERE customer_id = c.id AND generation > 0 ORDER BY last_message_at DESC LIMIT {_MOST})
    ORDER BY last_message_at DESC, id
"""  # noqa: S608 - a number of ours
"""Part of a statement: rows of `Thread` of a customer `c`."""


class Thread(msgspec.Struct):
    """A ticket as its customer's threads need it."""

    id: str
    channel: str
    thread_key: str
    generation: int
    status: str
    last_message_at: datetime


def threads_of(tickets: Iterable[Thread]) -> ThreadsOf:
    """Returns open tickets, newest first, and generations of taken-up threads. `tickets`: those
    of one customer, newest first."""
    opened: list[OpenTicket] = []
    generations: dict[str, int] = {}
    for one in tickets:
        if one.status in ("open", "pending") and len(opened) < _MOST:
            opened.append(
                OpenTicket(
                    ticket_id=one.id,
                    channel=one.channel,
                    thread_key=one.thread_key,
                    generation=one.generation,
                    last_message_at=one.last_message_at,
                )
            )
        if one.generation > generations.get(one.thread_key, 0):
            generations[one.thread_key] = one.generation
    return ThreadsOf(tuple(opened), generations)


async def newest_of(session: AsyncSession, customer: str) -> list[Any]:
    """Returns rows of the customer's newest 20 tickets."""
    return list(
        await session.execute(
            select(TICKETS)
            .where(TICKETS.c.customer_id == customer)
            .order_by(TICKETS.c.last_message_at.desc(), TICKETS.c.id)
            .limit(_MOST)
        )
    )
