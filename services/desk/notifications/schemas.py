"""What readers see of notifications."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationView:
    """One line of an agent's list: what happened since they last read of it."""

    __pydantic_config__ = _DOCS

    id: str
    kind: str
    """`mention`, `assigned`, `reply`, `failed`, `sla-warning`, `sla-breach`, `called-in`
    or `new-work`."""
    what: str
    """`offered` where a conversation is not given yet but offered; else empty."""
    ticket_id: str
    """Empty where it is about a team."""
    ticket_number: int
    """0 where it is about a team."""
    subject: str
    customer_name: str
    team: str
    """Whose queue has new work; else empty."""
    actor: str
    """Who did it last: an agent's mail address, `desk`, `api:<name>`."""
    actor_name: str
    """The agent's; else empty."""
    count: int
    """How many times it happened."""
    at: datetime
    """When it happened last."""
    seq: int
    """Of the newest event: grows with each line, and with each that is added to one."""
    ways: tuple[str, ...]
    """How they wanted to be told: `bell`, `desktop`, `sound`, `mail`."""
    read_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationList:
    """An agent's list, the newest first."""

    __pydantic_config__ = _DOCS

    unread: int
    """Lines that are not read, of all."""
    items: tuple[NotificationView, ...]
