"""How fast mail leaves: so many a minute from a mailbox, and to a domain. The statements take the
session of a transaction that its caller commits.

Each mail is given its turn once, in the order in which they come (GCRA, the virtual scheduling of
ITU-T I.371), by the database's clock: so the limits hold for all processes together and after a
restart, and whoever waits takes no room from anybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.email.models import DELIVERIES, PACE

_AT_ONCE = 0.1
"""Of a minute's mails, how many may leave at once after a pause."""


async def wait(session: AsyncSession, outbound_id: str, limits: Mapping[str, int]) -> timedelta:
    """Returns how long a mail has to wait for its turn. `limits`: mails a minute by the name of
    what is limited; those of 0 are none."""
    mine = DELIVERIES.c.outbound_id == outbound_id
    turn: datetime | None = await session.scalar(select(DELIVERIES.c.turn_at).where(mine).with_for_update())
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    if turn is None:
        turn = now
        for name, per_minute in sorted(limits.items()):
            if per_minute:
                interval = timedelta(minutes=1) / per_minute
                grace = interval * max(0.0, per_minute * _AT_ONCE - 1)
                new = insert(PACE).values(name=name, next_at=now + interval)
                taken = func.greatest(PACE.c.next_at, now) + interval
                ours = new.on_conflict_do_update(index_elements=["name"], set_={"next_at": taken})
                following = (await session.execute(ours.returning(PACE.c.next_at))).scalar_one()
                turn = max(turn, following - interval - grace)
        await session.execute(update(DELIVERIES).where(mine).values(turn_at=turn))
        # Whoever gives a turn just now holds its row: two of them would wait for each other.
        idle = select(PACE.c.name).where(PACE.c.next_at < now - timedelta(hours=1)).with_for_update(skip_locked=True)
        await session.execute(delete(PACE).where(PACE.c.name.in_(idle.scalar_subquery())))
    return max(turn - now, timedelta(0))
