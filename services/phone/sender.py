"""Sends one text at a time, and finds out at Twilio whether an attempt went out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from services.phone import repository
from services.phone.adapters.twilio_api import OPTED_OUT
from services.phone.adapters.twiml import Script
from services.phone.channel import CHANNEL
from services.phone.domain.segments import LONGEST, segments
from services.phone.models import DELIVERIES
from services.phone.ports import Provider
from shared.attempts import Result
from shared.db import Database
from shared.delivery import SENDING, Attempt, Finding, NotSent, SendResult, Sent
from shared.errors import Malformed, Unavailable
from shared.events import OutboundMessage
from shared.events.codec import decode
from shared.kernel import address_of, kind_of

_STOPPED = "This number has opted out (STOP): it must not be texted. Call, or answer on another channel."
_CLOCKS_APART = timedelta(seconds=30)
"""How much earlier than our own record a text of ours may be dated in Twilio's list."""


class TextSender:
    """Implements `shared.delivery.Sender` for texts.

    `longest`: of one attempt at Twilio; `why_off`: what is not set, in words; empty: nothing is
    missing.
    """

    def __init__(
        self, database: Database, provider: Provider, script: Script, longest: timedelta, why_off: str = ""
    ) -> None:
        self._database, self._provider, self._script = database, provider, script
        self._longest, self._why_off = longest, why_off

    async def send(self, attempt: Attempt) -> SendResult:
        """Sends a text. Raises Malformed for one that can never be sent."""
        request = attempt.request
        if refused := _unfit(request, self._why_off):
            raise Malformed(refused)
        async with self._database.transaction() as session:
            if await repository.has_stopped(session, request.to):
                raise Malformed(_STOPPED)
        status_url = self._script.url("status", outbound=request.id)
        outcome = await self._provider.send_text(address_of(request.to), request.text, status_url)
        words = outcome.words
        if outcome.result is Result.REFUSED and outcome.code == OPTED_OUT:
            # A START that came while it was being refused is newer than the attempt, and counts.
            async with self._database.transaction() as session:
                await repository.set_consent(session, request.to, stopped=True, sid="", at=attempt.started_at)
            words = _STOPPED
        if outcome.result is Result.DONE:
            counted = segments(request.text)
            words = "" if counted.count == 1 else f"{counted.count} segments, {counted.encoding}"
        return SendResult(outcome.result, words, outcome.sid)

    async def find(self, attempt: Attempt) -> Finding:
        """Looks in Twilio's list for a text to this number in these words. Raises Unavailable while
        one that is listed may be another delivery's, whose attempt is still under way and has not
        recorded its SID yet."""
        request, since = attempt.request, attempt.started_at - _CLOCKS_APART
        if self._why_off:
            raise Malformed(f"Text messages are off: {self._why_off}")
        listed = await self._provider.texts_to(address_of(request.to), since)
        same = [one for one in listed if one.body == request.text and one.created_at >= since]
        if not same:
            return NotSent()
        if await self._sent_elsewhere(request):
            raise Unavailable("another text in the same words is being sent to this number")
        return Sent([one.sid for one in sorted(same, key=lambda one: one.created_at)])

    async def _sent_elsewhere(self, request: OutboundMessage) -> bool:
        """Tells whether an attempt at the same words to the same number may be under way, by the
        database's clock."""
        table = DELIVERIES
        others = select(table.c.request).where(
            table.c.recipient == request.to,
            table.c.outbound_id != request.id,
            table.c.state == SENDING,
            table.c.started_at > func.now() - self._longest,
        )
        async with self._database.transaction() as session:
            found = [decode(OutboundMessage, one) for one in await session.scalars(others)]
        return any(one.text == request.text for one in found)


def _unfit(request: OutboundMessage, why_off: str) -> str:  # noqa: PLR0911 - one line a reason
    """Returns why a request can never be sent as a text; empty where it can."""
    if request.channel == CHANNEL.name:
        return "A written answer cannot be spoken: press Call, or answer by text message."
    if why_off:
        return f"Text messages are off: {why_off}"
    if kind_of(request.to) != "tel":
        return f"There is no telephone number to text: {kind_of(request.to)!r} is something else."
    if request.attachments:
        return "A text message cannot carry files: leave them out, or answer by email."
    if not request.text.strip():
        return "There is no text to send."
    if len(request.text) > LONGEST:
        return f"A text message holds {LONGEST:,} characters at most; this one has {len(request.text):,}. Shorten it."
    return ""
