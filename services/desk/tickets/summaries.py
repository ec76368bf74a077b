"""What other subjects ask about tickets inside their own transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.tickets.models import TICKETS
from shared.events import OpenTicket


@dataclass(frozen=True, slots=True)
class ThreadsOf:
    """A customer's threads, as `Profile` carries them."""

    open: tuple[OpenTicket, ...] = ()
    generations: dict[str, int] = field(default_factory=dict)


NO_THREADS = ThreadsOf()
_MOST = 20
"""As `Profile.open_tickets` promises."""
_THREADS = text(
    """
    SELECT t.* FROM unnest(CAST(:customers AS uuid[])) AS c (id), LATERAL (
        (SELECT customer_id, id, channel, thread_key, generation, status, last_message_at FROM desk.tickets
         WHERE customer_id = c.id AND status IN ('open', 'pending') ORDER BY last_message_at DESC LIMIT :most)
        UNION
        (SELECT customer_id, id, channel, thread_key, generation, status, last_message_at FROM desk.tickets
         WHERE customer_id = c.id AND generation > 0 ORDER BY last_message_at DESC LIMIT :most)
    ) AS t ORDER BY t.last_message_at DESC, t.id
    """
)


async def threads_of(session: AsyncSession, customers: Collection[str]) -> dict[str, ThreadsOf]:
    """Open tickets, newest first, and generations of taken-up threads, by customer id."""
    found: dict[str, ThreadsOf] = {}
    for row in await session.execute(_THREADS, {"customers": list(customers), "most": _MOST}):
        customer = str(row.customer_id)
        before = found.get(customer, NO_THREADS)
        opened, generations = before.open, before.generations
        if row.status in ("open", "pending") and len(opened) < _MOST:
            opened = (
                *opened,
                OpenTicket(
                    ticket_id=str(row.id),
                    channel=row.channel,
                    thread_key=row.thread_key,
                    generation=row.generation,
                    last_message_at=row.last_message_at,
                ),
            )
        if row.generation > generations.get(row.thread_key, 0):
            generations = {**generations, row.thread_key: row.generation}
        found[customer] = replace(before, open=opened, generations=generations)
    return found


async def newest_of(session: AsyncSession, customer: str) -> list[Any]:
    """Rows of the customer's newest 20 tickets."""
    return list(
        await session.execute(
            select(TICKETS)
            .where(TICKETS.c.customer_id == customer)
            .order_by(TICKETS.c.last_message_at.desc(), TICKETS.c.id)
            .limit(_MOST)
        )
    )
