"""What reports answer. Times are in UTC, durations are whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ConfigDict

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took."""

    __pydantic_config__ = _DOCS

    count: int = 0
    half: int | None = None
    """Median; null where there was none. Seconds below an hour, then whole minutes, from a day on
    whole hours, rounded down."""
    most: int | None = None
    """What 90 of 100 do not exceed, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was counted, by the definitions of `docs/reference/report-definitions.md`."""

    __pydantic_config__ = _DOCS

    new: int = 0
    replies: int = 0
    first_reply: Times = field(default_factory=Times)
    next_reply: Times = field(default_factory=Times)
    resolution: Times = field(default_factory=Times)
    """`count`: resolutions."""
    reopened: int = 0
    """Of these resolutions."""
    due: int = 0
    met: int = 0
    """Of those that were due."""
    backlog: int | None = None
    """Unsolved at the end; null of a single point of time that was not asked for."""
    age: Times = field(default_factory=Times)
    """Of the backlog."""
    calls: int | None = None
    """Callers who waited; null where calls are not told apart so."""
    abandoned: int | None = None
    """Of these callers."""
    there: int | None = None
    """Seconds in which agents were ready, busy or in wrap-up; null where that is not told apart
    so."""
    occupied: int | None = None
    """Of these seconds."""

    @property
    def reopen_rate(self) -> float | None:
        """Share of the resolutions that were reopened; none without any."""
        return self.reopened / self.resolution.count if self.resolution.count else None

    @property
    def kept(self) -> float | None:
        """Share of what was due that was answered in time; none where nothing was due."""
        return self.met / self.due if self.due else None

    @property
    def abandonment(self) -> float | None:
        """Share of callers who gave up; none where nobody called."""
        return (self.abandoned or 0) / self.calls if self.calls else None

    @property
    def occupancy(self) -> float | None:
        """Share of the time there in which somebody waited for the agent, or they spoke; none where
        nobody was there."""
        return (self.occupied or 0) / self.there if self.there else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Figures of one hour, day or week."""

    __pydantic_config__ = _DOCS

    at: datetime
    """When it begins."""
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Figures of one channel, team, agent, language or tier."""

    __pydantic_config__ = _DOCS

    value: str
    """Empty: of none."""
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A report."""

    __pydantic_config__ = _DOCS

    since: datetime
    until: datetime
    before_since: datetime
    before_until: datetime
    unit: str
    """Of its points: `hour`, `day` or `week`."""
    zone: str
    counted_at: datetime
    """What was committed until then is counted."""
    rebuilding: bool
    """Whether everything is being counted anew, so that figures may be incomplete."""
    figures: Figures
    before: Figures
    """Of the period before."""
    points: tuple[Point, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A ticket behind a number, once for each time that it counts."""

    __pydantic_config__ = _DOCS

    ticket_id: str
    number: int
    subject: str
    status: str
    at: datetime
    """When it counts."""
    seconds: int | None
    work_seconds: int | None
    channel: str
    team: str
    agent: str
    language: str
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPage:
    """Some of them, the newest first."""

    __pydantic_config__ = _DOCS

    items: tuple[Counted, ...]
    next: str
    """The cursor of the next page; empty after the last."""
