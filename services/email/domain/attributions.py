"""Lines with which a mail program introduces what it quotes: `On 2 Mar 2026, at 10:00, Ann wrote:`.

Words alone do not tell them from a story about a letter. So what stands where the form has who and
when is taken apart: a whole date, and otherwise nothing but a name or an address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from services.email.domain import phrases
from services.email.domain.sought import fold, one_of

LONGEST = 400
"""Characters of an attribution, with all of its lines."""
_WINDOW = 5
"""Lines over which programs wrap it."""
_MOST = 200
"""Lines of one mail that are looked at closely. Nobody quotes more mails in one."""
_MOST_NAMES, _FEW_NAMES = 8, 3
_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_DASHES = re.compile(r"^[-–—_]{2,}\s*(?P<inner>\S.*?\S)\s*[-–—_]{2,}$")
_RULES = ("-", "–", "—", "_")
_QUOTE = (">", "＞")
_END = (":", "：", "﹕")
_BRACKETED = re.compile(r"[<＜(\[](?:mailto:)?[^<>()\[\]\s@]{1,64}@[^<>()\[\]\s@]{1,255}[>＞)\]]+")
_BARE = re.compile(r"[^<>()\[\]\s@,;:]{1,64}@[^<>()\[\]\s@,;:]{1,255}")
_MONTH = one_of(month for names in phrases.MONTHS.values() for month in names.split())
_NUMERIC = re.compile(
    r"(?=\d)(?:\d{4}\s?[./年년-]\s?\d{1,2}\s?[./月월-]\s?\d{1,2}(?!\d)|(?<!\d)\d{1,2}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{2,4}(?!\d)|(?<!\d)\d{2}\.\s\d{1,2}\.\s\d{1,2}\.)"
)
_NAMED = re.compile(
    rf"(?<!\w)\d{{1,2}}\W{{0,3}}(?:st|[nr]d|th|er|de|º)?\W{{0,3}}(?:{_MONTH})(?!\w)|(?<!\w)(?:{_MONTH})\W{{1,3}}\d{{1,2}}(?!\d)",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h٫時时시]\s?\d{2}(?!\d)")
_WHEN = frozenset(
    word for table in (phrases.WHEN, phrases.MONTHS) for words in table.values() for word in words.casefold().split()
)
_TELLING, _DIGIT = re.compile(r"[\d@]"), re.compile(r"\d")
_CLAUSE = re.compile(r"[!?！？;；。]")
_PARTICLES = frozenset(phrases.PARTICLES.split())
_LETTERS = re.compile(r"[^\s,،、，()<>\[\]\"“”„«»'|/+·–—-]+")
_DIGITS = {zero + digit: str(digit) for zero in (0x660, 0x6F0) for digit in range(10)}
_NO_CASE = re.compile("[\u0590-\u06ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _forms(table: dict[str, str]) -> list[tuple[str, re.Pattern[str]]]:
    """Returns the pattern of each form, whose groups are the gaps, behind a word that a text in
    this form has."""
    found = []
    for form in phrases.listed(*table.values()):
        first, *others = (_words(part.strip()) for part in form.split("{}"))
        pattern = first + "".join(rf"[\s,،、，]*(.{{1,{LONGEST}}}?)[\s,،、，]*{after}" for after in others)
        word = fold(max(form.replace("{}", " ").split(), key=len))
        found.append((word, re.compile(rf"{pattern}[\s,:：﹕]*$", re.IGNORECASE | re.DOTALL)))
    return found


def _in_a_form(text: str, forms: list[tuple[str, re.Pattern[str]]]) -> re.Match[str] | None:
    """Returns the match of the first form that this text has."""
    folded = fold(text)
    return next((match for word, form in forms if word in folded and (match := form.match(text))), None)


def _words(text: str) -> str:
    """Returns the pattern of a form's fixed words: whole ones, where words have blanks."""
    pattern = r"\s+".join(map(re.escape, text.split()))
    return pattern if not text or _NO_CASE.search(text) else rf"(?<!\w){pattern}(?!\w)"


_GAPS = re.compile(r"[\s,،、，]{2,}")


def _narrow(gap: re.Match[str]) -> str:
    """Leaves one comma or blank of a run: a form's gaps begin and end with any number of them, and
    hundreds would be tried in every way."""
    return gap[0].strip()[:1] or " "


_DATED, _DATELESS = _forms(phrases.ATTRIBUTIONS), _forms(phrases.UNDATED)


class Strength(IntEnum):
    """How surely a program wrote it. `NAMED`: a name or an address without a date, or a date
    without an hour: introduces marked lines only. `DATED`: a name, a day and an hour: introduces
    others as well, where it stands by itself. `ADDRESSED`: an address and a day: wherever it
    stands."""

    NONE = 0
    NAMED = 1
    DATED = 2
    ADDRESSED = 3


@dataclass(frozen=True, slots=True)
class Attribution:
    """The lines from `start` to before `end`."""

    start: int
    end: int
    strength: Strength


def attributions(lines: Sequence[str]) -> list[Attribution]:
    """Returns those of a text, in order."""
    found: list[Attribution] = []
    left, after = _MOST, 0
    for number, line in enumerate(lines):
        if left and _may_end(line):
            start = max(after, number - _WINDOW + 1)
            window = _window(lines, start, number)
            left -= 1
            found += _judged_best(window, number)
            after = found[-1].end if found else 0
    return found


