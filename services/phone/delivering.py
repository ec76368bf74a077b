"""Texts on their way out: from the ledger to the customer, each once, each with reports.

`sending` is committed before Twilio is asked, the end after it. What is cut short in between stays `sending`; once it
would show in Twilio's list, Twilio is asked whether it went out. Only what certainly did not is sent again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.phone import ledger, repository
from services.phone.adapters.twilio_api import OPTED_OUT
from services.phone.adapters.twiml import Script
from services.phone.channel import CHANNEL
from services.phone.domain.deliveries import REPORTED, State
from services.phone.domain.segments import LONGEST, segments
from services.phone.ledger import Delivery
from services.phone.ports import Provider, ProviderResult
from services.phone.worker import Worker
from shared.attempts import Result, RetryPolicy, next_attempt
from shared.bus import Record
from shared.clock import utc_now
from shared.db import Database
from shared.events import DeliveryReport, OutboundMessage
from shared.events.codec import decode
from shared.kernel import address_of, kind_of, stable_id
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import DELIVERIES_REPORTED

_STOPPED = "This number has opted out (STOP): it must not be texted. Call, or answer on another channel."
_UNSEEN = "Twilio could not tell whether this text went out: it may or may not have been sent."
_CLOCKS_APART = timedelta(seconds=30)
"""How much earlier than our own note a text of ours may be dated in Twilio's list."""


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """`lease`: longer than a request to Twilio; `settle`: until a text shows in its list; `why_off`: what is not
    set."""

    lease: timedelta
    settle: timedelta
    patience: RetryPolicy
    why_off: str = ""


