"""What a word does in a post, in eight languages: it thanks, praises, blames, tells of a failure or
of one put right. One weight for all words of a kind lets the model judge words that no example has.
A kind is evidence, never a verdict."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from services.social.domain.words import is_japanese, is_korean

_WHOLE = "="
"""After a stem: this word. Otherwise a word begins so; in Korean and Japanese it contains it."""
_STEMS = Path(__file__).parents[1] / "data" / "stems.txt"
"""`[kind]`, then its stems in any number of lines. Of a stem's kinds the first counts."""


def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    whole: dict[str, str] = {}
    starts: dict[str, str] = {}
    inside: dict[str, str] = {}
    kind = ""
    for line in _STEMS.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line[1:-1]
            continue
        for stem in line.split():
            if stem.endswith(_WHOLE) or not stem[0].isalpha():
                whole.setdefault(stem.rstrip(_WHOLE), kind)
            elif is_japanese(stem) or is_korean(stem):
                inside.setdefault(stem, kind)
            else:
                starts.setdefault(stem, kind)
    return whole, starts, inside


_IS, _BEGINS, _CONTAINS = _tables()
_LONGEST = max(map(len, (*_BEGINS, *_CONTAINS)))


@lru_cache(maxsize=16_384)
def kinds(token: str) -> tuple[str, ...]:
    """Says what a word does: mostly nothing; without spaces between words, several things."""
    if found := _IS.get(token):
        return (found,)
    if is_japanese(token) or is_korean(token):
        return _within(token)
    for size in range(min(len(token), _LONGEST), 2, -1):
        if found := _BEGINS.get(token[:size]):
            return (found,)
    return ()


def _within(token: str) -> tuple[str, ...]:
    found, start = [], 0
    while start < len(token):
        for size in range(_LONGEST, 0, -1):
            if kind := _CONTAINS.get(token[start : start + size]):
                found.append(kind)
                start += size
                break
        else:
            start += 1
    return tuple(found)
