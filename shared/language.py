"""Which language a text is in: by its script, then by the words that every text of a language has,
then by py3langid's model of bytes. What the sender is known to write decides between what the text
leaves open, and is no answer by itself.

Takes some 100 µs a text, however long, and 70 MB, so the model is loaded on first use.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, lru_cache
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_LONGEST = 400
"""Characters that are read: more costs time and changes no answer."""
_SHORT = 12
"""Letters below which a text without a known word could be anything: a name, a product."""
_PLENTY = 200
"""Letters from which the model needs no help."""
_CERTAIN, _SURE = 0.5, 0.95
"""How probable the best language has to be: below, the model guesses between neighbours, and a
wrong language is worse than none. The second where the text is short and has no known word."""
_OURS, _KNOWN, _SELDOM = 1.0, 1.5, -1.5
"""Logarithms of how much more often the company's languages are met than others, how much more its
sender writes their own, and how seldom some are written though the model likes them."""
_WORD, _WHOLE = 2.5, 2.0
"""What a known word counts for each language that has it, as a logarithm; and what it counts that a
language knows every word."""
_SHARPER = 1.6
"""What the model's logarithms are multiplied with once they are tempered by the text's length."""
_KANA = 0.08
"""Share of kana from which Chinese characters are Japanese: less is decoration."""
_DENSE, _WEIGHT = {"HANGUL", "CJK", "HIRAGANA", "KATAKANA"}, 4
"""Scripts of which a letter says as much as some others: names of products in Latin letters stand
between them."""

_LATIN = (
    "en", "fr", "de", "es", "pt", "it", "nl", "da", "sv", "no", "fi", "is", "pl",
    "cs", "sk", "hu", "ro", "hr", "sl", "sq", "lt", "lv", "et", "tr", "az", "id",
    "ms", "vi", "tl", "sw", "ca", "gl", "eu", "ga", "cy", "mt", "af", "eo",
)  # fmt: skip
_BY_SCRIPT = {
    "LATIN": _LATIN,
    "CYRILLIC": ("ru", "uk", "bg", "sr", "mk", "be", "kk", "ky", "mn", "tg"),
    "ARABIC": ("ar", "fa", "ur", "ps", "ug"),
    "DEVANAGARI": ("hi", "mr", "ne"),
    "BENGALI": ("bn", "as"),
    "CJK": ("zh", "ja"),
    "HANGUL": ("ko",),
    "HIRAGANA": ("ja",),
    "KATAKANA": ("ja",),
    "GREEK": ("el",),
    "HEBREW": ("he",),
    "THAI": ("th",),
    "ARMENIAN": ("hy",),
    "GEORGIAN": ("ka",),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "KANNADA": ("kn",),
    "MALAYALAM": ("ml",),
    "GUJARATI": ("gu",),
    "GURMUKHI": ("pa",),
    "SINHALA": ("si",),
    "KHMER": ("km",),
    "LAO": ("lo",),
    "MYANMAR": ("my",),
    "ETHIOPIC": ("am",),
}
"""By the first word of a letter's name in Unicode."""
_RARE = frozenset({
    "af", "eo", "gl", "ca", "eu", "ga", "cy", "mt", "sq", "az", "ms", "tl", "sw", "is", "et", "lv", "lt", "tg", "ky", "ug", "ps", "as",
})  # fmt: skip
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl"}
"""Codes of what the model knows under another."""
_NO_WORDS = re.compile(r"https?://\S+|\S+@\S+|[@#]\w+")
_WORDS = re.compile(r"[^\W\d_]+")
_FILE = Path(__file__).with_name("language_words.txt")

Floats = NDArray[np.float64]


class Why(StrEnum):
    """What told the language, or why nothing did."""

    SCRIPT = "script"
    WORDS = "words"
    MODEL = "model"
    SENDER = "sender"
    """The text alone leaves it open; of what it could be, the sender is known to write this."""
    SHORT = "short"
    UNSURE = "unsure"


class Language(NamedTuple):
    """`code`: ISO 639-1, or empty."""

    code: str
    why: Why


def detect(text: str, languages: Sequence[str], known: Sequence[str] = ()) -> str:
    """Returns the language of a text as ISO 639-1, or an empty string; see `identify`."""
    return identify(text, languages, known).code


def identify(text: str, languages: Sequence[str], known: Sequence[str] = ()) -> Language:
    """Tells the language of a text, of whatever language, and what told it; only 400 characters
    are read. `languages`: those that the company's customers usually write. `known`: what the
    sender is known to write."""
    sample = text[:_LONGEST]
    if "@" in sample or "#" in sample or "://" in sample:
        sample = _NO_WORDS.sub(" ", sample)
    if not sample.isascii():
        sample = unicodedata.normalize("NFKC", sample)
    script, letters = _script(sample)
    if letters < (1 if script in _DENSE else 2):
        return Language("", Why.SHORT)
    candidates = _BY_SCRIPT.get(script, ())
    ours, theirs = tuple(languages), tuple(_SAME.get(code, code) for code in known if code)
    if len(candidates) < 2:
        return Language(_named(candidates[0], ours), Why.SCRIPT) if candidates else Language("", Why.UNSURE)
    reader = _reader()
    words = reader.words(candidates, sample) if letters < _PLENTY else np.zeros(len(candidates))
    scores = reader.scores(candidates, sample) + _prior(candidates, ours) + words
    needed = _CERTAIN if letters >= _SHORT or words.any() else _SURE
    best = int(scores.argmax())
    if _share(scores, best) >= needed:
        return Language(_named(candidates[best], ours), Why.WORDS if words[best] else Why.MODEL)
    scores += [_KNOWN if code in theirs else 0.0 for code in candidates]
    best = int(scores.argmax())
    if candidates[best] in theirs and _share(scores, best) >= needed:
        return Language(_named(candidates[best], ours), Why.SENDER)
    return Language("", Why.UNSURE)


