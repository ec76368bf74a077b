"""Which teams there are: those that have tickets."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_TEAMS = text(
    """
    WITH RECURSIVE found AS (
        (SELECT team FROM desk.tickets ORDER BY team LIMIT 1)
        UNION ALL
        SELECT (SELECT team FROM desk.tickets WHERE team > found.team ORDER BY team LIMIT 1) FROM found WHERE found.team IS NOT NULL
    )
    SELECT team FROM found WHERE team <> '' LIMIT :most
    """
)
"""Distinct teams by jumping along the index, however many tickets there are."""


async def team_names(session: AsyncSession, most: int) -> tuple[str, ...]:
    """Teams that have tickets, sorted."""
    return tuple(await session.scalars(_TEAMS, {"most": most}))
