"""Maps Twilio's statuses of a text to states of a delivery."""

from __future__ import annotations

from shared.events import DeliveryState

_STATES = {
    "accepted": DeliveryState.SENT,
    "scheduled": DeliveryState.SENT,
    "queued": DeliveryState.SENT,
    "sending": DeliveryState.SENT,
    "sent": DeliveryState.SENT,
    "delivered": DeliveryState.DELIVERED,
    "read": DeliveryState.DELIVERED,
    "undelivered": DeliveryState.FAILED,
    "failed": DeliveryState.FAILED,
    "canceled": DeliveryState.FAILED,
}


def state_of(word: str) -> DeliveryState | None:
    """Maps Twilio's `MessageStatus`; None for one that is not known."""
    return _STATES.get(word.lower())
