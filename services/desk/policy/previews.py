"""Has the router find out what drafts would have changed, and keeps how far it is.

Any number of processes do this; each preview is made by one of them. A process may be killed at any
moment: another one begins anew with what it left.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import msgspec
from sqlalchemy import and_, exists, or_, select, update

from services.desk.context import Desk
from services.desk.policy import router
from services.desk.policy.domain import SILENT
from services.desk.policy.models import DRAFTS, PREVIEWS
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.loops import forever
from shared.policies import PolicyDraft, PolicyPreviewed
from shared.waiting import wait

_LOOK = 2.0
"""Seconds between two looks: not worth a connection that listens."""
_BEAT = 1.0
"""Seconds between two signs of life."""


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Makes what is asked for until `stop`."""

    async def follow() -> float:
        return 0 if await make_one(desk) else _LOOK

    await forever("policy previews", follow, stop)


async def make_one(desk: Desk) -> bool:
    """Makes the preview that waits longest; whether there was one. Raises Unavailable where
    PostgreSQL is away."""
    silent = or_(PREVIEWS.c.beat_at.is_(None), PREVIEWS.c.beat_at < utc_now() - SILENT)
    left = and_(PREVIEWS.c.result.is_(None), PREVIEWS.c.failed == "", silent)
    async with desk.database.statements() as session:
        if not await session.scalar(select(exists().where(left))):
            return False
    async with desk.database.transaction() as session:
        waits = select(PREVIEWS.c.draft_id, PREVIEWS.c.asked_at, DRAFTS.c.text).join(DRAFTS).where(left)
        waits = waits.order_by(PREVIEWS.c.asked_at).limit(1).with_for_update(of=PREVIEWS, skip_locked=True)
        row = (await session.execute(waits)).one_or_none()
        if row is None:
            return False
        await session.execute(update(PREVIEWS).where(_same(row)).values(beat_at=utc_now()))
    await _make(desk, row)
    return True


async def _make(desk: Desk, row: Any) -> None:
    latest, stop = PolicyPreviewed(), asyncio.Event()
    lines = router.preview(desk, PolicyDraft(yaml=row.text))

    async def beat() -> None:
        while not await wait(stop, _BEAT):
            await _keep(desk, row, done=latest.done, of_all=latest.of)

    beating = asyncio.ensure_future(beat())
    try:
        async with aclosing(lines):
            async for line in lines:
                latest = line
        failed = latest.failed or ("wrong" if latest.problems else "" if latest.result else "away")
    except Unavailable as error:
        log.warning("a preview cannot be made", error=str(error))
        failed = "away"
    finally:
        stop.set()
        await asyncio.gather(beating, return_exceptions=True)
    result = msgspec.to_builtins(latest.result) if latest.result else None
    await _keep(desk, row, done=latest.done, of_all=latest.of, result=result, failed=failed)


async def _keep(desk: Desk, row: Any, **values: Any) -> None:
    async with desk.database.transaction() as session:
        await session.execute(update(PREVIEWS).where(_same(row)).values(beat_at=utc_now(), **values))


def _same(row: Any) -> Any:
    """Selects this one, unless it was asked for anew meanwhile."""
    return (PREVIEWS.c.draft_id == row.draft_id) & (PREVIEWS.c.asked_at == row.asked_at)
