"""What all events have in common."""

from __future__ import annotations

from typing import Self

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fact or a wish on a topic: immutable, JSON, and lenient about fields that a newer writer
    added.

    Never part of a cycle, so that the collector of garbage need not look at it.
    """

    def supersedes(self, known: Self) -> bool:  # noqa: ARG002 - for the kinds that look at it
        """Whether it takes the place of the one that was read before under the same key of a
        compacted topic."""
        return True
