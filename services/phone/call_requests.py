"""Carries out what the desk asks of calls, once each; the outcome is published on
`calls-changed`."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.phone import call_request_rows, repository
from services.phone.adapters.twiml import Script
from services.phone.call_log import CallLog
from services.phone.call_request_rows import ClaimedRequest
from services.phone.domain.call_events import Attempted, Begun, NotesWritten, Stage, attempted, ended
from services.phone.domain.calls import Call
from services.phone.domain.messages import can_call_back
from services.phone.domain.prompts import LANGUAGES
from services.phone.ports import Provider, ProviderResult
from shared.attempts import Result, RetryPolicy, next_attempt
from shared.bus import Record
from shared.clock import utc_now
from shared.events import CallAction, CallOutcome, CallRequested, CallState
from shared.events.codec import decode
from shared.kernel import ContactPoint, address_of, contact_point, kind_of
from shared.logs import log
from shared.loops import REST, forever

_LEASE = timedelta(seconds=30)
"""Longer than a request to Twilio may take; after it the process that made it is gone."""
_PATIENCE = RetryPolicy(first=timedelta(seconds=1), longest=timedelta(seconds=5), give_up=timedelta(hours=4))
"""A caller waits: try again soon."""
_GONE = (20404, 21220)
"""Twilio's errors for a call that is unknown, or over."""


@dataclass(frozen=True, slots=True)
class CallRequestPolicy:
    """Limits of call requests. `ring`: how long a `connect` may wait to begin; `tries`: callbacks
    for one call that nobody answers."""

    number: str
    default_language: str
    ring: timedelta = timedelta(seconds=20)
    callback: timedelta = timedelta(seconds=60)
    tries: int = 3
    why_off: str = ""


