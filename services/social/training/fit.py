"""Logistic regression over sparse features, with numpy; its scores are made probabilities on
fragments that a first try had not seen. The same examples give the same model on every run."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.social.domain.complaints import HEADS, Head, Model
from services.social.domain.features import BITS, features
from services.social.domain.words import content
from services.social.training.examples import Example
from services.social.training.measure import fold
from shared.classifier.fit import minimum

Floats = NDArray[np.float64]
_RIDGE = 1e-5
"""Pull towards zero, for each example; found on folds that keep a core's examples together."""
_STEPS, _SMALL = 120, 1e-5
_FOLDS = 4
"""One fragment in so many calibrates."""
_PULL, _LEAST = 20.0, 0.05
"""What holds a language's calibration to that of all, as the square of a distance; and the least
slope, so that more evidence is never less probable."""
_FEWEST = 2
"""Fragments that must share a feature: what stands in one alone (a name) says nothing."""
_OTHERS = 0.67
"""How much all that is no complaint counts beside complaints: found on folds, where the best F1 was
at a score of 0.4 without it."""
_RARITY = 5.0
"""A feature in one of e⁵ examples keeps its value, more frequent ones (the, and) count less, and so
does an unknown text."""
_ORDINARY = 0.006
"""Stems in more than this share of a language's examples cannot name the cause of a burst."""


