"""What to do after an attempt at the provider. Pure: time and the random number are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Result(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    LATER = "later"
    """Certainly not done, and it may go well another time."""
    REFUSED = "refused"
    """Certainly not done, and never will be."""
    UNKNOWN = "unknown"
    """It may have been done."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`words`: those of the provider, for an agent to read; `sid`: what it made; `code`: its error number, or 0."""

    result: Result
    words: str = ""
    sid: str = ""
    code: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """`first`: before the first repeat; `longest`: between two; `give_up`: after the request, when an agent should
    know."""

    first: timedelta = timedelta(seconds=2)
    longest: timedelta = timedelta(minutes=5)
    give_up: timedelta = timedelta(hours=4)


def next_attempt(
    attempts: int, requested_at: datetime, now: datetime, patience: Patience, random: float
) -> datetime | None:
    """When to try again after `attempts` attempts, doubling with jitter (`random` from [0, 1)); None: give up."""
    if now - requested_at >= patience.give_up:
        return None
    pause = min(patience.longest, patience.first * (1 << min(attempts - 1, 20)))
    return now + pause / 2 + pause / 2 * random
