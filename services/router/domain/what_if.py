"""What a message would need for each level: the signals which, added or taken away, would bring it
there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, NamedTuple

from services.router.domain.judging import Judgement
from services.router.domain.policy import Priority
from services.router.domain.priority import Signals, score
from shared.kernel import Level
from shared.trials import Need

_BEST = 100
_THANKS = Judgement("", "thanks", 1.0, calm=True)
_Change = tuple[str, dict[str, Any]]
"""The code of a signal, and the fields of `Signals` that come with it or go."""


class _Other(NamedTuple):
    """The message with one signal more, or one less."""

    code: str
    added: bool
    score: int


def needs(seen: Signals, weights: Priority) -> tuple[Need, ...]:
    """Returns what each level would need, the most urgent first. A level at which no score begins
    is left out."""
    now = score(seen, weights)[0]
    others = sorted(_others(seen, weights), key=lambda other: (other.score, other.code))
    found, ends = [], _BEST
    for level, begins in zip(Level, _begins(weights), strict=True):
        if begins > ends:
            continue
        points = begins - now if now < begins else min(ends - now, 0)
        there = [other for other in others if points and begins <= other.score <= ends]
        found.append(
            Need(
                level=level,
                begins=begins,
                ends=ends,
                points=points,
                adding=tuple(other.code for other in there if other.added),
                without=tuple(other.code for other in there if not other.added),
            )
        )
        ends = begins - 1
    return tuple(found)


def _begins(weights: Priority) -> Sequence[int]:
    """Returns the lowest score of each level, the most urgent first."""
    return [*(max(0, ceil(each)) for each in (weights.urgent, weights.high, weights.normal)), 0]


def _others(seen: Signals, weights: Priority) -> Iterator[_Other]:
    """Yields the message with each signal that it lacks, as strong as may be, and without each that
    it has."""
    for added, changes in ((True, _more(seen, weights)), (False, _less(seen))):
        for code, fields in changes:
            yield _Other(code, added, score(seen._replace(**fields), weights)[0])


def _more(seen: Signals, weights: Priority) -> Sequence[_Change]:
    return (
        ("live", {"live": True}),
        *((f"severity.{name}", {"severities": (*seen.severities, (name, ""))}) for name in _silent(seen, weights)),
        ("complaint", {"complaint": 1.0}),
        ("reach", {"reach": max(seen.reach, weights.reach_full)}),
        *((f"tier.{tier}", {"tier": tier}) for tier in weights.tiers),
        ("repeated", {"contacts": weights.repeated.at_most}),
        ("bad-csat", {"csat": weights.bad_csat_at_most}),
        ("missed-sla", {"missed_sla": True}),
        *([("calm", {"severities": (), "judged": _THANKS})] if weights.model else []),
    )


def _less(seen: Signals) -> Sequence[_Change]:
    judged = seen.judged
    wordless = judged._replace(calm=False, grave=()) if judged else None
    uncomplaining = judged._replace(complaint=0.0) if judged else None
    changes: Sequence[_Change] = (
        ("live", {"live": False}),
        *((f"severity.{name}", {"severities": _without(seen, name)}) for name, _ in seen.severities),
        ("calm" if judged and judged.calm else "judged", {"judged": wordless}),
        *([("wording", {"severities": (), "judged": wordless})] if seen.severities and wordless else []),
        ("complaint", {"complaint": None, "judged": uncomplaining}),
        ("reach", {"reach": 0}),
        ("tier", {"tier": ""}),
        ("repeated", {"contacts": 0}),
        ("bad-csat", {"csat": None}),
        ("missed-sla", {"missed_sla": False}),
    )
    return [(code, fields) for code, fields in changes if seen._replace(**fields) != seen]


def _silent(seen: Signals, weights: Priority) -> Iterator[str]:
    return (name for name in weights.severity if name not in dict(seen.severities))


def _without(seen: Signals, name: str) -> tuple[tuple[str, str], ...]:
    return tuple(each for each in seen.severities if each[0] != name)
