"""What readers of customers get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

_DOCS = ConfigDict(use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPointView:
    """Where a customer can be reached."""

    __pydantic_config__ = _DOCS

    point: str
    """`email:ann@example.org`."""
    kind: str
    address: str
    verified: bool
    """Proven by a signature or the provider."""
    opted_out: bool
    """They asked not to be written to or called here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedView:
    """The channel that the customer asked for."""

    __pydantic_config__ = _DOCS

    channel: str
    source: str
    """`customer`, `survey`, `phone` or `agent`: who told us."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedView:
    """How a customer used a channel so far."""

    __pydantic_config__ = _DOCS

    channel: str
    messages: int
    last_at: datetime
    answer_seconds: float | None = None
    """How long they take to answer us there: the median of the newest answers; null where there is
    none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTicket:
    """A ticket of this customer, for the panel."""

    __pydantic_config__ = _DOCS

    id: str
    number: int
    subject: str
    status: str
    level: str
    channel: str
    created_at: datetime
    last_message_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """A customer, as the panel beside a ticket shows them."""

    __pydantic_config__ = _DOCS

    id: str
    name: str
    """Empty where nobody told us."""
    language: str
    tier: str
    birth_year: int | None
    preferred: StatedView | None
    contact_points: tuple[ContactPointView, ...]
    observed: tuple[ObservedView, ...]
    """Most used first."""
    facts: dict[str, str]
    """Site and product data of their newest message that had any."""
    tickets: tuple[CustomerTicket, ...]
    """The newest 20."""
    created_at: datetime
    version: int
