"""What a channel has to write: one attempt at its provider, and the question whether an attempt
went out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from shared.attempts import Outcome
from shared.delivery.ledger import Attempt


@dataclass(frozen=True, slots=True)
class SendResult(Outcome):
    """How an attempt ended. `provider_id`: the provider's name for what it took; `not_before`:
    where it may go well later and the provider says when, such as a rate limit's reset (UTC);
    `reason`: the class of why it was not done; `attempted`: False where it only waits for its turn
    at `not_before`, which costs no patience."""

    provider_id: str = ""
    not_before: datetime | None = None
    reason: str = ""
    attempted: bool = True


@dataclass(frozen=True, slots=True)
class Sent:
    """The provider has it. `candidates`: the provider's ids of all that it may be, oldest first.
    What the provider has once was sent once: the first that is no other delivery's counts, and
    where each is another's this one was not sent."""

    candidates: Sequence[str]
    words: str = "found to be sent after an interruption"


@dataclass(frozen=True, slots=True)
class NotSent:
    """The provider certainly does not have it: it is sent again."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell, now or later: an agent has to look. `words`: for them to read."""

    words: str


Finding: TypeAlias = Sent | NotSent | Unknown


class Sender(Protocol):
    """One provider. Where either verb raises Unavailable it certainly did nothing and is tried
    again; where it raises Malformed this delivery can never be sent."""

    async def send(self, attempt: Attempt) -> SendResult:
        """Makes one attempt, within the policy's lease. Any other error than those above counts as
        an unknown end."""

    async def find(self, attempt: Attempt) -> Finding:
        """Asks the provider for an attempt whose end nobody saw. It began at `attempt.started_at`,
        by the database's clock."""
