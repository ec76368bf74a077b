"""Is this post a complaint, or a question? Two logistic regressions over hashed features, small
enough to read in a diff of figures, fast enough to run on every post, and able to name the words
that counted."""

from __future__ import annotations

import json
import re
import zlib
from array import array
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import exp
from typing import Any

from services.social.domain.features import BITS, features, places
from services.social.domain.words import LONGEST, is_japanese, is_korean, tokens

COMPLAINT, QUESTION = "complaint", "question"
HEADS = (COMPLAINT, QUESTION)
_FORMAT, _READ = 3, (2, 3)
_NONE = {"": (1.0, 0.0)}
"""No calibration, as models of format 2 have it."""
_MOST_REASONS = 3
_SHARE = 0.15
"""Of the heaviest word's weight: what weighs less is no reason."""

_NAMES = re.compile(r"\b[^\W\d_a-z]\w*[a-z]\w*(?: [^\W\d_a-z]\w*[a-z]\w*)+")
"""Words in a row that begin with a capital: often a person, and no person's name is a reason."""


class Kind(StrEnum):
    """What a post is to us."""

    COMPLAINT = "complaint"
    QUESTION = "question"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores from 0 to 1, and for each the words that spoke most for it, heaviest first."""

    complaint: float
    question: float
    complaint_words: tuple[str, ...] = ()
    question_words: tuple[str, ...] = ()
    other_words: tuple[str, ...] = ()
    """Those that spoke most against a complaint."""

    def kind(self, complaint_from: float, question_from: float) -> Kind:
        """Returns what this post is, with these thresholds."""
        if self.complaint >= complaint_from:
            return Kind.COMPLAINT
        return Kind.QUESTION if self.question >= question_from else Kind.OTHER

    def reasons(self, kind: Kind) -> tuple[str, ...]:
        """Returns the words that made it this."""
        told = {Kind.COMPLAINT: self.complaint_words, Kind.QUESTION: self.question_words, Kind.OTHER: self.other_words}
        return told[kind]


@dataclass(frozen=True, slots=True)
class Head:
    """One regression: 8-bit weights, of which each counts `scale`. `calibration`: by language, and
    under an empty one for all others, what a sum is multiplied with and what is added to it so that
    scores are probabilities."""

    weights: array[int]
    scale: float
    bias: float
    calibration: Mapping[str, tuple[float, float]] = field(default_factory=lambda: dict(_NONE))

    def score(self, total: float, language: str) -> float:
        """Returns how probable a text of this sum is what we ask for, 0 to 1."""
        times, more = self.calibration.get(language) or self.calibration[""]
        return 1 / (1 + exp(-max(-30.0, min(30.0, times * (self.bias + total * self.scale) + more))))


@dataclass(frozen=True)
class Model:
    """`about`: when it was made, from what, and how well it does; `common`: stems too frequent to
    name a cause."""

    heads: Mapping[str, Head]
    about: Mapping[str, Any]
    common: frozenset[str] = frozenset()

    def classify(self, text: str, language: str = "") -> Verdict:
        """Scores a text, in under a millisecond for a post of usual length. `language`: by which
        its scores are calibrated, where it is known."""
        words, found = features(text)
        names = {word for run in _NAMES.findall(text[:LONGEST]) for word in tokens(run)}
        scores: dict[str, float] = {}
        reasons: dict[str, tuple[str, ...]] = {}
        against: tuple[str, ...] = ()
        for name, head in self.heads.items():
            weights, total = head.weights, 0.0
            by_word: dict[int, float] = defaultdict(float)
            for place, value, owner in found:
                weight = weights[place] * value
                if weight:
                    total += weight
                    by_word[owner] += weight
            scores[name] = head.score(total, language)
            own = {at: sum(weights[place] for place in places(words[at])) for at in by_word if words}
            told = {at: weight for at, weight in by_word.items() if own.get(at) and words[at] not in names}
            reasons[name] = _strongest(words, {at: weight for at, weight in told.items() if own[at] > 0})
            if name == COMPLAINT:
                against = _strongest(words, {at: -weight for at, weight in told.items() if own[at] < 0})
        return Verdict(scores[COMPLAINT], scores[QUESTION], reasons[COMPLAINT], reasons[QUESTION], against)


def dump(model: Model) -> bytes:
    """Returns a line of JSON, then the weights, compressed."""
    heads = {
        name: {"scale": head.scale, "bias": head.bias, "calibration": head.calibration}
        for name, head in model.heads.items()
    }
    header = {"format": _FORMAT, "bits": BITS, "heads": heads, "about": model.about, "common": sorted(model.common)}
    weights = b"".join(model.heads[name].weights.tobytes() for name in heads)
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + zlib.compress(weights, 9)


def load(content: bytes) -> Model:
    """Reads a model. Raises ValueError for what is no model of this version."""
    line, _, rest = content.partition(b"\n")
    try:
        header = json.loads(line)
        if header["format"] not in _READ or header["bits"] != BITS:
            raise ValueError("made by another version: train it again")
        weights, heads, size = zlib.decompress(rest), {}, 1 << BITS
        for index, (name, head) in enumerate(header["heads"].items()):
            table = array("b", weights[index * size : (index + 1) * size])
            if len(table) != size:
                raise ValueError("cut off")
            calibration = {code: (float(a), float(b)) for code, (a, b) in head.get("calibration", _NONE).items()}
            heads[name] = Head(table, float(head["scale"]), float(head["bias"]), calibration or dict(_NONE))
        if set(heads) != set(HEADS):
            raise ValueError(f"it answers {sorted(heads)}, not {sorted(HEADS)}")
        return Model(heads, header["about"], frozenset(header["common"]))
    except (KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"not a complaint model: {error!r}") from error


def _strongest(words: list[str], by_word: Mapping[int, float]) -> tuple[str, ...]:
    ranked = sorted(((weight, words[owner]) for owner, weight in by_word.items() if words and weight > 0), reverse=True)
    shown: dict[str, None] = {}
    for weight, word in ranked:
        if (
            weight >= ranked[0][0] * _SHARE
            and word[0] != "<"
            and (len(word) > 2 or is_japanese(word) or is_korean(word))
        ):
            shown[word] = None
    return tuple(shown)[:_MOST_REASONS]
