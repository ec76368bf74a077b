"""What the router needs from outside, in a few verbs."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeVar

from shared.events.base import Event

Headers = list[tuple[str, bytes]]
E_co = TypeVar("E_co", bound=Event, covariant=True)


class Lookup(Protocol[E_co]):
    """The newest event of a key: a materialised view of a compacted topic."""

    def get(self, key: str) -> E_co | None:
        """Returns the newest event of this key; None where nothing is known under it."""


class Output(NamedTuple):
    """A record to send."""

    topic: str
    key: bytes
    value: bytes | None
    headers: Headers
