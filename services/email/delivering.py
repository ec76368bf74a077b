"""Answers on their way out: from the ledger to the customer, each at most once, each with a report.

Three steps with a commit between: claimed as `sending`; sent; noted, together with the report in the outbox. A crash after
the first leaves `sending` without a living process: looked up where that is possible, otherwise reported as `uncertain`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.email import repository
from services.email.domain.outgoing import Identity, build, message_id_of
from services.email.models import Delivery, State
from services.email.ports import MailSender
from services.email.presence import Presence
from shared.attempts import Outcome, Result, RetryPolicy, delay, next_attempt
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Unavailable
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.events.codec import decode
from shared.kernel import stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.storage import Storage
from shared.topics import DELIVERIES_REPORTED
from shared.waiting import wait

POLL = 1.0
"""Seconds: how late an answer leaves that another process noted, or whose process died."""
_BREATH = 0.01
"""Seconds between two rounds at least."""
_SPARE = timedelta(seconds=15)
"""On top of the sender's own time-out, for fetching attachments and for the two commits."""
_REPORTED = {
    State.SENT: DeliveryState.SENT,
    State.FAILED: DeliveryState.FAILED,
    State.UNCERTAIN: DeliveryState.UNCERTAIN,
}
UNSEEN_END = "The service stopped while this mail was going out: it may or may not have been sent."


@dataclass(frozen=True, slots=True)
class Rules:
    """`senders`: mails at a time; `send_timeout`: seconds for one attempt."""

    senders: int
    send_timeout: float
    patience: RetryPolicy