class Deliverer(Worker):
    """Notes requests, and works the ledger off."""

    name = "texts"

    def __init__(
        self, database: Database, outbox: Outbox, provider: Provider, script: Script, policy: DeliveryPolicy
    ) -> None:
        super().__init__()
        self._database, self._outbox, self._provider = database, outbox, provider
        self._script, self._policy = script, policy

    async def record(self, records: Sequence[Record[OutboundMessage]]) -> None:
        """Note what is asked for; a request that comes again changes nothing."""
        async with self._database.transaction() as session:
            await ledger.add(session, [record.event for record in records])
        self.wake()

    async def work(self) -> bool:
        """See `Worker`."""
        async with self._database.transaction() as session:
            delivery = await ledger.claim(session, self._policy.lease + self._policy.settle)
        if delivery is None:
            return False
        request = decode(OutboundMessage, delivery.request)
        refused = await self._unfit(request)
        if refused:
            await self.advance(request.id, State.FAILED, "", refused)
        elif delivery.interrupted:
            await self._look_up(delivery, request)
        else:
            await self._judge(delivery, request, await self._send(request))
        return True

    async def advance(self, outbound_id: str, state: State, sid: str, detail: str) -> bool:
        """Write down a state and report it, if it is further than the one known. False for an id that is not ours."""
        async with self._database.transaction() as session:
            request = await ledger.find(session, outbound_id)
            if request is None:
                return False
            changed = await self._advance_within(session, request, state, sid, detail)
        if changed:
            self._advanced(request, state)
        return True

    async def _advance_within(
        self, session: AsyncSession, request: OutboundMessage, state: State, sid: str, detail: str
    ) -> bool:
        """As `advance`, in a transaction of the caller's; where it changed something `_advanced` follows the commit."""
        if await ledger.advance(session, request.id, state, sid, detail) is None:
            return False
        report = DeliveryReport(
            id=stable_id("delivery-report", request.id, state),
            outbound_id=request.id,
            ticket_id=request.ticket_id,
            channel=request.channel,
            state=REPORTED[state],
            at=utc_now(),
            provider_id=sid,
            detail=detail,
        )
        await self._outbox.add(session, DELIVERIES_REPORTED, request.ticket_id, report)
        return True

    def _advanced(self, request: OutboundMessage, state: State) -> None:
        self._outbox.wake()
        self.wake()
        METRICS.delivered.labels(channel=request.channel, state=str(state)).inc()
        log.info("delivery changed", outbound_id=request.id, ticket_id=request.ticket_id, state=str(state))

    async def _send(self, request: OutboundMessage) -> ProviderResult:
        status_url = self._script.url("status", outbound=request.id)
        return await self._provider.send_text(address_of(request.to), request.text, status_url)

    async def _unfit(self, request: OutboundMessage) -> str:  # noqa: PLR0911 - one line a reason
        """Why this can never be sent; empty where it can."""
        if request.channel == CHANNEL.name:
            return "A written answer cannot be spoken: press Call, or answer by text message."
        if self._policy.why_off:
            return f"Text messages are off: {self._policy.why_off}"
        if kind_of(request.to) != "tel":
            return f"There is no telephone number to text: {kind_of(request.to)!r} is something else."
        if request.attachments:
            return "A text message cannot carry files: leave them out, or answer by email."
        if not request.text.strip():
            return "There is no text to send."
        if len(request.text) > LONGEST:
            return (
                f"A text message holds {LONGEST:,} characters at most; this one has {len(request.text):,}. Shorten it."
            )
        async with self._database.transaction() as session:
            return _STOPPED if await repository.has_stopped(session, request.to) else ""

    async def _judge(self, delivery: Delivery, request: OutboundMessage, outcome: ProviderResult) -> None:
        match outcome.result:
            case Result.DONE:
                counted = segments(request.text)
                many = "" if counted.count == 1 else f"{counted.count} segments, {counted.encoding}"
                await self.advance(request.id, State.SENT, outcome.sid, many)
            case Result.REFUSED if outcome.code == OPTED_OUT:
                at = delivery.sending_since  # a START that came while it was being refused is the newer word
                async with self._database.transaction() as session:
                    await repository.set_consent(session, request.to, stopped=True, sid="", at=at)
                await self.advance(request.id, State.FAILED, "", _STOPPED)
            case Result.REFUSED:
                await self.advance(request.id, State.FAILED, "", outcome.words)
            case Result.UNKNOWN:
                log.warning("a text's end was not seen", outbound_id=request.id, words=outcome.words)
                async with self._database.transaction() as session:
                    await ledger.ask_later(session, delivery, self._policy.settle, outcome.words)
            case Result.LATER:
                await self._reschedule(delivery, request, outcome.words)

    async def _reschedule(self, delivery: Delivery, request: OutboundMessage, words: str) -> None:
        due = next_attempt(delivery.attempts, delivery.requested_at, utc_now(), self._policy.patience, random.random())
        if due is None:
            await self.advance(request.id, State.FAILED, "", words)
            return
        METRICS.retried.labels(what="sms-delivery").inc()
        log.warning("a text could not be sent yet", outbound_id=request.id, again=due.isoformat(), words=words)
        async with self._database.transaction() as session:
            await ledger.reschedule(session, delivery, due, words)

    async def _look_up(self, delivery: Delivery, request: OutboundMessage) -> None:
        """Ask Twilio for a text whose sending was cut short. Raises Unavailable: then the lease ends, and it is asked
        again."""
        since = delivery.sending_since
        if utc_now() - since >= self._policy.patience.give_up:
            await self.advance(request.id, State.UNCERTAIN, "", _UNSEEN)
            return
        listed = await self._provider.texts_to(address_of(request.to), since - _CLOCKS_APART)
        same = [one for one in listed if one.body == request.text and one.created_at >= since - _CLOCKS_APART]
        async with self._database.transaction() as session:
            # Another that was cut short may be in the same words: what Twilio lists once was sent once.
            await ledger.lock_texts_to(session, request.to)
            known = await ledger.sids(session, [one.sid for one in same])
            found = next((one for one in same if one.sid not in known), None)
            changed = found is not None and await self._advance_within(
                session, request, State.SENT, found.sid, "found to be sent after an interruption"
            )
        if changed:
            self._advanced(request, State.SENT)
        if found is None:
            await self._reschedule(delivery, request, "found not to be sent after an interruption")
