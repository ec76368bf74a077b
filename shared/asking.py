"""One service asks another by HTTP, because somebody waits for the answer and nothing of the
question is kept (decision 21)."""

from __future__ import annotations

from collections.abc import Collection

import aiohttp
import msgspec

from shared.errors import Rejected, Unavailable

_CONNECT = 2.0


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
