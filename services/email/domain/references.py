"""Where a mail belongs: Message-IDs that it refers to, and tokens of ours, which only we can
make."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from services.email.domain.headers import Headers
from services.email.domain.mailboxes import tokens_in
from shared.events import ThreadClues
from shared.security.tokens import sign, verify

MOST_REFERENCES = 100
"""The first is the root and the last ones are what was answered; what lies between is of little
use."""
_OURS = re.compile(r"<t\.([a-z2-7]{16,})\.([^@>]+)@", re.IGNORECASE)
_AT_A_GLANCE = re.compile(rb"<t\.([a-z2-7]{16,64})\.|\+t([a-z2-7]{16,64})@", re.IGNORECASE)
_GLANCE = 64_000
"""Bytes in which a mail's header is looked for our tokens before it is read."""
_PURPOSE = "reply"
_DELIVERY_HEADERS = ("to", "cc", "delivered-to", "x-original-to", "x-delivered-to", "envelope-to")


def reply_token(secret: str, ticket_id: str) -> str:
    """Returns the token that our mails about this ticket carry."""
    return sign(secret, _PURPOSE, ticket_id)


def our_message_id(secret: str, ticket_id: str, outbound_id: str, domain: str) -> str:
    """Returns the same Message-ID for the same reply on every attempt, so that its receiver can
    recognise a repeated mail."""
    unique = re.sub(r"[^A-Za-z0-9-]", "", outbound_id)[:64]
    return f"<t.{reply_token(secret, ticket_id)}.{unique}@{domain}>"


def ticket_of(token: str, secret: str) -> str:
    """Returns the ticket in a token of ours; empty where we did not make it."""
    return verify(secret, _PURPOSE, token) or ""


def answer_named(message_id: str, secret: str) -> tuple[str, str] | None:
    """Returns the ticket and outbound id in a Message-ID of ours; None where we did not make it."""
    match = _OURS.match(message_id)
    ticket = ticket_of(match[1].lower(), secret) if match else ""
    return (ticket, match[2].lower()) if match and ticket else None


def ticket_at_a_glance(raw: bytes, recipients: Sequence[str], secret: str) -> str:
    """Returns the ticket that a mail answers, before it is read: by the first of our tokens in its
    recipients or its header. An empty string where there is none; what is missed here is found by
    `clues` all the same."""
    head = raw[:_GLANCE].replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    found = (b"".join(match.groups(b"")).decode().lower() for match in _AT_A_GLANCE.finditer(head))
    candidates = dict.fromkeys((*tokens_in(recipients), *itertools.islice(found, MOST_REFERENCES)))
    return next(filter(None, (ticket_of(token, secret) for token in candidates)), "")


def answers_a_mail_of_ours(headers: Headers) -> bool:
    """Whether it looks like an answer to one: enough to decide what of it is shown first. Nothing
    here is verified."""
    return bool(
        any(_OURS.match(reference) for reference in references_of(headers))
        or tokens_in(entry.address for entry in headers.addresses(*_DELIVERY_HEADERS))
    )


def clues(
    headers: Headers, own_id: str, recipients: Sequence[str], secret: str, about: tuple[str, ...] = ()
) -> ThreadClues:
    """Returns the clues to a mail's thread. `own_id`: the mail's Message-ID, the root of a
    thread that it starts; `recipients`: those of the envelope; `about`: Message-IDs that it
    names in its body, as receipts do."""
    references = tuple(dict.fromkeys((*references_of(headers), *about)))
    addresses = [*recipients, *(entry.address for entry in headers.addresses(*_DELIVERY_HEADERS))]
    candidates = [
        *tokens_in(addresses),
        *(match[1].lower() for reference in reversed(references) if (match := _OURS.match(reference))),
    ]
    ticket = next((value for token in dict.fromkeys(candidates) if (value := ticket_of(token, secret))), "")
    return ThreadClues(ticket_id=ticket, root=references[0] if references else own_id, references=references)


def references_of(headers: Headers) -> tuple[str, ...]:
    """Returns the references, oldest first; the last is what is answered. In-Reply-To counts
    only where References does not have it already, because some clients overwrite one of the
    two."""
    references = list(headers.message_ids("references"))
    answered = headers.message_ids("in-reply-to")[:1]
    references += [reference for reference in answered if reference not in references]
    if len(references) > MOST_REFERENCES:
        references = [references[0], *references[-(MOST_REFERENCES - 1) :]]
    return tuple(references)
