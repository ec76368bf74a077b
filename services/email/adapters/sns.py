"""Fetches at Amazon SNS what its messages refer to: certificates, and the confirmation of a
subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import aiohttp
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.email.domain.webhooks.sns import public_key
from shared.errors import Unavailable
from shared.limits import RateLimit

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets what is at an address of Amazon's. Raises Unavailable."""
_ANSWER = 10.0
"""Seconds: SNS gives up on us after 15."""
_MOST = 64 << 10
"""Bytes; a certificate has 2,000."""
_KEPT = 8
"""Certificates. Each topic's region has one at a time."""
_A_MINUTE = 10
"""Certificates that are fetched: whoever makes up addresses does not have us ask Amazon all day."""


async def fetch(url: str) -> bytes:
    """Gets the answer to a GET, without following redirects. Raises Unavailable."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_ANSWER), trust_env=True) as session,
            session.get(url, allow_redirects=False) as answer,
        ):
            found = await answer.content.read(_MOST + 1)
            while len(found) <= _MOST and (more := await answer.content.read(_MOST)):
                found += more
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise Unavailable(f"Amazon SNS does not answer: {error!r}") from error
    if answer.status != 200 or len(found) > _MOST:
        raise Unavailable(f"Amazon SNS answers {answer.status} with {len(found)} bytes, which is not what we asked for")
    return found


class Certificates:
    """Keys of certificates by their address, each fetched once."""

    def __init__(self, get: Fetch, clock: Callable[[], datetime]) -> None:
        self._get, self._clock = get, clock
        self._kept: dict[str, bytes] = {}
        self._rate = RateLimit(_A_MINUTE)

    async def key(self, url: str) -> RSAPublicKey:
        """Returns the public key of a certificate. Raises Unavailable where it cannot be had, or is
        not valid now."""
        pem = self._kept.get(url)
        if pem is None:
            if self._rate.wait("", asyncio.get_running_loop().time()):
                raise Unavailable("certificates of Amazon SNS are asked for too often")
            pem = await self._get(url)
        try:
            key = public_key(pem, self._clock())
        except ValueError as error:
            self._kept.pop(url, None)
            raise Unavailable(f"{url} is no certificate that is valid now: {error}") from error
        self._kept[url] = pem
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return key
