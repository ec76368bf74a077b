"""Finding what a customer complains of, by words, in several languages, without being fooled by 'no
outage'."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ahocorasick import Automaton

LONGEST = 20_000
"""Characters of a message that are searched. Whoever has a problem says so before; a pasted log
goes on for ever."""

SHOWN = 60
"""Characters of what was found that a reason repeats: more than any phrase has, less than
somebody's ten thousand letters in a row."""
_GAP = 24
"""Characters that `...` in a phrase may stand for: three or four words of the same clause."""

_CLAUSE = ".!?;。！？；"
_ACCENTS = re.compile("[\u0300-\u036f]")
_NO_SPACES = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7af]")
_APOSTROPHES = "’ʼ`´"


def normal(text: str) -> str:
    """Normalises a text: lower case, one blank between words, no accents: people leave them out
    when they are in a hurry."""
    text = " ".join(text[:LONGEST].split())
    if text.isascii():
        return text.lower().replace("`", "'")
    for apostrophe in _APOSTROPHES:  # measured: eighty times as fast as `translate`
        text = text.replace(apostrophe, "'")
    folded = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", folded))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words to look for. `*` at the end also finds longer words; `...` stands for a few words
    between."""

    text: str
    """As the policy gives it."""
    anchor: str
    """Its first words, normal. Where they are not in a text, the phrase is not."""
    pattern: re.Pattern[str]

    def found(self, text: str, places: Iterable[int], deniers: Vocabulary | None = None) -> str:
        """Returns the first words that nothing takes back. places: where the anchor is,
        ascending; empty where there are none."""
        for place in places:
            match = self.pattern.match(text, place)
            if match and not (deniers and deniers.denied(text, *match.span())):
                return match.group()[:SHOWN]
        return ""


def phrase(text: str) -> Phrase:
    """Compiles a phrase of the policy. Raises ValueError where there is nothing to look for."""
    parts = [part.strip() for part in normal(text).removesuffix("*").split("...")]
    if not all(parts):
        raise ValueError(f"nothing to look for in {text!r}")
    open_end = text.rstrip().endswith("*")
    words = [_whole(part, open_end=open_end and part is parts[-1]) for part in parts]
    return Phrase(text, parts[0], re.compile(f"[^{_CLAUSE}]{{0,{_GAP}}}?".join(words)))


def _whole(words: str, *, open_end: bool) -> str:
    """Returns an expression for whole words, in scripts that put blanks between them."""
    start = "" if _NO_SPACES.match(words[0]) else r"(?<!\w)"
    end = r"\w*" if open_end else "" if _NO_SPACES.match(words[-1]) else r"(?!\w)"
    return start + re.escape(words) + end


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """One language: phrases by severity, and what takes them back."""

    severities: Mapping[str, tuple[Phrase, ...]]
    denied_before: re.Pattern[str] | None
    """Ends right before the phrase: 'there is no' outage."""
    denied_after: re.Pattern[str] | None
    """Begins right after the phrase: outage 'is resolved'."""

    def denied(self, text: str, start: int, end: int) -> bool:
        """Whether the words around text[start:end] take it back."""
        before = self.denied_before and self.denied_before.search(text, max(0, start - 2 * _GAP), start)
        return bool(before or (self.denied_after and self.denied_after.match(text, end)))


def denial(before: Iterable[str], after: Iterable[str]) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    """Compiles what denies a phrase: at most one word before it ('no major' outage), or soon
    after it in its clause."""
    return (
        _either(before, r"(?<!\w)(?:", r")(?:[ -]\w+){0,1}[ -]$"),
        _either(after, f"[^{_CLAUSE},]{{0,{_GAP}}}?(?:", ")"),
    )


def _either(words: Iterable[str], opening: str, closing: str) -> re.Pattern[str] | None:
    known = [re.escape(normal(word)) for word in words]
    return re.compile(opening + "|".join(known) + closing) if known else None


class Finder:
    """Looks for any number of phrases in one pass over a text (Aho and Corasick, 1975)."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        numbers: defaultdict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(phrases):
            numbers[each.anchor].append(number)
        self._automaton = Automaton()
        for anchor, found in numbers.items():
            self._automaton.add_word(anchor, (len(anchor) - 1, found))
        self._automaton.make_automaton()

    def near(self, text: str) -> Sequence[tuple[int, list[int]]]:
        """Returns which phrases may be in the text, because their anchors are: their numbers,
        ascending, and all places of the anchor."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for end, (before, numbers) in self._automaton.iter(text) if self._automaton else ():
            for number in numbers:
                places[number].append(end - before)
        return sorted(places.items())


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All languages of a policy."""

    languages: Mapping[str, Vocabulary]
    deniable: frozenset[str] = frozenset()
    """Severities that a denial takes back. 'No refund yet' is about a refund all the same."""
    everywhere: str = "en"
    """Also looked for in any other language: product words are English all over the world."""
