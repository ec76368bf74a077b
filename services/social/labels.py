"""Follows what agents say of posts: labels, from which the model learns, and mentions that they
want as tickets; by HTTP or Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.social import repository
from services.social.domain.labels import Unknown, unknown, wrong
from services.social.models import PostOutcome, Seen
from services.social.receiving import Intake
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Unavailable
from shared.events import PostJudged
from shared.logs import log


class Labels:
    """`intakes`: by network; `keep`: how long mentions are kept."""

    def __init__(self, database: Database, intakes: Mapping[str, Intake], keep: timedelta) -> None:
        self._database, self._intakes, self._keep = database, intakes, keep

    async def open(self, row: Seen) -> None:
        """Publishes a kept mention as a message; idempotent. Raises Unavailable."""
        if row.outcome != PostOutcome.TICKET:
            await self._intakes[row.network].publish(row)
            row.outcome = PostOutcome.TICKET

    async def label(self, session: AsyncSession, row: Seen, label: str, by: str, at: datetime) -> bool:
        """Records what this post is; False where its text is not kept: that teaches nothing."""
        if row.text:
            await repository.correct(session, row, label, by, min(at, utc_now()))
        return bool(row.text)

    async def consume(self, records: Sequence[Record[PostJudged]]) -> None:
        """Follows each in a transaction of its own; idempotent. Raises Malformed for what can never
        be followed, Unavailable."""
        for record in records:
            event = record.event
            if event.channel in self._intakes and (event.label or event.open_ticket):
                await self._follow(event)

    async def _follow(self, event: PostJudged) -> None:
        if why := wrong(event):
            raise Malformed(f"post {event.provider_id}: {why}")
        async with self._database.transaction() as session:
            row = await repository.post(session, event.channel, event.provider_id)
            if row is None:
                self._missing(event)
                return
            if event.label and not await self.label(session, row, event.label, event.agent, event.at):
                log.info("a label teaches nothing: the text was forgotten", post=row.id, label=event.label)
            if event.open_ticket:
                await self.open(row)

    def _missing(self, event: PostJudged) -> None:
        now = utc_now()
        match unknown(event, now, self._intakes[event.channel].network.id_at(now - self._keep)):
            case Unknown.SOON:
                raise Unavailable(f"post {event.provider_id} is not recorded yet")
            case Unknown.FORGOTTEN:
                log.info("a label came for a post that was forgotten", post=event.provider_id, label=event.label)
            case Unknown.NEVER:
                raise Malformed(
                    f"post {event.provider_id} was never taken in here, or was forgotten: {event.agent} must open the "
                    "ticket by hand"
                    if event.open_ticket
                    else f"post {event.provider_id} was never taken in here, so its label teaches nothing"
                )
