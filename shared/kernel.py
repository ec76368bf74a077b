"""The words everyone uses: contact points, levels and deterministic ids. Standard library only."""

from __future__ import annotations

from enum import StrEnum
from hashlib import sha1
from typing import NewType
from uuid import UUID

ContactPoint = NewType("ContactPoint", str)
"""Where a person can be reached: `kind:address` in a normal form, such as `email:ann@example.org`,
`tel:+33612345678`, `x:44196397` or `chat:<user id>`."""

_NAMESPACE = UUID("6f0c9a53-54d4-5f0e-9a3c-0f6f4c1d2b7e").bytes
_LONGEST_NAME = 300
"""Characters of what names a thread, as it is: no provider's ids are longer."""


class Level(StrEnum):
    """How urgent a ticket is, most urgent first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


def contact_point(kind: str, address: str) -> ContactPoint:
    """Joins a kind and an address that its channel has already normalised."""
    if not kind or not address or ":" in kind:
        raise ValueError(f"a contact point needs a kind and an address, not {kind!r} and {address!r}")
    return ContactPoint(f"{kind}:{address}")


def kind_of(point: ContactPoint) -> str:
    """Returns the kind of a contact point: `email` for `email:ann@example.org`."""
    return point.partition(":")[0]


def address_of(point: ContactPoint) -> str:
    """Returns the address in a contact point: `ann@example.org` for `email:ann@example.org`."""
    return point.partition(":")[2]


def email_point(address: str) -> ContactPoint:
    """Returns the contact point of a mail address.

    Domains are case-insensitive (RFC 5321, 2.4); we fold the local part too, because no mailbox
    provider in use tells two people apart by case.
    """
    return contact_point("email", address.strip().lower())


def stable_id(*parts: str) -> str:
    """Returns the same id for the same parts on every run, so that repeated work is idempotent: a
    UUID of version 5.

    Made by hand as RFC 9562, 5.5, has it. Every message needs some, and `uuid.uuid5` takes more
    than twice as long.
    """
    digest = sha1(_NAMESPACE + "\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def message_id(channel: str, provider_id: str) -> str:
    """Returns the id of an inbound message, made from its provider's own id: a retry makes the
    same event again."""
    return stable_id("message", channel, provider_id)


def thread_key(channel: str, evidence: str) -> str:
    """Returns the key of a thread, by what its channel names it, such as the Message-ID that began
    it. Profiles repeat the keys of open tickets, so that an endless one is replaced by its
    digest."""
    return f"{channel}:{evidence if len(evidence) <= _LONGEST_NAME else stable_id('thread', evidence)}"


def ticket_id(thread_key: str, generation: int = 0) -> str:
    """Returns the id of the ticket that a thread opens.

    Each time a closed thread is taken up again as a new ticket, its generation grows by one.
    """
    return stable_id("ticket", thread_key, str(generation))
