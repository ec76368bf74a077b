"""Which language a message is taken to be in."""

from __future__ import annotations

from services.router.domain.policy import Policy
from shared.events import InboundMessage, Profile, Reason

_CUSTOMER = "language unclear: taken for {}, as this customer wrote before"
_POLICY = "language unclear, and the customer's not known: taken for {}, the policy's"


def read_as(message: InboundMessage, profile: Profile | None) -> str:
    """Returns the language whose words are looked for: what the channel told, or what the customer
    is known to write; empty where both are silent, and then words of every language count."""
    return message.language or (profile.language if profile else "")


def answered_in(language: str, message: InboundMessage, policy: Policy) -> tuple[str, tuple[Reason, ...]]:
    """Returns the language that a message is routed by, and why where its own words did not tell.
    `language`: as `read_as` has it."""
    if message.language:
        return language, ()
    found = language or policy.language
    text = (_CUSTOMER if language else _POLICY).format(found)
    return found, (
        Reason(code="language.customer" if language else "language.policy", text=text, values={"language": found}),
    )
