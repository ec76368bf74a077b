"""Messages, customers and channels with everything that a test does not care about filled in."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings

from services.router.adapters import policy_yaml
from services.router.domain.decide import decide
from services.router.domain.policy import Policy
from shared.events import Channel, Decision, InboundMessage, OpenTicket, Profile
from shared.kernel import ContactPoint, ticket_id

EXAMPLES = {"thorough": 10_000, "quick": 20}
properties = settings(deadline=None, max_examples=EXAMPLES.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 300))
"""For every test of a property of the decision: HYPOTHESIS_PROFILE chooses how many examples are
tried."""

NOW = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
ANN = ContactPoint("email:ann@example.org")
ANNS_PHONE = ContactPoint("tel:+33612345678")
POLICY = policy_yaml.shipped()

EMAIL = Channel(name="email", label="Email", icon="mail", reaches=("email",))
CHAT = Channel(name="chat", label="Chat", icon="chat", reaches=("chat",), live=True)
PHONE = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True)
CHANNELS = {"email": EMAIL, "chat": CHAT}


def mail(text: str = "Hello, how are you?", **fields: Any) -> InboundMessage:
    """A mail from Ann."""
    given: dict[str, Any] = {
        "id": "m1",
        "channel": "email",
        "provider_id": "<m1@example.org>",
        "sender": ANN,
        "received_at": NOW,
        "text": text,
        "language": "en",
    }
    return InboundMessage(**(given | fields))


def ann(**fields: Any) -> Profile:
    """What the desk knows of Ann."""
    given: dict[str, Any] = {
        "contact_point": ANN,
        "customer_id": "c1",
        "version": 7,
        "updated_at": NOW,
        "contact_points": (ANN,),
    }
    return Profile(**(given | fields))


def open_ticket(
    channel: str = "email", hours_ago: float = 1, key: str = "email:<old@example.org>", generation: int = 0
) -> OpenTicket:
    """A ticket of Ann's."""
    return OpenTicket(
        ticket_id=ticket_id(key, generation),
        channel=channel,
        thread_key=key,
        generation=generation,
        last_message_at=NOW - timedelta(hours=hours_ago),
    )


def decided(
    message: InboundMessage,
    profile: Profile | None = None,
    channels: dict[str, Channel] | None = None,
    policy: Policy = POLICY,
) -> Decision:
    """The decision, under the policy that comes with the router unless another one is given."""
    return decide(message, profile, policy, CHANNELS if channels is None else channels, message.received_at)


def under(old: str, new: str, *more: tuple[str, str]) -> Policy:
    """The policy that comes with the router, with some of its text replaced."""
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8")
    for before, after in ((old, new), *more):
        assert before in text
        text = text.replace(before, after)
    return policy_yaml.parse(text, "test.yaml", version=1)


def codes(decision: Decision) -> list[str]:
    """What counted for the priority."""
    return [reason.code for reason in decision.reasons]


def severities(decision: Decision) -> set[str]:
    return {code.removeprefix("severity.") for code in codes(decision) if code.startswith("severity.")}
