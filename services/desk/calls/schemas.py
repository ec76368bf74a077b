"""What readers of calls get. All times are aware, in UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from services.desk.tickets.schemas import ReasonView, TicketRow

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call as it stands."""

    __pydantic_config__ = _DOCS

    call_id: str
    direction: str
    """`in`, or `out` for a callback."""
    state: str
    """`greeting`, `menu`, `queued`, `offered`, `bridging` (the agent's telephone rings),
    `connected`, `wrap-up`, `voicemail`, `callback-requested`, `abandoned` or `ended`."""
    customer: str
    """Their contact point; `call:<id>` where the number is withheld."""
    customer_id: str
    """Empty while the caller's message has not arrived."""
    customer_name: str
    """Their name, or their number where no name is known."""
    language: str
    """ISO 639-1, or empty."""
    ticket_id: str
    """Empty while the caller's message has not arrived."""
    ticket_number: int
    """0 while there is no ticket."""
    subject: str
    level: str
    """`urgent`, `high`, `normal` or `low`."""
    prefers_phone: bool
    reasons: tuple[ReasonView, ...]
    """Why it has this place in the queue."""
    waiting_since: datetime | None
    connected_at: datetime | None
    ended_at: datetime | None
    agent: str
    """Mail address of who is rung, or speaks."""
    agent_name: str
    offered_to: str
    """Mail address of who is shown it now, or empty."""
    offered_until: datetime | None
    outcome: str
    """Of the newest request, as in `CallOutcome`; empty while it is not known."""
    detail: str
    request_id: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackView:
    """A customer who is to be called."""

    __pydantic_config__ = _DOCS

    ticket: TicketRow
    number: str
    """Contact point `tel:+…`; empty where it has to be asked for first."""
    since: datetime
    """Their place: since when they wait."""
    why: str
    """`asked`, `voicemail`, `abandoned`, or `prefers` (wrote, and would rather be called)."""
    reason: ReasonView | None
    """Of `prefers`: why we think so, such as `age 71, given by the customer`."""
    about: str
    """The call that it answers, or empty."""
    tries: int
    """How often they were called in vain since they wait."""
    agent: str
    """Mail address of who is calling them now, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsView:
    """The telephone line now."""

    __pydantic_config__ = _DOCS

    waiting: tuple[CallView, ...]
    """In the order in which they are served."""
    ongoing: tuple[CallView, ...]
