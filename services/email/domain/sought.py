"""Which of hundreds of phrases stand in a text, without looking for each of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any


class Sought:
    """Phrases with single blanks. One of three words or more can only stand in a text that has its
    inner words as words: it is looked for where the rarest of them is; one with a letter beyond
    ASCII, only in a text with such a letter."""

    def __init__(self, phrases: Iterable[str]) -> None:
        inner = {phrase: phrase.split(" ")[1:-1] for phrase in phrases}
        times = Counter(word for words in inner.values() for word in words)
        self._by_word: dict[str, list[str]] = {}
        bare = list[str]()
        for phrase, words in inner.items():
            (self._by_word.setdefault(min(words, key=times.__getitem__), []) if words else bare).append(phrase)
        self._bare = tuple(bare)
        self._ascii = tuple(phrase for phrase in bare if phrase.isascii())

    def within(self, text: str) -> list[str]:
        """Returns those that stand in this text, in no order."""
        found = [phrase for phrase in (self._ascii if text.isascii() else self._bare) if phrase in text]
        for word in self._by_word.keys() & set(text.split(" ")):
            found += [phrase for phrase in self._by_word[word] if phrase in text]
        return found


def one_of(phrases: Iterable[str], blank: str = " ") -> str:
    """Returns a pattern that matches any of these phrases, in no order: beginnings that they share
    are tried once. `blank`: what stands for their blanks."""
    tree: dict[str, Any] = {}
    for phrase in phrases:
        node = tree
        for letter in phrase:
            node = node.setdefault(letter, {})
        node[""] = {}
    return _branches(tree, blank)


def _branches(tree: dict[str, Any], blank: str) -> str:
    found = [
        (blank if letter == " " else re.escape(letter)) + _branches(below, blank)
        for letter, below in tree.items()
        if letter
    ]
    pattern = found[0] if len(found) == 1 else f"(?:{'|'.join(found)})"
    return f"(?:{pattern})?" if found and "" in tree else pattern if found else ""


def fold(text: str) -> str:
    """Returns the text so that two letters which an expression without regard to case takes for the
    same are the same."""
    return text.replace("İ", "i").replace("ı", "i").casefold()
