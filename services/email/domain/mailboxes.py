"""Which addresses are ours, and the token that a reply address carries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PLUS_TOKEN = re.compile(r"\+t([a-z2-7]{16,})@", re.IGNORECASE)
_LONGEST_LOCAL_PART = 64
"""RFC 5321, 4.5.3.1.1. Real servers refuse more."""


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """Addresses, and domains of which every address is ours. The first address is the one we write
    from by default."""

    addresses: tuple[str, ...]
    domains: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Mailboxes:
        """Parses a list such as `support@example.org, example.net`. Raises ValueError with the
        entry that is neither address nor domain."""
        entries = [entry.strip().lower() for entry in text.split(",") if entry.strip()]
        for entry in entries:
            if not re.fullmatch(r"(?:[^\s@<>,\"]+@)?[^\s@<>,\"]*[^\s@<>,\".]", entry):
                raise ValueError(f"{entry!r} is neither an address nor a domain")
        addresses = tuple(entry for entry in entries if "@" in entry.strip("@"))
        domains = frozenset(entry.lstrip("@") for entry in entries if entry not in addresses)
        if not addresses:
            raise ValueError("name at least one address, such as support@example.org: answers are sent from it")
        return cls(addresses, domains)

    @property
    def default(self) -> str:
        """The mailbox that we write from where nothing else is known."""
        return self.addresses[0]

    def owns(self, address: str) -> bool:
        """Whether mail to this address, with or without a plus part, is for us."""
        base = without_plus(address)
        return base in self.addresses or base.rpartition("@")[2] in self.domains

    def at_our_domain(self, address: str) -> bool:
        """Whether this address belongs to one of our domains, mailbox of ours or not."""
        domain = address.lower().rpartition("@")[2]
        return domain in self.domains or any(domain == ours.rpartition("@")[2] for ours in self.addresses)

    def first(self, candidates: Iterable[str]) -> str:
        """Returns the first of these that is ours, without its plus part; an empty string where
        none is."""
        return next((without_plus(address) for address in candidates if self.owns(address)), "")


def without_plus(address: str) -> str:
    """Returns an address without its plus part: `support@example.org` for
    `Support+t123@Example.org`."""
    local, _, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def with_token(mailbox: str, token: str) -> str:
    """Returns the reply address of a ticket; the mailbox itself where the address would be
    longer than servers take (the token in our Message-ID then suffices)."""
    local, _, domain = mailbox.rpartition("@")
    tagged = f"{local}+t{token}"
    return f"{tagged}@{domain}" if len(tagged) <= _LONGEST_LOCAL_PART else mailbox


def tokens_in(addresses: Iterable[str]) -> list[str]:
    """Returns the reply tokens that these addresses carry, not yet verified."""
    return [match[1].lower() for address in addresses if (match := _PLUS_TOKEN.search(address))]
