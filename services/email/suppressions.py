"""Addresses that are not written to any more. Each statement takes the session of a transaction
that its caller commits.

A mail to an address that does not exist costs a sender its good name at relays and receivers. So
what an address did to a mail of ours is kept, and the next reply to it fails at once, with what the
agent can do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.domain.suppression import Why
from services.email.models import SUPPRESSIONS

MOST = 1_000
"""Entries of one page of the list."""
_ENTRY = SUPPRESSIONS.c
_LONGEST = 500


class Suppressed(NamedTuple):
    """An address that is not written to. `detail`: the other side's words, or a person's;
    `source`: who said so, such as `relay`, `returned mail` or `command`."""

    address: str
    reason: str
    detail: str
    source: str
    added_at: datetime


async def add(session: AsyncSession, address: str, reason: Why, detail: str, source: str) -> None:
    """Puts an address on the list. What stands there already stays, but for a hard bounce, which
    anything else outlasts."""
    values = {"reason": reason.value, "detail": detail[:_LONGEST].replace("\x00", "\ufffd"), "source": source}
    statement = insert(SUPPRESSIONS).values(address=_written(address), **values)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["address"],
            set_=values | {"added_at": func.now()},
            where=_ENTRY.reason == Why.HARD_BOUNCE.value,
        )
    )


async def remove(session: AsyncSession, address: str) -> bool:
    """Takes an address off the list; False where it was not on it."""
    statement = delete(SUPPRESSIONS).where(_ENTRY.address == _written(address))
    return (await session.execute(statement.returning(_ENTRY.address))).first() is not None


async def heard_from(session: AsyncSession, addresses: Iterable[str]) -> bool:
    """Takes addresses off the list that somebody just wrote from: there is somebody after all. A
    complaint and a person's decision stay. Whoever forges such a mail gains one more bounce, and
    with it the entry again."""
    written = {_written(address) for address in addresses}
    bounced = (_ENTRY.address.in_(written), _ENTRY.reason == Why.HARD_BOUNCE.value)
    return (await session.execute(delete(SUPPRESSIONS).where(*bounced).returning(_ENTRY.address))).first() is not None


async def every(session: AsyncSession, after: str = "", limit: int = MOST) -> list[Suppressed]:
    """Returns the list by address, from the one behind `after` on."""
    page = select(SUPPRESSIONS).where(_ENTRY.address > _written(after)).order_by(_ENTRY.address).limit(limit)
    return [Suppressed(*row) for row in await session.execute(page)]


async def among(session: AsyncSession, addresses: Iterable[str]) -> dict[str, Suppressed]:
    """Returns which of these are on the list, by their address in lower case."""
    wanted = select(SUPPRESSIONS).where(_ENTRY.address.in_({_written(address) for address in addresses}))
    return {row.address: Suppressed(*row) for row in await session.execute(wanted)}


def _written(address: str) -> str:
    return address.strip().lower()
