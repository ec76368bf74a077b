"""What mails of an archive do to tickets: nothing that anybody would have to do something about.
Pure.

They come in the order of an archive, which may be any: the newest first, our own mails after all
others. So a ticket is the same whichever of its mails comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from services.desk.tickets.domain import Ticket, rank, snippet
from shared.events import ChannelChoice, ImportedMail, InboundMessage
from shared.kernel import Level, thread_key, ticket_id

_LONGEST_SUBJECT = 80


def keys_of(message: InboundMessage) -> list[str]:
    """Lists the keys of the threads that a mail may belong to: by the first Message-ID that it
    refers to, or else its own; then by the others, the newest first."""
    clues = message.thread
    named = (clues.root or message.provider_id, *reversed(clues.references))
    return list(dict.fromkeys(thread_key(message.channel, one) for one in named))


def thread_of(message: InboundMessage, known: Collection[str]) -> str:
    """Returns the key of a mail's thread, as the router chooses it. `known`: threads with
    tickets."""
    keys = keys_of(message)
    return next((key for key in keys if key in known), keys[0])


def belongs_to(mail: ImportedMail, tickets: Sequence[Ticket]) -> Ticket | None:
    """Returns the ticket that a mail belongs to, of those of its thread, oldest first: the first
    that ended after it, or else the last."""
    at = mail.message.received_at
    return next((one for one in tickets if one.last_message_at >= at), tickets[-1] if tickets else None)


def begun(mail: ImportedMail, key: str, customer: str) -> Ticket:
    """Creates a closed ticket for a mail of a thread that has none, before the mail is counted."""
    message = mail.message
    at = message.received_at
    return Ticket(
        id=ticket_id(key),
        thread_key=key,
        generation=0,
        customer_id=customer,
        status="closed",
        level=Level.NORMAL.value,
        score=0,
        rank=rank(Level.NORMAL.value, 0),
        queue_at=at,
        channels=(ChannelChoice(channel=message.channel, reasons=(), contact_point=mail.customer),),
        subject=_subject(message),
        channel=message.channel,
        created_at=at,
        last_message_at=at,
        last_inbound_at=at,
        first_reply_at=at,
        solved_at=at,
        imported=True,
    )


def with_mail(ticket: Ticket, mail: ImportedMail, customer: str) -> Ticket:
    """Returns the ticket with one more mail of an archive in it.

    Where somebody works on it, or the customer wrote since, the mail is only shown. Otherwise the
    ticket's oldest mail says whose it is and what it is about, and its newest when it was over.
    It counts as answered, so that no time to a first reply is ever measured in it.
    """
    message, at = mail.message, mail.message.received_at
    after = replace(ticket, messages=ticket.messages + 1)
    if not ticket.imported or ticket.status != "closed":
        return after
    if at <= ticket.created_at:
        theirs = ticket.customer_id == customer
        after = replace(
            after,
            customer_id=customer,
            participants=ticket.participants if theirs else (),
            channels=(ChannelChoice(channel=message.channel, reasons=(), contact_point=mail.customer),),
            subject=_subject(message),
            created_at=at,
        )
    if not mail.sent and after.customer_id == customer and message.sender not in after.participants:
        after = replace(after, participants=(*after.participants, message.sender))
    if at >= ticket.last_message_at:
        after = replace(
            after,
            snippet=snippet(message.text),
            language=message.language or ticket.language,
            last_message_at=at,
            queue_at=at,
            solved_at=at,
        )
    if not mail.sent:
        after = replace(after, last_inbound_at=max(at, ticket.last_inbound_at))
    return replace(after, first_reply_at=after.last_message_at, version=ticket.version + 1)


def _subject(message: InboundMessage) -> str:
    return message.subject or snippet(message.text)[:_LONGEST_SUBJECT]
