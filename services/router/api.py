"""Serves the desk: what would be decided on a text, and what the model is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response

from services.router.adapters import policy_yaml, urgency
from services.router.adapters.urgency import Models
from services.router.domain.policy import Policy
from services.router.domain.trying import tried
from shared import policies, trials
from shared.clock import utc_now
from shared.errors import Rejected
from shared.events import Channel
from shared.events.base import Event
from shared.events.codec import decode, encode
from shared.language import detect
from shared.trials import LONGEST, ModelCard, Outcome, Trial, Tried
from shared.yaml_sections import YamlErrors

LARGEST = 4_000_000
"""Bytes of a request: a text and a policy, however they are escaped."""
_SHORT = 200
"""Characters of names, as in `InboundMessage`."""


def ours(secret: str) -> Callable[[str], Awaitable[None]]:
    """Makes a dependency that lets only those in who have our secret. Rejected 401."""

    async def check(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer" or not trials.is_ours(secret, token):
            raise Rejected(401, "unauthorized", "This is for the desk. Both need the same SWITCHBOARD_SECRET.")

    return check


def routes(
    secret: str,
    languages: Sequence[str],
    channels: Callable[[], Iterable[Channel]],
    policy: Callable[[], Policy],
    models: Models,
) -> APIRouter:
    """Makes `/api/v1`, for whoever has our secret. languages: those that customers write in;
    policy: returns the one in force; models: that a draft may ask for."""
    router = APIRouter(dependencies=[Depends(ours(secret))])

    @router.post(trials.TRIALS)
    async def trial(request: Request) -> Response:
        asked = _checked(decode(Trial, await request.body()))
        language = asked.language or await asyncio.to_thread(detect, asked.text, languages)
        known, now = {channel.name: channel for channel in channels()}, utc_now()
        current = tried(asked, language, policy(), known, now)
        draft: Outcome | None = None
        problems: tuple[str, ...] = ()
        if asked.policy.strip():
            try:
                draft = tried(
                    asked, language, await asyncio.to_thread(_draft, asked.policy, models, models.state()), known, now
                )
            except YamlErrors as error:
                problems = tuple(str(error).splitlines())
        return _json(Tried(current=current, draft=draft, problems=problems))

    @router.get(trials.MODEL)
    async def model() -> Response:
        return _json(ModelCard(model=found.version if (found := urgency.shipped()) else "", text=urgency.card()))

    return router


@lru_cache(4)
def _draft(text: str, models: Models, state: object) -> Policy:
    del state  # another one may have brought another model
    return policy_yaml.parse(text, "draft", models=models.aside())


def _checked(trial: Trial) -> Trial:
    if len(trial.text) > LONGEST:
        raise Rejected(
            422, "trial-too-long", f"A text has at most {LONGEST:,} characters; this one has {len(trial.text):,}."
        )
    if len(trial.policy) > policies.LONGEST:
        raise Rejected(422, "draft-too-long", f"A policy that is tried has at most {policies.LONGEST:,} characters.")
    if not trial.channel or ":" in trial.channel or max(map(len, (trial.channel, trial.language, trial.tier))) > _SHORT:
        raise Rejected(422, "trial", f"Channel, language and plan are names of at most {_SHORT} characters.")
    return trial


def _json(event: Event) -> Response:
    return Response(encode(event), media_type="application/json")
