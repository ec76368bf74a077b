"""Receives texts from customers, and reports on ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.phone import repository
from services.phone.adapters.phone_numbers import sender_of, spoken_by
from services.phone.channel import SMS, WHATSAPP
from services.phone.domain.consent import Consent, read
from services.phone.domain.segments import segments
from services.phone.domain.statuses import state_of
from services.phone.repository import WantedFile
from shared.db import Database
from shared.delivery import Deliverer
from shared.events import DeliveryState, InboundMessage, ThreadClues
from shared.kernel import address_of, kind_of, message_id
from shared.language import detect
from shared.logs import log
from shared.metrics import METRICS
from shared.outbox import Outbox
from shared.topics import CHANNELS_ANNOUNCED, MESSAGES_RECEIVED

_LONGEST_NAME, _LONGEST_PLACE = 200, 1_000
_MOST_FILES = 10
"""Twilio's own limit for one message."""


class Texts:
    """Receives texts: each SID once; consent, message and outbox in one transaction. Twilio gets
    its 200 after the commit."""

    def __init__(self, database: Database, outbox: Outbox, deliverer: Deliverer, languages: Sequence[str]) -> None:
        self._database, self._outbox, self._deliverer, self._languages = database, outbox, deliverer, languages

    async def receive(self, form: Mapping[str, str], at: datetime) -> datetime | None:
        """Records a text. Returns when it had come before; None where it is new. Raises
        Unavailable: then Twilio tries again."""
        sid = sid_of(form)
        message = self._message(form, sid, at)
        written_elsewhere = message.channel == WHATSAPP.name
        files = _files(form)
        consent = read(form.get("Body", ""), form.get("OptOutType", ""))
        async with self._database.transaction() as session:
            before = await repository.take_text(session, sid, at)
            if before is not None:
                METRICS.repeated.labels(channel=message.channel).inc()
                return before
            if consent:
                await repository.set_consent(session, message.sender, consent is Consent.STOP, sid, at)
            if files:
                await repository.want_files(session, message, files)
            else:
                await self._outbox.add(session, MESSAGES_RECEIVED, message.sender, message)
            if written_elsewhere:
                await self._outbox.add(session, CHANNELS_ANNOUNCED, WHATSAPP.name, WHATSAPP)
        self._outbox.wake()
        METRICS.took_in(message.channel)
        log.info("text received", message_id=message.id, files=len(files), consent=str(consent or ""))
        return None

    async def status(self, form: Mapping[str, str], outbound_id: str, at: datetime) -> tuple[bool, datetime | None]:
        """Records what became of a text. Returns whether it is one of ours, and when the same
        status came first; None where that is now."""
        word = (form.get("MessageStatus") or form.get("SmsStatus", "")).lower()
        state, sid, code = state_of(word), sid_of(form), form.get("ErrorCode", "")
        failed = code and state is DeliveryState.FAILED
        detail = f"the network could not deliver it (Twilio error {code})" if failed else ""
        news, ledger = None, self._deliverer.ledger
        async with self._database.transaction() as session:
            outbound_id = outbound_id or await ledger.outbound_of(session, sid)
            if state is None:
                return bool(outbound_id), None
            ours, before = await repository.heard(session, outbound_id, word, at)
            if ours:
                news = await ledger.advance(session, outbound_id, state, detail, sid)
        if news:
            self._deliverer.committed(news)
        if before:
            METRICS.repeated.labels(channel="sms").inc()
        return ours, before

    def _message(self, form: Mapping[str, str], sid: str, at: datetime) -> InboundMessage:
        text, place = form.get("Body", ""), _place(form)
        sender = sender_of(form.get("From", ""), sid)
        channel = WHATSAPP.name if kind_of(sender) == WHATSAPP.name else SMS.name
        consent = read(text, form.get("OptOutType", ""))
        ours = form.get("To", "")
        parts = segments(text).count if channel == SMS.name else 1
        facts = {"segments": str(parts)} if parts > 1 else {}
        return InboundMessage(
            id=message_id("sms", sid),
            channel=channel,
            provider_id=sid,
            sender=sender,
            sender_name=" ".join(form.get("ProfileName", "").split())[:_LONGEST_NAME],
            received_at=at,
            text=text or place,
            recipient=ours,
            language=detect(text, self._languages, spoken_by(sender)),
            thread=ThreadClues(conversation=f"{ours}/{address_of(sender)}"),
            automatic="consent" if consent else "",
            consent=str(consent) if consent else "",
            facts=facts | ({"location": place} if place else {}),
        )


def sid_of(form: Mapping[str, str]) -> str:
    """Returns Twilio's SID of a text, under its newer or its older names."""
    return form.get("MessageSid") or form.get("SmsMessageSid") or form.get("SmsSid", "")


def _place(form: Mapping[str, str]) -> str:
    """Formats the place of a location message, to read and to look up; empty for any other
    message."""
    position = ", ".join(filter(None, (form.get("Latitude", ""), form.get("Longitude", ""))))
    label, address = form.get("Label", ""), form.get("Address", "")
    words = ", ".join(filter(None, (label, "" if address == label else address)))
    return (f"{words} ({position})" if words and position else words or position)[:_LONGEST_PLACE]


def _files(form: Mapping[str, str]) -> list[WantedFile]:
    count = form.get("NumMedia", "0")
    found = []
    for place in range(min(int(count) if count.isdecimal() and len(count) < 4 else 0, _MOST_FILES)):
        media_type = form.get(f"MediaContentType{place}", "application/octet-stream")
        extension = media_type.partition("/")[2].partition(";")[0] or "bin"
        found.append(WantedFile(form.get(f"MediaUrl{place}", ""), media_type, f"media-{place + 1}.{extension}"))
    return found
