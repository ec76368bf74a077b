"""Tells the router of customers of whom an archive told something: of each once, when their mails
have been quiet for a while, and not with each of a thousand mails."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete, select

from services.desk.bulk import among
from services.desk.context import Desk
from services.desk.customers.models import PROFILES_OWED
from shared.clock import utc_now
from shared.loops import forever

_QUIET = timedelta(seconds=10)
"""After the first of a customer's mails that nobody was told of. Most of an archive's mails of one
matter lie close together."""
_MOST = 200
"""Customers in one transaction, who are locked until it is over."""
_EVERY, _SOON = 5.0, 0.5
"""Seconds between two looks, and while there are more: whoever writes now goes first."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Publishes what is owed until `stop`; waits for PostgreSQL while it is unavailable."""

    async def work() -> float:
        await desk.lanes.clear()
        return _SOON if await publish_owed(desk) else _EVERY

    await forever("profiles-owed", work, stop)


async def publish_owed(desk: Desk, quiet: timedelta = _QUIET) -> int:
    """Publishes the profiles that have been owed for so long, at most as many as fit into a
    transaction. Returns how many customers there were. Raises Unavailable."""
    due = select(PROFILES_OWED.c.customer_id).where(PROFILES_OWED.c.at <= utc_now() - quiet)
    async with desk.unit_of_work() as work:
        found = list(await work.session.scalars(due.order_by(PROFILES_OWED.c.at).limit(_MOST)))
        if found:
            await work.lock(customers=found)
            await work.session.execute(delete(PROFILES_OWED).where(among(PROFILES_OWED.c.customer_id, found)))
            work.touch(found)
    return len(found)
