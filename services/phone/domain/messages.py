"""Composes the messages for the ticket of a call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from services.phone.domain.calls import Call
from shared.events import CallState, InboundMessage, PhoneCall, ThreadClues
from shared.kernel import kind_of, message_id


class Kind(StrEnum):
    """One message each, at most once a call."""

    WAITING = "waiting"
    CALLBACK = "callback-requested"
    VOICEMAIL = "voicemail"
    ABANDONED = "abandoned"


_SUBJECT = "Telephone call"
"""The ticket's title as long as it lives: what is said of the call changes."""
_TEXTS = {
    Kind.WAITING: "Calling now, and waiting for a person.",
    Kind.CALLBACK: "Asked to be called back.",
    Kind.VOICEMAIL: "Left a voicemail of {seconds} seconds.",
    Kind.ABANDONED: "Called and hung up before anybody answered: call back.",
}


def due(call: Call) -> Iterator[Kind]:
    """Lists the messages that a call has given rise to by now."""
    if call.begun is None or call.outgoing:
        return
    if call.waiting_since:
        yield Kind.WAITING
    if call.callback_at:
        yield Kind.CALLBACK
    if call.recording:
        yield Kind.VOICEMAIL
    if call.state is CallState.ABANDONED and (call.waiting_since or can_call_back(call)):
        yield Kind.ABANDONED


def can_call_back(call: Call) -> bool:
    """Tells whether there is a number to call."""
    return call.begun is not None and kind_of(call.begun.customer) == "tel"


def opening_id(call: Call) -> str:
    """Returns the id of the message with which the caller began to wait."""
    return message_id("phone", call.id)


def compose(call: Call, kind: Kind, now: datetime) -> InboundMessage:
    """Composes a message; a voicemail's recording is attached later. All of a call's messages share
    one thread.

    Raises ValueError for a call that nothing is known of.
    """
    if call.begun is None:
        raise ValueError(f"nothing is known of call {call.id}")
    provider_id = call.id if kind is Kind.WAITING else f"{call.id}/{kind}"
    told = PhoneCall(
        id=call.id,
        kind=str(kind),
        callback=kind is not Kind.WAITING and can_call_back(call),
        waiting_since=call.waiting_since,
    )
    return InboundMessage(
        id=message_id("phone", provider_id),
        channel="phone",
        provider_id=provider_id,
        sender=call.begun.customer,
        sender_verified=call.begun.verified,
        received_at=now,
        subject=_SUBJECT,
        text=_TEXTS[kind].format(seconds=call.recording.seconds if call.recording else 0),
        recipient=call.begun.ours,
        language=call.language,
        thread=ThreadClues(conversation=call.id),
        live=kind is Kind.WAITING and call.over is None,
        call=told,
        facts={"call": str(kind)},
    )
