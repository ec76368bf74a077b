"""Outgoing mails by a provider's HTTP API, where a network lets no SMTP out, or the provider's
events should name the reply."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from services.email.domain import handed_over
from services.email.domain.headers import one_line
from services.email.domain.outgoing import OutgoingMail
from shared.attempts import Result
from shared.clock import utc_now
from shared.delivery import SendResult

_MOST = 64 << 10
"""Bytes of an answer that are read."""


class _Provider:
    """One request a mail, each over a connection of its own: on one that was kept a provider that
    closes it meanwhile leaves open whether it took the mail. Nobody is followed elsewhere, least of
    all with our key. `url`: of the API, without a path."""

    title = ""
    judged: Callable[[int, str], tuple[Result, str, str]]

    def __init__(self, url: str, key: str, timeout: float, clock: Callable[[], datetime] = utc_now) -> None:
        self._url, self._key, self._timeout, self._clock = url.rstrip("/"), key, timeout, clock

    @property
    def name(self) -> str:
        """See `MailSender`."""
        return f"{self.title} at {self._url}"

    def _request(self, mail: OutgoingMail) -> tuple[str, dict[str, Any]]:
        """Returns the path, and what aiohttp takes."""
        raise NotImplementedError

    def _sign_in(self) -> dict[str, Any]:
        raise NotImplementedError

    _trial = ""
    """A path that answers 2xx with the right key."""

    async def send(self, mail: OutgoingMail) -> SendResult:
        """Sends the mail (see `MailSender`). Until there is a connection, nothing was sent."""
        path, options = self._request(mail)
        try:
            async with (
                self._session() as session,
                session.post(self._url + path, allow_redirects=False, **options) as answer,
            ):
                body = (await _read(answer)).decode("utf-8", "replace")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
            return SendResult(Result.LATER, one_line(f"{self.title} does not answer: {error}", 500))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return SendResult(Result.UNKNOWN, one_line(f"{self.title} did not say whether it took it: {error!r}", 500))
        result, words, reason = self.judged(answer.status, body)
        wait = handed_over.not_before(answer.headers.get("Retry-After", ""), self._clock())
        return SendResult(result, f"{self.title}: {words}", reason=reason, not_before=wait)

    async def was_sent(self, outbound_id: str) -> bool | None:  # noqa: ARG002 - see below
        """Returns None (see `MailSender`): their lists of what was taken are minutes behind, so a
        mail that is not in them may have been taken. Their events tell in the end."""
        return None

    async def check(self) -> str:
        """Asks for something with our key (see `MailSender`)."""
        try:
            async with (
                self._session() as session,
                session.get(self._url + self._trial, allow_redirects=False) as answer,
            ):
                return "" if answer.status < 300 else f"{self.name} answers {answer.status} to our key"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return one_line(f"{self.name} does not answer: {error!r}", 300)

    async def close(self) -> None:
        """Does nothing (see `MailSender`): nothing is kept open."""

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(force_close=True)
        waits = aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(self._timeout, 10))
        return aiohttp.ClientSession(connector=connector, timeout=waits, trust_env=True, **self._sign_in())


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """Returns the answer, which may come in pieces, or its beginning."""
    try:
        return await answer.content.readexactly(_MOST)
    except asyncio.IncompleteReadError as error:
        return error.partial


class Mailgun(_Provider):
    """`domain`: the one at Mailgun that sends; empty: that of the mailbox. Mails go as they are."""

    title = "Mailgun"
    judged = staticmethod(handed_over.mailgun)
    _trial = "/v3/domains?limit=1"

    def __init__(self, url: str, key: str, timeout: float, domain: str = "") -> None:
        super().__init__(url, key, timeout)
        self._domain = domain

    def _request(self, mail: OutgoingMail) -> tuple[str, dict[str, Any]]:
        form = aiohttp.FormData()
        for address in (mail.recipient, *mail.copies):
            form.add_field("to", address)
        form.add_field("o:tracking", "no")
        form.add_field("message", mail.content, filename="message.mime", content_type="message/rfc822")
        domain = self._domain or mail.sender.rpartition("@")[2]
        return f"/v3/{quote(domain, safe='')}/messages.mime", {"data": form}

    def _sign_in(self) -> dict[str, Any]:
        basic = b64encode(f"api:{self._key}".encode()).decode()
        return {"headers": {"Authorization": f"Basic {basic}"}}


class Postmark(_Provider):
    """`stream`: the message stream for answers to people."""

    title = "Postmark"
    judged = staticmethod(handed_over.postmark)
    _trial = "/server"

    def __init__(self, url: str, key: str, timeout: float, stream: str = "outbound") -> None:
        super().__init__(url, key, timeout)
        self._stream = stream

    def _request(self, mail: OutgoingMail) -> tuple[str, dict[str, Any]]:
        return "/email", {"json": handed_over.of_postmark(mail, self._stream)}

    def _sign_in(self) -> dict[str, Any]:
        return {"headers": {"X-Postmark-Server-Token": self._key, "Accept": "application/json"}}


class SendGrid(_Provider):
    """It makes the mail of our parts, with our Message-ID."""

    title = "SendGrid"
    judged = staticmethod(handed_over.sendgrid)
    _trial = "/v3/scopes"

    def _request(self, mail: OutgoingMail) -> tuple[str, dict[str, Any]]:
        return "/v3/mail/send", {"json": handed_over.of_sendgrid(mail)}

    def _sign_in(self) -> dict[str, Any]:
        return {"headers": {"Authorization": f"Bearer {self._key}"}}
