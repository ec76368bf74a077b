"""What all events have in common."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fact or a wish on a topic: immutable, JSON, and lenient about fields that a newer writer added."""
