"""Asks the router, by HTTP: somebody waits for the answer."""

from __future__ import annotations

from typing import TypeVar

from services.desk.context import Desk
from shared.asking import ask
from shared.errors import Malformed, Unavailable
from shared.events.base import Event
from shared.events.codec import decode, encode
from shared.trials import MODEL, TRIALS, ModelCard, Trial, Tried, token

_PATIENCE = 20.0
"""Seconds. The first question takes a router a second or two more, for it loads the language
detector; a policy that comes along does as well."""
E = TypeVar("E", bound=Event)


async def tried(desk: Desk, trial: Trial) -> Tried:
    """Returns how the router would decide. Rejected 422 where it does not take this; Unavailable
    where it is away."""
    return await _ask(desk, "POST", TRIALS, Tried, encode(trial))


async def model_card(desk: Desk) -> ModelCard:
    """Returns the card of the urgency model. Unavailable where the router is away."""
    return await _ask(desk, "GET", MODEL, ModelCard)


async def _ask(desk: Desk, method: str, path: str, kind: type[E], body: bytes | None = None) -> E:
    bearer = token(desk.common.secret.get_secret_value())
    url = desk.settings.router_url + path
    told = await ask("router", url, method, bearer=bearer, seconds=_PATIENCE, refusals={422}, body=body)
    try:
        return decode(kind, told)
    except Malformed as error:
        raise Unavailable(f"the router is of another version: {error}") from error
