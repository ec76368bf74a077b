"""PostgreSQL's notification channels by which the processes of the desk wake each other, with the
commit."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

LIVE = "desk_live"
"""There are new events."""
CALLS = "desk_calls"
"""There may be somebody to serve on the telephone."""
PREVIEWS = "desk_previews"
"""Somebody wants to know what a draft of the policy would have changed."""
LOOKS = "desk_looks"
"""Somebody looks at a ticket, or not any more."""


async def wake(session: AsyncSession) -> None:
    """Wakes every desk process to check which callers can be served, once this transaction is
    committed."""
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CALLS})
