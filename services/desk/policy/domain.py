"""What differs between two policies, line by line. Pure: texts in, values out."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

AROUND = 3
"""Lines around a change."""
SILENT = timedelta(seconds=30)
"""A preview of whose maker nothing was heard for this long is made anew: it writes every second."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one of two texts, or of both."""

    kind: str
    """`same`, `removed`, `added` or `gap`, where lines are left out."""
    text: str = ""
    before: int = 0
    """Its number in the first text, from 1; 0: it is not in it."""
    after: int = 0


def differences(before: str, after: str) -> tuple[Line, ...]:
    """Returns what differs, with some lines around; nothing where the texts are the same."""
    old, new = before.splitlines(), after.splitlines()
    found: list[Line] = []
    for number, group in enumerate(difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND)):
        if number:
            found.append(Line("gap"))
        for kind, a, b, c, d in group:
            if kind == "equal":
                found += [Line("same", old[a + n], a + n + 1, c + n + 1) for n in range(b - a)]
                continue
            found += [Line("removed", old[n], before=n + 1) for n in range(a, b)]
            found += [Line("added", new[n], after=n + 1) for n in range(c, d)]
    return tuple(found)


class State(StrEnum):
    """How far a preview is."""

    WAITS = "waits"
    RUNS = "runs"
    DONE = "done"
    FAILED = "failed"


def state_of(beat: datetime | None, *, done: bool, failed: str, now: datetime) -> State:
    """Returns how far a preview is. beat: when its maker was last heard of."""
    if failed:
        return State.FAILED
    if done:
        return State.DONE
    return State.RUNS if beat is not None and now - beat < SILENT else State.WAITS


def may_publish(author: str, publisher: str, *, two_person: bool) -> bool:
    """Whether somebody may publish what this author wrote."""
    return not two_person or author != publisher
