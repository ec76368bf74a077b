"""The delivery ledger's statements. Each takes the session of a transaction that its caller
commits. Time is the database's, so that processes whose clocks differ agree on what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, Update, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import utc_now
from shared.delivery.states import OPEN, SENDING, UNDER_WAY, WAITING
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.events.codec import decode, encode
from shared.kernel import ContactPoint, stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED

_LONGEST = 2_000
"""Characters of the other side's words that are kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A delivery that a process has claimed. `number`: 1 for the first attempt; `started_at`: when
    it began (UTC)."""

    request: OutboundMessage
    number: int
    started_at: datetime


def report(
    channel: str,
    ticket_id: str,
    outbound_id: str,
    state: DeliveryState,
    detail: str = "",
    provider_id: str = "",
    reason: str = "",
) -> DeliveryReport:
    """Returns what the desk is told. Its id is made from request and state, so that a state is
    reported once."""
    return DeliveryReport(
        id=stable_id("delivery-report", outbound_id, state),
        outbound_id=outbound_id,
        ticket_id=ticket_id,
        channel=channel,
        state=state,
        at=utc_now(),
        provider_id=provider_id,
        detail=detail,
        reason=reason,
    )


async def count(session: AsyncSession, table: Table) -> dict[str, int]:
    """Returns how many deliveries are in which state."""
    rows = await session.execute(select(table.c.state, func.count()).group_by(table.c.state))
    return {str(state): number for state, number in rows}


class Ledger:
    """One channel service's deliveries. `table`: made by `deliveries_table`; reports leave through
    `outbox`."""

    def __init__(self, table: Table, outbox: Outbox) -> None:
        self.table, self._outbox = table, outbox

    async def add(self, session: AsyncSession, requests: Sequence[OutboundMessage]) -> None:
        """Adds what was asked for, in this order. Idempotent: what is known already stays as it
        is."""
        rows = [
            {
                "outbound_id": request.id,
                "ticket_id": request.ticket_id,
                "recipient": request.to,
                "state": WAITING,
                "request": encode(request),
                "requested_at": request.requested_at,
            }
            for request in {entry.id: entry for entry in requests}.values()
        ]
        if rows:
            await session.execute(insert(self.table).on_conflict_do_nothing(), rows)

    async def claim(self, session: AsyncSession, limit: int, lease: timedelta, holder: int = 0) -> list[Attempt]:
        """Claims what is due, at most `limit`, and marks it `sending` until the lease ends. Of each
        ticket only its oldest that is under way, so that a later reply never overtakes; other
        tickets do not wait for it. `holder`: the caller's `Liveness`."""
        table = self.table
        due = self._due(limit).where(table.c.state == WAITING, table.c.due_at <= func.now(), ~self._blocked())
        values = {"attempts": table.c.attempts + 1, "started_at": func.now(), "changed_at": func.now()}
        return await self._taken(session, due, lease, holder, state=SENDING, **values)

    async def interrupted(self, session: AsyncSession, limit: int, lease: timedelta, holder: int = 0) -> list[Attempt]:
        """Takes over attempts that nobody will see the end of: their lease has ended, or the
        process behind them is gone and its lock with it. They stay `sending`, with a new lease for
        finding out."""
        table = self.table
        gone: ColumnElement[bool] = table.c.due_at <= func.now()
        if holder:
            left = and_(table.c.holder.not_in((0, holder)), func.pg_try_advisory_xact_lock(table.c.holder))
            gone = or_(gone, left)
        return await self._taken(session, self._due(limit).where(table.c.state == SENDING, gone), lease, holder)

    async def reschedule(
        self, session: AsyncSession, attempt: Attempt, wait: timedelta, detail: str = "", *, attempted: bool = True
    ) -> None:
        """Puts off what was certainly not sent, unless another attempt has begun since.
        `attempted`: False where nothing was tried, so that nothing is counted."""
        values = {"due_at": func.clock_timestamp() + wait, "attempts": attempt.number - (not attempted)}
        await session.execute(self._current(attempt, OPEN).values(state=WAITING, **values, **_words(detail)))

    async def defer(self, session: AsyncSession, attempt: Attempt, words: str, reason: str) -> None:
        """Reports that a delivery is still not sent. The row stays `waiting`: every later attempt
        reports it again, and the desk hears the first."""
        own = attempt.request
        news = report(own.channel, own.ticket_id, own.id, DeliveryState.DEFERRED, words, reason=reason)
        await self._outbox.add(session, DELIVERIES_REPORTED, own.ticket_id, news)

    async def ask_again(self, session: AsyncSession, attempt: Attempt, wait: timedelta, detail: str) -> None:
        """Leaves an attempt `sending`: the provider is asked then whether it went out."""
        due = func.clock_timestamp() + wait
        await session.execute(self._current(attempt, (SENDING,)).values(due_at=due, **_words(detail)))

    async def advance(
        self,
        session: AsyncSession,
        outbound_id: str,
        state: DeliveryState,
        detail: str = "",
        provider_id: str = "",
        *,
        attempt: Attempt | None = None,
        reason: str = "",
    ) -> DeliveryReport | None:
        """Writes a state that supersedes the known one, with its report in the outbox; call
        `committed` with it after the commit. None where it is no news. `attempt`: whose end it is,
        and then only while no other has begun. `reason`: the class of why it did not arrive."""
        table = self.table
        row = await self._locked(session, outbound_id)
        if row is None or (attempt and row.attempts != attempt.number):
            return None
        channel = decode(OutboundMessage, row.request).channel
        if not state.supersedes(row.state, channel):
            return None
        values = _words(detail) | ({"provider_id": provider_id} if provider_id else {})
        own = update(table).where(table.c.outbound_id == outbound_id)
        await session.execute(own.values(state=state, changed_at=func.now(), **values))
        news = report(channel, row.ticket_id, outbound_id, state, detail, provider_id, reason)
        await self._outbox.add(session, DELIVERIES_REPORTED, row.ticket_id, news)
        return news

    def committed(self, news: DeliveryReport) -> None:
        """Logs what `advance` wrote, counts it and has it published, once that is committed."""
        self._outbox.wake()
        METRICS.delivered.labels(channel=news.channel, state=str(news.state)).inc()
        log.info(
            "delivery changed",
            outbound_id=news.outbound_id,
            ticket_id=news.ticket_id,
            state=str(news.state),
            words=news.detail[:300],
        )

    async def knows(self, session: AsyncSession, outbound_id: str) -> bool:
        """Returns whether this delivery is one of ours."""
        found = select(self.table.c.outbound_id).where(self.table.c.outbound_id == outbound_id)
        return await session.scalar(found) is not None

    async def outbound_of(self, session: AsyncSession, provider_id: str) -> str:
        """Returns which delivery the provider means; empty where it is none of ours."""
        found = select(self.table.c.outbound_id).where(self.table.c.provider_id == provider_id)
        return (await session.scalar(found)) or "" if provider_id else ""

    async def first_free(self, session: AsyncSession, to: ContactPoint, candidates: Sequence[str]) -> str | None:
        """Returns the first of these provider ids that is no other delivery's; None where all are.
        Until the commit nobody else is told of one to the same recipient."""
        name = f"{self.table.schema}:{to}"
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
        column = self.table.c.provider_id
        taken = set((await session.scalars(select(column).where(column.in_(candidates), column != ""))).all())
        return next((one for one in candidates if one not in taken), None)

    async def next_due(self, session: AsyncSession) -> float | None:
        """Returns the seconds until something is due or a lease ends, below 0 where it is; None
        where nothing is under way. What waits behind its ticket's oldest is not counted."""
        table = self.table
        left = func.extract("epoch", func.min(table.c.due_at) - func.clock_timestamp())
        seconds = await session.scalar(select(left).where(table.c.state.in_(UNDER_WAY), ~self._blocked()))
        return None if seconds is None else float(seconds)

    def _blocked(self) -> ColumnElement[bool]:
        """Whether an earlier one of the same ticket is under way."""
        earlier = self.table.alias()
        return (
            select(earlier.c.outbound_id)
            .where(
                earlier.c.ticket_id == self.table.c.ticket_id,
                earlier.c.position < self.table.c.position,
                earlier.c.state.in_(UNDER_WAY),
            )
            .exists()
        )

    def _due(self, limit: int) -> Select[tuple[Any]]:
        chosen = select(self.table.c.outbound_id).order_by(self.table.c.due_at, self.table.c.position).limit(limit)
        return chosen.with_for_update(skip_locked=True)

    async def _taken(
        self, session: AsyncSession, chosen: Select[tuple[Any]], lease: timedelta, holder: int, **values: Any
    ) -> list[Attempt]:
        table = self.table
        taken = update(table).where(table.c.outbound_id.in_(chosen.scalar_subquery()))
        taken = taken.values(holder=holder, due_at=func.now() + lease, **values)
        rows = sorted(await session.execute(taken.returning(table)), key=lambda row: row.position)
        return [Attempt(decode(OutboundMessage, row.request), row.attempts, row.started_at) for row in rows]

    def _current(self, attempt: Attempt, states: Sequence[str]) -> Update:
        """Returns an update of the attempt's row that applies only while no other attempt has
        begun and its state is one of these."""
        table = self.table
        return update(table).where(
            table.c.outbound_id == attempt.request.id,
            table.c.attempts == attempt.number,
            table.c.state.in_(states),
        )

    async def _locked(self, session: AsyncSession, outbound_id: str) -> Row[Any] | None:
        found = select(self.table).where(self.table.c.outbound_id == outbound_id).with_for_update()
        return (await session.execute(found)).one_or_none()


def _words(detail: str) -> dict[str, str]:
    return {"detail": detail[:_LONGEST].replace("\x00", "\ufffd")}
