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
    SMTPReadTimeoutError,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from services.email.adapters.connections import Connection, Connections
from services.email.domain.headers import one_line
from services.email.domain.outgoing import OutgoingMail
from services.email.domain.reasons import Reason, reason_of
from services.email.domain.suppression import nobody_there
from shared.attempts import Result
from shared.delivery import SendResult

_TEMPORARY, _PERMANENT = 400, 500
"""RFC 5321, 4.2.1: 4yz is a transient, 5yz a permanent negative completion."""


_CLOSING = 421
"""The server is about to close the connection (RFC 5321, 3.8)."""
_GONE = (SMTPServerDisconnected, SMTPReadTimeoutError, SMTPResponseException, OSError)
_SOON = 10.0
"""Seconds for the first answer on a connection that was kept: a router may have forgotten it
without a word."""
_BEYOND_ASCII = (
    "{} has letters beyond ASCII, and the relay takes no such addresses (SMTPUTF8): write to another address"
)


@dataclass(slots=True)
class _Step:
    """How far an attempt came. `kept`: over a connection that was used before; `over`: one whose
    mail is answered for, and whether it was accepted."""

    kept: bool = False
    content_out: bool = False
    over: tuple[Connection, bool] | None = None


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
    """Connections are kept for `idle` seconds. `timeout`: seconds for a whole attempt; after it the
    ledger calls the mail uncertain.

    Commands are not pipelined (RFC 2920): aiosmtplib reads one answer for each command that it
    wrote, and drops any other. Attempts run side by side instead.
    """

    _WAYS_OUT = "try EMAIL_RELAY_TLS=tls with port 465, or say EMAIL_RELAY_PASSWORD_WITHOUT_TLS=true"

    def __init__(self, relay: Relay, timeout: float, idle: float = 0) -> None:
        self._relay, self._timeout = relay, timeout
        self._connections = Connections(self._client, idle)

    @property
    def name(self) -> str:
        """See `MailSender`."""
        return f"relay {self._relay.host}:{self._relay.port}"

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Sends the mail (see `MailSender`). Until the content goes out, any failure means that
        nothing was sent; where a kept connection was dead, a new one is tried at once. What the
        relay answered counts, however long it takes over our goodbye."""
        step = _Step()
        try:
            return await self._judged(mail, step)
        finally:
            if step.over:
                connection, accepted = step.over
                await self._connections.give_back(connection, finished=accepted)

    async def _judged(self, mail: OutgoingMail, step: _Step) -> SendResult:
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    return await self._attempt(mail, step)
                except _GONE as error:
                    if not step.kept or step.content_out or getattr(error, "code", _CLOSING) != _CLOSING:
                        raise
                    self._connections.drop()
                    return await self._attempt(mail, step)
        except SMTPResponseException as error:
            result, words = _result(error, step.content_out), _words(error)
            return SendResult(result, words, reason=_reason(error, words))
        except SMTPNotSupported as error:
            return SendResult(Result.LATER, one_line(str(error), 500))
        except (SMTPException, OSError, TimeoutError) as error:
            words = one_line(str(error), 500) or f"no answer within {self._timeout:.0f} s"
            return SendResult(Result.UNKNOWN if step.content_out else Result.LATER, words)
        except ValueError as error:  # an address that must not stand on a command line
            return SendResult(Result.REFUSED, one_line(str(error), 500))

    async def was_sent(self, outbound_id: str) -> bool | None:  # noqa: ARG002 - SMTP has no question to ask
        """Returns None (see `MailSender`): SMTP has no way to ask whether a mail was sent."""
        return None

    async def check(self) -> str:
        """Checks that the relay accepts a connection (see `MailSender`)."""
        try:
            async with asyncio.timeout(min(self._timeout, 10)):
                connection = await self._connections.take()
                await self._connections.give_back(connection, finished=not connection.mails)
        except (SMTPException, OSError, TimeoutError) as error:
            if self._relay.user and self._relay.tls == "starttls" and "STARTTLS" in str(error):
                return f"{self.name} offers no TLS, and its password is not sent without: {self._WAYS_OUT}"
            return f"{self.name} does not let us in: {one_line(str(error), 200) or 'no answer'}"
        return ""

    async def close(self) -> None:
        """Closes the connections (see `MailSender`)."""
        await self._connections.close()

    async def _attempt(self, mail: OutgoingMail, step: _Step) -> SendResult:
        connection = await self._connections.take()
        client, step.kept = connection.client, connection.mails > 0
        try:
            people = (mail.sender, mail.recipient, *mail.copies)
            beyond = next((address for address in people if not address.isascii()), "")
            if beyond and not client.supports_extension("SMTPUTF8"):
                step.over = connection, True
                return SendResult(Result.REFUSED, _BEYOND_ASCII.format(beyond))
            options = ["SMTPUTF8"] if beyond else []
            if client.supports_extension("SIZE"):
                options.append(f"SIZE={len(mail.content)}")
            await client.mail(mail.sender, options=options, encoding="utf-8", timeout=_SOON if step.kept else None)
            await client.rcpt(mail.recipient, encoding="utf-8")
            refused = [words async for words in _copies_refused(client, mail.copies)]
            step.content_out = True
            response = await client.data(mail.content)
        except SMTPResponseException as error:
            if error.code == _CLOSING:
                client.close()
            else:
                step.over = connection, False
            raise
        except BaseException:
            client.close()
            raise
        step.over = connection, True
        words = "; ".join((f"{response.code} {response.message}", *refused))
        return SendResult(Result.DONE, one_line(words, 2_000))

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
            await client.rcpt(address, encoding="utf-8")
        except SMTPRecipientRefused as error:
            yield f"no copy to {address}: {_words(error)}"


def _result(error: SMTPResponseException, content_out: bool) -> Result:
    """Returns the result of an SMTP error: only what the relay says of this mail is final. A 5xx
    to our greeting or password is ours to fix. An answer to the content that is no refusal by
    RFC 5321 leaves the result unknown."""
    if content_out and error.code < _TEMPORARY:
        return Result.UNKNOWN
    about_this_mail = isinstance(error, (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError))
    return Result.REFUSED if about_this_mail and error.code >= _PERMANENT else Result.LATER


def _reason(error: SMTPResponseException, words: str) -> str:
    """Returns the class of why this mail was not taken. That an address does not exist is believed
    where the answer is to its RCPT: to MAIL it is about our own."""
    reason = reason_of(words)
    about_it = isinstance(error, SMTPRecipientRefused) or (
        isinstance(error, SMTPDataError) and not nobody_there(reason)
    )
    return reason.value if about_it and reason is not Reason.UNSAID else ""


def _words(error: SMTPResponseException) -> str:
    return one_line(f"{error.code} {error.message}", 500)
