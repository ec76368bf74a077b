"""Maps Twilio's numbers to contact points."""

from __future__ import annotations

from babel.languages import get_official_languages

from shared.kernel import ContactPoint, address_of, contact_point
from shared.phone_numbers import region_of, told

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


def spoken_by(sender: ContactPoint) -> tuple[str, ...]:
    """Returns the official languages of the country of a number, the most spoken first (CLDR); none
    where it tells no country."""
    return get_official_languages(region_of(address_of(sender)), de_facto=True)
