"""Logistic regression over sparse features, with numpy."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.social.domain.complaints import HEADS, Head, Model
from services.social.domain.features import BITS, features
from services.social.domain.words import content
from services.social.training.examples import Example
from shared.classifier.fit import minimum

Floats = NDArray[np.float64]
_RIDGE = 1e-5
"""Pull towards zero, for each example; found on folds that keep a core's examples together."""
_STEPS, _SMALL = 120, 1e-5
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
    matrix, places, rarity = _matrix(examples)
    heads = {}
    for name in HEADS:
        wanted = np.array([1.0 if example.kind == name else 0.0 for example in examples])
        heads[name] = _head(matrix, places, rarity, wanted, _balanced(wanted, np.array(weights, float)))
    return Model(heads, about, _ordinary(examples))


def _matrix(examples: Sequence[Example]) -> tuple[Sparse, NDArray[np.int64], Floats]:
    """Returns the features that count, by their rarity; their places in the table; and that
    rarity."""
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
    return Sparse(rows, columns.astype(np.int64), values * rarity[columns], len(examples), len(used)), used, rarity


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


def _head(matrix: Sparse, places: NDArray[np.int64], rarity: Floats, wanted: Floats, weights: Floats) -> Head:
    total = float(weights.sum())

    def loss(point: Floats) -> tuple[float, Floats]:
        slope, bias = point[:-1], point[-1]
        margins = matrix.times(slope) + bias
        losses = np.logaddexp(0, margins) - wanted * margins
        errors = weights * (1 / (1 + np.exp(-margins)) - wanted) / total
        gradient = np.append(matrix.transposed_times(errors) + _RIDGE * slope, errors.sum())
        return float(weights @ losses) / total + _RIDGE / 2 * float(slope @ slope), gradient

    found = minimum(loss, np.zeros(matrix.width + 1), _STEPS, _SMALL)
    found[:-1] *= rarity
    scale = float(np.abs(found[:-1]).max()) / 127 or 1.0
    table = np.zeros(1 << BITS, np.int8)
    table[places] = np.round(found[:-1] / scale).astype(np.int8)
    return Head(array("b", table.tobytes()), scale, float(found[-1]))


def _ordinary(examples: Sequence[Example]) -> frozenset[str]:
    seen: Counter[tuple[str, str]] = Counter()
    sizes = Counter(example.language for example in examples)
    for example in examples:
        seen.update((example.language, stem) for stem in set(content(example.text)))
    return frozenset(stem for (language, stem), count in seen.items() if count > _ORDINARY * sizes[language])