class CallRequests:
    """Records requests and carries them out."""

    def __init__(self, calls: CallLog, provider: Provider, script: Script, policy: CallRequestPolicy) -> None:
        self._calls, self._provider, self._script, self._policy = calls, provider, script, policy
        self._wake = asyncio.Event()

    async def record(self, records: Sequence[Record[CallRequested]]) -> None:
        """Stores requests. Idempotent by their ids."""
        async with self._calls.database.transaction() as session:
            await call_request_rows.add(session, [record.event for record in records])
        self._wake.set()

    async def done(self, request_id: str) -> None:
        """Marks a request as done."""
        async with self._calls.database.transaction() as session:
            await call_request_rows.end(session, request_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Carries out requests, oldest first, until `stop`."""
        await forever("phone-call-requests", self._work, stop, wake=self._wake)

    async def _work(self) -> float | None:
        async with self._calls.database.transaction() as session:
            row = await call_request_rows.claim(session, _LEASE)
            busy = row is not None or await call_request_rows.under_way(session)
        if row is None:
            return None if busy else REST
        request = decode(CallRequested, row.request)
        match request.action:
            case CallAction.OFFER:
                until = request.expires_at or request.requested_at + self._policy.ring
                event = Attempted(request.id, Stage.OFFERED, utc_now(), request.requested_at, request.agent, until)
                await self._calls.append(request.call_id, (f"attempt:{request.id}:offered", event))
                await self.done(request.id)
            case CallAction.PLACE:
                await self._place(row, request)
            case CallAction.FINISH:
                await self._calls.append(request.call_id, ("notes", NotesWritten(utc_now())))
                await self.done(request.id)
            case CallAction.CONNECT:
                await self._connect(row, request)
            case CallAction.CALL_BACK:
                await self._call_back(row, request)
            case CallAction.HANG_UP:
                await self._hang_up(row, request)
        return 0.0

    async def _place(self, row: ClaimedRequest, request: CallRequested) -> None:
        async with self._calls.database.transaction() as session:
            await repository.set_place(
                session, request.call_id, max(0, request.position), max(0, request.expected_wait), row.place
            )
            await call_request_rows.end(session, request.id)

    async def _connect(self, row: ClaimedRequest, request: CallRequested) -> None:
        refused = self._unfit(request, self._policy.ring)
        call, sid = await self._reserve(row, request, fit=not refused)
        if refused:
            await self._end(request, *refused)
        elif not _is_for(call, request):
            await self._end(request, *_why_not(call))
        else:
            outcome = await self._provider.redirect(sid, self._script.url("voice/connect", request=request.id))
            # Idempotent while the caller waits: the step that it leads to marks the request as
            # done.
            await self._judge(row, request, outcome, again=True)

    async def _reserve(self, row: ClaimedRequest, request: CallRequested, *, fit: bool) -> tuple[Call, str]:
        """Gives the call to the first agent who asks, decided on the locked row. Returns it with
        its CallSid."""
        async with self._calls.database.transaction() as session:
            opened = await self._calls.open_known(session, request.call_id)
            if opened is None:
                return Call(request.call_id), ""
            if fit and (opened.call.waits or (row.attempts > 1 and _is_for(opened.call, request))):
                await opened.append(attempted(request, Stage.RINGING, utc_now()))
        self._calls.outbox.wake()
        return opened.call, opened.row.sid

    async def _call_back(self, row: ClaimedRequest, request: CallRequested) -> None:
        refused = self._unfit(request, self._policy.callback)
        if refused is None and (request.customer is None or kind_of(request.customer) != "tel"):
            refused = CallOutcome.FAILED, "a callback needs the customer's number: `customer` as tel:+33…"
        if refused is None and row.attempts == 1 and await self._tried_enough(row):
            refused = CallOutcome.FAILED, f"called {self._policy.tries} times already, and nobody answered"
        customer = request.customer or contact_point("call", request.call_id)
        begun = Begun(
            customer,
            self._policy.number,
            await self._language(request, customer),
            request.requested_at,
            outgoing=True,
            ticket_id=request.ticket_id,
            about=request.about,
        )
        await self._calls.append(
            request.call_id,
            ("begun", begun),
            attempted(request, Stage.RINGING if not refused else Stage.OFFERED, utc_now()),
        )
        if refused:
            await self._end(request, *refused)
        elif row.interrupted:
            await self._end(request, CallOutcome.UNCERTAIN, "if your telephone does not ring, press Call again")
        else:
            await self._judge(row, request, await self._dial(request), again=False)

    async def _dial(self, request: CallRequested) -> ProviderResult:
        assert request.agent_at is not None  # noqa: S101 - `_unfit` has seen to it
        to = str(request.agent_at) if kind_of(request.agent_at) == "client" else address_of(request.agent_at)
        outcome = await self._provider.dial(
            to,
            self._script.url("voice/callback", request=request.id),
            self._script.url("status", request=request.id, leg="line"),
            int(self._policy.ring.total_seconds()),
        )
        if outcome.sid:
            await self._calls.append(request.call_id, sid=outcome.sid)
        return outcome

    async def _hang_up(self, row: ClaimedRequest, request: CallRequested) -> None:
        async with self._calls.database.transaction() as session:
            known = await self._calls.open_known(session, request.call_id)
        if known is None or known.call.over or not known.row.sid:
            await self.done(request.id)
            return
        outcome = await self._provider.hang_up(known.row.sid)
        if outcome.result in (Result.LATER, Result.UNKNOWN):
            await self._reschedule(row, request)
        else:
            await self.done(request.id)

    def _unfit(self, request: CallRequested, patience: timedelta) -> tuple[CallOutcome, str] | None:
        """Returns why a request can never be carried out; None where it can."""
        if self._policy.why_off:
            return CallOutcome.FAILED, f"the telephone is off: {self._policy.why_off}"
        if utc_now() > (request.expires_at or request.requested_at + patience):
            return CallOutcome.TOO_LATE, "the request had expired before it could be begun"
        if request.agent_at is None or kind_of(request.agent_at) not in ("tel", "client"):
            return CallOutcome.FAILED, "it needs `agent_at`: tel:+33… or client:…"
        return None

    async def _judge(
        self, row: ClaimedRequest, request: CallRequested, outcome: ProviderResult, *, again: bool
    ) -> None:
        match outcome.result:
            case Result.DONE:
                await self.done(request.id)
            case Result.REFUSED if outcome.code in _GONE:
                await self._end(request, CallOutcome.CALLER_GONE, outcome.words)
            case Result.REFUSED:
                await self._end(request, CallOutcome.FAILED, outcome.words)
            case Result.UNKNOWN if not again:
                words = f"{outcome.words}; if your telephone does not ring, press Call again"
                await self._end(request, CallOutcome.UNCERTAIN, words)
            case _:
                log.warning("call request is retried", request_id=request.id, words=outcome.words)
                await self._reschedule(row, request)

    async def _reschedule(self, row: ClaimedRequest, request: CallRequested) -> None:
        due = next_attempt(row.attempts, request.requested_at, utc_now(), _PATIENCE, random.random())
        async with self._calls.database.transaction() as session:
            await call_request_rows.reschedule(session, request.id, due or utc_now() + _PATIENCE.longest)

    async def _end(self, request: CallRequested, outcome: CallOutcome, detail: str) -> None:
        async with self._calls.database.transaction() as session:
            opened = await self._calls.open(session, request.call_id)
            await opened.append(ended(request, outcome, utc_now(), detail))
            await call_request_rows.end(session, request.id)
        self._calls.outbox.wake()

    async def _tried_enough(self, row: ClaimedRequest) -> bool:
        async with self._calls.database.transaction() as session:
            return await call_request_rows.unanswered(session, row.subject, row.id) >= self._policy.tries

    async def _language(self, request: CallRequested, customer: ContactPoint) -> str:
        async with self._calls.database.transaction() as session:
            chosen = await repository.language_of(session, customer)
        return next((code for code in (chosen, request.language) if code in LANGUAGES), self._policy.default_language)


def _is_for(call: Call, request: CallRequested) -> bool:
    newest = call.newest
    return call.state is CallState.BRIDGING and newest is not None and newest.id == request.id


def _why_not(call: Call) -> tuple[CallOutcome, str]:
    if call.state in (CallState.BRIDGING, CallState.CONNECTED):
        return CallOutcome.TOO_LATE, "another agent was faster"
    if call.state is CallState.CALLBACK_REQUESTED:
        return CallOutcome.CALLER_GONE, "the caller has asked to be called back"
    if call.state is CallState.VOICEMAIL:
        return CallOutcome.CALLER_GONE, "the caller is leaving a message"
    return CallOutcome.CALLER_GONE, "the caller has hung up" if can_call_back(
        call
    ) else "there is no such call any more"
