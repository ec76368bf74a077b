"""Estimates how long a caller will wait, so that the promise can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import ceil

USUAL_PACE = 120.0
"""Seconds between two calls taken, while there is nothing to learn from."""
_FASTEST, _SLOWEST = 20.0, 900.0


def pace(taken: Sequence[datetime]) -> float:
    """Estimates the seconds between two calls taken, from when the last ones were."""
    if len(taken) < 3:
        return USUAL_PACE
    span = (max(taken) - min(taken)).total_seconds()
    return min(_SLOWEST, max(_FASTEST, span / (len(taken) - 1)))


def expected_wait(position: int, seconds_each: float) -> int:
    """Estimates the seconds until the caller at this position (1 is next) is served."""
    return round(max(position, 1) * seconds_each)


def minutes(seconds: int) -> int:
    """Rounds to minutes as they are spoken: up, because a wait that is shorter than promised annoys
    nobody; at most an hour."""
    return min(60, max(1, ceil(seconds / 60)))
