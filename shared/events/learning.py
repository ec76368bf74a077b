"""What agents say of priorities, and the urgency models that are learned from it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from shared.events.base import Event

KINDS = (
    "outage", "access", "payment", "security", "data-loss", "legal", "complaint", "question", "request", "order",
    "thanks", "goodbye", "spam", "automatic",
)  # fmt: skip
"""What a message may be about: the classes of the urgency model."""
LONGEST = 4_000
"""Characters of a text that teach: a model reads no further."""


class PriorityCorrected(Event, frozen=True, kw_only=True):
    """On `priorities-corrected`, from the desk, keyed by ticket and agent: the newest counts."""

    ticket_id: str
    agent: str
    """Mail address."""
    at: datetime
    message_id: str = ""
    """Of whose words it is said."""
    before: str = ""
    """The ticket's level."""
    after: str = ""
    """The level that it should have had, in the agent's view."""
    kind: str = ""
    """What the message is really about, a class of the model; empty: no opinion."""
    language: str = ""
    text: str = ""
    """Subject and text, as far as a model reads them. Empty: there is nothing to learn, or the
    customer was forgotten."""

    @property
    def key(self) -> str:
        """Its key on the topic."""
        return f"{self.ticket_id} {self.agent}"


class Rejudged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A corrected message that two models judge differently. Without its words: those are at the
    desk, as long as the customer is."""

    ticket_id: str
    message_id: str
    wanted: str
    """What the agent said: a class, or a level."""
    before: str
    """Class."""
    after: str
    right_before: bool = False
    right_after: bool = False


class ModelLearned(Event, frozen=True, kw_only=True):
    """On `models-learned`: a model under its version; and under `in-use <policy>`, without its
    weights, the one that routers of that policy take."""

    version: str
    """Such as `urgency-ecb1b418+0f3a9c21`: the shipped model, and what was learned."""
    base: str
    """The shipped model's version."""
    at: datetime
    state: str
    """`taken`, `waits` for a person, `refused`, or `back`: an operator went back to it."""
    why: str = ""
    """`better`, `not-better`, `worse-in-general`, `large-shift`, `after-roll-back`, `one-agent`,
    `overtaken` (another was taken meanwhile), or `by-hand`."""
    replaces: str = ""
    """The version that was in use before."""
    reviewed: str = ""
    """The version that a person took last; shifts are measured from there. Empty: the shipped
    one."""
    weights: bytes = b""
    """What differs from the shipped model, see `shared/classifier/changes.py`."""
    corrections: int = 0
    agents: int = 0
    """Who corrected."""
    held_back: int = 0
    right_before: int = 0
    """Of those held back."""
    right_after: int = 0
    general_before: float = 0.0
    """Macro F1 on the held-out messages that come with the router."""
    general_after: float = 0.0
    moved: float = 0.0
    """The share of those messages that it judges grave and the model before did not, or the other
    way round."""
    examples: tuple[Rejudged, ...] = ()


def in_use(policy: str) -> str:
    """Returns the key of the model that is in use under a policy."""
    return f"in-use {policy}"
