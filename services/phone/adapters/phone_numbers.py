"""Telephone numbers, by the `phonenumbers` library."""

from __future__ import annotations

import phonenumbers

from shared.kernel import ContactPoint, contact_point

_WITHHELD = frozenset({"+266696687", "+2562533", "+7378742833", "+8566696", "+86282452253", "+464"})
"""How Twilio writes callers that are anonymous, blocked, restricted, unknown, unavailable or without an id: these
words' letters on a keypad. They look like numbers, and everybody who withholds theirs would share one."""


def point_of(number: str, call_id: str) -> ContactPoint:
    """Who calls: `tel:+33612345678`, or `call:<call id>` where the number is withheld, so that two people never
    merge."""
    parsed = None if number in _WITHHELD else _parsed(number)
    if parsed is None:
        return contact_point("call", call_id)
    return contact_point("tel", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def sender_of(number: str, sid: str) -> ContactPoint:
    """Who texts: a number, a short code (`tel:40404`), or a word that cannot be answered (`sender:<word>`)."""
    parsed = _parsed(number)
    if parsed is not None:
        return contact_point("tel", phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    word = "".join(character for character in number if character.isprintable())[:50].strip()
    return contact_point("tel", word) if word.isdecimal() else contact_point("sender", word or sid)


def region_of(number: str) -> str:
    """ISO 3166-1 code of the country that a number belongs to; empty where it tells none."""
    parsed = _parsed(number)
    return (phonenumbers.region_code_for_number(parsed) or "") if parsed else ""


def _parsed(number: str) -> phonenumbers.PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    return parsed if phonenumbers.is_possible_number(parsed) else None
