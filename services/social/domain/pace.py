"""When to ask a network again. Pure: time and the random number are given."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

FIRST, LONGEST = 2.0, 120.0
"""Seconds. X asks for exponential back-off; after an outage we are back within two minutes."""
_AFTER_RESET = 1.0
"""Seconds on top of a limit's reset, whose clock is not ours."""
_LONGEST_WAIT = 24 * 3600.0
"""Seconds. Daily limits reset within a day; a reset further away is a broken header."""
DENIED = 300.0
"""Seconds between two tries with credentials that were refused: an operator is mending them."""
NOT_IN_PLAN = 3600.0
"""Seconds between two tries of what the plan does not have: somebody has to buy it."""
STEADY = 10.0
"""Seconds after which a stream counts as restored, and the next break as the first."""


class Break(StrEnum):
    """How a stream broke. X asks for another patience with each (its documentation, "Handling
    disconnections")."""

    NETWORK = "network"
    HTTP = "http"
    LIMIT = "limit"


def relieved(looked: datetime, live_since: datetime | None, now: datetime, seldom: float) -> bool:
    """Returns whether a look can wait: the stream has been heard without a break since before the
    last one (`looked`), which was less than `seldom` seconds ago."""
    return live_since is not None and live_since < looked and (now - looked).total_seconds() < seldom


def after_failure(attempt: int, until: datetime | None, now: datetime, random: float) -> float:
    """Returns the seconds before repeat `attempt` (1 is the first). `until`: the limit's reset,
    which is obeyed; otherwise doubling with jitter. `random` is from [0, 1)."""
    if until is not None:
        return until_reset(until, now) + random * _AFTER_RESET
    ceiling = min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 20))
    return ceiling / 2 + random * ceiling / 2


def after_success(every: float, rest_until: datetime | None, now: datetime) -> float:
    """Returns the seconds before the next look: the usual, or longer where the limit is used up."""
    return max(every, until_reset(rest_until, now)) if rest_until else every


def until_reset(moment: datetime, now: datetime) -> float:
    """Returns the seconds until a limit's reset, at most a day."""
    return min(_LONGEST_WAIT, max(0.0, (moment - now).total_seconds()) + _AFTER_RESET)
