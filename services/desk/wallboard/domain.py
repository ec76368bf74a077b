"""From what was counted to what is shown. Pure: values in, values out; the clock is an argument."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.desk.wallboard.schemas import Pace, Queue, Times

MINUTE = timedelta(minutes=1)
REPLIES_OVER = timedelta(minutes=5)
"""Over which time first replies are looked at: fewer would make a percentile of a handful."""
Offsets = Mapping[tuple[str, int], int]
"""By topic and partition."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Those of one team who need the same skills."""

    team: str
    skills: frozenset[str]
    waiting: int
    oldest: datetime | None
    aimed: int
    late: int


def queues(counted: Iterable[Counted], teams: Iterable[str], ready: Collection[frozenset[str]]) -> tuple[Queue, ...]:
    """Returns a row for each team, by name. `ready`: the skills of each agent who is ready; an
    agent without any has all."""
    found = {team: Queue(team=team, ready=len(ready)) for team in teams}
    able: dict[str, set[int]] = {}
    for part in counted:
        before = found.get(part.team, Queue(team=part.team))
        able.setdefault(part.team, set()).update(
            number for number, skills in enumerate(ready) if not skills or part.skills <= skills
        )
        found[part.team] = replace(
            before,
            waiting=before.waiting + part.waiting,
            oldest=min((at for at in (before.oldest, part.oldest) if at), default=None),
            aimed=before.aimed + part.aimed,
            late=before.late + part.late,
            ready=len(able[part.team]),
        )
    return tuple(found[team] for team in sorted(found))


def worst(queues: Sequence[Queue], most: int) -> tuple[tuple[Queue, ...], Queue | None]:
    """Returns at most `most` rows for a display that nobody scrolls: as they are where they fit,
    else those with most that are late, then most that wait, by name; and all others as one, whose
    `ready` says nothing. None if there are no others."""
    if len(queues) <= most:
        return tuple(queues), None
    ranked = sorted(queues, key=lambda queue: (-queue.late, -queue.waiting, queue.team))
    shown, others = ranked[: most - 1], ranked[most - 1 :]
    rest = Queue(
        team="",
        waiting=sum(one.waiting for one in others),
        oldest=min((one.oldest for one in others if one.oldest), default=None),
        aimed=sum(one.aimed for one in others),
        late=sum(one.late for one in others),
    )
    return tuple(sorted(shown, key=lambda queue: queue.team)), rest


def percentile(values: Sequence[float], share: float) -> float | None:
    """Returns the smallest value that `share` of all do not exceed (nearest rank); None if there
    are no values."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def trailing(replies: Sequence[tuple[datetime, float]], times: Sequence[datetime]) -> tuple[float | None, ...]:
    """Returns for each time the 95th percentile of what came in the five minutes before.
    `replies`: when, and after how many seconds."""
    return tuple(percentile([took for at, took in replies if time - REPLIES_OVER < at <= time], 0.95) for time in times)


def per_minute(
    counts: Iterable[tuple[datetime, str, int]], times: Sequence[datetime], channels: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    """Returns counts by channel, each for the minute that ends at a time. `counts`: a minute's
    beginning, a channel, how many."""
    found: dict[str, dict[datetime, int]] = {channel: {} for channel in channels}
    for begin, channel, count in counts:
        found.setdefault(channel, {})[begin + MINUTE] = count
    return {channel: tuple(by_time.get(time, 0) for time in times) for channel, by_time in found.items()}


def rate(samples: Sequence[tuple[float, int]]) -> float:
    """Returns the growth a second, from the first sample to the last; 0 if there is only one, or
    if a topic was created anew. `samples`: seconds, and a count."""
    if len(samples) < 2:
        return 0.0
    (began, before), (ended, after) = samples[0], samples[-1]
    return max(0.0, (after - before) / (ended - began)) if ended > began else 0.0


def lag(group: Offsets, begins: Offsets, ends: Offsets, topics: Collection[str]) -> int:
    """Records on these topics that a group has not read. On a topic of which it has read anything,
    a partition that it never committed counts from its beginning."""
    read = {topic for topic, _ in group} & set(topics)
    return sum(
        max(0, end - max(group.get(place, 0), begins.get(place, 0))) for place, end in ends.items() if place[0] in read
    )


def waiting(groups: Iterable[Offsets], begins: Offsets, ends: Offsets, topics: Collection[str]) -> int:
    """Records on these topics that wait to be read. Of several readers of a topic the slowest
    counts; what nobody ever read waits as a whole."""
    known, total = list(groups), 0
    for topic in topics:
        readers = [group for group in known if any(name == topic for name, _ in group)]
        total += max((lag(group, begins, ends, [topic]) for group in readers), default=kept(begins, ends, topic))
    return total


def kept(begins: Offsets, ends: Offsets, topic: str) -> int:
    """Records that a topic holds."""
    return sum(end - begins.get(place, 0) for place, end in ends.items() if place[0] == topic)


def paces(rows: Iterable[tuple[str | None, Mapping[str, Sequence[float] | None]]]) -> Times:
    """Collects how long each stage takes, in all and by channel. `rows`: a channel, or None for
    all of them; by stage the seconds of half and of 95 of 100, which are below 0 where two
    machines' clocks differ, and None where nothing passed."""
    found: dict[str | None, dict[str, Pace]] = {}
    for channel, took in rows:
        told = {stage: Pace(half=max(0.0, both[0]), most=max(0.0, both[1])) for stage, both in took.items() if both}
        found.setdefault(channel, {}).update(told)
    everything = found.pop(None, {})
    return Times(everything=everything, channels={name: stages for name, stages in found.items() if name and stages})
