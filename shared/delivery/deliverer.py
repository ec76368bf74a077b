"""Works the ledger off: sends what is due, asks about what was interrupted, and reports every
end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from shared.attempts import Result, RetryPolicy, next_attempt
from shared.bus.api import Record
from shared.clock import utc_now
from shared.db import Database
from shared.delivery.ledger import Attempt, Ledger
from shared.delivery.sender import Finding, NotSent, Sender, SendResult, Sent, Unknown
from shared.errors import Malformed, Unavailable
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.locks import Leadership, Liveness
from shared.logs import log
from shared.loops import REST, forever, persist
from shared.metrics import METRICS
from shared.waiting import wait

POLL = 1.0
"""Seconds between two looks while anything is under way: how late we take over from a process that
died."""
_BREATH = 0.01
"""Seconds between two rounds at least."""
_NOT_FOUND = "found not to be sent after an interruption"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPolicy:
    """`lease`: longer than any attempt and the commit after it; `retry`: what happens after an
    attempt that failed; `concurrency`: attempts at a time in one process; `settle`: how long after
    an attempt the provider can tell whether it went out, None where it never can; `tell`: how long
    after the request an agent hears that it has still not been sent."""

    lease: timedelta
    retry: RetryPolicy
    concurrency: int = 1
    settle: timedelta | None = None
    tell: timedelta = timedelta(minutes=15)


class Deliverer:
    """Queues delivery requests and sends those that are due, in any number of processes.

    `lock`: held while it works. A `Liveness` lets another process see at once that this one died; a
    `Leadership` lets only one process send; None: leases alone tell.
    """

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        sender: Sender,
        policy: DeliveryPolicy,
        lock: Leadership | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database, self.ledger, self._sender, self._policy = database, ledger, sender, policy
        self._lock, self._clock = lock, clock
        self._holder = lock.number if isinstance(lock, Liveness) else 0
        self._name = f"{database.schema}-ledger"
        self._wake, self._under_way = asyncio.Event(), set[asyncio.Task[None]]()

    async def consume(self, records: Sequence[Record[OutboundMessage]]) -> None:
        """Adds what is asked for; Kafka's offset moves on after that, and a request that comes
        again changes nothing."""
        async with self._database.transaction() as session:
            await self.ledger.add(session, [record.event for record in records])
        self._wake.set()

    async def advance(self, outbound_id: str, state: DeliveryState, detail: str = "", provider_id: str = "") -> bool:
        """Writes and reports what the provider tells later, in whatever order. False for an id that
        is not ours."""
        async with self._database.transaction() as session:
            if not await self.ledger.knows(session, outbound_id):
                return False
        await self._write(lambda session: self.ledger.advance(session, outbound_id, state, detail, provider_id))
        return True

    def committed(self, news: DeliveryReport) -> None:
        """Publishes what `ledger.advance` wrote in a transaction of the caller's, and looks for
        what waited behind it."""
        self.ledger.committed(news)
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Sends what is due until `stop`; then finishes what is under way."""
        await forever(self._name, self._round, stop, POLL, wake=self._wake)
        await asyncio.gather(*self._under_way)

    async def _round(self) -> float:
        if self._lock and not await wait(self._lock.held, POLL):
            return 0.0  # PostgreSQL is unavailable, or another process leads: nothing may be claimed
        for task in [task for task in self._under_way if task.done()]:
            self._under_way.remove(task)
            task.result()
        free = self._policy.concurrency - len(self._under_way)
        if free <= 0:
            return POLL
        lease, holder = self._policy.lease, self._holder
        async with self._database.transaction() as session:
            left = await self.ledger.interrupted(session, free, lease, holder)
            due = await self.ledger.claim(session, free - len(left), lease, holder) if len(left) < free else []
        for work, attempts in ((self._find, left), (self._send, due)):
            for attempt in attempts:
                task = asyncio.create_task(work(attempt))
                task.add_done_callback(lambda _: self._wake.set())
                self._under_way.add(task)
        if len(left) + len(due) == free:
            return POLL
        async with self._database.transaction() as session:
            seconds = await self.ledger.next_due(session)
        return REST if seconds is None else min(POLL, max(seconds, _BREATH))

    async def _send(self, attempt: Attempt) -> None:
        try:
            result = await self._sender.send(attempt)
        except Unavailable as error:
            result = SendResult(Result.LATER, str(error))
        except Malformed as error:
            result = SendResult(Result.REFUSED, str(error))
        except Exception as error:  # noqa: BLE001 - whatever one attempt trips over, the others go on
            log.exception("an attempt raised an unexpected error", outbound_id=attempt.request.id)
            result = SendResult(Result.UNKNOWN, repr(error))
        match result.result:
            case Result.DONE:
                await self._end(attempt, DeliveryState.SENT, result.words, result.provider_id)
            case Result.REFUSED:
                await self._end(attempt, DeliveryState.FAILED, result.words, reason=result.reason)
            case Result.LATER:
                await self._later(attempt, result)
            case Result.UNKNOWN if self._policy.settle is None:
                await self._end(attempt, DeliveryState.UNCERTAIN, result.words, result.provider_id)
            case Result.UNKNOWN:
                log.warning("send outcome unknown", outbound_id=attempt.request.id, words=result.words)
                await self._ask_again(attempt, self._clock() + self._policy.settle, result.words)

    async def _find(self, attempt: Attempt) -> None:
        try:
            found: Finding = await self._sender.find(attempt)
        except Unavailable as error:
            due = self._next(attempt, attempt.number)
            if due is not None:
                await self._ask_again(attempt, due, str(error))
                return
            found = Unknown(f"It may or may not have been sent; the provider could not be asked: {error}")
        except Malformed as error:
            found = Unknown(f"It may or may not have been sent: {error}")
        except Exception as error:  # noqa: BLE001 - as while sending
            log.exception("looking up an attempt raised an unexpected error", outbound_id=attempt.request.id)
            found = Unknown(f"It may or may not have been sent: {error!r}")
        match found:
            case Unknown(words):
                await self._end(attempt, DeliveryState.UNCERTAIN, words)
            case Sent(candidates, words):
                if not await self._found(attempt, candidates, words):
                    await self._send_again(attempt)
            case NotSent():
                await self._send_again(attempt)

    async def _found(self, attempt: Attempt, candidates: Sequence[str], words: str) -> bool:
        """Advances to `sent` with the first of these that is no other delivery's; False where all
        are."""
        free: str | None = None

        async def write(session: AsyncSession) -> DeliveryReport | None:
            nonlocal free
            free = await self.ledger.first_free(session, attempt.request.to, candidates)
            if free is None:
                return None
            return await self.ledger.advance(session, attempt.request.id, DeliveryState.SENT, words, free)

        await persist(self._name, lambda: self._write(write))
        return free is not None

    async def _send_again(self, attempt: Attempt) -> None:
        """Retries at once after the first interruption, and with back-off after later ones,
        because something keeps interrupting them."""
        if attempt.number == 1:
            await self._reschedule(attempt, self._clock(), _NOT_FOUND)
        else:
            await self._later(attempt, SendResult(Result.LATER, _NOT_FOUND))

    async def _later(self, attempt: Attempt, result: SendResult) -> None:
        words = result.words
        due = self._next(attempt, attempt.number) if result.attempted else result.not_before
        if due is None:
            await self._end(attempt, DeliveryState.FAILED, words, reason=result.reason)
            return
        if result.attempted:
            METRICS.retried.labels(what=f"{attempt.request.channel}-delivery").inc()
            due = max(due, result.not_before) if result.not_before else due
            log.warning(
                "a delivery failed for now", outbound_id=attempt.request.id, again=due.isoformat(), words=words[:300]
            )
        await self._reschedule(attempt, due, words, attempted=result.attempted)
        if self._clock() - attempt.request.requested_at >= self._policy.tell:
            await persist(
                self._name, lambda: self._run(lambda session: self.ledger.defer(session, attempt, words, result.reason))
            )

    def _next(self, attempt: Attempt, attempts: int) -> datetime | None:
        return next_attempt(attempts, attempt.request.requested_at, self._clock(), self._policy.retry, random.random())

    async def _end(
        self, attempt: Attempt, state: DeliveryState, words: str, provider_id: str = "", reason: str = ""
    ) -> None:
        """Writes how an attempt ended. That it was sent is true whatever has been attempted
        since."""
        only = None if state is DeliveryState.SENT else attempt
        identity = attempt.request.id
        await persist(
            self._name,
            lambda: self._write(
                lambda session: self.ledger.advance(
                    session, identity, state, words, provider_id, attempt=only, reason=reason
                )
            ),
        )

    async def _reschedule(self, attempt: Attempt, due: datetime, words: str, *, attempted: bool = True) -> None:
        wait = due - self._clock()

        async def write(session: AsyncSession) -> None:
            await self.ledger.reschedule(session, attempt, wait, words, attempted=attempted)

        await persist(self._name, lambda: self._run(write))

    async def _ask_again(self, attempt: Attempt, due: datetime, words: str) -> None:
        wait = due - self._clock()
        await persist(
            self._name, lambda: self._run(lambda session: self.ledger.ask_again(session, attempt, wait, words))
        )

    async def _run(self, work: Callable[[AsyncSession], Awaitable[None]]) -> None:
        async with self._database.transaction() as session:
            await work(session)

    async def _write(self, work: Callable[[AsyncSession], Awaitable[DeliveryReport | None]]) -> None:
        async with self._database.transaction() as session:
            news = await work(session)
        if news:
            self.committed(news)
