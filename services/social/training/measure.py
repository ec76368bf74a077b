"""How well a model does, and whether that can be believed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from services.social.domain.complaints import COMPLAINT, HEADS, Kind, Model
from services.social.domain.words import normal
from services.social.training.examples import Example

_WORDS, _CHARACTERS = 5, 12
"""In a row: what no two people write by chance, in scripts with spaces and without."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one answer on one set of posts."""

    posts: int
    wanted: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Returns them rounded, for people."""
        rounded = {name: round(getattr(self, name), 3) for name in ("precision", "recall", "f1")}
        return {"posts": self.posts, "wanted": self.wanted, **rounded}


def measure(
    model: Model, examples: Sequence[Example], head: str = COMPLAINT, at: float = 0.5, question_from: float = 0.5
) -> Figures:
    """Compares a model with labels. `head`: `complaint`, `question`, or `ticket` for either, which
    is what opens one."""
    found = wanted = right = 0
    for example in examples:
        kind = model.classify(example.text, example.language).kind(at, question_from)
        says = kind is not Kind.OTHER if head == "ticket" else kind == head
        is_so = example.kind != "other" if head == "ticket" else example.kind == head
        found, wanted, right = found + says, wanted + is_so, right + (says and is_so)
    return Figures(len(examples), wanted, right / found if found else 0.0, right / wanted if wanted else 0.0)


def changes(old: Model, new: Model, examples: Sequence[Example], at: float, question_from: float) -> tuple[int, int]:
    """Counts the examples on which two models differ whether to open a ticket: which the new one
    puts right, and which it gets wrong."""
    right = [
        [
            (model.classify(e.text, e.language).kind(at, question_from) is not Kind.OTHER) == (e.kind != "other")
            for e in examples
        ]
        for model in (old, new)
    ]
    pairs = list(zip(*right, strict=True))
    return pairs.count((False, True)), pairs.count((True, False))


def by_language(model: Model, examples: Sequence[Example], head: str = COMPLAINT) -> dict[str, dict[str, Any]]:
    """Returns figures for each language, and `all`."""
    languages = sorted({example.language for example in examples})
    figures = {code: measure(model, [e for e in examples if e.language == code], head).as_dict() for code in languages}
    return {"all": measure(model, examples, head).as_dict(), **figures}


def report(model: Model, examples: Sequence[Example]) -> dict[str, Any]:
    """Returns figures of each head."""
    return {head: by_language(model, examples, head) for head in (*HEADS, "ticket")}


def scores(model: Model, examples: Sequence[Example]) -> list[tuple[float, bool]]:
    """Returns how probable a complaint each example is, and whether it is one."""
    return [(model.classify(e.text, e.language).complaint, e.kind == COMPLAINT) for e in examples]


def average_precision(scored: Iterable[tuple[float, bool]]) -> float:
    """Returns the mean precision down to each that is wanted, the most probable first; 0 where none
    is."""
    ranked = [wanted for _, wanted in sorted(scored, key=lambda one: -one[0])]
    found = [place for place, wanted in enumerate(ranked, 1) if wanted]
    return sum(number / place for number, place in enumerate(found, 1)) / len(found) if found else 0.0


def reliability(scored: Sequence[tuple[float, bool]], steps: int = 5) -> list[tuple[float, int, float, float]]:
    """Returns for each step of the scores that has any: from where, how many, their mean, and the
    share that was wanted."""
    found = []
    for step in range(steps):
        own = [(score, wanted) for score, wanted in scored if min(int(score * steps), steps - 1) == step]
        if own:
            mean, share = sum(score for score, _ in own) / len(own), sum(wanted for _, wanted in own) / len(own)
            found.append((step / steps, len(own), mean, share))
    return found


def fold(example: Example, folds: int) -> int:
    """Returns the fold of an example. Those composed around one core are never divided: otherwise a
    model is praised for its memory."""
    return crc32((example.core or example.text).encode()) % folds


def shingles(text: str) -> set[str]:
    """Returns the runs of words that would show that a text was copied."""
    plain = normal(text)
    words = [word for word in plain.split() if not word.startswith(("<", "#"))]
    if sum("\u3040" <= c <= "\u9fff" for c in plain) > len(plain) / 4:
        joined = "".join(words)
        return {joined[i : i + _CHARACTERS] for i in range(len(joined) - _CHARACTERS + 1)}
    return {" ".join(words[i : i + _WORDS]) for i in range(len(words) - _WORDS + 1)}


def leaks(training: Iterable[Example], held_out: Iterable[Example]) -> Mapping[str, str]:
    """Returns held-out posts that share a run of words with a training example, and that run."""
    known: set[str] = set()
    for example in training:
        known |= shingles(example.text)
    return {example.text: min(found) for example in held_out if (found := shingles(example.text) & known)}
