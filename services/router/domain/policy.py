"""A routing policy as the decisions read it: checked, immutable, with its words compiled."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.router.domain.judging import Model
from services.router.domain.words import Lexicon, Phrase
from shared.hours import Hours
from shared.kernel import Level

REMEMBERED = 4096
"""Answers kept of each question that is a function of a policy, some 2 KB each: most messages of a
day are of a few hundred kinds."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """When writing again counts: each earlier contact within `within` adds `points`, at most
    `at_most` times."""

    points: float
    within: timedelta
    apart: timedelta
    """Messages closer together than this are one contact: a person who types in short lines is not
    insisting."""
    at_most: int


@dataclass(frozen=True, slots=True, eq=False)
class Priority:
    """Points of 0 to 100 for each signal, and the scores at which the levels begin.

    Points are what a signal would be worth alone; together they saturate towards 100
    (`domain.priority`).
    """

    urgent: float
    high: float
    normal: float
    base: float
    live: float
    severity: Mapping[str, float]
    """By severity, such as `outage`."""
    complaint: float
    """At a complaint score of 1."""
    reach: float
    """At `reach_full` people and above; grows with the square of the logarithm."""
    reach_full: int
    tiers: Mapping[str, float]
    """By the customer's plan, in lower case."""
    repeated: Repeated
    bad_csat: float
    bad_csat_at_most: int
    missed_sla: float
    ceilings: Mapping[str, float]
    """By kind of automatic mail (`reply`, `bounce`, `list`) and of calm messages (`judging.CALM`):
    the score never exceeds this."""
    model: Model | None = None
    """Judges the whole wording; None where words alone decide."""
    model_weight: float = 1.0
    """How much of the points that it expects count, 0 to 1."""

    def level(self, score: float) -> Level:
        """Returns the level that a score belongs to."""
        if score >= self.urgent:
            return Level.URGENT
        if score >= self.high:
            return Level.HIGH
        return Level.NORMAL if score >= self.normal else Level.LOW

    def reach_points(self, people: int) -> float:
        """Points for a public post that this many people may see."""
        if people <= 0:
            return 0.0
        return self.reach * min(1.0, math.log1p(people) / math.log1p(self.reach_full)) ** 2


@dataclass(frozen=True, slots=True)
class KnownChannel:
    """What the policy knows of a channel even before its service is there."""

    label: str
    reaches: tuple[str, ...]
    missing: str
    """Why it cannot be used where no service has announced it: `no phone line is set up yet`."""


@dataclass(frozen=True, slots=True)
class AgePrior:
    """A channel that people of an age tend to choose. `at_least` is included, `below` is not;
    years."""

    channel: str
    at_least: int
    below: int


@dataclass(frozen=True, slots=True)
class Preference:
    """How strongly each kind of evidence speaks for a channel. Confidences are 0 to 1."""

    stated: Mapping[str, float]
    """Confidence by who told us: `customer`, `survey`, `phone`, `agent`."""
    observed_at_least: float
    """How many messages, aged by `half_life`, are enough to call it a habit."""
    half_life: timedelta
    observed: float
    """Confidence where every message came by one channel."""
    slow: timedelta
    """Messages on a channel where the customer takes this long to answer count half."""
    ages: tuple[AgePrior, ...]
    age: float
    used: float
    ask_below: float
    """Where the best channel is less certain than this, the customer is asked."""
    channels: Mapping[str, KnownChannel]


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """All the conditions that are given must hold; `team` and `skills` are what follows."""

    name: str
    team: str = ""
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    words: tuple[Phrase, ...] = ()
    live: bool | None = None
    recipients: tuple[str, ...] = ()
    """Our mailboxes, numbers or sites, in lower case."""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a fact → values, one of which it must have, in lower case."""


@dataclass(frozen=True, slots=True)
class Overflow:
    """The team that gets what another one did not get to."""

    team: str
    after: timedelta


@dataclass(frozen=True, slots=True)
class Patience:
    """How long tickets wait for the right people."""

    skills: Mapping[str, timedelta] = field(default_factory=dict)
    """After which a skill is dropped; one that is not listed never is."""
    overflow: Mapping[str, Overflow] = field(default_factory=dict)
    """By the team that was chosen."""


_NONE = Patience()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Patience in general and its exceptions. A customer's plan overrules the level, the level
    overrules what is general."""

    general: Patience = field(default_factory=Patience)
    levels: Mapping[Level, Patience] = field(default_factory=dict)
    tiers: Mapping[str, Patience] = field(default_factory=dict)
    """By the customer's plan, in lower case."""

    def skill(self, skill: str, level: Level, tier: str) -> timedelta | None:
        """Returns the time after which the skill is dropped; None where it is waited for."""
        for part in self._parts(level, tier):
            if found := part.skills.get(skill):
                return found
        return None

    def overflow(self, team: str, level: Level, tier: str) -> Overflow | None:
        """Returns where the team's tickets go; None where they stay."""
        for part in self._parts(level, tier):
            if found := part.overflow.get(team):
                return found
        return None

    def _parts(self, level: Level, tier: str) -> tuple[Patience, ...]:
        return self.tiers.get(tier.lower(), _NONE), self.levels.get(level, _NONE), self.general


@dataclass(frozen=True, slots=True)
class Service:
    """When people answer, and within which time they promise to."""

    hours: Hours
    """Targets count only these."""
    channels: Mapping[str, Hours]
    """Of channels that have hours of their own."""
    targets: Mapping[Level, timedelta]
    """Time to the first answer, by level; a level without one is not promised anything."""
    tiers: Mapping[str, Mapping[Level, timedelta]]
    """By the customer's plan, in lower case, where it is promised more."""
    waiting: Waiting = field(default_factory=Waiting)

    def hours_of(self, channel: str) -> Hours:
        """Returns the opening hours of this channel."""
        return self.channels.get(channel, self.hours)

    def reply_targets(self, tier: str, now: datetime) -> dict[str, int]:
        """Returns the seconds from `now` until an answer is due, by the wall clock, for each level
        that is promised one."""
        targets = {**self.targets, **self.tiers.get(tier.lower(), {})}
        return {level.value: round(self.by_the_clock(target, now).total_seconds()) for level, target in targets.items()}

    def by_the_clock(self, open_for: timedelta, now: datetime) -> timedelta:
        """Returns how long it takes from `now` on until we were open for this long."""
        return open_for if self.hours.always else self.hours.after(now, open_for) - now


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """One version of a routing policy. Equal only to itself: what was decided under it is
    remembered with it."""

    name: str
    version: int
    language: str
    """Assumed where neither message nor customer tell."""
    windows: Mapping[str, timedelta]
    """By channel: a message without any other clue joins an open ticket that was touched this
    recently."""
    priority: Priority
    lexicon: Lexicon
    preference: Preference
    service: Service
    team: str
    rules: tuple[RoutingRule, ...] = field(default=())

    @property
    def label(self) -> str:
        """Name and version, as decisions record it: `default@3`."""
        return f"{self.name}@{self.version}"