class Deliverer:
    """Notes requests, and works the ledger off."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        storage: Storage,
        sender: MailSender,
        identity: Identity,
        presence: Presence,
        rules: Rules,
    ) -> None:
        self._database, self._outbox, self._storage = database, outbox, storage
        self._sender, self._identity, self._presence, self._rules = sender, identity, presence, rules
        self._wake = asyncio.Event()

    async def take(self, records: Sequence[Record[OutboundMessage]]) -> None:
        """Note what is asked for; Kafka's offset moves on after that, and a request that comes again changes nothing."""
        async with self._database.transaction() as session:
            await repository.add(session, [record.event for record in records])
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop`; then finish what is under way."""
        attempt = 0
        under_way: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            self._wake.clear()
            try:
                if not await wait(self._presence.held, POLL):
                    continue  # PostgreSQL is away; nothing may be claimed without a sign of life
                await self._settle_abandoned()
                under_way |= {
                    asyncio.create_task(self._deliver(delivery)) for delivery in await self._claim(len(under_way))
                }
                under_way = await self._rest(under_way, stop)
                attempt = 0
            except Unavailable as error:
                attempt += 1
                METRICS.retried.labels(what="email-ledger").inc()
                log.warning("the ledger waits", error=str(error)[:300], attempt=attempt)
                await wait(stop, delay(attempt, random.random()))
        await asyncio.gather(*under_way)

    async def _claim(self, under_way: int) -> list[Delivery]:
        free = self._rules.senders - under_way
        if free <= 0:
            return []
        lease = timedelta(seconds=self._rules.send_timeout) + _SPARE
        async with self._database.transaction() as session:
            return await repository.claim(session, self._presence.holder, lease, free)

    async def _deliver(self, delivery: Delivery) -> None:
        request = decode(OutboundMessage, delivery.request)
        try:
            files = [await self._storage.get(attachment.uri) for attachment in request.attachments]
            mail = build(request, files, self._identity, utc_now())
        except Unavailable as error:
            await self._end(delivery, request, Outcome(Result.LATER, str(error)))
        except Malformed as error:
            await self._end(delivery, request, Outcome(Result.REFUSED, str(error)))
        except Exception as error:  # noqa: BLE001 - whatever one answer trips over, its agent hears of it and the rest flows
            log.exception("an answer tripped our writer", outbound_id=request.id)
            await self._end(
                delivery, request, Outcome(Result.REFUSED, f"this answer could not be made into a mail: {error!r}")
            )
        else:
            await self._end(delivery, request, await self._sender.send(mail))

    async def _end(self, delivery: Delivery, request: OutboundMessage, outcome: Outcome) -> None:
        """Write down how an attempt ended. Tried until PostgreSQL is back: the mail is out, and only we know."""
        attempt = 0
        while True:
            try:
                await self._note(delivery, request, outcome)
            except Unavailable as error:
                attempt += 1
                log.warning("an outcome waits to be noted", outbound_id=request.id, error=str(error)[:300])
                await asyncio.sleep(delay(attempt, random.random()))
            else:
                return

    async def _note(self, delivery: Delivery, request: OutboundMessage, outcome: Outcome) -> None:
        match outcome.result:
            case Result.DONE:
                state = State.SENT
            case Result.UNKNOWN:
                state = State.UNCERTAIN
            case Result.REFUSED:
                state = State.FAILED
            case Result.LATER:
                again = next_attempt(
                    delivery.attempts, delivery.requested_at, utc_now(), self._rules.patience, random.random()
                )
                if again is not None:
                    async with self._database.transaction() as session:
                        await repository.put_off(session, delivery, again, outcome.words)
                    METRICS.retried.labels(what="email-delivery").inc()
                    log.warning(
                        "a mail could not be sent yet",
                        outbound_id=request.id,
                        again=again.isoformat(),
                        words=outcome.words,
                    )
                    return
                state = State.FAILED
        await self._finish(delivery, request, state, outcome.words)

    async def _finish(self, delivery: Delivery, request: OutboundMessage, state: State, words: str) -> None:
        message_id = message_id_of(request, self._identity)
        report = DeliveryReport(
            id=stable_id("delivery-report", request.id, state),
            outbound_id=request.id,
            ticket_id=request.ticket_id,
            channel="email",
            state=_REPORTED[state],
            at=utc_now(),
            provider_id=message_id if state is not State.FAILED else "",
            detail=words,
        )
        async with self._database.transaction() as session:
            if not await repository.note(session, delivery, state, words, message_id):
                return
            await self._outbox.add(session, DELIVERIES_REPORTED, request.ticket_id, report)
        self._outbox.wake()
        METRICS.delivered.labels(channel="email", state=str(state)).inc()
        log.info("delivery ended", outbound_id=request.id, ticket_id=request.ticket_id, state=str(state), words=words)

    async def _settle_abandoned(self) -> None:
        """What a dead process left at `sending`: never sent again blindly."""
        async with self._database.transaction() as session:
            left = await repository.abandoned(session, self._presence.holder, 100)
        for delivery in left:
            request = decode(OutboundMessage, delivery.request)
            match await self._sender.was_sent(request.id):
                case True:
                    await self._finish(delivery, request, State.SENT, "found to be sent after a restart")
                case False:
                    async with self._database.transaction() as session:
                        await repository.put_off(session, delivery, utc_now(), "found not to be sent after a restart")
                case None:
                    await self._finish(delivery, request, State.UNCERTAIN, UNSEEN_END)

    async def _rest(self, under_way: set[asyncio.Task[None]], stop: asyncio.Event) -> set[asyncio.Task[None]]:
        """Until there may be something to do; returns the attempts that still run, and raises what one tripped over."""
        async with self._database.transaction() as session:
            seconds = await repository.seconds_to_next(session, POLL) if len(under_way) < self._rules.senders else POLL
        signals = {asyncio.ensure_future(stop.wait()), asyncio.ensure_future(self._wake.wait())}
        try:
            done, _ = await asyncio.wait(
                {*signals, *under_way}, timeout=max(seconds, _BREATH), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for signal in signals:
                signal.cancel()
            await asyncio.gather(*signals, return_exceptions=True)
        for task in done - signals:
            task.result()
        return under_way - done