def _judged_best(window: Sequence[str], last: int) -> list[Attribution]:
    """Returns the attribution that ends here: of two as sure the shorter, as the sender's words
    may stand above it, unless that begins with an address, whose name stands above."""
    if not any(map(_TELLING.search, window)):
        return []
    best = Attribution(last, last + 1, Strength.NONE)
    for length in range(1, len(window) + 1):
        as_sure = bool(best.strength) and window[best.start - last - 1].startswith(("<", "("))
        if best.strength is Strength.ADDRESSED and not as_sure:
            break
        strength = judged(" ".join(window[-length:]))
        if strength > best.strength or (strength == best.strength and as_sure):
            best = Attribution(last + 1 - length, last + 1, strength)
    return [best] if best.strength else []


def judged(text: str) -> Strength:
    """Returns how surely this, on one line, is an attribution."""
    if not text.isascii():
        text = _MARKS.sub("", text).translate(_DIGITS)
    text = text.strip()
    if not (text.endswith(_END) or text.startswith(_RULES) or text[:1].isdigit()):
        return Strength.NONE
    text = _GAPS.sub(_narrow, text)
    if len(text) > LONGEST:
        return Strength.NONE
    if ruled := _DASHES.match(text):
        return _strength(ruled["inner"])
    if text.endswith(_END):
        return _strength(text)
    old = text[:1].isdigit() and text.endswith(">") and has_date(text) and bool(_BRACKETED.search(text))
    return Strength.NAMED if old and _is_who(text, dated=True) else Strength.NONE


def _strength(bare: str) -> Strength:
    address, dated = _BRACKETED.search(bare) if "@" in bare else None, has_date(bare)
    match = _in_a_form(bare, _DATED) if dated else None
    who = " ".join(match.groups("")) if match else ""
    if match and _is_who(who, dated=True):
        if address or _BARE.search(bare):
            return Strength.ADDRESSED
        whole = (_NUMERIC.search(bare) or _YEAR.search(bare)) and _TIME.search(bare)
        return Strength.DATED if whole else Strength.NAMED
    if match and len(_names(who)) <= _FEW_NAMES and _TIME.search(who) and not _CLAUSE.search(who):
        return Strength.NAMED
    if address and dated and not _names(bare[address.end() :]) and _is_who(bare, dated=True):
        return Strength.ADDRESSED if _TIME.search(bare) else Strength.NAMED
    if address and (_YEAR.search(bare) or _TIME.search(bare)):
        return Strength.NAMED  # a month of a language that we do not know
    match = _in_a_form(bare, _DATELESS) if address else None
    return Strength.NAMED if match and _is_who(" ".join(match.groups("")), dated=False) else Strength.NONE


def _may_end(line: str) -> bool:
    end = line.rstrip(" \t\u200e\u200f\u202c\u2069")[-1:]
    if end in {"-", "–", "—", "_", ">"}:
        return ("@" in line or any(map(str.isdigit, line))) and bool(line.strip("> "))
    return bool(end) and end in _END


def _window(lines: Sequence[str], start: int, end: int) -> list[str]:
    """Returns the lines up to this one, without quote marks, as far as they stand together."""
    window: list[str] = []
    marked = lines[end].lstrip().startswith(_QUOTE)
    for number in range(end, start - 1, -1):
        bare = lines[number].strip()
        words = bare.lstrip(">＞ ")[: LONGEST + 1]
        if not words or bare.startswith(_QUOTE) != marked:
            break
        window.insert(0, words)
    return window


def has_date(text: str) -> bool:
    """Whether it names a day: with its year, or with an hour."""
    if not _DIGIT.search(text):
        return False
    if _NUMERIC.search(text):
        return True
    return bool((_YEAR.search(text) or _TIME.search(text)) and _NAMED.search(text))


def has_time(text: str) -> bool:
    """Whether it names an hour."""
    return bool(_TIME.search(text))


def _names(text: str) -> list[str]:
    """Returns the words that belong to no date."""
    words = (word.strip(".:;’*") for word in _LETTERS.findall(text))
    return [word for word in words if word and word.casefold() not in _WHEN and not any(map(str.isdigit, word))]


def _is_who(text: str, *, dated: bool) -> bool:
    """Whether this is a name or an address, beside a date: not `my boss`, not half a sentence."""
    if _CLAUSE.search(text):
        return False
    address = _BRACKETED.search(text)
    if not address and (bare := _BARE.search(text)):
        return dated and not _names(f"{text[: bare.start()]} {text[bare.end() :]}")
    names = _names(f"{text[: address.start()]} {text[address.end() :]}" if address else text)
    lower = [word for word in names if word[0].islower() and word.casefold() not in _PARTICLES]
    if address:
        small = len(names) <= 2 and lower == names and bool(_TIME.search(text))
        return len(names) <= _MOST_NAMES and (len(names) < 2 or small or (len(lower) < 2 and names[0] not in lower))
    if not names or len(names) > _MOST_NAMES or (_NO_CASE.search(text) and not _TIME.search(text)):
        return False
    return not lower or (len(names) == 1 and bool(_TIME.search(text)))
