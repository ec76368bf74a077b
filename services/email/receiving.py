"""A mail that came in: kept raw, read, published. Whoever calls says yes to the sender only after
this returned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from services.email import suppressions
from services.email.adapters.reader import Answer, Reader
from services.email.checks import Checks
from services.email.domain.files import File
from services.email.domain.incoming import Context, Envelope, language_of
from services.email.domain.loops import Kept
from services.email.history import History
from services.email.returning import Returns
from services.email.scanning import Scanning
from shared.bus import Bus
from shared.bus.handling import dead_letter
from shared.clock import utc_now
from shared.db import Database
from shared.errors import Malformed, Unavailable
from shared.events import InboundMessage, UnreadableMail
from shared.events.codec import encode
from shared.i18n import translations
from shared.kernel import address_of
from shared.logs import log
from shared.metrics import METRICS
from shared.storage import Storage
from shared.topics import MESSAGES_RECEIVED

_PATIENCE = 2.0
"""Seconds. No mail waits longer for what is only good to know."""
SOURCE = "email"
"""What dead letters of ours name as their source: the door, since there is no topic before it."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A mail that is kept and read, and not published yet. `size`: bytes; `whole`: whether all of
    it was read."""

    message: InboundMessage
    envelope: Envelope
    size: int
    whole: bool


class Receiver:
    """Everything between SMTP, or IMAP, and Kafka."""

    def __init__(
        self,
        bus: Bus,
        storage: Storage,
        context: Context,
        returns: Returns,
        clock: Callable[[], datetime] = utc_now,
        history: History | None = None,
        database: Database | None = None,
        checks: Checks | None = None,
        scanning: Scanning | None = None,
    ) -> None:
        self._bus, self._storage, self._returns, self._history = bus, storage, returns, history
        self._languages, self._clock, self._database = context.languages, clock, database
        self._checks, self._scanning = checks, scanning
        self.reader = Reader(replace(context, languages=()))

    async def receive(self, raw: bytes, envelope: Envelope) -> str:
        """Returns the event's id, or an empty string for a mail that is no message, or was set
        aside because it cannot be read. Raises Unavailable where storage or Kafka is away, or the
        ledger for a returned mail: then nobody has it but its sender."""
        ready = await self.prepare(raw, envelope)
        if ready is None:
            return ""
        await self.publish_all([ready])
        return ready.message.id

    async def prepare(self, raw: bytes, envelope: Envelope) -> Ready | None:
        """Does all of `receive` but publishing; None where there is nothing to publish."""
        received_at = self._clock()
        original = await self._storage.put(raw, name="original.eml", media_type="message/rfc822")
        try:
            return await self._read(raw, envelope, original.uri, received_at)
        except Malformed as error:
            await self._dead_letter(original.uri, envelope, received_at, error)
            return None

    async def publish_all(self, ready: Sequence[Ready]) -> None:
        """Publishes messages in this order; what Kafka does not take is set aside alone. Raises
        Unavailable: any of them may be there."""
        try:
            await self._publish(ready)
        except Malformed as error:
            if len(ready) > 1:
                for one in ready:
                    await self.publish_all([one])
                return
            message = ready[0].message
            await self._dead_letter(message.raw_uri, ready[0].envelope, message.received_at, error)

    async def set_aside(self, raw: bytes, envelope: Envelope, error: Malformed) -> None:
        """Keeps what is no mail that can be read, for a person to see. Raises Unavailable."""
        kept = await self._storage.put(raw, name="original.eml", media_type="message/rfc822")
        await self._dead_letter(kept.uri, envelope, self._clock(), error)

    async def _dead_letter(self, raw_uri: str, envelope: Envelope, received_at: datetime, error: Malformed) -> None:
        mail = UnreadableMail(
            raw_uri=raw_uri,
            sender=envelope.sender,
            recipients=envelope.recipients or tuple(filter(None, [envelope.mailbox])),
            received_at=received_at,
            client=envelope.client,
            helo=envelope.helo,
            by_others=envelope.by_others,
            junk=envelope.junk,
            cut=envelope.cut,
        )
        await dead_letter(self._bus, SOURCE, raw_uri.encode(), encode(mail), error, SOURCE)

    async def publish(self, raw: bytes, envelope: Envelope, raw_uri: str, received_at: datetime) -> str:
        """Reads a mail that is in the storage already, and publishes it. Returns the event's id,
        or an empty string for a mail that is not a message. Raises Malformed or Unavailable."""
        ready = await self._read(raw, envelope, raw_uri, received_at)
        if ready is None:
            return ""
        await self._publish([ready])
        return ready.message.id

    async def _read(self, raw: bytes, envelope: Envelope, raw_uri: str, received_at: datetime) -> Ready | None:
        sent = await self._history.answered_by(raw, envelope) if self._history else ()
        evidence = await self._checks.evidence(raw, envelope, received_at) if self._checks else None
        answer, message, files = await self.reader.read(raw, envelope, raw_uri, received_at, sent, evidence)
        if answer.kept:
            await self._keep(answer, message)
            return None
        files, facts = await self._scanning.sort(files) if self._scanning else (files, {})
        attachments = [await self._storage.put(file.data, **labels(file)) for file in files]
        language = language_of(message.text, message.subject, self._languages, answer.preset)
        message = msgspec.structs.replace(
            message,
            attachments=tuple(attachments),
            facts=message.facts | facts,
            language=language,
            text=message.text if answer.whole else _with_note(message.text, language),
        )
        return Ready(message, envelope, len(raw), answer.whole)

    async def _publish(self, ready: Sequence[Ready]) -> None:
        await self._bus.publish_all([(MESSAGES_RECEIVED, one.message.sender, one.message) for one in ready])
        people = (one.message for one in ready if not one.message.automatic and not one.message.doubt)
        await self._heard_from(address_of(message.sender) for message in people)
        METRICS.took_in("email", count=len(ready))
        for one in ready:
            if standing := one.message.facts.get("sender"):
                METRICS.senders.labels(standing=standing).inc()
            log.info(
                "mail received",
                message_id=one.message.id,
                size=one.size,
                files=len(one.message.attachments),
                automatic=one.message.automatic,
                whole=one.whole,
            )

    async def _heard_from(self, addresses: Iterable[str]) -> None:
        """Takes who wrote off the list of addresses that are not written to. While PostgreSQL is
        away nobody waits for that: an agent can have it done."""
        try:
            if self._database and (people := sorted(set(addresses))):
                async with asyncio.timeout(_PATIENCE), self._database.statements() as session:
                    if await suppressions.heard_from(session, people):
                        log.info("an address that bounced is written to again, as they wrote themselves")
        except (Unavailable, TimeoutError) as error:
            log.warning("whoever wrote was not looked for among suppressed addresses", error=str(error))

    async def _keep(self, answer: Answer, mail: InboundMessage) -> None:
        if answer.kept is Kept.RETURNED:
            if answer.returned is None:
                raise Malformed("a returned mail that does not tell what became of which mail")
            if not await self._returns.note(answer.returned, mail.id):
                people = ", ".join(answer.returned.recipients) or "nobody"
                raise Malformed(f"a returned mail to {people} about no answer of ours: {answer.returned.detail}")
        METRICS.mails_kept.labels(reason=answer.kept).inc()
        log.info("a mail is no message and was kept", reason=answer.kept, raw_uri=mail.raw_uri)


def labels(file: File) -> dict[str, str]:
    """Returns what the storage keeps of a file beside its bytes."""
    return {"name": file.name, "media_type": file.media_type, "content_id": file.content_id}


def _with_note(text: str, language: str) -> str:
    note = translations(language).gettext("This email could not be read completely. The original has everything.")
    return f"{text}\n\n[{note}]".strip()
