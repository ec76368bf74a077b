"""What supervisors see: plain values, the same for the API and the console. All times are aware, in
UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from services.desk.calls.schemas import CallView
from services.desk.steering.domain import Forecast

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A conversation in few words."""

    __pydantic_config__ = _DOCS

    id: str
    number: int
    subject: str
    customer: str
    """The name, or where they wrote from."""
    level: str
    status: str
    channel: str
    language: str
    team: str
    waiting_since: datetime | None
    due_at: datetime | None
    assignee: str
    """Mail address; empty: nobody."""
    assignee_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What somebody has of one kind of work."""

    __pydantic_config__ = _DOCS

    kind: str
    """`voice`, `mail`, `chat`, `text` or `post`."""
    has: int
    """Weight of their conversations; of `voice`: 1 on a call."""
    most: int
    why_not: str
    """Why they get none of it now: `away`, `busy`, `wrap-up`, `paused`, `no-phone`, `off-hours`,
    `full`; empty: they get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentView:
    """What somebody does now."""

    __pydantic_config__ = _DOCS

    id: str
    email: str
    name: str
    presence: str
    since: datetime
    reason: str
    teams: tuple[str, ...]
    loads: tuple[Load, ...]
    work: tuple[Item, ...]
    """Open conversations that they have, the most urgent first, at most 12."""
    more: int
    """How many others they have."""
    call: CallView | None
    """On which they are rung, speak or write notes."""
    called_at: datetime | None
    """When somebody asked them to come in, since they were last there."""

    @property
    def left_behind(self) -> bool:
        """Whether they are away and have work."""
        return self.presence == "away" and bool(self.work)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueView:
    """The queue of a team."""

    __pydantic_config__ = _DOCS

    team: str
    """Empty: of conversations without a team."""
    pushed: bool
    """Whether its members are given its work."""
    waiting: int
    """Conversations that nobody has."""
    oldest: datetime | None
    """Since when the one waits who waits longest."""
    late: int
    """Those of them that are overdue."""
    accepting: int
    """Members who get some kind of work now."""
    members: int
    forecast: Forecast | None
    """None while it is being counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Everything at one moment."""

    __pydantic_config__ = _DOCS

    at: datetime
    agents: tuple[AgentView, ...]
    """By name."""
    queues: tuple[QueueView, ...]
    """By name."""
    at_risk: tuple[Item, ...]
    """Those whose answer is due within the next hour, the first one first, at most 30."""
    risks: int
    """How many there are."""
    late: int
    """How many are overdue already."""
    callers: int
    """Who waits on the telephone."""
    calling_since: datetime | None
    """Since when the caller waits who waits longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why nobody has a conversation."""

    __pydantic_config__ = _DOCS

    why: str
    """As a verdict of `GET /tickets/{ticket}/assignment`; `pull`: members take it themselves;
    `now`: it is being given; `offered`; `nobody`: nobody is in the team."""
    people: int
    """Of how many members that is so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A conversation in a queue."""

    __pydantic_config__ = _DOCS

    item: Item
    skills: tuple[str, ...]
    """Still asked for."""
    offered_to: str
    """Name of who is asked to accept it; empty: nobody."""
    why: tuple[Reason, ...]
    """Most first."""
    could: tuple[str, ...]
    """Names of who could get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePage:
    """A queue, in the order in which it is given."""

    __pydantic_config__ = _DOCS

    queue: QueueView
    waiting: tuple[Waiting, ...]
    """The first 50."""
    hours: tuple[datetime, ...]
    """When each hour of the forecast begins."""
