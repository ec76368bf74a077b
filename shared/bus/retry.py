"""How long to wait before trying again. Pure: the random number is given."""

from __future__ import annotations

FIRST = 0.1
"""Seconds. A broker that elects a new leader is back within a few of these."""
LONGEST = 15.0
"""Seconds. Nobody at the other end waits longer for a service that has come back."""


def delay(attempt: int, random: float) -> float:
    """Seconds before attempt `attempt` (the first repeat is 1), doubling, with full jitter: `random` is from [0, 1)."""
    ceiling = min(LONGEST, FIRST * 2.0 ** min(attempt, 30))
    return ceiling / 2 + random * ceiling / 2
