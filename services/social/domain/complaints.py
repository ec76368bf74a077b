"""Is this post a complaint, or a question? A multinomial logistic regression over hashed features,
fast enough to run on every post, and able to name the words that counted."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.social.domain.features import BITS, features, places
from services.social.domain.words import LONGEST, is_japanese, is_korean, tokens

COMPLAINT, QUESTION = "complaint", "question"
HEADS = (COMPLAINT, QUESTION)
"""What is asked of a post."""
CLASSES = (COMPLAINT, "sarcasm", QUESTION, "praise", "news", "noise")
ASKED = {COMPLAINT: (COMPLAINT, "sarcasm"), QUESTION: (QUESTION,)}
"""The classes that answer yes."""
_FORMAT = 3
_MOST_REASONS = 3
_SHARE = 0.15
"""Of the heaviest word's weight: what weighs less is no reason."""

_NAMES = re.compile(r"\b[^\W\d_a-z]\w*[a-z]\w*(?: [^\W\d_a-z]\w*[a-z]\w*)+")
"""Words in a row that begin with a capital: often a person, and no person's name is a reason."""


_INSIDE = {name: np.array([float(each in classes) for each in CLASSES]) for name, classes in ASKED.items()}
_LITTLE = 1e-12

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class Model:
    """A multinomial regression. `table`: a row of 8-bit weights for each place, a column for each
    of `CLASSES`, of which each counts its `scale`. `calibration`: by what is asked (`HEADS`) and by
    language, and under an empty one for all others, what a sum is multiplied with and what is added
    to it so that scores are probabilities. `about`: when it was made, from what, and how well it
    does; `common`: stems too frequent to name a cause."""

    table: NDArray[np.int8]
    scale: Floats
    bias: Floats
    calibration: Mapping[str, Mapping[str, tuple[float, float]]]
    about: Mapping[str, Any]
    common: frozenset[str] = frozenset()

    def classify(self, text: str, language: str = "") -> Verdict:
        """Scores a text, in under a millisecond for a post of usual length. `language`: by which
        its scores are calibrated, where it is known."""
        words, found = features(text)
        names = {word for run in _NAMES.findall(text[:LONGEST]) for word in tokens(run)}
        values = np.array([value for _, value, _ in found])
        weights = self.table[[place for place, _, _ in found]] * self.scale
        sums = values @ weights + self.bias
        owned = [(at, place) for at, word in enumerate(words) for place in places(word)]
        own_weights = self.table[[place for _, place in owned]] * self.scale
        scores, reasons, against = {}, {}, tuple[str, ...]()
        for name, (margin, direction) in margins(sums).items():
            times, more = self.calibration[name].get(language) or self.calibration[name][""]
            scores[name] = 1 / (1 + exp(-max(-30.0, min(30.0, times * margin + more))))
            by_word = np.bincount([owner for _, _, owner in found], values * (weights @ direction), len(words))
            own = np.bincount([at for at, _ in owned], own_weights @ direction, len(words))
            told = [(float(by_word[at]), float(own[at]), word) for at, word in enumerate(words) if word not in names]
            reasons[name] = _strongest((weight, word) for weight, alone, word in told if alone > 0)
            if name == COMPLAINT:
                against = _strongest((-weight, word) for weight, alone, word in told if alone < 0)
        return Verdict(scores[COMPLAINT], scores[QUESTION], reasons[COMPLAINT], reasons[QUESTION], against)


def margins(sums: Floats) -> dict[str, tuple[float, Floats]]:
    """Computes for each of `HEADS` how much more its classes have than all others, as a logarithm,
    and how that changes with each class's sum."""
    shares = np.exp(sums - sums.max())
    found = {}
    for name, inside in _INSIDE.items():
        yes, no = max(float(shares @ inside), _LITTLE), max(float(shares @ (1 - inside)), _LITTLE)
        found[name] = (log(yes) - log(no), shares * inside / yes - shares * (1 - inside) / no)
    return found


def dump(model: Model) -> bytes:
    """Returns a line of JSON, then the weights, compressed."""
    header = {
        "format": _FORMAT,
        "bits": BITS,
        "classes": CLASSES,
        "scale": model.scale.tolist(),
        "bias": model.bias.tolist(),
        "calibration": model.calibration,
        "about": model.about,
        "common": sorted(model.common),
    }
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + zlib.compress(model.table.T.tobytes(), 9)


def load(content: bytes) -> Model:
    """Reads a model. Raises ValueError for what is no model of this version."""
    line, _, rest = content.partition(b"\n")
    try:
        header = json.loads(line)
        if header["format"] != _FORMAT or header["bits"] != BITS:
            raise ValueError("made by another version: train it again")
        if tuple(header["classes"]) != CLASSES:
            raise ValueError(f"it knows {header['classes']}, not {CLASSES}")
        flat = np.frombuffer(zlib.decompress(rest), np.int8)
        if len(flat) != len(CLASSES) << BITS:
            raise ValueError("cut off")
        table = np.ascontiguousarray(flat.reshape(len(CLASSES), 1 << BITS).T)
        scale, bias = np.array(header["scale"], np.float64), np.array(header["bias"], np.float64)
        if scale.shape != (len(CLASSES),) or bias.shape != scale.shape:
            raise ValueError("cut off")
        calibration = {
            name: {code: (float(times), float(more)) for code, (times, more) in header["calibration"][name].items()}
            for name in HEADS
        }
        if not all("" in each for each in calibration.values()):
            raise ValueError("cut off")
        return Model(table, scale, bias, calibration, header["about"], frozenset(header["common"]))
    except (KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"not a complaint model: {error!r}") from error


def _strongest(weighed: Iterable[tuple[float, str]]) -> tuple[str, ...]:
    ranked = sorted((one for one in weighed if one[0] > 0), reverse=True)
    shown: dict[str, None] = {}
    for weight, word in ranked:
        if (
            weight >= ranked[0][0] * _SHARE
            and word[0] != "<"
            and (len(word) > 2 or is_japanese(word) or is_korean(word))
        ):
            shown[word] = None
    return tuple(shown)[:_MOST_REASONS]
