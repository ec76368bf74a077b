"""One attempt at a mail: its recipients looked for among those who are not written to, its turn
awaited, its files fetched, the mail made and signed, and handed to whoever delivers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from services.email import pacing, suppressions
from services.email.domain.dkim import signed
from services.email.domain.outgoing import Identity, OutgoingMail, build, message_id_of
from services.email.domain.suppression import Why, nobody_there, undelivered
from services.email.senders import Senders, Sending
from shared.attempts import Result
from shared.clock import utc_now
from shared.db import Database
from shared.delivery import Attempt, Finding, NotSent, SendResult, Sent, Unknown
from shared.errors import Malformed, Unavailable
from shared.events import OutboundMessage
from shared.kernel import address_of
from shared.logs import log
from shared.storage import Storage

UNSEEN_END = "The service stopped while this mail was going out: it may or may not have been sent."


@dataclass(frozen=True, slots=True)
class Pace:
    """Mails a minute from one mailbox that says nothing of its own, and to one domain; 0: no
    limit."""

    per_mailbox: int = 0
    per_domain: int = 0


class EmailSender:
    """Implements `shared.delivery.Sender`."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        senders: Senders,
        identity: Identity,
        pace: Pace = Pace(),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database, self._storage, self._senders = database, storage, senders
        self._identity, self._pace, self._clock = identity, pace, clock

    async def send(self, attempt: Attempt) -> SendResult:
        request = attempt.request
        customer = address_of(request.to)
        async with self._database.statements() as session:
            silent = await suppressions.among(session, (customer, *request.cc, *request.bcc))
            how = await self._senders.of(session, self._identity.mailbox_of(request))
        if entry := silent.get(customer.lower()):
            return SendResult(Result.REFUSED, entry.detail, reason=undelivered(entry.reason))
        if wait := await self._wait(request, how):
            words = "waits for its turn: more mail than may leave in a minute"
            return SendResult(Result.LATER, words, not_before=self._clock() + wait, attempted=False)
        mail = await self._made(_without_copies_to(request, silent), how)
        result = await how.mails.send(mail)
        if result.result is Result.REFUSED and nobody_there(result.reason):
            async with self._database.statements() as session:
                await suppressions.add(session, customer, Why.HARD_BOUNCE, result.words, "relay")
        left_out = (f"no copy to {one}: it is on the list of suppressed addresses" for one in silent)
        gone = result.result in (Result.DONE, Result.UNKNOWN)
        own_id = result.provider_id or mail.message_id
        return replace(result, words="; ".join((result.words, *left_out)), provider_id=own_id if gone else "")

    async def find(self, attempt: Attempt) -> Finding:
        request = attempt.request
        async with self._database.statements() as session:
            how = await self._senders.of(session, self._identity.mailbox_of(request))
        match await how.mails.was_sent(request.id):
            case True:
                return Sent([message_id_of(request, self._identity)], "found to be sent after a restart")
            case False:
                return NotSent()
            case None:
                return Unknown(UNSEEN_END)

    async def _wait(self, request: OutboundMessage, how: Sending) -> timedelta:
        per_mailbox = self._pace.per_mailbox if how.per_minute is None else how.per_minute
        limits = {
            f"from {self._identity.mailbox_of(request)}": per_mailbox,
            f"to {request.to.rpartition('@')[2].lower()}": self._pace.per_domain,
        }
        if not any(limits.values()):
            return timedelta(0)
        async with self._database.transaction() as session:
            return await pacing.wait(session, request.id, limits)

    async def _made(self, request: OutboundMessage, how: Sending) -> OutgoingMail:
        identity = replace(self._identity, from_name=how.from_name or self._identity.from_name, signature=how.signature)
        try:
            files = [await self._storage.get(attachment.uri) for attachment in request.attachments]
            mail = build(request, files, identity, self._clock())
            if not how.signer:
                return mail
            return replace(mail, content=await asyncio.to_thread(signed, mail.content, how.signer))
        except (Unavailable, Malformed):
            raise
        except Exception as error:
            log.exception("a reply could not be made into a mail", outbound_id=request.id)
            raise Malformed(f"this answer could not be made into a mail: {error!r}") from error


def _without_copies_to(request: OutboundMessage, silent: Container[str]) -> OutboundMessage:
    cc, bcc = (tuple(one for one in copies if one.lower() not in silent) for copies in (request.cc, request.bcc))
    return msgspec.structs.replace(request, cc=cc, bcc=bcc) if silent else request
