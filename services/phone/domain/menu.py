"""Decides what a caller's key means. No key, or a wrong one twice, leads to a person: there is no
dead end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

PERSON_KEY, CALLBACK_KEY, MESSAGE_KEY = "0", "1", "2"
LANGUAGE_KEYS = {"7": "en", "8": "fr", "9": "ko"}
WRONG_KEYS = 2
"""So many, then a person: a wrong key repeats the menu once."""


class Step(StrEnum):
    """Where a caller goes next."""

    PERSON = "person"
    CALLBACK = "callback"
    MESSAGE = "message"
    LANGUAGE = "language"
    AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Choice:
    """Where a caller goes next. `language` is set with LANGUAGE only."""

    step: Step
    language: str = ""


def choose(digits: str, wrong_before: int, languages: Sequence[str], *, can_call_back: bool) -> Choice:
    """Decides the next step after the menu. `digits`: what was pressed, or empty; `wrong_before`:
    wrong keys so far."""
    if digits in ("", PERSON_KEY):
        return Choice(Step.PERSON)
    if digits == CALLBACK_KEY and can_call_back:
        return Choice(Step.CALLBACK)
    if digits == MESSAGE_KEY:
        return Choice(Step.MESSAGE)
    if (language := LANGUAGE_KEYS.get(digits, "")) in languages:
        return Choice(Step.LANGUAGE, language)
    return Choice(Step.PERSON if wrong_before + 1 >= WRONG_KEYS else Step.AGAIN)


def choose_without_agents(digits: str, *, can_call_back: bool) -> Choice:
    """Decides the next step while nobody is there to talk: a callback for 1, otherwise a
    voicemail."""
    return Choice(Step.CALLBACK if digits == CALLBACK_KEY and can_call_back else Step.MESSAGE)
