"""A mail of an archive: what was written before Switchboard was there."""

from shared.events.base import Event
from shared.events.inbound import InboundMessage, Point


class ImportedMail(Event, frozen=True, kw_only=True):
    """One mail of an archive, read like any other. It triggers nothing."""

    message: InboundMessage
    """`received_at` is the mail's own date. It is kept here alone: as the time of the record it
    would let Kafka delete the record at once."""
    run: str
    """The import that brought it, for counting."""
    customer: Point
    """Whom it is about: who wrote it or, where that were we, the first whom it was written to."""
    sent: bool = False
    """We wrote it."""
