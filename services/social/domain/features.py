"""What the model looks at: hashed words, pairs of words, and runs of characters, which survive typing errors."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from zlib import crc32

from services.social.domain.words import is_japanese, is_korean, segments, tokens

BITS = 18
"""262,144 weights for each question that the model answers."""
_MASK = (1 << BITS) - 1
Feature = tuple[int, float, int]
"""Place in the table of weights, value, and the word that it belongs to."""


def features(text: str) -> tuple[list[str], list[Feature]]:
    """The words, and the features, each once. The values' squares add up to 1 over words, and to 1 over characters."""
    words: list[str] = []
    by_word: dict[int, int] = {}
    by_character: dict[int, int] = {}
    before = "^"
    for token in tokens(text):
        pieces = segments(token) if is_japanese(token) else [token]
        owners = [len(words) + index for index, piece in enumerate(pieces) for _ in piece]
        for word in pieces:
            by_word.setdefault(_hash("w", word), len(words))
            by_word.setdefault(_hash("p", f"{before} {word}"), len(words))
            words.append(word)
            before = word
        if token[0].isalpha():
            for gram, place in _grams(token):
                by_character.setdefault(_hash("c", gram), owners[place])
    by_word.setdefault(_hash("p", f"{before} $"), max(len(words) - 1, 0))
    by_word.setdefault(_hash("l", str(min(len(words) // 4, 12))), max(len(words) - 1, 0))
    return words, [*_valued(by_word), *_valued(by_character)]


def _valued(found: dict[int, int]) -> Iterator[Feature]:
    value = 1 / sqrt(len(found)) if found else 0.0
    return ((place, value, owner) for place, owner in found.items())


def _grams(token: str) -> Iterator[tuple[str, int]]:
    """Runs of characters with where they start. Scripts differ in how much a character says."""
    if is_japanese(token):
        padded, shortest, longest = token, 2, 4
    elif is_korean(token):
        padded, shortest, longest = f"^{token}$", 2, 4
    else:
        padded, shortest, longest = f"^{token}$", 3, 5
    shift = len(padded) != len(token)
    for size in range(shortest, longest + 1):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size], max(0, start - shift)


def _hash(kind: str, text: str) -> int:
    return crc32(f"{kind}{text}".encode()) & _MASK
