"""The table of fields that programs put above the mail which is answered or forwarded, and the rule
that says so: Outlook's From, Sent, To, Subject in any language, `-----Original Message-----`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.email.domain import phrases
from services.email.domain.attributions import has_date, has_time
from services.email.domain.sought import one_of

_LINES = 9
"""Of a table, with those that a long list of recipients takes."""
_LABELS = 60
"""Characters within which a field's name ends."""
_COLONS = ":：﹕"
_RULES = frozenset("-_—=*>#")
_FIELDS = ("from", "sent", "to", "copy", "subject")
_PREFIXES = re.compile(r"^(?:\s*[^\s:：]{1,8}\s?(?:\[\d{1,3}\])?[:：])+\s*")
_ADDRESS = re.compile(r"[^\s@<>\[\]]@[^\s@<>\[\]]")
_RULE = re.compile(r"\s*[_-]{8,}\s*")


def _alternatives(table: str) -> str:
    return one_of(phrases.listed(table), r"\s?")


_TABLES = (phrases.FROM, phrases.SENT, phrases.TO, phrases.COPY, phrases.SUBJECT)
_FIELD = re.compile(
    r"\s*[*|]{0,2}\s?(?:"
    + "|".join(f"(?P<{name}>{_alternatives(table)})" for name, table in zip(_FIELDS, _TABLES, strict=True))
    + r")\s?\*{0,2}\s{0,3}[:：﹕]\s?\*{0,2}",
    re.IGNORECASE,
)
_DASH, _BLANK = "[-_—=*>#]", r"[ \t\xa0]*+"
_RULED = rf"\s*+{_DASH}{{2,}}+{_BLANK}(?:{_alternatives(phrases.ORIGINAL)})\b[^\w\n]*+$"
_ORIGINAL = re.compile(_RULED, re.IGNORECASE)
_FORWARDED = re.compile(
    rf"^{_BLANK}(?:{_DASH}{{2,}}+{_BLANK})?(?:{_alternatives(phrases.FORWARDED)})\b[^\w\n]*+$",
    re.IGNORECASE | re.MULTILINE,
)
_LABEL = re.compile(r"\s*[^\s:：][^:：]{0,30}[:：]\s*$")


def is_original_rule(line: str) -> bool:
    """Whether this is the rule `-----Original Message-----`."""
    return line.lstrip()[:1] in _RULES and bool(_ORIGINAL.match(line))


def forwards(text: str) -> bool:
    """Whether a program says here that it hands on a mail."""
    return bool(_FORWARDED.search(text))


def may_begin_table(line: str) -> bool:
    """Whether the first field of a table may stand here."""
    match = _field(line) if any(colon in line[:_LABELS] for colon in _COLONS) else None
    return bool(match and _kind(match) in {"from", "sent"})


def begins_table(lines: Sequence[str], start: int, subject: str) -> bool:
    """Whether the table of the answered mail begins here, and not a journey or a form: sender, date
    and subject are in it, and it names this mail's subject, or else a whole date, beside an address
    or in a complete table."""
    fields, end = _fields(lines, start)
    if not {"from", "sent"} <= fields.keys() or not fields.keys() & {"subject", "to"}:
        return False
    if "subject" in fields and _same(_bare(fields["subject"]), _bare(subject)):
        return True
    named = _ADDRESS.search(fields["from"]) or _ADDRESS.search(fields.get("to", ""))
    complete = {"to", "subject"} <= fields.keys() and has_time(fields["sent"])
    following = next((line for line in lines[end : end + 2] if line.strip()), "")
    told = complete or (named and ("to" in fields or has_time(fields["sent"])))
    return bool(told and has_date(fields["sent"]) and not _LABEL.match(following))


def end_of_table(lines: Sequence[str], start: int) -> int:
    """Returns the line behind the last field of the table that begins here."""
    return _fields(lines, start)[1]


def author_named(lines: Sequence[str]) -> str:
    """Returns what the first table says of its author; empty where there is none."""
    for number, line in enumerate(lines):
        match = _field(line)
        if match and _kind(match) == "from" and len(_fields(lines, number)[0].keys() - {"copy"}) > 2:
            return line[match.end() :].strip(" *")
    return ""


def above_rule(lines: Sequence[str], number: int) -> int:
    """Returns where a table begins together with the fields and the rule that stand above it."""
    while number and _field(lines[number - 1]):
        number -= 1
    above = number
    while above and not lines[above - 1].strip():
        above -= 1
    return above - 1 if above and (_RULE.fullmatch(lines[above - 1]) or is_original_rule(lines[above - 1])) else number


def _fields(lines: Sequence[str], start: int) -> tuple[dict[str, str], int]:
    """Returns the fields in a row from here, and the line behind the last."""
    found: dict[str, str] = {}
    end = start
    for number in range(start, min(start + _LINES, len(lines))):
        match = _field(lines[number])
        if match:
            found.setdefault(_kind(match), lines[number][match.end() :])
            end = number + 1
        elif lines[number].strip() and not lines[number][:1].isspace() and number > end:
            break
    return found, end


def _field(line: str) -> re.Match[str] | None:
    return _FIELD.match(line) if any(colon in line for colon in _COLONS) else None


def _kind(match: re.Match[str]) -> str:
    return next(name for name in _FIELDS if match[name])


def _bare(subject: str) -> str:
    return "".join(_PREFIXES.sub("", subject.replace("*", "")).lower().split())


def _same(one: str, other: str) -> bool:
    return one == other or (bool(one and other) and (one in other or other in one))
