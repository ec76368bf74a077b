"""Counts how many text messages a text is, as the networks do (3GPP TS 23.038 and 23.040)."""

from __future__ import annotations

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each takes two places: an escape and the character."""
LONGEST = 1_600
"""Characters that Twilio takes in one message (its error 21617)."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A text's encoding and count. `encoding`: `GSM-7` or `UCS-2`; `count`: what the network
    carries, and what is paid for."""

    encoding: str
    count: int


def segments(text: str) -> Segments:
    """Returns the number of segments: 160 places in one GSM-7 message, 153 in each of several;
    70 and 67 in UCS-2. No character is cut in two."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return Segments("GSM-7", _count([2 if character in _EXTENDED else 1 for character in text], 160, 153))
    return Segments("UCS-2", _count([2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67))


def _count(widths: list[int], single: int, each: int) -> int:
    if sum(widths) <= single:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > each:
            count, used = count + 1, 0
        used += width
    return count
