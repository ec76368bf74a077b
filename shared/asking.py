"""One service asks another by HTTP, because somebody waits for the answer and nothing of the
question is kept (decision 21)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection

import aiohttp
import msgspec

from shared.errors import Rejected, Unavailable

_CONNECT = 2.0
LONGEST_LINE = 1 << 20
"""Bytes of an answer that comes line by line."""


class _Problem(msgspec.Struct):
    """What we read of an RFC 9457 problem."""

    type: str
    detail: str


async def ask(
    service: str,
    url: str,
    method: str,
    *,
    bearer: str,
    seconds: float,
    refusals: Collection[int],
    body: bytes | None = None,
) -> bytes:
    """Returns the answer of a service, which is named for people. Raises Rejected where it answers
    with one of these statuses and says why, and Unavailable for all else."""
    headers = {"Authorization": f"Bearer {bearer}"} | ({"Content-Type": "application/json"} if body else {})
    timeout = aiohttp.ClientTimeout(total=seconds, connect=_CONNECT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers) as session,
            session.request(method, url, data=body, allow_redirects=False) as answer,
        ):
            status, told = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"the {service} service does not answer at {url}: {error!r}") from error
    if status // 100 == 2:
        return told
    if status in refusals:
        try:
            problem = msgspec.json.decode(told, type=_Problem)
        except msgspec.DecodeError as error:
            raise Unavailable(f"the {service} service is of another version: {error}") from error
        raise Rejected(status, problem.type.rpartition(":")[2], problem.detail)
    raise Unavailable(f"the {service} service answers {status}: {told[:300].decode(errors='replace')}")


async def ask_for_lines(
    service: str, url: str, *, bearer: str, seconds: float, body: bytes
) -> AsyncGenerator[bytes, None]:
    """Yields the lines of an answer to a POST that is long in the making, each as it comes.
    seconds: for all of it. Raises Unavailable, also where the answer breaks off."""
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    timeout = aiohttp.ClientTimeout(total=seconds, connect=_CONNECT)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers=headers, read_bufsize=LONGEST_LINE) as session,
            session.post(url, data=body, allow_redirects=False) as answer,
        ):
            if answer.status // 100 != 2:
                raise Unavailable(f"the {service} service answers {answer.status}: {(await answer.text())[:300]}")
            async for line in answer.content:
                yield line
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unavailable(f"the {service} service does not answer at {url}: {error!r}") from error
