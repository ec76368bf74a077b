"""What the model looks at: hashed words, pairs of words, runs of characters, which survive typing
errors, and what words do."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from zlib import crc32

from services.social.domain.feelings import kinds
from services.social.domain.words import is_japanese, is_korean, segments, tokens

BITS = 18
"""262,144 weights for each question that the model answers."""
_MASK = (1 << BITS) - 1
Feature = tuple[int, float, int]
"""Place in the table of weights, value, and the word that it belongs to."""
_STEM = 2
"""Characters that carry the sense of a Korean or Japanese word, whose endings vary."""


def features(text: str) -> tuple[list[str], list[Feature]]:
    """Computes the words, and the features, each once. The values' squares add up to 1 over words,
    over characters, and over kinds."""
    words: list[str] = []
    by_word: dict[int, int] = {}
    by_character: dict[int, int] = {}
    by_kind: dict[int, int] = {}
    before = "^"
    did: list[str] = ["^"]
    for token in tokens(text):
        pieces = segments(token) if is_japanese(token) else [token]
        owners = [len(words) + index for index, piece in enumerate(pieces) for _ in piece]
        for kind in kinds(token):
            by_kind.setdefault(_hash("k", kind), owners[0])
            for other in did[-2:]:
                by_kind.setdefault(_hash("o", f"{other} {kind}"), owners[0])
            did.append(kind)
        for word in pieces:
            for place in places(word):
                by_word.setdefault(place, len(words))
            by_word.setdefault(_hash("p", f"{before} {word}"), len(words))
            words.append(word)
            before = word
        if token[0].isalpha():
            for gram, place in _grams(token):
                by_character.setdefault(_hash("c", gram), owners[place])
    last = max(len(words) - 1, 0)
    by_word.setdefault(_hash("p", f"{before} $"), last)
    by_word.setdefault(_hash("l", str(min(len(words) // 4, 12))), last)
    for kind in dict.fromkeys(did):
        by_kind.setdefault(_hash("n", f"{kind} {min(did.count(kind), 3)}"), last)
    by_kind.setdefault(_hash("z", f"{did[-1]} $"), last)
    return words, [*_valued(by_word), *_valued(by_character), *_valued(by_kind)]


def places(word: str) -> list[int]:
    """Returns where a word itself is weighed. One without weight there is a name, a typing
    error."""
    found = [_hash("w", word)]
    if len(word) > _STEM and (is_korean(word) or is_japanese(word)):
        found.append(_hash("s", word[:_STEM]))
    return found


def _valued(found: dict[int, int]) -> Iterator[Feature]:
    value = 1 / sqrt(len(found)) if found else 0.0
    return ((place, value, owner) for place, owner in found.items())


def _grams(token: str) -> Iterator[tuple[str, int]]:
    """Yields runs of characters with their start. Scripts differ in what a character says."""
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
