"""A decision as one sentence that an agent can act on: `Call Margaret at +33612345678: age 71,
given by the customer`."""

from __future__ import annotations

from collections.abc import Mapping

from services.router.domain.policy import Policy
from services.router.domain.preference import label_of
from shared.events import Channel, ChannelChoice, Decision, InboundMessage, Profile
from shared.kernel import address_of, kind_of

_SPOKEN = frozenset({"email", "tel"})
"""Kinds of contact points that mean something to a person; `x:44196397` does not."""


def advice(
    message: InboundMessage,
    profile: Profile | None,
    decision: Decision,
    policy: Policy,
    channels: Mapping[str, Channel],
) -> str:
    """Returns how to answer this customer, with the reasons, what is in the way, and what to do
    instead."""
    best = decision.channels[0]
    who = message.sender_name or (profile.name if profile else "") or "the customer"
    told = [reason.text for reason in best.reasons if not reason.code.startswith("unavailable.")]
    parts = [f"{_what(best, who, message, policy, channels)}: {'; '.join(told)}"]
    if best.open_until:
        parts.append(f"{label_of(best.channel, policy.preference, channels)} is open until {best.open_until:%H:%M}")
    if not best.available:
        parts += [f"but {reason.text}" for reason in best.reasons if reason.code.startswith("unavailable.")]
        instead = next((choice for choice in decision.channels if choice.available), None)
        parts.append(_small(_what(instead, "them", message, policy, channels)) if instead else "no other way is known")
    if decision.ask_reason:
        parts.append(f"ask {decision.ask_reason.text}")
    return "; ".join(parts)


def _what(
    choice: ChannelChoice, who: str, message: InboundMessage, policy: Policy, channels: Mapping[str, Channel]
) -> str:
    """Returns what to do about one channel."""
    label, point = label_of(choice.channel, policy.preference, channels), choice.contact_point
    if not choice.available:
        return f"{who[:1].upper()}{who[1:]} prefers {label}"
    spoken = f" at {address_of(point)}" if point and kind_of(point) in _SPOKEN else ""
    if choice.channel == message.channel:
        return f"Talk to {who}, who is waiting by {label}" if message.live else f"Reply to {who} by {label}{spoken}"
    live = choice.channel in channels and channels[choice.channel].live
    return f"Call {who}{spoken}" if live and point and kind_of(point) == "tel" else f"Write to {who} by {label}{spoken}"


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
