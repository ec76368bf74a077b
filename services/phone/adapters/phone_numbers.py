"""Maps Twilio's numbers to contact points."""

from __future__ import annotations

from shared.kernel import ContactPoint, contact_point
from shared.phone_numbers import told

_WHATSAPP = "whatsapp"
"""Twilio's mark before the number of somebody who writes there."""


def point_of(number: str, call_id: str) -> ContactPoint:
    """Returns who calls: `tel:+33612345678`, or `call:<call id>` where the number is withheld, so
    that two people never merge."""
    known = told(number)
    return contact_point("tel", known) if known else contact_point("call", call_id)


def sender_of(number: str, sid: str) -> ContactPoint:
    """Returns who texts: a number, a short code (`tel:40404`), a WhatsApp user
    (`whatsapp:+33612345678`), or a word that cannot be answered (`sender:<word>`)."""
    kind, _, address = number.partition(":")
    if kind == _WHATSAPP and address:
        return contact_point(_WHATSAPP, (told(address) or address)[:50])
    known = told(number)
    if known:
        return contact_point("tel", known)
    word = "".join(character for character in number if character.isprintable())[:50].strip()
    return contact_point("tel", word) if word.isdecimal() else contact_point("sender", word or sid)
