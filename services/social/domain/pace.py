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
    """How a stream broke. X asks for another patience with each (its documentation, "Handling disconnections")."""

    NETWORK = "network"
    HTTP = "http"
    LIMIT = "limit"


def before_reconnect(kind: Break, attempt: int, until: datetime | None, now: datetime, random: float) -> float:
    """Seconds before a stream is tried again: after a broken connection 250 ms more each time, at most 16 s; after an HTTP error
    5 s doubled each time, at most 320 s; after 429 a minute doubled each time, and not before the reset where one is told.
    `attempt` and `random`: as in `after_failure`."""
    step = min(attempt - 1, 20)
    match kind:
        case Break.NETWORK:
            seconds = min(16.0, 0.25 * attempt)
        case Break.HTTP:
            seconds = min(320.0, 5.0 * 2.0**step)
        case Break.LIMIT:
            seconds = min(960.0, 60.0 * 2.0**step)
    if until is not None:
        seconds = max(seconds, _until(until, now))
    return seconds * (1 + random / 4)


def relieved(looked: datetime, live_since: datetime | None, now: datetime, seldom: float) -> bool:
    """Whether a look can wait: the stream has been heard without a break since before the last one (`looked`), which was less
    than `seldom` seconds ago."""
    return live_since is not None and live_since < looked and (now - looked).total_seconds() < seldom


def after_failure(attempt: int, until: datetime | None, now: datetime, random: float) -> float:
    """Seconds before repeat `attempt` (1 is the first). `until`: the limit's reset, which is obeyed; otherwise doubling
    with jitter. `random` is from [0, 1)."""
    if until is not None:
        return _until(until, now) + random * _AFTER_RESET
    ceiling = min(LONGEST, FIRST * 2.0 ** min(attempt - 1, 20))
    return ceiling / 2 + random * ceiling / 2


def after_success(every: float, rest_until: datetime | None, now: datetime) -> float:
    """Seconds before the next look: the usual, or longer where the limit is used up."""
    return max(every, _until(rest_until, now)) if rest_until else every


def _until(moment: datetime, now: datetime) -> float:
    return min(_LONGEST_WAIT, max(0.0, (moment - now).total_seconds()) + _AFTER_RESET)
