"""What readers get of service levels. All times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from services.desk.service_levels.domain import Calendar, Policy

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """One promise to the customer of a ticket."""

    __pydantic_config__ = _DOCS

    kind: str
    """`first-reply`, `next-reply` or `solution`."""
    state: str
    """`running`, `paused`, `met` or `breached`."""
    began_at: datetime
    due_at: datetime | None
    """Null while it is paused."""
    ended_at: datetime | None = None
    """When it was answered or solved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingView:
    """The policy that is for a ticket, and where it stands."""

    __pydantic_config__ = _DOCS

    policy: str
    """Its name; empty where none is for it, and the router's promise counts."""
    promised: datetime | None
    """When an answer is due by the router's promise, where no policy is for it."""
    targets: tuple[TargetView, ...] = ()
    """Those that are not over first, then the newest."""


@dataclass(frozen=True, slots=True)
class CalendarState:
    """A calendar, and how its feed does."""

    calendar: Calendar
    feed_at: datetime | None
    """When it was read last."""
    feed_error: str
    """Why it could not be read the last time; empty where it could."""


@dataclass(frozen=True, slots=True)
class Overview:
    """All policies in their order, and all calendars by name."""

    policies: tuple[Policy, ...]
    calendars: tuple[CalendarState, ...]
