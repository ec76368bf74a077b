"""Counts a public reply as X does (its documentation, "Counting characters")."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from services.social.networks.x.links import links
from shared.events import Length

_LINK_LENGTH = 23
"""Every link is shortened to this."""
_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|[\u00a9\u00ae\u203c-\u25ff\u2934-\u2b55\u3030-\u3299]\ufe0f|[\u2600-\u27bf\U0001f300-\U0001faff]"
    "[\ufe0f\U0001f3fb-\U0001f3ff]*(?:\u200d[\u2600-\u27bf\U0001f300-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*)*)"
)
_LIGHT = ((0x0000, 0x10FF), (0x2000, 0x200D), (0x2010, 0x201F), (0x2032, 0x2037))
"""Code points that count as one; all others as two."""


def weighted_length(text: str) -> int:
    """Returns the length as X counts: links 23, emoji 2, Chinese, Japanese and Korean 2 each,
    Latin 1."""
    text = unicodedata.normalize("NFC", text)
    found = list(links(text))
    total = len(found) * _LINK_LENGTH
    for piece in _between(text, found):
        rest, emoji = _EMOJI.subn("", piece)
        total += emoji * 2 + sum(map(_weight, rest))
    return total


def length(longest: int) -> Length:
    """Describes the longest reply to whoever writes one."""
    return Length(longest=longest, link=_LINK_LENGTH, light=_LIGHT)


def problem(text: str, longest: int) -> str:
    """Returns what an agent has to change before this can be posted, or an empty string."""
    if not text.strip():
        return "An answer on X needs some text."
    counted = weighted_length(text)
    if counted > longest:
        return f"This answer counts as {counted} characters on X, which takes {longest}: shorten it by {counted - longest}."
    return ""


def same(ours: str, theirs: str) -> bool:
    """Returns whether a text read back is what was sent: trimmed, links short, handles before
    it."""
    return _bare(ours) == _bare(theirs)


def _bare(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    text = "".join(_between(text, links(text)))
    return " ".join(re.sub(r"^(?:@\w+\s+)+", "", text.strip()).split())


def _between(text: str, places: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Yields the text without what stands in these places."""
    last = 0
    for start, end in places:
        yield text[last:start]
        last = end
    yield text[last:]


def _weight(character: str) -> int:
    code = ord(character)
    return 1 if any(low <= code <= high for low, high in _LIGHT) else 2
