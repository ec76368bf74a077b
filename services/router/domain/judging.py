"""What a message is about and how grave that is, by a model of its whole wording, beside the words
of the policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

GRAVE = ("outage", "access", "payment", "security", "data-loss", "legal")
"""Severities, as the policy's words name them."""
COMPLAINT = "complaint"
CALM = ("thanks", "goodbye", "spam", "automatic")
"""What nobody has to hurry for, where a message is nothing else."""
CLASSES = (*GRAVE, COMPLAINT, "question", "request", "order", *CALM)
OTHER = "other"
"""What says nothing of what a message is about, such as a greeting."""
FIRST = (GRAVE, (COMPLAINT,), ("request", "order"), ("question",), CALM)
"""What a message is about where its sentences are about several things."""
_SURE, TOLD = 0.5, 0.3
"""A message of which no class is more probable than the second is about nothing that the model
knows."""
_CALM_FROM = 0.6
"""How probably each sentence of a calm message is calm, or says nothing."""
_CALM_LEAST = 0.4
"""How probably a calm message is of one of `CALM`: what sounds a little like all of them is only
strange."""
_LOUD, _CROSS = 0.15, 0.25
"""How probably it may be grave, or a complaint, all the same."""


class Judgement(NamedTuple):
    """What a model says of a message. The same message always has the same judgement under one
    version."""

    version: str
    kind: str = OTHER
    """The class that the message is most about."""
    share: float = 0.0
    """How probably, 0 to 1."""
    words: str = ""
    """Those that spoke most for it."""
    grave: tuple[tuple[tuple[str, float], ...], ...] = ()
    """Of each sentence that may be of `GRAVE`: which, how probably."""
    complaint: float = 0.0
    """How probably it complains, 0 to 1; 0 where that is improbable."""
    calm: bool = False
    """It is of `CALM`, and nothing else."""


class Model(Protocol):
    """A model of one version."""

    @property
    def version(self) -> str:
        """Its name and version, as decisions record it."""

    def prepare(self, texts: Sequence[str]) -> None:
        """Reads messages that are to be judged next: many at once cost little more than one."""

    def judge(self, text: str) -> Judgement:
        """Judges a message, subject and all."""

    def __hash__(self) -> int: ...


_GROUP = {name: number for number, group in enumerate(FIRST) for name in group}


class Sentence(NamedTuple):
    """A sentence and what it may be."""

    text: str
    shares: tuple[tuple[str, float], ...]
    """Classes but `OTHER`, with how probable they are."""
    told: tuple[tuple[str, float], ...]
    """Of these, what is as probable as `TOLD`."""
    grave: tuple[tuple[str, float], ...]
    calm: bool
    """It is of `CALM`, or says nothing."""


def sentence(text: str, shares: Mapping[str, float]) -> Sentence:
    """Makes a sentence of what it probably is, `OTHER` included; what is improbable is left out."""
    known = tuple((name, share) for name, share in shares.items() if name != OTHER)
    return Sentence(
        text,
        known,
        tuple((name, share) for name, share in known if share >= TOLD),
        tuple((name, _step(shares[name])) for name in GRAVE if name in shares),
        _sum(shares, (*CALM, OTHER)) >= _CALM_FROM
        and _sum(shares, GRAVE) <= _LOUD
        and shares.get(COMPLAINT, 0) <= _CROSS,
    )


def _sum(shares: Mapping[str, float], names: Iterable[str]) -> float:
    return sum(shares.get(name, 0.0) for name in names)


def judgement(version: str, sentences: Iterable[Sentence]) -> tuple[Judgement, Sentence | None]:
    """Makes the judgement of a message of those of its sentences, without its words, and returns
    the sentence that told. What is grave comes before a complaint, that before what is asked, and
    all of them before what is calm: thanks for the help so far, but it still crashes; can you look
    at it?"""
    best: dict[str, tuple[float, Sentence]] = {}
    calm, grave = True, []
    for each in sentences:
        calm = calm and each.calm
        if each.grave:
            grave.append(each.grave)
        for name, share in each.told:
            if name not in best or share > best[name][0]:
                best[name] = share, each
    complaint = _step(best[COMPLAINT][0]) if COMPLAINT in best else 0.0
    if not best:
        return Judgement(version, grave=tuple(grave)), None
    kind = max(best, key=lambda name: (best[name][0] >= _SURE, -_GROUP[name], best[name][0], name))
    share, sentence = best[kind]
    calm = calm and kind in CALM and share >= _CALM_LEAST
    return Judgement(version, kind, round(share, 2), "", tuple(grave), complaint, calm), sentence


def _step(share: float) -> float:
    """Rounds to a twentieth: closer than that no model is right, and messages that are alike score
    alike."""
    return round(share * 20) / 20


def gravest(judged: Judgement, points: Mapping[str, float]) -> Judgement:
    """Leaves of the sentences that may be grave the one that counts: messages that differ in
    others score alike, and need not be scored again."""
    if len(judged.grave) < 2:
        return judged
    best, most = None, 0.0
    for sentence in judged.grave:
        if (total := _expected(sentence, points)) > most:
            best, most = sentence, total
    return judged._replace(grave=() if best is None else (best,))


def _expected(sentence: Iterable[tuple[str, float]], points: Mapping[str, float]) -> float:
    total = 0.0
    for name, share in sentence:
        total += share * points.get(name, 0.0)
    return total


def harm(judged: Judgement, points: Mapping[str, float]) -> tuple[float, str, float]:
    """Returns the points that are to be expected of a message, those of its gravest sentence: the
    points of each class by how probable it is; then the class that has most of them, and how
    probable that is."""
    best = (0.0, "", 0.0)
    for sentence in judged.grave:
        parts = [(share * points.get(name, 0.0), name, share) for name, share in sentence]
        if parts and (total := sum(part[0] for part in parts)) > best[0]:
            _, name, share = max(parts)
            best = (total, name, share)
    return best
