"""Whose mail is forwarded. Only a claim: the desk believes it where an agent forwards."""

from __future__ import annotations

import re

from services.email.domain import structure
from services.email.domain.headers import Address, Headers, parse_addresses
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import Mail
from services.email.domain.quotes import forwarded_block, is_forward

_BRACKETS = re.compile(r"[\[<](?:mailto:)?([^\[\]<>\s]+@[^\[\]<>\s]+)[\]>]")
"""Outlook writes `Kim Doe [mailto:kim@example.org]`."""
_MOST = 50_000
"""Characters in which the block of the forwarded mail is looked for."""


def original_author(mail: Mail, mailboxes: Mailboxes) -> Address | None:
    """Returns the author of the mail that this one forwards, in its text or as its only attached
    mail; None where that is not stated, or is one of our mailboxes."""
    text = mail.text[:_MOST]
    named = forwarded_block(text) if is_forward(text, mail.headers.text("subject")) else ""
    found = parse_addresses([_BRACKETS.sub(r"<\1>", named)]) if named else ()
    if not found:
        attached = [file for file in mail.files if file.media_type == "message/rfc822"]
        found = Headers(structure.read(attached[0].data)).addresses("from") if len(attached) == 1 else ()
    return found[0] if found and not mailboxes.owns(found[0].address) else None
