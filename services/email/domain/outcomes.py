"""What a provider tells of a mail of ours, whichever provider it is."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from services.email.domain.reasons import Reason, reason_of
from services.email.domain.suppression import nobody_there

_LONGEST = 1_000


class Kind(StrEnum):
    """What happened to a mail."""

    ACCEPTED = "accepted"
    """By the provider."""
    DELIVERED = "delivered"
    """The receiver's server took it; it may still send it back."""
    DELAYED = "delayed"
    """The provider tries again."""
    FAILED = "failed"
    COMPLAINED = "complained"
    """The receiver reported it as spam."""
    UNSUBSCRIBED = "unsubscribed"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One event about one recipient. `hard`: by the provider's word nothing will ever arrive at
    this address. What finds the answer, best evidence first: `outbound_id`, which we gave along and
    the provider gives back; `message_id`; `sender`, the envelope's, whose address has our token.
    `guess`: where none of them is there, it is about the newest answer to `recipient`."""

    kind: Kind
    recipient: str
    detail: str = ""
    reason: Reason = Reason.UNSAID
    hard: bool = False
    event_id: str = ""
    """The provider's own, so that a failure that is told twice counts once."""
    outbound_id: str = ""
    message_id: str = ""
    sender: str = ""
    guess: bool = True

    @property
    def gone(self) -> bool:
        """Whether the address is gone. Providers count more as hard than that: where the receiver's
        own words give another reason, they are believed."""
        unsaid = self.hard and self.reason is Reason.UNSAID
        return self.kind is Kind.FAILED and (unsaid or nobody_there(self.reason))


def reason(words: str, status: str = "", otherwise: Reason = Reason.UNSAID) -> Reason:
    """Returns why a mail did not arrive: by the receiver's words or code, or else `otherwise`, what
    the provider's own class says."""
    found = reason_of(words, status)
    return otherwise if found is Reason.UNSAID else found


def words(*parts: str) -> str:
    """Joins what a provider tells to one line for an agent, each part once."""
    said = dict.fromkeys(" ".join(part.split()) for part in parts)
    return " ".join(part for part in said if part)[:_LONGEST]


def message_id(value: str) -> str:
    """Returns a Message-ID in its brackets, which some providers leave out."""
    bare = value.strip().strip("<>")
    return f"<{bare}>" if bare else ""
