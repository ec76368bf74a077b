"""One attempt at a mail: its recipients looked for among those who are not written to, its files
fetched, the mail made, and handed to whoever delivers it."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import datetime

import msgspec

from services.email import suppressions
from services.email.domain.outgoing import Identity, build, message_id_of
from services.email.domain.suppression import Why, nobody_there, undelivered
from services.email.ports import MailSender
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


class EmailSender:
    """Implements `shared.delivery.Sender`."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        mails: MailSender,
        identity: Identity,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database, self._storage, self._mails = database, storage, mails
        self._identity, self._clock = identity, clock

    async def send(self, attempt: Attempt) -> SendResult:
        request = attempt.request
        customer = address_of(request.to)
        async with self._database.statements() as session:
            silent = await suppressions.among(session, (customer, *request.cc, *request.bcc))
        if entry := silent.get(customer.lower()):
            return SendResult(Result.REFUSED, entry.detail, reason=undelivered(entry.reason))
        request = _without_copies_to(request, silent)
        try:
            files = [await self._storage.get(attachment.uri) for attachment in request.attachments]
            mail = build(request, files, self._identity, self._clock())
        except (Unavailable, Malformed):
            raise
        except Exception as error:
            log.exception("a reply could not be made into a mail", outbound_id=request.id)
            raise Malformed(f"this answer could not be made into a mail: {error!r}") from error
        result = await self._mails.send(mail)
        if result.result is Result.REFUSED and nobody_there(result.reason):
            async with self._database.statements() as session:
                await suppressions.add(session, customer, Why.HARD_BOUNCE, result.words, "relay")
        words = "; ".join(
            (result.words, *(f"no copy to {one}: it is on the list of suppressed addresses" for one in silent))
        )
        gone = result.result in (Result.DONE, Result.UNKNOWN)
        return replace(result, words=words, provider_id=mail.message_id if gone else "")

    async def find(self, attempt: Attempt) -> Finding:
        request = attempt.request
        match await self._mails.was_sent(request.id):
            case True:
                return Sent([message_id_of(request, self._identity)], "found to be sent after a restart")
            case False:
                return NotSent()
            case None:
                return Unknown(UNSEEN_END)


def _without_copies_to(request: OutboundMessage, silent: Container[str]) -> OutboundMessage:
    cc, bcc = (tuple(one for one in copies if one.lower() not in silent) for copies in (request.cc, request.bcc))
    return msgspec.structs.replace(request, cc=cc, bcc=bcc) if silent else request
