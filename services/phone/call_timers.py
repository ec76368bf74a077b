"""Runs the timers of calls, and looks up calls of which nothing is heard any more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from services.phone import repository
from services.phone.call_flow import OVER
from services.phone.call_log import CallLog
from services.phone.domain.call_events import Over
from services.phone.ports import Provider
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.logs import log
from shared.loops import REST, forever

_SILENT = timedelta(minutes=5)
"""A waiting caller is heard of twice a minute; a conversation is not, so its line is looked up at
this pace."""
_BATCH = 50
_SHORTEST = 0.05
"""Seconds between two looks at least: PostgreSQL's clock tells what is due, and ours how long that
takes."""


class CallTimers:
    """Runs the timers of calls, and asks about silent ones. `silent`: after how long one is asked
    about."""

    def __init__(self, calls: CallLog, provider: Provider, silent: timedelta = _SILENT) -> None:
        self._calls, self._provider, self._silent = calls, provider, silent

    async def run(self, stop: asyncio.Event) -> None:
        """Runs timers until `stop`."""
        await forever("phone-timers", self._work, stop, wake=self._calls.outbox.woken())

    async def _work(self) -> float:
        async with self._calls.database.transaction() as session:
            due = await repository.due_calls(session, _BATCH)
            quiet = await repository.silent_calls(session, self._silent, _BATCH)
        for call_id in due:
            await self._calls.run_timers(call_id, utc_now())
        for call_id, sid in quiet:
            await self._look_up(call_id, sid)
        async with self._calls.database.transaction() as session:
            following = await repository.next_timer(session)
        left = (following - utc_now()).total_seconds() if following else REST
        return min(REST, max(_SHORTEST, left))

    async def _look_up(self, call_id: str, sid: str) -> None:
        """Asks the provider whether the line is still open: a status webhook can get lost."""
        try:
            status = await self._provider.call_status(sid) if sid else ""
        except Unavailable as error:
            log.warning("silent call could not be looked up", call_id=call_id, error=str(error)[:200])
            status = "unknown"
        if status and status not in OVER:
            await self._calls.touch(call_id)
        else:
            log.info("silent call is over", call_id=call_id, status=status)
            await self._calls.append(call_id, (f"silent:{status}", Over(status or "lost", utc_now())))
