"""Asks the router about its policy, by HTTP: a person waits for the answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TypeVar

from services.desk.context import Desk
from shared.asking import ask, ask_for_lines
from shared.errors import Malformed, Unavailable
from shared.events.base import Event
from shared.events.codec import decode, encode
from shared.policies import (
    CHECKS,
    POLICY,
    PREVIEWS,
    VERSIONS,
    PolicyChecked,
    PolicyDraft,
    PolicyPreviewed,
    PolicyPublished,
    PolicyState,
    PolicyText,
    PolicyToPublish,
)
from shared.trials import token

_PATIENCE = 20.0
_A_PREVIEW = 300.0
"""Seconds: more than twice what the router gives itself, for it may make another one first."""
E = TypeVar("E", bound=Event)


async def state(desk: Desk) -> PolicyState:
    """Returns which policy is in force, and all versions. Raises Unavailable."""
    return await _ask(desk, "GET", POLICY, PolicyState)


async def text(desk: Desk, version: int) -> str:
    """Returns the text of a version. Rejected 404; raises Unavailable."""
    return (await _ask(desk, "GET", f"{VERSIONS}/{version}", PolicyText)).yaml


async def check(desk: Desk, draft: PolicyDraft) -> PolicyChecked:
    """Returns what is wrong with a draft. Rejected 422; raises Unavailable."""
    return await _ask(desk, "POST", CHECKS, PolicyChecked, draft)


async def publish(desk: Desk, policy: PolicyToPublish) -> PolicyPublished:
    """Publishes a policy; the answer says under which version, or what is wrong. Rejected 409
    `policy-overtaken`, 422; raises Unavailable."""
    return await _ask(desk, "POST", POLICY, PolicyPublished, policy)


async def preview(desk: Desk, draft: PolicyDraft) -> AsyncGenerator[PolicyPreviewed, None]:
    """Yields how far the router is with what a draft would have changed; the result comes last.
    Raises Unavailable."""
    url = desk.settings.router_url + PREVIEWS
    async for line in ask_for_lines("router", url, bearer=_bearer(desk), seconds=_A_PREVIEW, body=encode(draft)):
        yield _read(PolicyPreviewed, line)


async def _ask(desk: Desk, method: str, path: str, kind: type[E], body: Event | None = None) -> E:
    told = await ask(
        "router",
        desk.settings.router_url + path,
        method,
        bearer=_bearer(desk),
        seconds=_PATIENCE,
        refusals={404, 409, 422},
        body=encode(body) if body else None,
    )
    return _read(kind, told)


def _bearer(desk: Desk) -> str:
    return token(desk.common.secret.get_secret_value())


def _read(kind: type[E], told: bytes) -> E:
    try:
        return decode(kind, told)
    except Malformed as error:
        raise Unavailable(f"the router is of another version: {error}") from error
