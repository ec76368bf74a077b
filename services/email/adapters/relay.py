"""Outgoing mails by SMTP to a relay, step by step, so that it is known how far an attempt came."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from services.email.domain.headers import one_line
from services.email.domain.outgoing import OutgoingMail
from services.email.domain.reasons import Reason, reason_of
from services.email.domain.suppression import nobody_there
from shared.attempts import Result
from shared.delivery import SendResult

_TEMPORARY, _PERMANENT = 400, 500
"""RFC 5321, 4.2.1: 4yz is a transient, 5yz a permanent negative completion."""


@dataclass(frozen=True, slots=True)
class Relay:
    """`tls`: `starttls` (required), `tls` (from the first byte), `auto` (STARTTLS where it is
    offered) or `none`."""

    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: str = "auto"


class RelaySender:
    """One connection a mail. `timeout`: seconds for a whole attempt; after it the ledger calls the
    mail uncertain."""

    _WAYS_OUT = "try EMAIL_RELAY_TLS=tls with port 465, or say EMAIL_RELAY_PASSWORD_WITHOUT_TLS=true"

    def __init__(self, relay: Relay, timeout: float) -> None:
        self._relay, self._timeout = relay, timeout

    @property
    def name(self) -> str:
        """See `MailSender`."""
        return f"relay {self._relay.host}:{self._relay.port}"

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Sends the mail (see `MailSender`). Until the content goes out, any failure means that
        nothing was sent."""
        client = self._client()
        content_out = False
        try:
            async with asyncio.timeout(self._timeout):
                await client.connect()
                options = [] if "".join((mail.sender, mail.recipient, *mail.copies)).isascii() else ["SMTPUTF8"]
                if options and not client.supports_extension("SMTPUTF8"):
                    return SendResult(Result.REFUSED, "the relay does not take addresses beyond ASCII (SMTPUTF8)")
                await client.mail(
                    mail.sender,
                    options=[*options, f"SIZE={len(mail.content)}"] if client.supports_extension("SIZE") else options,
                )
                await client.rcpt(mail.recipient)
                refused = [words async for words in _copies_refused(client, mail.copies)]
                content_out = True
                response = await client.data(mail.content)
                words = "; ".join((f"{response.code} {response.message}", *refused))
                return SendResult(Result.DONE, one_line(words, 2_000))
        except SMTPResponseException as error:
            result, words = _judged(error, content_out), _words(error)
            return SendResult(result, words, reason=_reason(error, words) if result is Result.REFUSED else "")
        except SMTPNotSupported as error:
            return SendResult(Result.LATER, one_line(str(error), 500))
        except (SMTPException, OSError, TimeoutError) as error:
            words = one_line(str(error), 500) or f"no answer within {self._timeout:.0f} s"
            return SendResult(Result.UNKNOWN if content_out else Result.LATER, words)
        except ValueError as error:  # an address that must not stand on a command line
            return SendResult(Result.REFUSED, one_line(str(error), 500))
        finally:
            await _leave(client)

    async def was_sent(self, outbound_id: str) -> bool | None:  # noqa: ARG002 - SMTP has no question to ask
        """Returns None (see `MailSender`): SMTP has no way to ask whether a mail was sent."""
        return None

    async def check(self) -> str:
        """Checks that the relay accepts a connection (see `MailSender`)."""
        client = self._client()
        try:
            async with asyncio.timeout(min(self._timeout, 10)):
                await client.connect()
        except (SMTPException, OSError, TimeoutError) as error:
            if self._relay.user and self._relay.tls == "starttls" and "STARTTLS" in str(error):
                return f"{self.name} offers no TLS, and its password is not sent without: {self._WAYS_OUT}"
            return f"{self.name} does not let us in: {one_line(str(error), 200) or 'no answer'}"
        finally:
            await _leave(client)
        return ""

    def _client(self) -> SMTP:
        relay = self._relay
        return SMTP(
            hostname=relay.host,
            port=relay.port,
            username=relay.user or None,
            password=relay.password or None,
            timeout=self._timeout,
            use_tls=relay.tls == "tls",
            start_tls={"starttls": True, "none": False}.get(relay.tls),
            tls_context=None if relay.tls == "none" else ssl.create_default_context(),
        )


async def _copies_refused(client: SMTP, copies: Sequence[str]) -> AsyncIterator[str]:
    """Yields each copy that the relay refuses, and why: no other recipient's mail waits for
    that."""
    for address in copies:
        try:
            await client.rcpt(address)
        except SMTPRecipientRefused as error:
            yield f"no copy to {address}: {_words(error)}"


def _judged(error: SMTPResponseException, content_out: bool) -> Result:
    """Returns the result of an SMTP error: only what the relay says of this mail is final. A 5xx
    to our greeting or password is ours to fix. An answer to the content that is no refusal by
    RFC 5321 leaves the result unknown."""
    if content_out and error.code < _TEMPORARY:
        return Result.UNKNOWN
    about_this_mail = isinstance(error, (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError))
    return Result.REFUSED if about_this_mail and error.code >= _PERMANENT else Result.LATER


def _reason(error: SMTPResponseException, words: str) -> str:
    """Returns the class of why this mail was refused. That an address does not exist is believed
    where the answer is to its RCPT: to MAIL it is about our own."""
    reason = reason_of(words)
    about_us = isinstance(error, SMTPSenderRefused)
    about_all = isinstance(error, SMTPDataError) and nobody_there(reason)
    return "" if about_us or about_all or reason is Reason.UNSAID else reason.value


def _words(error: SMTPResponseException) -> str:
    return one_line(f"{error.code} {error.message}", 500)


async def _leave(client: SMTP) -> None:
    """Closes the connection, with QUIT where the relay still answers; the outcome is known
    already."""
    try:
        if client.is_connected:
            async with asyncio.timeout(2):
                await client.quit()
    except (SMTPException, OSError, TimeoutError):
        pass
    finally:
        client.close()
