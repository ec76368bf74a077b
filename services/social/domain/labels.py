"""Decides what is to be done with an agent's label of a post."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from services.social.domain.complaints import Kind
from services.social.domain.posts import is_direct
from shared.events import PostJudged

_SOON = timedelta(minutes=1)
"""A post is published before it is noted, so an agent can be quicker than we are, and a process
that was killed in between reads it again when it is back."""


class Unknown(StrEnum):
    """Why there is no such post here."""

    SOON = "soon"
    """It may be noted in a moment: ask again."""
    FORGOTTEN = "forgotten"
    """It is older than what is kept, and nobody waits for a label of it."""
    NEVER = "never"
    """Somebody waits for something that will never come: a person has to see that."""


def wrong(event: PostJudged) -> str:
    """Says why this label can never be followed; an empty string where it can."""
    if event.label and event.label not in tuple(Kind):
        return f"label {event.label!r}: it must be one of {', '.join(Kind)}"
    if event.label and is_direct(event.provider_id):
        return "a direct message is not labelled: its text is not kept here"
    return ""


def unknown(event: PostJudged, now: datetime, oldest: int) -> Unknown:
    """Decides what to do where the post is not known. `oldest`: the smallest id that is kept."""
    if now - event.at < _SOON:
        return Unknown.SOON
    number = event.provider_id
    old = number.isascii() and number.isdecimal() and int(number[:20]) < oldest
    return Unknown.FORGOTTEN if old and not event.open_ticket else Unknown.NEVER
