"""Decides when to connect to X's stream again. Pure: time and the random number are given."""

from __future__ import annotations

from datetime import datetime

from services.social.domain.pace import Break, until_reset


def before_reconnect(kind: Break, attempt: int, until: datetime | None, now: datetime, random: float) -> float:
    """Returns the seconds before a stream is tried again: after a broken connection 250 ms more
    each time, at most 16 s; after an HTTP error 5 s doubled each time, at most 320 s; after 429 a
    minute doubled each time, and not before the reset where one is known. `attempt` and `random`:
    as in `after_failure`."""
    step = min(attempt - 1, 20)
    match kind:
        case Break.NETWORK:
            seconds = min(16.0, 0.25 * attempt)
        case Break.HTTP:
            seconds = min(320.0, 5.0 * 2.0**step)
        case Break.LIMIT:
            seconds = min(960.0, 60.0 * 2.0**step)
    if until is not None:
        seconds = max(seconds, until_reset(until, now))
    return seconds * (1 + random / 4)
