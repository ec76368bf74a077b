"""A published routing policy."""

from datetime import datetime
from typing import Self

from shared.events.base import Event


class RoutingPolicy(Event, frozen=True, kw_only=True):
    """The policy's own text, so that what a person wrote is what the router reads."""

    name: str
    version: int
    published_at: datetime
    yaml: str
    by: str = ""
    """Who published it, as the audit log has it; empty: somebody by the router's command."""
    of: int | None = None
    """The version that this brought back."""

    def supersedes(self, known: Self) -> bool:
        """Whether its version is newer: of two that were published at once the first one counts."""
        return self.version > known.version
