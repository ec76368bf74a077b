"""Addresses of web pages in what people write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup

_ADDRESS = re.compile(r"(?<![\w@./-])(?:https?://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,2000}", re.IGNORECASE)
"""What an address may hold (RFC 3986), so that it ends where a Korean particle or a quotation mark
begins."""
_PAIRS = {")": "(", "]": "["}


_LINK = Markup('<a href="{}" target="_blank" rel="noopener noreferrer nofollow">{}</a>')


def as_html(text: str) -> Markup:
    """Returns the text, escaped, with its addresses as links; the linked page does not learn
    from where it was opened."""
    return Markup().join(_LINK.format(address, part) if address else part for part, address in parts(text))


def parts(text: str) -> Iterator[tuple[str, str]]:
    """Yields the text in pieces, each with the address that it stands for, or an empty string."""
    end = 0
    for match in _ADDRESS.finditer(text):
        address = _without_punctuation(match[0])
        host = address.split("//", 1)[-1]
        if not host.strip("./:") or host.lower() == "www" or _goes_on(text[match.end() : match.end() + 1]):
            continue
        if match.start() > end:
            yield text[end : match.start()], ""
        yield address, address if "//" in address else f"https://{address}"
        end = match.start() + len(address)
    if end < len(text):
        yield text[end:], ""


def _without_punctuation(address: str) -> str:
    """Returns the address without punctuation that ends the sentence, and without the brackets
    around it."""
    unopened = {close: address.count(close) - address.count(opening) for close, opening in _PAIRS.items()}
    while address and (address[-1] in ".,;:!?'*" or unopened.get(address[-1], 0) > 0):
        if address[-1] in unopened:
            unopened[address[-1]] -= 1
        address = address[:-1]
    return address


def _goes_on(following: str) -> bool:
    """Whether the address has letters that we cannot tell from it: half an address leads
    elsewhere."""
    return following.isalpha() and following < "\u0370"
