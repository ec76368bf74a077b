"""Which addresses are not written to any more, and why. Pure."""

from __future__ import annotations

from enum import StrEnum

from services.email.domain.bounces import Fate, Returned
from services.email.domain.reasons import Reason
from services.email.domain.references import answer_named, ticket_of
from shared.events import OutboundMessage
from shared.kernel import address_of


class Why(StrEnum):
    """Why an address is on the list."""

    HARD_BOUNCE = "hard-bounce"
    """There is nobody at this address, as its server said."""
    COMPLAINT = "complaint"
    """They reported a mail of ours as spam."""
    BY_HAND = "by-hand"


_NOBODY_THERE = frozenset({Reason.NO_SUCH_ADDRESS, Reason.CLOSED})


def nobody_there(reason: str) -> bool:
    """Whether a mail that failed for good for this reason says that the next one fails as well: its
    address is gone. A full mailbox is emptied, a policy is about the mail, and a domain that was
    not found is more often a name server's bad day."""
    return reason in _NOBODY_THERE


def gone(told: Returned, reply: OutboundMessage, secret: str) -> tuple[str, ...]:
    """Returns which addresses that this reply was sent to are gone, as a returned mail says. Only
    one that has our Message-ID or token is believed: otherwise anybody could stop our mail to
    anybody."""
    proven = any(answer_named(one, secret) == (reply.ticket_id, reply.id) for one in told.message_ids) or any(
        ticket_of(token, secret) == reply.ticket_id for token in told.tokens
    )
    if told.fate is not Fate.FAILED or not nobody_there(told.reason) or not proven:
        return ()
    sent_to = (address_of(reply.to), *reply.cc, *reply.bcc)
    if not told.recipients:
        return sent_to if len(sent_to) == 1 else ()
    return tuple(address for address in sent_to if address.lower() in told.recipients)


def undelivered(why: str) -> str:
    """Returns the class of why a reply was not sent, which the desk has words for."""
    return f"suppressed-{why}"
