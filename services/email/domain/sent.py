"""What of a text are our own words: its lines beside the replies that we sent to this ticket.

Programs wrap what they quote anew, change its blanks, and turn it into HTML and back. So lines are
compared by their words, and a line is ours where each run of four of its words stands in a reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

_RUN = 4
MOST = 60_000
"""Characters of our replies that are looked at, the newest first."""
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_]+")
_ADDED = re.compile(r"<(?:https?://|mailto:)[^<>\s]{1,2000}>")
"""What programs write behind a link that they quote as text."""
_MINIMUM = 8
"""Words in a row that make unmarked lines ours: `Thank you for your help` may be anybody's."""


class Sent:
    """Our replies. `texts`: the newest first; empty where none is known."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._texts = tuple(texts)

    def __bool__(self) -> bool:
        return bool(self._texts)

    def ours(self, lines: Sequence[str]) -> list[bool]:
        """Returns for each line whether it is ours. A short one only where it is a line of ours,
        or goes on from one."""
        found, short = [False] * len(lines), list[int]()
        if not self._texts:
            return found
        runs, whole = self._known
        for number, line in enumerate(lines):
            words = _words(line)
            if len(words) >= _RUN:
                found[number] = all(
                    tuple(words[start : start + _RUN]) in runs for start in range(len(words) - _RUN + 1)
                )
            elif words and tuple(words) in whole:
                found[number] = True
            elif words and tuple(words) in runs:
                short.append(number)
        for number in short:
            found[number] = (number > 0 and found[number - 1]) or (number + 1 < len(lines) and found[number + 1])
        return found

    def has(self, line: str) -> bool:
        """Whether the words of this line, two at least, stand in a reply: enough where a program
        marked it as quoted."""
        words = _words(line)
        runs = (tuple(words[start : start + _RUN]) for start in range(max(1, len(words) - _RUN + 1)))
        return len(words) > 1 and all(run in self._known[0] for run in runs)

    @cached_property
    def _known(self) -> tuple[frozenset[tuple[str, ...]], frozenset[tuple[str, ...]]]:
        """Runs of one to four words, and short lines that stand alone."""
        runs, whole, left = set[tuple[str, ...]](), set[tuple[str, ...]](), MOST
        for text in self._texts:
            words = _words(text[:left])
            for length in range(1, _RUN + 1):
                runs.update(zip(*(words[start:] for start in range(length)), strict=False))
            lines = map(_words, text[:left].splitlines())
            whole.update(tuple(line) for line in lines if 0 < len(line) < _RUN)
            left = max(0, left - len(text))
        return frozenset(runs), frozenset(whole)


def enough(lines: Iterable[str]) -> bool:
    """Whether these have so many words that no chance made them ours."""
    return (
        sum(sum(0.5 if len(word) == 1 and word > "\u3000" else 1 for word in _words(line)) for line in lines)
        >= _MINIMUM
    )


def _words(text: str) -> list[str]:
    return _WORDS.findall(_ADDED.sub(" ", text[:MOST].casefold()))


NOTHING = Sent()
