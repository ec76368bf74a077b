"""What the wallboard shows. No customer is named in it. All times are aware, in UTC; durations are
seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import ConfigDict

_DOCS = ConfigDict(use_attribute_docstrings=True)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """The open tickets of one team whose customers wait for an answer."""

    __pydantic_config__ = _DOCS

    team: str
    waiting: int = 0
    oldest: datetime | None = None
    """Since when the one waits who waits longest."""
    aimed: int = 0
    """Those that are to be answered by a certain time."""
    late: int = 0
    """Those of them whose time has passed."""
    ready: int = 0
    """Agents who are ready and have the skills for at least one of them; where nothing waits, all
    who are ready."""

    @property
    def in_time(self) -> float | None:
        """Share of those with a target that are not late; none where there is no target."""
        return (self.aimed - self.late) / self.aimed if self.aimed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The telephone."""

    __pydantic_config__ = _DOCS

    waiting: int = 0
    longest: datetime | None = None
    """Since when the caller waits who waits longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Agents, by what they do now."""

    __pydantic_config__ = _DOCS

    all: int = 0
    ready: int = 0
    on_call: int = 0
    busy: int = 0
    """Busy or writing notes, and not on a call."""
    away: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """What came in from social networks within the last hour and became somebody's work."""

    __pydantic_config__ = _DOCS

    complaints: int = 0
    questions: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Figures from the database."""

    __pydantic_config__ = _DOCS

    last_event: datetime | None = None
    queues: tuple[Queue, ...] = ()
    line: Line = field(default_factory=Line)
    staff: Staff = field(default_factory=Staff)
    messages: dict[str, int] = field(default_factory=dict)
    """Customers' messages of the last 60 seconds, by channel."""
    first_reply: float | None = None
    """Seconds within which 95 of 100 first replies of the last five minutes came; none where there
    was none."""
    first_reply_half: float | None = None
    """The same, for half of them."""

    @property
    def waiting(self) -> int:
        """All who wait for an answer."""
        return sum(queue.waiting for queue in self.queues)

    @property
    def oldest(self) -> datetime | None:
        """Since when the one waits who waits longest."""
        return min((queue.oldest for queue in self.queues if queue.oldest), default=None)

    @property
    def late(self) -> int:
        """All whose time has passed."""
        return sum(queue.late for queue in self.queues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the way from a customer to the desk and back."""

    __pydantic_config__ = _DOCS

    name: str
    """`received`, `router`, `desk` or `delivery`."""
    per_second: float
    lag: int | None = None
    """Records that wait to be read by this stage; none where it reads none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Figures from Kafka."""

    __pydantic_config__ = _DOCS

    stages: tuple[Stage, ...]
    groups: dict[str, int]
    """Lag by consumer group."""
    dead_letters: int
    """All that are kept."""
    dead_letters_new: int
    """Those of the last hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long something took within the last five minutes: seconds."""

    __pydantic_config__ = _DOCS

    half: float
    most: float
    """For 95 of 100."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long messages and answers took from stage to stage, from the times that they carry."""

    __pydantic_config__ = _DOCS

    everything: dict[str, Pace] = field(default_factory=dict)
    """By stage: those of `Stage.name`; `arrival`, from receipt to the database; `reply`, to the
    first reply. A stage that nothing passed is not there."""
    channels: dict[str, dict[str, Pace]] = field(default_factory=dict)
    """The same by channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[T]):
    """The newest figures of one source that could be had."""

    __pydantic_config__ = _DOCS

    value: T | None = None
    at: datetime | None = None
    ok: bool = True
    """Whether the source answered when it was last asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at one moment."""

    __pydantic_config__ = _DOCS

    at: datetime
    work: Reading[Work]
    mood: Reading[Mood]
    pipeline: Reading[Pipeline]
    times: Reading[Times]

    @property
    def seq(self) -> int:
        """Grows from one to the next, in all processes: milliseconds since 1970."""
        return int(self.at.timestamp() * 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last hour, a point a minute, oldest first. Each says of its time what `Work` says of
    now."""

    __pydantic_config__ = _DOCS

    times: tuple[datetime, ...]
    messages: dict[str, tuple[int, ...]]
    """Messages in the minute before, by channel."""
    first_reply: tuple[float | None, ...]
