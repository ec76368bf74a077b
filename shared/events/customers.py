"""What the desk knows of a customer, as far as the router needs it."""

from __future__ import annotations

from datetime import datetime

from shared.events.base import Event
from shared.kernel import ContactPoint


class Stated(Event, frozen=True, kw_only=True):
    """A channel that the customer asked for."""

    channel: str
    source: str
    """`customer`, `survey`, `phone` or `agent`: who told us."""
    at: datetime


class Observed(Event, frozen=True, kw_only=True):
    """How a customer behaves on a channel."""

    messages: int
    last_at: datetime
    answer_seconds: float | None = None
    """How long they take to answer us there: the median; None where that is not known."""


class OpenTicket(Event, frozen=True, kw_only=True):
    """A ticket of this customer that a new message may belong to."""

    ticket_id: str
    channel: str
    thread_key: str
    generation: int
    last_message_at: datetime


class Profile(Event, frozen=True, kw_only=True):
    """Published once for each contact point of a customer, on the compacted topic
    `customers-updated`."""

    contact_point: ContactPoint
    customer_id: str
    version: int
    """Grows by one with each change of the customer."""
    updated_at: datetime
    name: str = ""
    """At most 200 characters."""
    contact_points: tuple[ContactPoint, ...] = ()
    """Proven ones first, then the oldest first: at most 100, this one always among them."""
    opted_out: tuple[ContactPoint, ...] = ()
    """Those of `contact_points` at which the customer does not want to be reached."""
    birth_year: int | None = None
    stated: Stated | None = None
    observed: dict[str, Observed] = {}
    """By channel: the most used, at most 20."""
    language: str = ""
    tier: str = ""
    open_tickets: tuple[OpenTicket, ...] = ()
    """Newest first, at most 20."""
    generations: dict[str, int] = {}
    """Thread key → generation, where it is above 0: the next message of the thread opens or joins
    that one. At most 40."""
    recent_contacts: tuple[datetime, ...] = ()
    """When this customer's messages of the last 24 h came, newest first, at most 20."""
    last_csat: int | None = None
    """1 to 5."""
    missed_sla: bool = False
    """Somebody answered this customer later than we promised, or has not answered though the time
    has passed; no longer ago than the desk lets it count (30 days)."""

    def supersedes(self, known: Profile) -> bool:
        """Whether this profile replaces the known one: not if it is older both by its version
        and by its time, as from a writer that lost its broker and is late. A lower version with
        a later time comes from a desk whose database was restored. Profiles of two customers
        cannot be compared: the contact point has moved from one to the other."""
        older = self.version < known.version and self.updated_at <= known.updated_at
        return not older or self.customer_id != known.customer_id
