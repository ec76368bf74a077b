"""What a search finds: text to words, and what somebody typed to a query and filters. Pure.

PostgreSQL's own parser is not used: it makes one word of `ORD-12345`, `arrived.Please` or
`iOS/Android`, and goes by the locale that a database was made with (decision 13).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

import Stemmer

from shared.errors import Rejected

LONGEST_TEXT = 100_000
"""Characters of a message that are looked at."""
_MOST_WORDS, _LONGEST_WORD = 6000, 40
"""A tsvector holds less than 1 MB; a message must not fail for that."""
_MOST_ASKED = 10
_TELEPHONE = 7
"""So many last digits are a telephone number in every notation: with or without country, area code,
zero and blanks."""
_RARE_FROM = 5
"""Letters: what begins with fewer is not looked up where there is more to go by."""
_PREFIX_FROM = 3
"""Letters: shorter words are found whole only, or a search for "a" would be one for everything."""

_CJK = r"\u1100-\u11ff\u3040-\u30fa\u30fc-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
"""Scripts that write several words without a blank, or particles behind them: found by pairs of
characters."""
_LETTERS = rf"[^\W_{_CJK}]+"
_DIGITS = r"\d+(?:[ .()/-]{1,3}\d+)*"
_PIECES = re.compile(rf"(?P<cjk>[{_CJK}]+)|(?P<word>{_LETTERS}(?:[-_]{_LETTERS})*)")
_NUMBERS = re.compile(_DIGITS)
_ASKED = re.compile(rf"\+?(?P<number>{_DIGITS})(?![^\W_{_CJK}])|{_PIECES.pattern}")
_LATIN = re.compile(r"[a-zà-öø-ÿœ]{3,25}")
_MARKS = re.compile(r"[\u0300-\u036f]+")
_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"})
_INVISIBLE = {**dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff")), 0x318D: " ", 0x119E: " ", 0x2010: "-"}
"""Left out; and the letter ㆍ, which Korean keyboards write for a middle dot."""
_ENDINGS = re.compile(
    "(?:으로부터|에게서|한테서|이라도|까지는|에서는|에서도|에게는|이랑|라도|라는|으로|에서|에게|한테|까지|부터|처럼|보다|마다|조차|밖에|하고|이나"
    "|이에요|예요|입니다|해주세요|했습니다|했어요|합니다|해요|하는|해서|됩니다|돼요|됐어요|은|는|이|가|을|를|의|에|와|과|도|만|로|나|랑|요|께)$"
)
"""Korean particles, and endings that make a verb of a noun, longest first."""

_ELIDED = re.compile(r"\b(?:[cdjlmnst]|qu)['’](?=\w)")
"""French articles and pronouns before a vowel: l'imprimante is a printer, whatever article stands
before it."""

_FILTERS = {
    "status": ("open", "pending", "solved", "closed"),
    "level": ("urgent", "high", "normal", "low"),
    "has": ("file",),
    "assignee": (),
    "channel": (),
    "team": (),
    "language": (),
    "from": (),
    "older": (),
    "newer": (),
}
"""By name: the values that there are; none where it may be anything."""
_FILTER = re.compile(rf'(?:^|(?<=\s))({"|".join(_FILTERS)}):("[^"]*"|\S+)', re.IGNORECASE)
_AGE = re.compile(r"(\d{1,4})([hdwmy])")
_LONGEST_DAYS = 36_500
"""Before the first of all tickets, and no date that there is not."""
_UNITS = {"h": 1 / 24, "d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed, understood."""

    words: str = ""
    """A tsquery; empty where only filters are given."""
    index: str = ""
    """A tsquery of what is rare in it, which every match of `words` fulfils: to ask the index of
    words, which is slow for what begins with a few letters, as half of all words do."""
    number: int | None = None
    """Of a ticket."""
    only_number: bool = False
    """It was written #1042, and means that ticket and nothing else."""
    filters: dict[str, str] = field(default_factory=dict)
    customer: str = ""
    """A tsquery that the customer has to match: `from:`."""
    older: timedelta | None = None
    newer: timedelta | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing in it can be looked for, such as "!?"."""
        return self == Asked()


def asked(q: str) -> Asked:
    """Parses what was typed into words and filters. Raises Rejected 422 for a filter with a
    value that it does not have."""
    q = _folded(q)
    if number := re.fullmatch(r"#(\d{1,15})", q.strip()):
        return Asked(number=int(number[1]), only_number=True)
    filters: dict[str, str] = {}
    for name, typed in _FILTER.findall(q):
        value = typed.strip('"')
        known = _FILTERS[name]
        if known and value not in known:
            raise Rejected(422, "search-filter", f"`{name}:` is one of {', '.join(known)}, and not {value[:40]!r}.")
        filters[name] = value
    rest = _FILTER.sub(" ", q)
    bare = re.fullmatch(r"\d{1,15}", rest.strip())
    return Asked(
        words=_query(rest),
        index=_query(rest, rare=True),
        number=int(bare[0]) if bare else None,
        customer=_query(filters.pop("from", "")),
        older=_age("older", filters.pop("older", "")),
        newer=_age("newer", filters.pop("newer", "")),
        filters=filters,
    )


def document(texts: Iterable[str]) -> str:
    """Returns all words of these texts, as PostgreSQL reads a tsvector."""
    found: dict[str, None] = {}
    for text in texts:
        for word in _words(_folded(text[:LONGEST_TEXT])):
            found[word[:_LONGEST_WORD]] = None
            if len(found) >= _MOST_WORDS:
                break
    return " ".join(f"'{word}'" for word in found)


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_INVISIBLE).casefold()


def _words(text: str) -> Iterator[str]:
    for piece in _PIECES.finditer(text):
        whole = piece[0]
        if piece.lastgroup == "cjk":
            yield from _pairs(whole)
        elif "-" in whole or "_" in whole:
            parts = re.split("[-_]", whole)
            for part in parts:
                yield from _forms(part)
            yield plain("".join(parts))
        else:
            yield from _forms(whole)
    for number in _NUMBERS.finditer(text):
        digits = ""
        for group in re.findall(r"\d+", number[0]):
            digits = (digits + group)[-_TELEPHONE:]
            if len(digits) == _TELEPHONE:
                yield _telephone(digits)


def _query(text: str, *, rare: bool = False) -> str:
    terms, end = list[str](), -1
    lengths = list[int]()
    for piece in _ASKED.finditer(_ELIDED.sub(" ", text)):
        particle = piece["cjk"] and piece.start() == end and _ENDINGS.fullmatch(piece[0])  # 12345는, iPhone을
        end = piece.end()
        if not particle:
            terms.append(_term(piece, rare=rare))
            lengths.append(_RARE_FROM if piece["cjk"] else len(piece[0]))
    terms, lengths = terms[:_MOST_ASKED], lengths[:_MOST_ASKED]
    if rare and max(lengths, default=0) >= _RARE_FROM:
        terms = [term for term, length in zip(terms, lengths, strict=True) if length >= _RARE_FROM]
    return " & ".join(terms)


def _term(piece: re.Match[str], *, rare: bool = False) -> str:
    if number := piece["number"]:
        groups = re.findall(r"\d+", number)
        digits = "".join(groups)
        exact = " & ".join([*map(_lexeme, groups[:-1]), _beginning(groups[-1])])
        return f"({exact} | {_lexeme(_telephone(digits))})" if len(digits) >= _TELEPHONE else f"({exact})"
    if cjk := piece["cjk"]:
        base = _ENDINGS.sub("", cjk)
        word = base if len(base) > 1 else cjk
        return f"({' & '.join(map(_lexeme, _pairs(word)))})" if len(word) > 1 else f"{_lexeme(word)}:*"
    parts = re.split("[-_]", piece["word"])
    if len(parts) == 1:
        return _either(parts[0])
    told = [max(parts, key=len)] if rare else parts
    return f"({' & '.join(map(_either, told))} | {_beginning(plain(''.join(parts)))})"


def _either(word: str) -> str:
    """Builds the query for a word, what begins with it, and other forms of it."""
    forms = dict.fromkeys(_forms(word))
    forms |= dict.fromkeys(again for form in list(forms) for again in _forms(form))
    first, *others = forms
    return f"({' | '.join([_beginning(first), *map(_lexeme, others)])})"


def _beginning(word: str) -> str:
    return _lexeme(word) + (":*" if len(word) >= _PREFIX_FROM else "")


def _lexeme(word: str) -> str:
    return f"'{word[:_LONGEST_WORD]}'"


def _pairs(text: str) -> list[str]:
    return [text[i : i + 2] for i in range(max(1, len(text) - 1))]


def _telephone(digits: str) -> str:
    return "+" + digits[-_TELEPHONE:]


@lru_cache(65_536)
def _forms(word: str) -> tuple[str, ...]:
    """Returns a word's forms: without accents first; then its English and French stems, of which
    French ones need the accents."""
    bare = plain(word)
    if not _LATIN.fullmatch(word):
        return (bare,)
    stems = (_ENGLISH.stemWord(bare), plain(_FRENCH.stemWord(word)), _FRENCH.stemWord(bare))
    return tuple(dict.fromkeys((bare, *(stem for stem in stems if len(stem) >= _PREFIX_FROM))))


_ENGLISH, _FRENCH = Stemmer.Stemmer("english", 0), Stemmer.Stemmer("french", 0)


def plain(word: str) -> str:
    """Removes the accents of a word."""
    if word.isascii():
        return word
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", word))).translate(_PLAIN) or word


def _age(name: str, value: str) -> timedelta | None:
    if not value:
        return None
    if not (found := _AGE.fullmatch(value)):
        raise Rejected(
            422, "search-filter", f"`{name}:` is a number of hours, days, weeks, months or years, such as {name}:2d."
        )
    return timedelta(days=min(int(found[1]) * _UNITS[found[2]], _LONGEST_DAYS))
