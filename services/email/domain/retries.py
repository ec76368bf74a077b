"""What to do after an attempt to send. Pure: time and the random number are given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Result(StrEnum):
    """How an attempt ended."""

    SENT = "sent"
    LATER = "later"
    """Certainly not sent, and it may go well another time."""
    REFUSED = "refused"
    """Certainly not sent, and never will be."""
    UNKNOWN = "unknown"
    """It may have been sent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """`words`: those of the other side, for an agent to read."""

    result: Result
    words: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """`first`: before the first repeat; `longest`: between two; `give_up`: after the request, when an agent should know."""

    first: timedelta = timedelta(seconds=30)
    longest: timedelta = timedelta(hours=1)
    give_up: timedelta = timedelta(hours=24)


def next_attempt(
    attempts: int, requested_at: datetime, now: datetime, patience: Patience, random: float
) -> datetime | None:
    """When to try again after `attempts` attempts, doubling with jitter (`random` from [0, 1)); None: give up."""
    if now - requested_at >= patience.give_up:
        return None
    pause = min(patience.longest, patience.first * (1 << min(attempts - 1, 20)))
    return now + pause / 2 + pause / 2 * random