@dataclass(frozen=True)
class Sparse:
    """A matrix by its entries: `values` at (`rows`, `columns`)."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: Floats
    height: int
    width: int

    def times(self, weights: Floats) -> Floats:
        """Multiplies with a vector."""
        return np.bincount(self.rows, self.values * weights[self.columns], self.height).astype(np.float64)

    def transposed_times(self, errors: Floats) -> Floats:
        """Multiplies the transposed matrix with a vector."""
        return np.bincount(self.columns, self.values * errors[self.rows], self.width).astype(np.float64)


def train(examples: Sequence[Example], weights: Sequence[float], about: Mapping[str, Any]) -> Model:
    """Trains a model of these examples. `weights`: how much each counts."""
    data = _matrix(examples)
    unseen = np.array([fold(example, _FOLDS) == 0 for example in examples])
    languages = np.array([example.language for example in examples])
    heads = {}
    for name in HEADS:
        wanted = np.array([1.0 if example.kind == name else 0.0 for example in examples])
        counts = np.array(weights, float)
        balanced = _balanced(wanted, counts)
        first = _regression(data.matrix, wanted, balanced * ~unseen, np.zeros(data.matrix.width + 1))
        sums = data.matrix.times(first[:-1]) + first[-1]
        calibration = _calibrated(sums[unseen], wanted[unseen], counts[unseen], languages[unseen])
        heads[name] = _head(data, _regression(data.matrix, wanted, balanced, first), calibration)
    return Model(heads, about, _ordinary(examples))


class _Data(NamedTuple):
    """The features that count, by their rarity; their places in the table; and that rarity."""

    matrix: Sparse
    places: NDArray[np.int64]
    rarity: Floats


def _matrix(examples: Sequence[Example]) -> _Data:
    found, at, much = array("q"), array("q"), array("d")
    for row, example in enumerate(examples):
        for place, value, _ in features(example.text)[1]:
            found.append(row)
            at.append(place)
            much.append(value)
    rows, places, values = np.array(found, np.int64), np.array(at, np.int64), np.array(much)
    kept = _shared(examples, rows, places)
    rows, places, values = rows[kept], places[kept], values[kept]
    used, columns, counts = np.unique(places, return_inverse=True, return_counts=True)
    rarity = np.log(len(examples) / counts + 1e-3) / _RARITY
    matrix = Sparse(rows, columns.astype(np.int64), values * rarity[columns], len(examples), len(used))
    return _Data(matrix, used, rarity)


def _shared(examples: Sequence[Example], rows: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Finds which entries several fragments share. Posts written as a whole, which corrections are,
    keep all of theirs."""
    numbers: dict[str, int] = {}
    cores = np.array([numbers.setdefault(e.core or e.text, len(numbers)) for e in examples], np.int64)
    pairs = np.unique(places * len(numbers) + cores[rows])
    fragments = np.bincount(pairs // len(numbers), minlength=1 << BITS)
    whole = np.array([not e.core for e in examples], np.bool_)
    fragments[places[whole[rows]]] += _FEWEST
    return np.asarray(fragments[places] >= _FEWEST, np.bool_)


def _balanced(wanted: Floats, weights: Floats) -> Floats:
    """Weighs examples, nearly the same in sum for both answers: how often a kind occurs among
    examples says nothing about the company's posts."""
    yes, no = float(weights @ wanted), float(weights @ (1 - wanted))
    half = (yes + no) / 2
    return weights * np.where(wanted > 0, half / max(yes, 1e-9), _OTHERS * half / max(no, 1e-9))


def _regression(matrix: Sparse, wanted: Floats, weights: Floats, start: Floats) -> Floats:
    """Fits a weight for each column, and last the bias."""
    total = float(weights.sum())

    def loss(point: Floats) -> tuple[float, Floats]:
        slope, bias = point[:-1], point[-1]
        margins = matrix.times(slope) + bias
        losses = np.logaddexp(0, margins) - wanted * margins
        errors = weights * (1 / (1 + np.exp(-margins)) - wanted) / total
        gradient = np.append(matrix.transposed_times(errors) + _RIDGE * slope, errors.sum())
        return float(weights @ losses) / total + _RIDGE / 2 * float(slope @ slope), gradient

    return minimum(loss, start, _STEPS, _SMALL)


def _calibrated(
    sums: Floats, wanted: Floats, counts: Floats, languages: NDArray[np.str_]
) -> dict[str, tuple[float, float]]:
    """Finds what makes probabilities of sums (Platt, "Probabilistic outputs for support vector
    machines", 1999), for all and for each language, which stays near to all where it has few
    examples."""
    if not len(sums) or not 0 < wanted.sum() < len(wanted):
        return {"": (1.0, 0.0)}

    def fitted(own: NDArray[np.bool_], near: Floats, pull: float) -> Floats:
        def loss(point: Floats) -> tuple[float, Floats]:
            margins, away = point[0] * sums[own] + point[1], point - near
            errors = counts[own] * (np.exp(-np.logaddexp(0, -margins)) - wanted[own])
            losses = float(counts[own] @ (np.logaddexp(0, margins) - wanted[own] * margins))
            return losses + pull / 2 * float(away @ away), np.array([errors @ sums[own], errors.sum()]) + pull * away

        return minimum(loss, near)

    common = fitted(np.ones(len(sums), np.bool_), np.array([1.0, 0.0]), _PULL)
    found = {str(code): fitted(languages == code, common, _PULL) for code in np.unique(languages) if code}
    return {code: (max(float(a), _LEAST), float(b)) for code, (a, b) in {"": common, **found}.items()}


def _head(data: _Data, found: Floats, calibration: Mapping[str, tuple[float, float]]) -> Head:
    slopes = found[:-1] * data.rarity
    scale = float(np.abs(slopes).max()) / 127 or 1.0
    table = np.zeros(1 << BITS, np.int8)
    table[data.places] = np.round(slopes / scale).astype(np.int8)
    return Head(array("b", table.tobytes()), scale, float(found[-1]), calibration)


def _ordinary(examples: Sequence[Example]) -> frozenset[str]:
    seen: Counter[tuple[str, str]] = Counter()
    sizes = Counter(example.language for example in examples)
    for example in examples:
        seen.update((example.language, stem) for stem in set(content(example.text)))
    return frozenset(stem for (language, stem), count in seen.items() if count > _ORDINARY * sizes[language])
