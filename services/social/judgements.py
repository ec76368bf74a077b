"""What agents say of posts: labels, from which the model learns, and mentions that they want as tickets; by HTTP or by Kafka."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.social import repository
from services.social.domain.judgements import Unknown, ours, unknown, wrong
from services.social.models import Outcome, Seen
from services.social.receiving import Intake
from services.social.standing import Standing
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Unavailable
from shared.events import PostJudged
from shared.logs import log


class Judgements:
    """Follows them. `keep`: how long mentions are kept."""

    def __init__(self, database: Database, intake: Intake, standing: Standing, keep: timedelta) -> None:
        self._database, self._intake, self._standing, self._keep = database, intake, standing, keep

    async def open(self, row: Seen) -> None:
        """Publish a kept mention as a message; what is one already stays as it is. Raises Unavailable."""
        if row.outcome != Outcome.TICKET:
            await self._intake.publish(row, self._standing.account)
            row.outcome = Outcome.TICKET

    async def label(self, session: AsyncSession, row: Seen, label: str, by: str, at: datetime) -> bool:
        """Keep what this post is; False where its text is not kept, so that nothing can be learned from it."""
        if row.text:
            await repository.correct(session, row, label, by, min(at, utc_now()))
        return bool(row.text)

    async def take(self, records: Sequence[Record[PostJudged]]) -> None:
        """From Kafka, each in a transaction of its own; again is harmless. Raises Malformed for what can never be
        followed, Unavailable."""
        for record in records:
            if ours(record.event):
                await self._follow(record.event)

    async def _follow(self, event: PostJudged) -> None:
        if why := wrong(event):
            raise Malformed(f"post {event.provider_id}: {why}")
        async with self._database.transaction() as session:
            row = await repository.post(session, event.provider_id)
            if row is None:
                self._missing(event)
                return
            if event.label and not await self.label(session, row, event.label, event.agent, event.at):
                log.info("a label teaches nothing: the text was forgotten", post=row.id, label=event.label)
            if event.open_ticket:
                await self.open(row)

    def _missing(self, event: PostJudged) -> None:
        match unknown(event, utc_now(), self._keep):
            case Unknown.SOON:
                raise Unavailable(f"post {event.provider_id} is not noted yet")
            case Unknown.FORGOTTEN:
                log.info("a label came for a post that was forgotten", post=event.provider_id, label=event.label)
            case Unknown.NEVER:
                raise Malformed(
                    f"post {event.provider_id} was never taken in here, or was forgotten: {event.agent} must open the "
                    "ticket by hand"
                    if event.open_ticket
                    else f"post {event.provider_id} was never taken in here, so its label teaches nothing"
                )
