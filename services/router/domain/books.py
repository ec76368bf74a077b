"""The books: every message of a period from the door to the desk, every answer from the desk to its
delivery. Pure."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

SETTLED = frozenset({"sent", "delivered", "failed", "uncertain"})
"""States of an answer whose fate the agent has been told."""

Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


@dataclass(slots=True)
class Books:
    """Filled from the topics, in any order; the same record may come any number of times. Ids are
    of messages, or of answers."""

    received: dict[str, datetime] = field(default_factory=dict)
    """When a channel service handed it over."""
    routed: set[str] = field(default_factory=set)
    applied: dict[str, set[str]] = field(default_factory=dict)
    """The tickets in which the desk wrote it down; empty for one that is about the customer and
    opens no ticket."""
    set_aside: dict[str, set[int]] = field(default_factory=dict)
    """With the numbers of its dead letters."""
    replayed: set[int] = field(default_factory=set)
    """Dead letters that went back to their topic: from then on their message has to arrive."""
    unreadable: set[int] = field(default_factory=set)
    """Dead letters whose message cannot be told."""
    places: dict[Place, str] = field(default_factory=dict)
    """Where each message was received."""
    garbled: dict[Place, datetime] = field(default_factory=dict)
    """Received, but nothing that can be read."""
    buried: dict[Place, set[int]] = field(default_factory=dict)
    """Where records came from that were set aside, with the numbers of their dead letters."""
    requested: dict[str, datetime] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    def balance(self, until: datetime) -> Balance:
        """Returns what is accounted for. `until`: whatever is newer is still on its way and does
        not count."""
        received = {number for number, at in self.received.items() if at < until}
        aside = {number for number in received if self.set_aside.get(number, set()) - self.replayed}
        aside |= {
            self.places.get(place, "") for place, letters in self.buried.items() if letters - self.replayed
        } & received
        garbled = {place: at for place, at in self.garbled.items() if at < until and place not in self.buried}
        not_routed = received - self.routed - aside
        not_applied = (received & self.routed) - self.applied.keys() - aside
        requested = {number for number, at in self.requested.items() if at < until}
        return Balance(
            received=len(received),
            routed=len(received & self.routed),
            applied=len(received & self.applied.keys()),
            set_aside=len(aside - self.applied.keys()),
            unreadable=len(self.unreadable - self.replayed),
            requested=len(requested),
            settled=len(requested & self.settled),
            not_routed=_sorted(not_routed, self.received),
            not_set_aside=tuple(" ".join(map(str, place)) for place in sorted(garbled)),
            not_applied=_sorted(not_applied, self.received),
            applied_twice=_sorted(
                {number for number in received if len(self.applied.get(number, ())) > 1}, self.received
            ),
            not_settled=_sorted(requested - self.settled, self.requested),
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """Counts, and the ids that are missing, oldest first. A message that was set aside is accounted
    for: it can be replayed."""

    received: int
    routed: int
    applied: int
    set_aside: int
    unreadable: int
    requested: int
    settled: int
    not_routed: tuple[str, ...]
    not_set_aside: tuple[str, ...]
    """Records in which no message can be read and that are in no dead letter either: topic,
    partition, offset."""
    not_applied: tuple[str, ...]
    applied_twice: tuple[str, ...]
    not_settled: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Nothing is missing, and nothing took effect twice."""
        return not (self.not_routed or self.not_set_aside or self.not_applied or self.applied_twice or self.not_settled)


def _sorted(numbers: AbstractSet[str], times: dict[str, datetime]) -> tuple[str, ...]:
    return tuple(sorted(numbers, key=lambda number: (times[number], number)))
