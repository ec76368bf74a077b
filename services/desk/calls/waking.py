"""How those who hand out calls learn that there is something to do: a notification that PostgreSQL sends with the commit."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

CHANNEL = "desk_calls"
"""PostgreSQL's notification channel."""


async def wake(session: AsyncSession) -> None:
    """Once this transaction is committed, every desk process looks who can be served."""
    await session.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})
