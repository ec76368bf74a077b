"""One attempt at a mail: its files fetched, the mail made, and handed to whoever delivers it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.email.domain.outgoing import Identity, build, message_id_of
from services.email.ports import MailSender
from shared.attempts import Result
from shared.clock import utc_now
from shared.delivery import Attempt, Finding, NotSent, SendResult, Sent, Unknown
from shared.errors import Malformed, Unavailable
from shared.logs import log
from shared.storage import Storage

UNSEEN_END = "The service stopped while this mail was going out: it may or may not have been sent."


class EmailSender:
    """Implements `shared.delivery.Sender`."""

    def __init__(
        self, storage: Storage, mails: MailSender, identity: Identity, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._storage, self._mails, self._identity, self._clock = storage, mails, identity, clock

    async def send(self, attempt: Attempt) -> SendResult:
        request = attempt.request
        try:
            files = [await self._storage.get(attachment.uri) for attachment in request.attachments]
            mail = build(request, files, self._identity, self._clock())
        except (Unavailable, Malformed):
            raise
        except Exception as error:
            log.exception("a reply could not be made into a mail", outbound_id=request.id)
            raise Malformed(f"this answer could not be made into a mail: {error!r}") from error
        outcome = await self._mails.send(mail)
        gone = outcome.result in (Result.DONE, Result.UNKNOWN)
        return SendResult(outcome.result, outcome.words, message_id_of(request, self._identity) if gone else "")

    async def find(self, attempt: Attempt) -> Finding:
        request = attempt.request
        match await self._mails.was_sent(request.id):
            case True:
                return Sent([message_id_of(request, self._identity)], "found to be sent after a restart")
            case False:
                return NotSent()
            case None:
                return Unknown(UNSEEN_END)
