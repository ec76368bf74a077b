"""PostgreSQL's notification channels by which the processes of the desk wake each other, with the
commit."""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LIVE = "desk_live"
"""There are new events."""
CALLS = "desk_calls"
"""There may be somebody to serve on the telephone."""
LOOKS = "desk_looks"
"""Somebody looks at a ticket, or not any more."""
BELL = "desk_bell"
"""The lists of these agents have changed: ids, separated by spaces."""
_TOGETHER = 200
"""Ids in one notification, which holds 8,000 bytes."""


async def wake(session: AsyncSession) -> None:
    """Wakes every desk process to check which callers can be served, once this transaction is
    committed."""
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CALLS})


async def ring(session: AsyncSession, agents: Collection[str]) -> None:
    """Wakes the consoles of these agents (ids) once this transaction is committed: something is new
    in their list, or was read."""
    told = sorted(agents)
    for first in range(0, len(told), _TOGETHER):
        payload = " ".join(told[first : first + _TOGETHER])
        await session.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": BELL, "payload": payload})
