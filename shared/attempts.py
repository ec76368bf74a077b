"""How an attempt at somebody else's server ended, and when to try again. Pure: time and the random
number are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FIRST = 0.2
"""Seconds. A broker that elects a new leader is back within a few of these."""
LONGEST = 15.0
"""Seconds. Nobody at the other end waits longer for a service that has come back."""


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
class RetryPolicy:
    """`first`: before the first repeat; `longest`: between two; `give_up`: after the request, when
    an agent should know."""

    first: timedelta
    longest: timedelta
    give_up: timedelta


def delay(attempt: int, random: float, first: float = FIRST, longest: float = LONGEST) -> float:
    """Returns the seconds before repeat `attempt` (1 is the first): doubling from `first` to
    `longest`, the upper half of it at random (`random` from [0, 1)), so that those who wait for the
    same do not come back together."""
    ceiling = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return ceiling / 2 + random * ceiling / 2


def next_attempt(
    attempts: int, requested_at: datetime, now: datetime, policy: RetryPolicy, random: float
) -> datetime | None:
    """Returns when to try again after `attempts` attempts, backing off as `delay` does; None: give
    up."""
    if now - requested_at >= policy.give_up:
        return None
    seconds = delay(attempts, random, policy.first.total_seconds(), policy.longest.total_seconds())
    return now + timedelta(seconds=seconds)
