"""What becomes of records that were set aside."""

from datetime import datetime

from shared.events.base import Event


class DeadLetterReplayed(Event, frozen=True, kw_only=True):
    """On `dead-letters-replayed`: a record went back to its topic."""

    letter: int
    """Its offset in `dead-letters`."""
    topic: str
    """Where it went."""
    at: datetime
    by: str = ""
    """Who did: an agent's e-mail address, `api:<token>`, or `command line`."""
