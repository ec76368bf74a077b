"""How long customers would have waited: a queue served in order of priority by the agents who were
there. Pure."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.kernel import Level

SLOT = timedelta(minutes=15)
"""Agents are counted by quarters of an hour."""
_USUAL = timedelta(minutes=6)
_PAUSE = timedelta(minutes=30)
"""An agent who did nothing for this long was not working on one ticket all the while."""


@dataclass(frozen=True, slots=True)
class Job:
    """A ticket that begins to wait."""

    at: datetime
    level: Level
    score: int

    @property
    def place(self) -> tuple[int, int, datetime]:
        """Its place in the queue: level, then score, then age; as the desk orders its tickets."""
        return list(Level).index(self.level), -self.score, self.at


@dataclass(frozen=True, slots=True)
class Staff:
    """Who was there. `agents`: how many by the beginning of each slot; `others`: in slots that are
    not listed."""

    agents: Mapping[datetime, int]
    others: int
    minutes: timedelta
    """That one ticket takes."""

    def at(self, moment: datetime) -> int:
        """Returns how many agents work at this moment."""
        return self.agents.get(slot_of(moment), self.others)


@dataclass(frozen=True, slots=True)
class Wait:
    """Of the tickets of one level."""

    tickets: int
    median: timedelta
    worst_tenth: timedelta
    """Nine of ten waited less."""


def slot_of(moment: datetime) -> datetime:
    """Returns the beginning of the quarter of an hour that a moment is in."""
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def staff(actions: Sequence[tuple[datetime, str]], agents: int = 0, minutes: float = 0) -> Staff:
    """Returns the staff, from what agents did (when, who; any order). `agents` and `minutes`
    override what was seen, where they are not 0."""
    there: dict[datetime, set[str]] = defaultdict(set)
    last: dict[str, datetime] = {}
    gaps = []
    for at, who in sorted(actions):
        there[slot_of(at)].add(who)
        if who in last and at - last[who] < _PAUSE:
            gaps.append(at - last[who])
        last[who] = at
    took = timedelta(minutes=minutes) if minutes else _middle(gaps) if gaps else _USUAL
    seen = {} if agents else {slot: len(names) for slot, names in there.items()}
    return Staff(seen, agents or (0 if seen else 1), max(took, timedelta(seconds=1)))


def waits(jobs: Sequence[Job], staff: Staff) -> dict[Level, Wait]:
    """Serves the jobs and returns the waits; levels without tickets are left out. What is still
    waiting when no agent comes any more is left out too."""
    coming = sorted(jobs, key=lambda job: job.at)
    queue: list[tuple[tuple[int, int, datetime], int]] = []
    busy: list[datetime] = []
    waited: dict[Level, list[timedelta]] = defaultdict(list)
    last_slot = max(staff.agents, default=None)
    now, index = coming[0].at if coming else None, 0
    while now is not None:
        while index < len(coming) and coming[index].at <= now:
            heapq.heappush(queue, (coming[index].place, index))
            index += 1
        while busy and busy[0] <= now:
            heapq.heappop(busy)
        while queue and len(busy) < staff.at(now):
            job = coming[heapq.heappop(queue)[1]]
            waited[job.level].append(now - job.at)
            heapq.heappush(busy, now + staff.minutes)
        following = [coming[index].at] if index < len(coming) else []
        following += busy[:1] if queue else []
        if queue and last_slot and now < last_slot + SLOT:
            following.append(slot_of(now) + SLOT)
        now = min(following, default=None)
    return {level: _wait(waited[level]) for level in Level if waited[level]}


def _wait(times: list[timedelta]) -> Wait:
    ordered = sorted(times)
    return Wait(len(ordered), _middle(ordered), ordered[min(len(ordered) - 1, len(ordered) * 9 // 10)])


def _middle(times: Sequence[timedelta]) -> timedelta:
    return sorted(times)[len(times) // 2]
