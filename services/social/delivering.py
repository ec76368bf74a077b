"""Answers on their way out: from the ledger to the network, each at most once, each with a report.

Claimed as `sending`, sent, noted together with the report, with a commit between. Where nobody saw how an attempt ended, our own
newest posts are read: what is there was sent, what is not is sent again, and where that cannot be told an agent is asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from services.social import ledger
from services.social.availability import REPLIES, Availability
from services.social.domain import pace
from services.social.leadership import Leadership
from services.social.models import Delivery, State
from services.social.ports import Denied, Later, Network, Refused, Unseen
from shared.attempts import delay
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Unavailable
from shared.events import DeliveryReport, DeliveryState, OutboundMessage
from shared.events.codec import decode
from shared.kernel import stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED
from shared.waiting import first_of, wait

_POLL = 0.5
"""Seconds: how late an answer leaves that another process noted."""
_GIVE_UP = timedelta(hours=24)
"""After that an answer in public is no answer any more; an agent decides."""
_SPARE = 5.0
"""Seconds on top of a request's time-out before an attempt counts as unseen; X shows a post in its timeline within that."""
_MOST_ATTEMPTS = 5
"""Attempts whose end nobody saw: after so many an agent looks."""


class Deliverer:
    """Notes requests, and works the ledger off, one at a time: X counts them for the whole account."""

    def __init__(
        self,
        network: Network,
        database: Database,
        outbox: Outbox,
        availability: Availability,
        leadership: Leadership,
        timeout: float,
    ) -> None:
        self._channel, self._missing = network.channel, network.missing
        self._sender = network.sender(database, lambda: availability.account)
        self._database, self._outbox, self._availability, self._leadership = database, outbox, availability, leadership
        self._unseen_after = timedelta(seconds=timeout + _SPARE)
        self._wake = asyncio.Event()

    async def take(self, records: Sequence[Record[OutboundMessage]]) -> None:
        """Note what is asked for; Kafka's offset moves on after that, and a request that comes again changes nothing."""
        async with self._database.transaction() as session:
            await ledger.add(session, [record.event for record in records])
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send what is due until `stop`."""
        attempt = 0
        while await self._leadership.acquired(stop):
            self._wake.clear()
            try:
                await self._settle_unseen()
                async with self._database.transaction() as session:
                    delivery = await ledger.claim(session)
                attempt = 0
                if delivery is None:
                    await first_of(stop, self._wake, seconds=_POLL)
                else:
                    await self._deliver(delivery, decode(OutboundMessage, delivery.request))
            except Unavailable as error:
                attempt += 1
                METRICS.retried.labels(what="social-ledger").inc()
                log.warning("the ledger waits", error=str(error)[:300], attempt=attempt)
                await wait(stop, delay(attempt, random.random()))

    async def _deliver(self, delivery: Delivery, request: OutboundMessage) -> None:
        if self._missing:
            why = f"{self._channel.label} is off: {self._availability.why_off}."
            await self._end(delivery, request, State.FAILED, why)
            return
        try:
            provider_id = await self._sender.send(request)
        except Later as error:
            await self._later(delivery, request, str(error), error.at)
        except Denied as error:
            if error.altogether:
                self._availability.refused(REPLIES, error)
            at = utc_now() + timedelta(seconds=pace.DENIED)
            await self._later(
                delivery, request, self._availability.why_off or f"{self._channel.label} does not allow it: {error}", at
            )
        except Unseen as error:
            log.warning("nobody saw how an attempt ended", outbound_id=request.id, error=str(error)[:300])
        except Refused as error:
            await self._end(delivery, request, State.FAILED, f"{self._channel.label} refused it: {error}")
        else:
            self._availability.delivered()
            await self._noted(delivery, request, provider_id)

    async def _later(self, delivery: Delivery, request: OutboundMessage, words: str, at: datetime | None) -> None:
        now = utc_now()
        if now - delivery.requested_at > _GIVE_UP:
            await self._end(delivery, request, State.FAILED, f"given up after {_GIVE_UP.days} day: {words}")
            return
        seconds = pace.after_failure(delivery.attempts, at, now, random.random())
        async with self._database.transaction() as session:
            await ledger.put_off(session, delivery, State.WAITING, now + timedelta(seconds=seconds), words)
        METRICS.retried.labels(what=f"{self._channel.name}-delivery").inc()
        log.warning(
            "an answer could not be sent yet", outbound_id=request.id, seconds=round(seconds), words=words[:300]
        )

    async def _settle_unseen(self) -> None:
        """Look up attempts whose end nobody saw, such as those of a process that was killed."""
        async with self._database.transaction() as session:
            left = await ledger.unseen(session, self._unseen_after)
        for delivery in left:
            request = decode(OutboundMessage, delivery.request)
            try:
                found = None if self._missing else await self._sender.find(request, delivery.changed_at)
            except (Later, Denied) as error:
                await self._ask_later(delivery, request, error)
                continue
            given_up = delivery.attempts >= _MOST_ATTEMPTS or utc_now() - delivery.requested_at > _GIVE_UP
            if found:
                await self._end(delivery, request, State.SENT, "found to be sent after an interruption", found)
            elif found is None or given_up:
                where = f"Look at the thread on {self._channel.label}."
                words = f"An interruption came while this was going out: it may or may not have been sent. {where}"
                await self._end(delivery, request, State.UNCERTAIN, words)
            else:
                async with self._database.transaction() as session:
                    await ledger.put_off(session, delivery, State.WAITING, utc_now(), "found not to be sent")

    async def _ask_later(self, delivery: Delivery, request: OutboundMessage, error: Later | Denied) -> None:
        now = utc_now()
        if now - delivery.requested_at > _GIVE_UP:
            await self._end(
                delivery,
                request,
                State.UNCERTAIN,
                f"It may have been sent; {self._channel.label} could not be asked: {error}",
            )
            return
        at = error.at if isinstance(error, Later) else now + timedelta(seconds=pace.DENIED)
        seconds = pace.after_failure(min(delivery.attempts, 5), at, now, random.random())
        async with self._database.transaction() as session:
            await ledger.put_off(session, delivery, State.SENDING, now + timedelta(seconds=seconds), str(error))

    async def _noted(self, delivery: Delivery, request: OutboundMessage, provider_id: str) -> None:
        """It is out, and only we know: try until PostgreSQL is back."""
        attempt = 0
        while True:
            try:
                await self._end(delivery, request, State.SENT, "", provider_id)
            except Unavailable as error:
                attempt += 1
                log.warning("an outcome waits to be noted", outbound_id=request.id, error=str(error)[:300])
                await asyncio.sleep(delay(attempt, random.random()))
            else:
                return

    async def _end(
        self, delivery: Delivery, request: OutboundMessage, state: State, words: str, provider_id: str = ""
    ) -> None:
        report = DeliveryReport(
            id=stable_id("delivery-report", request.id, state),
            outbound_id=request.id,
            ticket_id=request.ticket_id,
            channel=self._channel.name,
            state=DeliveryState(state),
            at=utc_now(),
            provider_id=provider_id,
            detail=words,
        )
        async with self._database.transaction() as session:
            if not await ledger.finish(session, delivery, state, words, provider_id):
                return
            await self._outbox.add(session, DELIVERIES_REPORTED, request.ticket_id, report)
        self._outbox.wake()
        METRICS.delivered.labels(channel=self._channel.name, state=str(state)).inc()
        log.info(
            "delivery ended", outbound_id=request.id, ticket_id=request.ticket_id, state=str(state), words=words[:300]
        )
