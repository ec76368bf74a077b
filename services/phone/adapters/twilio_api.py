"""Calls Twilio's REST API by Twilio's own client, over an HTTP client of ours whose base address is
a setting."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from services.phone.ports import File, ProviderResult, SentText
from shared.attempts import Result
from shared.channels import Denied
from shared.errors import Malformed, Unavailable

_HOST = "https://api.twilio.com"
_TOO_MANY, _SERVER = 429, 500
_OURS = (401, 403)
"""Our credentials are wrong or our account is suspended: an operator puts that right, and nothing
is lost meanwhile."""
_GONE = 404
_REDIRECTS = 3
OPTED_OUT = 21610
"""Twilio's error: "Attempt to send to unsubscribed recipient"."""

_ANSWERS = (TwilioRestException, TwilioServiceException)
"""Errors of the client for an error status; the second where the answer's body is a problem of RFC
9457."""
_Answer: TypeAlias = TwilioRestException | TwilioServiceException


class _Http(AsyncHttpClient):  # type: ignore[misc]
    """Sends what Twilio's client composes to our base address, on one pool of connections."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), True, timeout)
        self._base, self._timeout = base, aiohttp.ClientTimeout(total=timeout)
        self.session: aiohttp.ClientSession | None = None

    def pool(self) -> aiohttp.ClientSession:
        """Opens the connection pool, in the loop in which it is used."""
        if self.session is None:
            self.session = aiohttp.ClientSession(timeout=self._timeout)
        return self.session

    async def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - Twilio's signature
        allow_redirects: bool = False,
    ) -> Response:
        target = self._base + url.removeprefix(_HOST)
        async with self.pool().request(
            method.upper(),
            target,
            params=params,
            data=data,
            headers={**(headers or {}), **({"Authorization": aiohttp.encode_basic_auth(*auth)} if auth else {})},
            allow_redirects=allow_redirects,
        ) as response:
            return Response(response.status, await response.text(), response.headers)


class TwilioProvider:
    """Implements `Provider` over Twilio's REST API."""

    def __init__(
        self, account_sid: str, token: str, number: str, api_url: str, media_hosts: tuple[str, ...], timeout: float
    ) -> None:
        self._http = _Http(api_url, timeout)
        self._client = Client(account_sid, token, http_client=self._http, environment={"none": ""})
        self._auth = {"Authorization": aiohttp.encode_basic_auth(account_sid, token)}
        self._number, self._api_url = number, api_url
        self._media_hosts = media_hosts
        self.largest_file = 20_000_000

    async def close(self) -> None:
        """Closes the connections."""
        if self._http.session is not None:
            await self._http.session.close()

    async def send_text(self, to: str, body: str, status_url: str) -> ProviderResult:
        """Sends a text."""
        return await _judged(
            lambda: self._client.messages.create_async(to=to, from_=self._number, body=body, status_callback=status_url)
        )

    async def texts_to(self, to: str, since: datetime) -> list[SentText]:
        """Lists our newest 200 texts to a number. Twilio filters by the date of sending only, which
        a queued text has none of: callers compare `created_at`."""
        listed = await _asked(lambda: self._client.messages.list_async(to=to, from_=self._number, limit=200))
        return [
            SentText(one.sid, one.body or "", str(one.status), (one.date_created or since).replace(tzinfo=UTC))
            for one in listed
        ]

    async def redirect(self, sid: str, url: str) -> ProviderResult:
        """Redirects a call."""
        return await _judged(lambda: self._client.calls(sid).update_async(url=url, method="POST"))

    async def dial(self, to: str, url: str, status_url: str, seconds: int) -> ProviderResult:
        """Calls somebody."""
        return await _judged(
            lambda: self._client.calls.create_async(
                to=to,
                from_=self._number,
                url=url,
                method="POST",
                timeout=seconds,
                status_callback=status_url,
                status_callback_event=["completed"],
            )
        )

    async def hang_up(self, sid: str) -> ProviderResult:
        """Ends a call."""
        return await _judged(lambda: self._client.calls(sid).update_async(status="completed"))

    async def call_status(self, sid: str) -> str:
        """Returns Twilio's word for the state of a call."""
        try:
            call = await _asked(lambda: self._client.calls(sid).fetch_async())
        except Malformed:
            return ""
        return str(call.status)

    async def fetch(self, url: str) -> File:
        """Fetches a file from our API's host only, with our credentials; it may redirect to known
        hosts, which are asked without."""
        target = self._own(url)
        auth = self._auth
        for _ in range(_REDIRECTS):
            try:
                async with self._http.pool().get(target, headers=auth, allow_redirects=False) as response:
                    if response.status in (301, 302, 303, 307, 308):
                        target, auth = self._redirected(target, response.headers.get("Location", "")), {}
                        continue
                    return await self._file(response)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                raise Unavailable(f"a file could not be fetched: {error!r}") from error
        raise Malformed("a file is behind too many redirects")

    async def check(self) -> str:
        """Fetches our account."""
        try:
            await _asked(lambda: self._client.api.accounts(self._client.account_sid).fetch_async())
        except Malformed as error:
            raise Unavailable(f"Twilio does not return our account: {error}") from error
        return ""

    async def _file(self, response: aiohttp.ClientResponse) -> File:
        if response.status == _TOO_MANY or response.status >= _SERVER or response.status in (*_OURS, _GONE):
            # A recording can be announced before its file can be had; the caller's patience ends
            # the attempts.
            raise Unavailable(f"a file is not there yet: HTTP {response.status}")
        if response.status != 200:
            raise Malformed(f"a file cannot be had: HTTP {response.status}")
        data = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            data += chunk
            if len(data) > self.largest_file:
                raise Malformed(f"a file is larger than {self.largest_file:,} bytes")
        media_type = response.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip()
        return File(bytes(data), media_type)

    def _own(self, url: str) -> str:
        """Maps a webhook's URL to our API's host: only its path is taken, so that no webhook can
        make us ask another host."""
        asked, ours = urlsplit(url), urlsplit(self._api_url)
        if asked.scheme not in ("https", "http") or asked.hostname not in ("api.twilio.com", ours.hostname):
            raise Malformed(f"a file is on a host that we do not ask: {asked.hostname}")
        return f"{self._api_url}{asked.path}" + (f"?{asked.query}" if asked.query else "")

    def _redirected(self, base: str, location: str) -> str:
        target = urljoin(base, location)
        parts = urlsplit(target)
        same_place = (parts.scheme, parts.netloc) == urlsplit(self._api_url)[:2]
        if not same_place and (parts.scheme != "https" or parts.port or parts.hostname not in self._media_hosts):
            raise Malformed(f"a file was redirected to a host that we do not ask: {parts.hostname}")
        return target


