"""Keep what the sender wrote, without what a program quoted below, above or between it.

What goes wrong without it: an agent reads ten old mails to find one new line. What goes wrong with
too much of it: the customer's own words disappear. So a quotation is cut

- where its form says that a program made it: an attribution with date and name, the container or
  the table of fields that programs put around what is answered;
- where it is what we really sent to this ticket;
- where a weaker form (quote marks alone, Outlook's table) stands in an answer: to a mail of ours,
  or under a subject such as `Re:`. Where we know what we sent, quote marks alone around other words
  are the sender's own.

Quotations between answers stay with them. A single one above the words is cut in an answer only.
When unsure, everything stays; the original stays in the storage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.email.domain import phrases, tables
from services.email.domain.attributions import Attribution, Strength, attributions
from services.email.domain.quoted_html import Mark, marked
from services.email.domain.sent import NOTHING, Sent, enough
from services.email.domain.signatures import without_signature

_SIGNATURE_LINES, _SIGNATURE_LENGTH = 15, 800
_NESTED = re.compile(r"\s*[>＞]\s?[>＞]")
_ABOVE, _POINTING = 20, 1_000
"""Lines and characters above an old mail in which the sender may point at it."""
_BELOW = phrases.listed(phrases.BELOW)
_INSIDE = 4
"""Lines of a marked block in which its own attribution may stand, as Apple's programs do it."""


def _subject(prefixes: str) -> re.Pattern[str]:
    return re.compile(
        rf"^\s*(?:{'|'.join(map(re.escape, phrases.listed(prefixes)))})\s*(?:\[\d{{1,3}}\])?\s*[:：]", re.IGNORECASE
    )


_REPLY, _FORWARD = _subject(phrases.REPLY_PREFIXES), _subject(phrases.FORWARD_PREFIXES)


def without_quotes(text: str, subject: str = "", *, answers: bool = False, sent: Sent = NOTHING) -> str:
    """Returns the sender's own words. `answers`: whether this answers a mail of ours; `sent`: what
    we sent to this ticket. Never empty where `text` had words."""
    lines = text.split("\n")
    marks = [Mark.NONE] * len(lines)
    if ">" in text or "＞" in text:
        marks = [Mark.ANSWER if line.lstrip().startswith((">", "＞")) else Mark.NONE for line in lines]
    return _own(lines, marks, subject, answers=answers, sent=sent) or text


def without_quotes_of_html(html: str, subject: str = "", *, answers: bool = False, sent: Sent = NOTHING) -> str | None:
    """Returns the sender's own words, as text; an empty string where all of it stays; None where
    no container of a program is in it."""
    lines = marked(html)
    if lines is None:
        return None
    return _own([line.text for line in lines], [line.mark for line in lines], subject, answers=answers, sent=sent)


def is_forward(text: str, subject: str) -> bool:
    """Whether somebody hands on another's mail."""
    return _begins(subject, _FORWARD) or tables.forwards(text)


def forwarded_block(text: str) -> str:
    """Returns what follows From in the first block of header lines; empty where there is none."""
    return tables.author_named(text.split("\n"))


def _begins(subject: str, prefixes: re.Pattern[str]) -> bool:
    return (":" in subject or "：" in subject) and prefixes.match(subject) is not None


def _own(lines: list[str], marks: list[Mark], subject: str, *, answers: bool, sent: Sent) -> str:
    """Returns the sender's words, or an empty string where all has to stay as it is."""
    whole, texts = "\n".join(lines).strip(), lines
    is_reply = answers or _begins(subject, _REPLY)
    if _begins(subject, _FORWARD) and not (answers and _begins(subject, _REPLY)):
        return ""
    if Mark.SIGNATURE in marks:
        _drop_signatures(texts, marks)
    if marks and not marks[-1]:
        texts = without_signature(texts)
        del marks[len(texts) :]
    cut = _Cut(texts, marks, is_reply=is_reply, sent=sent)
    cut.find(subject)
    if cut.hands_on():
        return ""
    kept = without_signature(cut.kept()) if any(cut.quoted) else texts
    result = "\n".join(kept).strip("\n").rstrip()
    return result if result != whole and _words(result) else ""


