"""The bus: publish events, handle them at least once, follow a compacted topic. On Kafka, or in
memory for unit tests.

What goes wrong without it: a consumer that commits before its work is done loses messages, and one
that lets a single bad record stop it loses the day. Here a handler's return is the commit, and what
cannot be handled is set aside.
"""

from shared.bus.api import (
    TAKEN,
    WRITTEN,
    Bus,
    Consumer,
    DeadLetter,
    Encoded,
    Handler,
    Record,
    TooManyDeadLetters,
    View,
)

__all__ = [
    "TAKEN",
    "WRITTEN",
    "Bus",
    "Consumer",
    "DeadLetter",
    "Encoded",
    "Handler",
    "Record",
    "TooManyDeadLetters",
    "View",
]
