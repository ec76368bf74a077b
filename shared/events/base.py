"""What all events have in common."""

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fact or a wish on a topic: immutable, JSON, and lenient about fields that a newer writer added.

    Never part of a cycle, so that the collector of garbage need not look at it.
    """
