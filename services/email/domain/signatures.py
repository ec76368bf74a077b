"""What stands below a text and is none of it: `-- ` and what follows, lines of a mail program or a
telephone, disclaimers and scanners' notes, the block of telephone and web below a name.

The greeting and the name stay, as do lines that may tell something: an order's number, an address
without a telephone beside it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.email.domain import phrases
from services.email.domain.sought import Sought, fold, one_of

_LINES, _LENGTH = 12, 800
"""Of a signature below `-- `. What is longer is a text."""
_DELIMITERS = frozenset({"-- ", "--", "—", "-- \xa0"})
_DEEPEST = 4
"""Signatures one below the other: a person's, a program's, a company's, a scanner's."""
_BLOCK = 12
"""Lines of a contact block, with the greeting above it."""
_RULE = re.compile(r"\s*+[-_=*─━—~＊・]{8,}+\s*+")
_ABOVE, _ASKED = 30, 2_000
"""Lines and characters above a contact block in which the sender may ask to be called."""
_FOOTER_LENGTH, _NAME_LENGTH, _DISCLAIMER_LENGTH = 160, 60, 40
_GAP = r"([^\n]{1,100}?)"
_LINK = re.compile(r"\[([^\]\n]{0,200})\]\s?\([^)\s]{0,300}\)|<[^<>\s]{1,300}>|\(?https?://\S{1,300}")


def _form(form: str) -> str:
    return r"\s*".join(_GAP if part == "{}" else re.escape(part) for part in re.split(r"(\{\})|\s+", form) if part)


_FOOTER = re.compile(rf"(?:{'|'.join(map(_form, phrases.listed(phrases.FOOTERS)))})\s*[.!。]?", re.IGNORECASE)
_CALLS = phrases.listed(phrases.CALLS, phrases.PLACES)
_DEVICES = phrases.listed(phrases.DEVICES)
_ANY_DEVICE = re.compile(one_of(_DEVICES))
"""In lower case, wherever it stands: most lines name none, and are looked at no further."""
_DISCLAIMERS = Sought(phrases.listed(phrases.DISCLAIMERS))
_DEVICE = re.compile(rf"(?<![^\W\d_])(?:{'|'.join(map(re.escape, _DEVICES))})", re.IGNORECASE)
_CLOSING = re.compile(
    rf"\s*(?:{'|'.join(map(re.escape, phrases.listed(phrases.CLOSINGS)))})(?:\s+[^\W\d_]{{1,20}})?\s*[,.!،、。，]?\s*",
    re.IGNORECASE,
)
_CLOSING_BEGINS = tuple(map(fold, phrases.listed(phrases.CLOSINGS)))
_LABELLED = re.compile(
    rf"\W{{0,3}}(?:{'|'.join(map(re.escape, phrases.listed(phrases.CONTACTS)))})\b\.?\s?(?:\([^()]{{1,20}}\))?\s?[:.：]?\s*"
    r"(?=[+(\d]|https?:|www\.|[^\s@]{1,64}@|[\w.-]{1,60}\.\w{2,10}\b)",
    re.IGNORECASE,
)
_PHONE = re.compile(r"[+(]?\d[\d\s()./–-]{6,22}\d")
_CONTACT = re.compile(
    r"https?://\S{1,200}|www\.\S{1,100}|<?(?:mailto:)?[^\s@<>]{1,64}@[^\s@<>]{1,255}>?|[\w-]{1,60}(?:\.[\w-]{1,60}){0,3}\.[a-z]{2,10}",
    re.IGNORECASE,
)
_STREET = re.compile(r"\D{3,40}[\s,]\d{1,4}\s?\w?(?:,\s.{1,40})?|(?:[A-Z]{1,2}-)?\d{4,6}\s\D{2,40}|\d{1,5}\s\D{3,40}")


def without_signature(lines: Sequence[str]) -> list[str]:
    """Returns the lines above the signature; all of them where there is none."""
    kept = list(lines)
    for _ in range(_DEEPEST):
        before = len(kept)
        _strip(kept)
        _delimited(kept)
        _disclaimed(kept)
        if len(kept) == before:
            break
    _contacts(kept)
    return kept


def is_footer(line: str) -> bool:
    """Whether a mail program says here from where it was sent."""
    lower = line[: 2 * _FOOTER_LENGTH].lower()
    if not _ANY_DEVICE.search(lower):
        return False
    line = _LINK.sub(r" \1 ", line.strip(" \t\xa0_-—*|")[:_FOOTER_LENGTH])
    match = _FOOTER.fullmatch(" ".join(line.split()))
    return match is not None and all(_DEVICE.search(gap) for gap in match.groups() if gap)


def _strip(lines: list[str]) -> None:
    while lines and (not lines[-1].strip() or (len(lines[-1]) < 2 * _FOOTER_LENGTH and is_footer(lines[-1]))):
        lines.pop()


def _delimited(lines: list[str]) -> None:
    for number in range(len(lines) - 1, max(-1, len(lines) - _LINES - 2), -1):
        if lines[number] in _DELIMITERS and sum(map(len, lines[number + 1 :])) <= _LENGTH:
            del lines[number:]
            break


def _disclaimed(lines: list[str]) -> None:
    """Removes the last paragraph where it is a disclaimer."""
    start = len(lines)
    while start and lines[start - 1].strip():
        start -= 1
    paragraph = " ".join(" ".join(lines[start:])[:5_000].lower().split())
    long = start and len(paragraph) >= _DISCLAIMER_LENGTH
    if long and _DISCLAIMERS.within(paragraph):
        del lines[start:]


def _contacts(lines: list[str]) -> None:
    """Removes a contact block, unless the sender asks to be called, or tells where they live."""
    start = min(_below_name(lines), _below_rule(lines))
    if start < len(lines):
        above = " ".join(lines[max(0, start - _ABOVE) : start])[-_ASKED:].lower()
        if not any(words in above for words in _CALLS):
            del lines[start:]


def _below_name(lines: Sequence[str]) -> int:
    """Returns where a contact block below greeting and name begins; the number of lines where
    there is none. A single line there, such as a telephone, was written for this mail."""
    floor = max(0, len(lines) - _BLOCK)
    closing = next((n for n in range(len(lines) - 1, floor - 1, -1) if _closes(lines[n][:80])), None)
    if closing is None:
        return len(lines)
    block = [number for number in range(closing + 1, len(lines)) if lines[number].strip()]
    if len(block) <= 2 or not _is_name(lines[block[0]]):
        return len(lines)
    kinds = [_kind(lines[number]) for number in block[1:]]
    return block[0] + 1 if "contact" in kinds and "own" not in kinds else len(lines)


def _closes(line: str) -> bool:
    begins = line and fold(line.lstrip()).startswith(_CLOSING_BEGINS)
    return bool(begins and _CLOSING.fullmatch(line))


def _below_rule(lines: Sequence[str]) -> int:
    """Returns where a contact block with a rule above it begins, as Japanese offices write it; the
    number of lines where there is none."""
    rules = [
        number for number in range(max(0, len(lines) - _BLOCK), len(lines)) if _RULE.fullmatch(lines[number][:200])
    ]
    block = [line for line in lines[rules[0] :] if line.strip() and not _RULE.fullmatch(line[:200])] if rules else []
    kinds = [_kind(line) for line in block]
    return rules[0] if len(kinds) > 1 and "contact" in kinds and "own" not in kinds else len(lines)


def _is_name(line: str) -> bool:
    return len(line.strip()) <= _NAME_LENGTH and not any(map(str.isdigit, line)) and "@" not in line


def _kind(line: str) -> str:
    """Returns what a line below a name is: `contact`, `title` (of a person, a company, a street),
    or `own`, words that may matter."""
    parts = [part for part in re.split(r"\s[|•·/]\s|\s{2,}|[|•·]", line[:300].strip()) if part.strip()]
    if parts and all(_is_contact(part.strip()) for part in parts):
        return "contact"
    line = line.strip()
    if len(line) > _NAME_LENGTH or line.endswith((".", "?", "!", "。")) or ":" in line or "#" in line:
        return "own"
    if not any(map(str.isdigit, line)) or _STREET.fullmatch(line):
        return "title"
    return "own"


def _is_contact(part: str) -> bool:
    label = _LABELLED.match(part)
    bare = part[label.end() :] if label else part
    return bool(_CONTACT.fullmatch(bare) or (_PHONE.fullmatch(bare) and (label or bare[0] in "+(0")))
