"""Asks the router, by HTTP: somebody waits for the answer."""

from __future__ import annotations

from typing import TypeVar

import aiohttp
import msgspec

from services.desk.context import Desk
from shared.errors import Malformed, Rejected, Unavailable
from shared.events.base import Event
from shared.events.codec import decode, encode
from shared.trials import MODEL, TRIALS, ModelCard, Trial, Tried, token

_PATIENCE = aiohttp.ClientTimeout(total=20, connect=2)
"""Seconds. The first question takes a router a second or two more, for it loads the language
detector; a policy that comes along does as well."""
_OK, _REFUSED = 200, 422
E = TypeVar("E", bound=Event)


class _Problem(msgspec.Struct):
    """What we read of an RFC 9457 problem."""

    type: str
    detail: str


async def tried(desk: Desk, trial: Trial) -> Tried:
    """Returns how the router would decide. Rejected 422 where it does not take this; Unavailable
    where it is away."""
    return await _ask(desk, "POST", TRIALS, Tried, encode(trial))


async def model_card(desk: Desk) -> ModelCard:
    """Returns the card of the urgency model. Unavailable where the router is away."""
    return await _ask(desk, "GET", MODEL, ModelCard)


async def _ask(desk: Desk, method: str, path: str, kind: type[E], body: bytes | None = None) -> E:
    bearer = {"Authorization": f"Bearer {token(desk.common.secret.get_secret_value())}"}
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, headers=bearer) as session,
            session.request(method, desk.settings.router_url + path, data=body, allow_redirects=False) as answer,
        ):
            status, told = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"the router does not answer at {desk.settings.router_url}: {error!r}") from error
    if status not in (_OK, _REFUSED):
        raise Unavailable(f"the router answers {status}: {told[:300].decode(errors='replace')}")
    try:
        if status == _OK:
            return decode(kind, told)
        problem = msgspec.json.decode(told, type=_Problem)
    except (Malformed, msgspec.DecodeError) as error:
        raise Unavailable(f"the router is of another version: {error}") from error
    raise Rejected(_REFUSED, problem.type.rpartition(":")[2], problem.detail)