class _Cut:
    """A text's lines, and which of them are quoted. `quoted`: 0 for the sender's own; `made`: by a
    program or by ourselves for certain."""

    def __init__(self, lines: list[str], marks: list[Mark], *, is_reply: bool, sent: Sent) -> None:
        self.lines, self.marks, self.is_reply, self.sent = lines, marks, is_reply, sent
        self.ours = sent.ours(lines)
        if Mark.BELOW in marks:
            self._settle_what_is_below()
        self.quoted = [bool(mark) for mark in marks]
        self.made = [mark is Mark.PROGRAM for mark in marks]
        self.opened = False
        self.last_of_ours = max(number for number, ours in enumerate(self.ours) if ours) if any(self.ours) else -1

    def _settle_what_is_below(self) -> None:
        """Takes what stands below a mark for the old mail; where words of ours are in it, those,
        and what is above the first of them. Where the sender says that there are answers in it and
        nobody knows which, all of it stays."""
        below = [number for number, mark in enumerate(self.marks) if mark is Mark.BELOW]
        first = next((number for number in below if self.ours[number]), None)
        stays = first is None and bool(below) and _points_below(self.lines, below[0])
        for number in below:
            old = not stays if first is None else number <= first or self.ours[number]
            self.marks[number] = Mark.ANSWER if old else Mark.NONE

    def find(self, subject: str) -> None:
        """Finds what is quoted: first the lines that introduce a quotation, then the blocks."""
        for found in attributions(self.lines):
            self._introduced(found)
        if self.is_reply or self.sent:
            self._tables(subject)
        if self.last_of_ours >= 0:
            self._own_mail()
        if not any(self.quoted):
            return
        self._join()
        for start, end in self._runs(self.quoted):
            if not self._counts(start, end):
                self.quoted[start:end] = [False] * (end - start)

    def kept(self) -> list[str]:
        """Returns the sender's lines, with the quotations between them that they answer."""
        own = [number for number, line in enumerate(self.lines) if not self.quoted[number] and _words(line)]
        if not own:
            return []
        runs = [run for run in self._runs(self.quoted) if run[0] < own[-1]]
        all_of_them = len(self._runs(self.quoted))
        start, end = runs[0] if runs else (0, 0)
        if len(runs) == 1 and all_of_them == 1 and self.is_reply and any(self.made[start:end]):
            above = self.lines[:start]
            while above and not above[-1].strip():
                above.pop()
            below = self.lines[end : own[-1] + 1]
            while below and above and not below[0].strip():
                below.pop(0)
            return [*above, *([""] if above and below else []), *below]
        return [self._shown(number) for number in range(own[-1] + 1)]

    def hands_on(self) -> bool:
        """Whether this forwards a mail: a program's words for it stand over what is not quoted, or
        begin what is."""
        return tables.forwards("\n".join(self.lines)) and any(
            tables.forwards(line) and not (self.quoted[number] and number and self.quoted[_above(self.lines, number)])
            for number, line in enumerate(self.lines)
        )

    def _shown(self, number: int) -> str:
        line = self.lines[number]
        marked = self.is_reply and self.quoted[number] and self.marks[number] and line.strip()
        return f"> {line}" if marked and not line.lstrip().startswith((">", "＞")) else line

    def _introduced(self, found: Attribution) -> None:
        """Takes an attribution for one where a marked block follows, or where it is an answer that
        begins with other words and nothing says that these introduce it."""
        start, end = found.start, found.end
        if self.quoted[start]:
            first = start
            while first and self.quoted[first - 1]:
                first -= 1
            if sum(map(_words, self.lines[first:start])) < _INSIDE:
                self.made[start:end] = [True] * (end - start)
            return
        following = next((number for number in range(end, len(self.lines)) if self.lines[number].strip()), None)
        if following is None:
            if self.is_reply:
                self._take(start, end)
        elif self.quoted[following]:
            self._take(start, following + 1)
        elif found.strength > Strength.NAMED and (
            self.ours[following] or (self.is_reply and self._stands_alone(found))
        ):
            self._open(start, end)

    def _stands_alone(self, found: Attribution) -> bool:
        """Whether words stand above that do not introduce it, and where it has no address, blank
        lines around it: otherwise the sender tells of a letter, and means it to be read."""
        alone = not self.lines[found.end].strip() and not self.lines[found.start - 1].strip()
        above = next((line for line in reversed(self.lines[: found.start]) if line.strip()), ":")
        return (found.strength is Strength.ADDRESSED or alone) and not above.rstrip().endswith((":", "："))

    def _tables(self, subject: str) -> None:
        for number, line in enumerate(self.lines):
            if self.quoted[number]:
                told = self.marks[number] is Mark.BLOCK and tables.may_begin_table(line)
                self.made[number] |= told and tables.begins_table(self.lines, number, subject)
            elif tables.is_original_rule(line):
                self._open(number, number + 1)
            elif tables.may_begin_table(line) and tables.begins_table(self.lines, number, subject):
                self._open(tables.above_rule(self.lines, number), tables.end_of_table(self.lines, number))

    def _open(self, start: int, end: int) -> None:
        """Takes all below for quoted; or, where words of ours are there, those: whatever else is
        there may be an answer."""
        if self.last_of_ours >= end:
            self._take(start, end)
            if not self.opened:
                self.opened = True
                for number in range(end, self.last_of_ours + 1):
                    self.quoted[number] = self.made[number] = self.quoted[number] or self.ours[number]
        elif self.is_reply and not _points_below(self.lines, start):
            self._take(start, len(self.lines))

    def _own_mail(self) -> None:
        """Takes what we sent ourselves for quoted, whatever stands around it."""
        for start, end in self._runs(self.ours):
            introduced = start > 0 and self.made[_above(self.lines, start)]
            if introduced or enough(self.lines[start:end]):
                self._take(start, end)

    def _counts(self, start: int, end: int) -> bool:
        """Whether what is marked here is quoted from somebody else."""
        if any(self.made[start:end]):
            return True
        if not self.is_reply or Mark.ANSWER not in self.marks[start:end]:
            return False
        numbers = [number for number in range(start, end) if _words(self.lines[number])]
        newest = [number for number in numbers if not _NESTED.match(self.lines[number])] or numbers
        ours = sum(self.ours[number] or self.sent.has(self.lines[number]) for number in newest)
        return not self.sent or 2 * ours >= len(newest)

    def _take(self, start: int, end: int) -> None:
        self.quoted[start:end] = [True] * (end - start)
        self.made[start:end] = [True] * (end - start)

    def _join(self) -> None:
        """Takes what has no words between two quoted lines for quoted."""
        before = None
        for number, line in enumerate(self.lines):
            if self.quoted[number]:
                if before is not None:
                    self.quoted[before + 1 : number] = [True] * (number - before - 1)
                before = number
            elif _words(line):
                before = None

    @staticmethod
    def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
        runs, start = list[tuple[int, int]](), 0
        for number in range(1, len(flags) + 1):
            if number == len(flags) or flags[number] != flags[start]:
                if flags[start]:
                    runs.append((start, number))
                start = number
        return runs


def _points_below(lines: Sequence[str], start: int) -> bool:
    """Whether the sender says above this line that answers stand in the old mail."""
    words = " ".join(" ".join(lines[max(0, start - _ABOVE) : start])[-_POINTING:].lower().split())
    return any(phrase in words for phrase in _BELOW)


def _above(lines: Sequence[str], number: int) -> int:
    """Returns the last line above that has words; the first where none has."""
    return next((one for one in range(number - 1, -1, -1) if _words(lines[one])), 0)


def _drop_signatures(lines: list[str], marks: list[Mark]) -> None:
    """Removes the signatures that a program marked, as far as they are short; what is longer is a
    text. Words remain."""
    signs = [number for number, mark in enumerate(marks) if mark is Mark.SIGNATURE]
    short = len(signs) <= _SIGNATURE_LINES and sum(len(lines[number]) for number in signs) <= _SIGNATURE_LENGTH
    others = any(_words(line) for line, mark in zip(lines, marks, strict=True) if mark is Mark.NONE)
    for number in reversed(signs):
        marks[number] = Mark.NONE
        if short and others:
            del lines[number], marks[number]


def _words(text: str) -> bool:
    return any(map(str.isalnum, text))
