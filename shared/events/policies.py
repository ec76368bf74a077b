"""A published routing policy."""

from datetime import datetime

from shared.events.base import Event


class RoutingPolicy(Event, frozen=True, kw_only=True):
    """The policy's own text, so that what a person wrote is what the router reads."""

    name: str
    version: int
    published_at: datetime
    yaml: str
