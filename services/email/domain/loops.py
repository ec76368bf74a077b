"""Mail that is no message: it is kept, and opens nothing and joins nothing."""

from __future__ import annotations

from enum import StrEnum

from services.email.domain.automatic import is_receipt
from services.email.domain.headers import Headers
from services.email.domain.mailboxes import Mailboxes, tokens_in
from services.email.domain.mime import Mail
from services.email.domain.references import answer_named, ticket_of
from shared.events import InboundMessage


class Kept(StrEnum):
    """Why a mail is no message."""

    OWN = "own"
    """We sent it."""
    RETURNED = "returned"
    """It tells what became of a mail."""
    RECEIPT = "receipt"
    """It tells that a mail was opened, and of none that we know."""


def kept(mail: Mail, message: InboundMessage, mailboxes: Mailboxes, secret: str) -> Kept | None:
    """Returns the reason why this mail is not a message; None where it is one."""
    if is_our_own(mail.headers, mailboxes, secret):
        return Kept.OWN
    if message.automatic == "bounce":
        return Kept.RETURNED
    return Kept.RECEIPT if is_receipt(mail) and not message.thread.ticket_id else None


def is_our_own(headers: Headers, mailboxes: Mailboxes, secret: str) -> bool:
    """Whether we sent this: from a mailbox of ours, under a Message-ID that only we can make, or
    with a reply address that only we can make, because some relays give mails a Message-ID of their
    own."""
    author = next(iter(headers.addresses("from")), None)
    if author is None or not mailboxes.owns(author.address):
        return False
    replies = tokens_in(entry.address for entry in headers.addresses("reply-to"))
    return any(answer_named(one, secret) for one in headers.message_ids("message-id")[:1]) or any(
        ticket_of(token, secret) for token in replies
    )
