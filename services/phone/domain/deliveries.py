"""How far a text message is. Twilio's status webhooks come in any order; a state never goes back."""

from __future__ import annotations

from enum import StrEnum

from shared.events import DeliveryState


class State(StrEnum):
    """`waiting` and `sending` are under way."""

    WAITING = "waiting"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"


_RANK = {State.WAITING: 0, State.SENDING: 1, State.UNCERTAIN: 2, State.SENT: 3, State.FAILED: 4, State.DELIVERED: 5}
"""`delivered` is the handset's own word, so it stands above a network's guess that it failed."""
_WORDS = {
    "accepted": State.SENT,
    "scheduled": State.SENT,
    "queued": State.SENT,
    "sending": State.SENT,
    "sent": State.SENT,
    "delivered": State.DELIVERED,
    "read": State.DELIVERED,
    "undelivered": State.FAILED,
    "failed": State.FAILED,
    "canceled": State.FAILED,
}
REPORTED = {
    State.SENT: DeliveryState.SENT,
    State.DELIVERED: DeliveryState.DELIVERED,
    State.FAILED: DeliveryState.FAILED,
    State.UNCERTAIN: DeliveryState.UNCERTAIN,
}


def state_of(word: str) -> State | None:
    """Twilio's `MessageStatus` in our words; None for one that is not known."""
    return _WORDS.get(word.lower())


def later(known: State, heard: State) -> State:
    """Of two states of one message the one that stands."""
    return max(known, heard, key=lambda state: _RANK[state])


def lower(state: State) -> tuple[State, ...]:
    """All states that may still become this one."""
    return tuple(other for other in State if _RANK[other] < _RANK[state])