async def _asked(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Awaits a request. Raises Unavailable for what may succeed later (Denied: once an operator has
    acted), Malformed where Twilio refuses."""
    try:
        return await ask()
    except _ANSWERS as error:
        status, words = _status(error), _words(error)
        if status in _OURS:
            raise Denied(
                f"Twilio refuses the credentials ({status}: {words}): check PHONE_ACCOUNT_SID and PHONE_AUTH_TOKEN"
            ) from error
        if status == _TOO_MANY or status >= _SERVER:
            raise Unavailable(f"Twilio says {status}: {words}") from error
        raise Malformed(words) from error
    except (TwilioException, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise Unavailable(f"Twilio does not answer: {error!r}"[:300]) from error


async def _judged(ask: Callable[[], Awaitable[Any]]) -> ProviderResult:
    """Awaits a request and classifies its end. Before a connection is made nothing can have
    happened; after it only a clear answer tells."""
    try:
        made = await ask()
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        return ProviderResult(Result.LATER, f"Twilio cannot be reached: {error}"[:300])
    except _ANSWERS as error:
        return _refused(error)
    except (TwilioException, aiohttp.ClientError, OSError, TimeoutError, ValueError, TypeError) as error:
        return ProviderResult(Result.UNKNOWN, f"Twilio's answer was lost: {error!r}"[:300])
    return (
        ProviderResult(Result.DONE, sid=made.sid)
        if made.sid
        else ProviderResult(Result.UNKNOWN, "Twilio's answer names no SID")
    )


def _refused(error: _Answer) -> ProviderResult:
    code = error.code if isinstance(error.code, int) else 0
    status, words = _status(error), _words(error)
    if status == _TOO_MANY or status in _OURS:
        return ProviderResult(Result.LATER, words, code=code)
    if status >= _SERVER:
        return ProviderResult(Result.UNKNOWN, words, code=code)
    return ProviderResult(Result.REFUSED, words, code=code)


def _status(error: _Answer) -> int:
    """Reads the HTTP status of an error. In a problem (RFC 9457) the body may say anything; then
    the outcome is unknown."""
    return error.status if isinstance(error.status, int) else _SERVER


def _words(error: _Answer) -> str:
    said = error.msg if isinstance(error, TwilioRestException) else error.detail or error.title
    return f"{said} ({error.code or 0})"[:500]
