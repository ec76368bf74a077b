"""What is to be expected of a team's queue, and why nobody has a conversation. Pure: values in,
values out.

What comes in the next hours is told from what came in the same hours of the last weeks; how long
one takes, from the time between two replies of the same person. Where too little was counted, that
is what is said.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, WEEK = timedelta(hours=1), timedelta(weeks=1)
AHEAD = 8
"""Hours that are told of in advance: what is left of a day's work."""
WEEKS, LEAST_WEEKS = 4, 2
"""Weeks that are looked back on, and how many of them it takes: one alone may have been a
holiday."""
LEAST_REPLIES = 20
"""Replies from which it is told how long one takes."""
LONGEST = 3600.0
"""Seconds between two replies beyond which somebody did something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was counted of one team in the hours that are asked about, in each of the last weeks."""

    arrivals: Mapping[tuple[int, int], int]
    """Conversations in which a customer wrote, by week (1 is the last one) and hour (0 is the first
    of those that come). What is not here is 0."""
    replies: int
    """That came within `LONGEST` of the same person's one before."""
    seconds: float
    """Median of the time between the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What is to be expected of a queue. None: there is not enough history."""

    arrivals: tuple[float, ...] | None
    """Conversations in each of the next hours."""
    handling: float | None
    """Seconds that one takes."""
    needed: int | None
    """Agents who would have done all that waits and comes by the end of the first hour."""


def weeks_known(first: datetime | None, begins: datetime) -> int:
    """Returns of how many of the last weeks, at most `WEEKS`, the hours from `begins` on were
    counted. `first`: the oldest message."""
    if first is None:
        return 0
    return sum(begins - week * WEEK >= first for week in range(1, WEEKS + 1))


def forecast(past: Past, weeks: int, waiting: int) -> Forecast:
    """Tells what is to be expected of a queue in which so many wait. `weeks`: as `weeks_known`."""
    arrivals = None
    if weeks >= LEAST_WEEKS:
        counted = range(1, weeks + 1)
        arrivals = tuple(sum(past.arrivals.get((week, hour), 0) for week in counted) / weeks for hour in range(AHEAD))
    handling = past.seconds if past.replies >= LEAST_REPLIES else None
    needed = None
    if arrivals and handling is not None:
        needed = math.ceil((waiting + arrivals[0]) * handling / HOUR.total_seconds())
    return Forecast(arrivals=arrivals, handling=handling, needed=needed)


def ranges(begins: datetime) -> list[tuple[int, datetime]]:
    """Returns the last weeks with the beginning of the hours that are looked at in each."""
    return [(week, begins - week * WEEK) for week in range(1, WEEKS + 1)]


def this_hour(now: datetime) -> datetime:
    """Returns when the hour began."""
    return now.replace(minute=0, second=0, microsecond=0)


def why_waiting(verdicts: Mapping[str, str], *, pushed: bool) -> tuple[tuple[str, int], ...]:
    """Returns why nobody has a conversation: how many of its team's members for which reason, most
    first. `pull`: members take it themselves; `now`: it is being given; `nobody`: nobody is in the
    team. `verdicts`: as `Deal.verdicts`."""
    members = [why for why in verdicts.values() if why != "team"]
    if not members:
        return (("nobody", 0),)
    if not pushed:
        return (("pull", len(members)),)
    if could := sum(not why for why in members):
        return (("now", could),)
    return tuple(sorted(Counter(members).items(), key=lambda each: (-each[1], each[0])))


def could(verdicts: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the ids of who could get a conversation, in order."""
    return tuple(sorted(own for own, why in verdicts.items() if not why))