def _share(scores: Floats, best: int) -> float:
    return float(1 / np.exp(scores - scores[best]).sum())


def _named(code: str, ours: Sequence[str]) -> str:
    """Returns the code by which the company calls a language."""
    return next((own for own in ours if _SAME.get(own, own) == code), code)


@lru_cache(maxsize=256)
def _prior(candidates: Sequence[str], ours: Sequence[str]) -> Floats:
    own = {_SAME.get(code, code) for code in ours}
    return np.array([_OURS if code in own else _SELDOM if code in _RARE else 0.0 for code in candidates])


def _script(sample: str) -> tuple[str, int]:
    """Returns the script that most of a text is in, and how many letters of it there are."""
    if sample.isascii():
        return "LATIN", sum(map(str.isalpha, sample))
    counts: Counter[str] = Counter()
    for character, times in Counter(sample).items():
        if script := _of(character):
            counts[script] += times
    kana = counts["HIRAGANA"] + counts["KATAKANA"]
    if kana and kana >= _KANA * (kana + counts["CJK"]):
        counts["HIRAGANA"] = kana + counts.pop("CJK", 0)
    script = max(counts, key=lambda each: counts[each] * (_WEIGHT if each in _DENSE else 1), default="")
    return script, counts[script]


@lru_cache(maxsize=4_096)
def _of(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0] if character.isalpha() else ""


class _Reader:
    """py3langid's model, of which only the languages above are kept."""

    def __init__(self) -> None:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        every = LanguageIdentifier.from_model_file(MODEL_FILE)
        self._tables: dict[tuple[str, ...], NDArray[np.float16]] = {}
        self._bias: dict[tuple[str, ...], NDArray[np.float32]] = {}
        self._known: dict[tuple[str, ...], dict[str, NDArray[np.int64]]] = {}
        known = _known_words()
        for candidates in filter(lambda codes: len(codes) > 1, _BY_SCRIPT.values()):
            columns = [every.nb_classes.index(code) for code in candidates]
            self._tables[candidates] = np.ascontiguousarray(every.nb_ptc[:, columns])
            self._bias[candidates] = every.nb_pc[columns].astype(np.float32)
            self._known[candidates] = {
                word: np.array(places)
                for word, codes in known.items()
                if (places := [at for at, code in enumerate(candidates) if code in codes])
            }
        # Arrays, where it has lists of integers strewn over 7 MB: most of a text's time is spent
        # waiting for memory.
        self._next, self._rows = every.tk_nextmove, array("I", (row << 8 for row in every.tk_row))
        self._output = array("i", every.tk_output)

    def scores(self, candidates: tuple[str, ...], sample: str) -> Floats:
        """Computes a logarithm for each candidate, tempered by the text's length as py3langid
        does."""
        content = (sample.lower() if sample.isupper() else sample).encode("utf-8", "surrogatepass")
        state, found, following, rows, output = 0, [], self._next, self._rows, self._output
        for letter in content:
            state = following[rows[state] + letter]
            if (feature := output[state]) >= 0:
                found.append(feature)
        counts = Counter(found)
        table = self._tables[candidates][list(counts)].astype(np.float32)
        sums = np.log1p(np.fromiter(counts.values(), np.float32, len(counts))) @ table + self._bias[candidates]
        return np.asarray(sums * (_SHARPER / sqrt(len(content))), np.float64)

    def words(self, candidates: tuple[str, ...], sample: str) -> Floats:
        """Computes what the known words of a text speak for; each word counts once."""
        known = self._known[candidates]
        words = _pieces(sample) if "zh" in candidates else set(_WORDS.findall(sample.casefold()))
        counts = np.zeros(len(candidates))
        for word in words:
            if (places := known.get(word)) is not None:
                counts[places] += 1
        return np.asarray(_WORD * counts + _WHOLE * (counts == len(words)), np.float64)


def _pieces(sample: str) -> set[str]:
    """Returns runs of one to three characters: there are no blanks between words."""
    return {sample[at : at + size] for size in (1, 2, 3) for at in range(len(sample) - size + 1)}


@cache
def _reader() -> _Reader:
    return _Reader()


def _known_words() -> dict[str, tuple[str, ...]]:
    """Reads the words with the languages that have them, with and without their marks."""
    found: dict[str, dict[str, None]] = {}
    code = ""
    for line in _FILE.read_text("utf-8").splitlines():
        if line.startswith("["):
            code = line[1:-1]
        elif not line.startswith("#"):
            for word in _WORDS.findall(line.casefold()):
                for form in {word, _bare(word)}:
                    found.setdefault(form, {})[code] = None
    return {word: tuple(codes) for word, codes in found.items()}


def _bare(word: str) -> str:
    letters = (each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    return unicodedata.normalize("NFC", "".join(letters))
