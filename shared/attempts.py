"""How an attempt at somebody else's server ended, and when to try again. Pure: time and the random number are given."""

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
    """`words`: those of the other side, for an agent to read."""

    result: Result
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """`first`: before the first repeat; `longest`: between two; `give_up`: after the request, when an agent should know."""

    first: timedelta
    longest: timedelta
    give_up: timedelta


def next_attempt(
    attempts: int, requested_at: datetime, now: datetime, patience: Patience, random: float
) -> datetime | None:
    """When to try again after `attempts` attempts, doubling with jitter (`random` from [0, 1)); None: give up."""
    if now - requested_at >= patience.give_up:
        return None
    pause = min(patience.longest, patience.first * (1 << min(attempts - 1, 20)))
    return now + pause / 2 + pause / 2 * random
