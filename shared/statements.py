"""Statements that are written once and go to the driver as they are, several in one where none
waits for another's result.

What goes wrong without it: where a transaction has twenty small statements, building and compiling
them costs more than running them, and each one waits for PostgreSQL's answer to the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_NOTHING = text("SELECT")


async def fetch(session: AsyncSession, statement: str, *arguments: Any) -> list[asyncpg.Record]:
    """Runs a statement in the driver's own form (`$1`) within the session's transaction, where it
    has one. Raises
    what asyncpg raises, which `Database.transaction` knows."""
    driver: Any = session.info.get("driver")
    if driver is None:
        raw = await (await session.connection()).get_raw_connection()
        driver = session.info["driver"] = raw.driver_connection
    if not driver.is_in_transaction() and "each by itself" not in session.info:
        await session.execute(_NOTHING)  # SQLAlchemy begins with its first statement
    found: list[asyncpg.Record] = await driver.fetch(statement, *arguments)
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """A statement that changes rows, as a part of one with others. `{0}` and so on stand for its
    arguments; empty: nothing to do."""

    statement: str = ""
    arguments: tuple[Any, ...] = ()


async def write(session: AsyncSession, *parts: Part) -> list[int]:
    """Runs these in one statement, all on what was there before it: none sees what another one
    does. How many rows each changed."""
    given = [part for part in parts if part.statement]
    if not given:
        return [0] * len(parts)
    statement = _together(*((part.statement, len(part.arguments)) for part in given))
    (counts,) = await fetch(session, statement, *(argument for part in given for argument in part.arguments))
    left = iter(counts)
    return [next(left) if part.statement else 0 for part in parts]


@cache
def _together(*parts: tuple[str, int]) -> str:
    """Joins these into one statement, each with the number of its arguments."""
    texts, first = [], 1
    for number, (statement, count) in enumerate(parts):
        own = statement.format(*(f"${first + place}" for place in range(count)))
        texts.append(f"part{number} AS ({own} RETURNING 1)")
        first += count
    counts = ", ".join(f"(SELECT count(*) FROM part{number})" for number in range(len(parts)))  # noqa: S608
    return f"WITH {', '.join(texts)} SELECT {counts}"
