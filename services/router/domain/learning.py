"""What is learned from agents' corrections, and whether a model that learned it is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

from services.router.domain.judging import CLASSES, FIRST, GRAVE, TOLD, Judgement, Sentence
from shared.events import PriorityCorrected
from shared.kernel import Level

DAILY = 50
"""Corrections of one person and day that count, the first ones: more is no day's honest work, or
was pressed by a program."""
MOST = 1_000
"""The newest that count: what a router has memory for beside its views."""
HELD_BACK = 5
"""One ticket in so many is held back, chosen by its id: the same ones every time."""
ENOUGH = 10
"""Corrections held back without which nothing can be said."""
WORSE = 0.01
"""Macro F1 that a new model may lose on the held-out messages that come with the router."""
SHIFT = 0.05
"""The share of those messages that may change sides, between grave and not, before a person looks.
Two hundred honest corrections move some 0.03."""
QUIETED = 0.1
"""The share of corrections that go from grave to not grave before a person looks: an alarm that
falls silent does more harm than a false one."""
MOST_OF_ONE = 0.5
"""The share that one agent has of what is taught, above which a person looks. Whoever teaches alone
has all."""
_HIGH = (Level.URGENT.value, Level.HIGH.value)
_QUIET = ("question", "request", "order")


def counted(corrections: Iterable[PriorityCorrected]) -> list[PriorityCorrected]:
    """Returns the corrections that teach, oldest first: the newest of each ticket and agent, as
    many as `DAILY` and `MOST` allow."""
    newest = {one.key: one for one in sorted(corrections, key=lambda one: one.at)}
    days: Counter[tuple[str, str]] = Counter()
    found = []
    for one in sorted(newest.values(), key=lambda one: (one.at, one.key)):
        if one.text.strip() and (one.kind in CLASSES or (not one.kind and one.after in tuple(Level))):
            days[one.agent, f"{one.at:%Y-%m-%d}"] += 1
            if days[one.agent, f"{one.at:%Y-%m-%d}"] <= DAILY:
                found.append(one)
    return found[-MOST:]


def is_held_back(correction: PriorityCorrected) -> bool:
    """Whether a correction compares models, and teaches none."""
    return crc32(correction.ticket_id.encode()) % HELD_BACK == 0


def is_right(correction: PriorityCorrected, judged: Judgement) -> bool:
    """Whether a judgement is what the agent said: the class where they told it, else how grave."""
    if correction.kind:
        return judged.kind == correction.kind
    if correction.after in _HIGH:
        return judged.kind in GRAVE
    if correction.after == Level.LOW.value:
        return judged.calm
    return judged.kind not in GRAVE and not judged.calm


def wanted(correction: PriorityCorrected, sentences: Sequence[Sentence], judged: Judgement) -> str:
    """Returns the class that a message should have had: as told; else the most probable one of
    those that fit the level. Empty where that teaches nothing: it was right already, or no class
    is as probable as one that tells, so that the level had another reason than the words; or it
    is low, for which an ordinary question has many reasons."""
    if correction.kind:
        return correction.kind
    if correction.after == Level.LOW.value or is_right(correction, judged):
        return ""
    fitting = GRAVE if correction.after in _HIGH else _QUIET
    share, name = max((_most(sentences, name), name) for name in fitting)
    return name if share >= TOLD else ""


def lessons(kind: str, sentences: Sequence[Sentence]) -> list[str]:
    """Returns which sentences of a message are of this class: the one that is most probably, and
    those that told something that comes before it."""
    before = [name for group in FIRST[: _group(kind)] for name in group]
    best = max(sentences, key=lambda each: dict(each.shares).get(kind, 0.0))
    return [
        each.text
        for each in sentences
        if each is best or any(dict(each.shares).get(name, 0.0) >= TOLD for name in before)
    ]


def most_of_one(taught: Iterable[PriorityCorrected]) -> float:
    """Returns the share of the agent who taught most, 0 to 1."""
    agents = Counter(one.agent for one in taught)
    return max(agents.values()) / agents.total() if agents else 0.0


def _group(kind: str) -> int:
    return next(number for number, group in enumerate(FIRST) if kind in group)


def _most(sentences: Sequence[Sentence], kind: str) -> float:
    return max((dict(each.shares).get(kind, 0.0) for each in sentences), default=0.0)


class Trial(NamedTuple):
    """How two models did."""

    right_before: int
    """Of the corrections held back."""
    right_after: int
    general_before: float
    general_after: float
    moved: float
    """The share of general messages that change sides, between grave and not."""
    quieted: float = 0.0
    """The share of corrections that go from grave to not grave."""
    most_of_one: float = 0.0
    """The share of what is taught that is one agent's."""
    after_roll_back: bool = False
    """An operator went back from the model before."""


def verdict(trial: Trial) -> tuple[str, str]:
    """Returns state and why of a new model, as `ModelLearned` has them."""
    if trial.right_after <= trial.right_before:
        return "refused", "not-better"
    if trial.general_after < trial.general_before - WORSE:
        return "refused", "worse-in-general"
    if trial.moved > SHIFT or trial.quieted > QUIETED:
        return "waits", "large-shift"
    if trial.after_roll_back:
        return "waits", "after-roll-back"
    if trial.most_of_one > MOST_OF_ONE:
        return "waits", "one-agent"
    return "taken", "better"
