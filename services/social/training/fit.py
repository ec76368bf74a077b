"""Logistic regression over sparse features, with numpy; its scores are made probabilities on
fragments that a first try had not seen. The same examples give the same model on every run."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.social.domain.complaints import CLASSES, HEADS, Model, margins
from services.social.domain.features import BITS, features
from services.social.domain.words import content
from services.social.training.examples import Example
from services.social.training.measure import fold
from shared.classifier.fit import Sparse, minimum

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
_RARITY = 5.0
"""A feature in one of e⁵ examples keeps its value, more frequent ones (the, and) count less, and so
does an unknown text."""
_ORDINARY = 0.006
"""Stems in more than this share of a language's examples cannot name the cause of a burst."""


def train(examples: Sequence[Example], weights: Sequence[float], about: Mapping[str, Any]) -> Model:
    """Trains a model of these examples. `weights`: how much each counts."""
    data, allowed = _matrix(examples), _allowed(examples)
    counts = np.array(weights, float)
    unseen = np.array([fold(example, _FOLDS) == 0 for example in examples])
    languages = np.array([example.language for example in examples])
    balanced = _balanced(examples, counts)
    start = np.zeros((len(data.places) + 1, len(CLASSES)))
    first = _regression(data.matrix, allowed, balanced * ~unseen, start)
    sums = (data.matrix.times(first[:-1]) + first[-1])[unseen]
    asked = [margins(each) for each in sums]
    kinds = np.array([example.kind for example in examples])[unseen]
    calibration = {
        name: _calibrated(np.array([each[name][0] for each in asked]), kinds == name, counts[unseen], languages[unseen])
        for name in HEADS
    }
    found = _regression(data.matrix, allowed, balanced, first)
    slopes = found[:-1] * data.rarity[:, None]
    scale = np.maximum(np.abs(slopes).max(axis=0), 1e-9) / 127
    table = np.zeros((1 << BITS, len(CLASSES)), np.int8)
    table[data.places] = np.round(slopes / scale).astype(np.int8)
    return Model(table, scale, found[-1], calibration, about, _ordinary(examples))


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
    matrix = Sparse(rows, columns.astype(np.int64), (values * rarity[columns]).astype(np.float32))
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


def _allowed(examples: Sequence[Example]) -> Floats:
    """Returns for each example which classes are right. Corrections tell no more than the kind."""
    kinds = {label: Example("", label, "").kind for label in CLASSES}
    rows = {
        (label, whole): [float(other == label or (whole and kinds[other] == kinds[label])) for other in CLASSES]
        for label in CLASSES
        for whole in (True, False)
    }
    return np.array([rows[example.label, not example.core] for example in examples])


def _balanced(examples: Sequence[Example], counts: Floats) -> Floats:
    """Weighs examples, those of a rare class more: how often a class occurs among examples says
    little about the company's posts."""
    labels = np.array([CLASSES.index(example.label) for example in examples])
    weights = counts / np.sqrt(np.bincount(labels, counts, len(CLASSES)))[labels]
    return np.asarray(weights / weights.sum(), np.float64)


def _regression(matrix: Sparse, allowed: Floats, weights: Floats, start: Floats) -> Floats:
    """Fits a row of weights for each column, and last the biases."""
    transposed = matrix.transposed()

    def loss(point: Floats) -> tuple[float, Floats]:
        rows = point.reshape(start.shape)
        sums = matrix.times(rows[:-1]) + rows[-1]
        shares = np.exp(sums - sums.max(axis=1, keepdims=True))
        right = shares * allowed
        every, own = shares.sum(axis=1), np.maximum(right.sum(axis=1), 1e-300)
        errors = (shares / every[:, None] - right / own[:, None]) * weights[:, None]
        gradient = np.vstack((transposed.times(errors) + _RIDGE * rows[:-1], errors.sum(axis=0)))
        value = float(weights @ (np.log(every) - np.log(own)))
        return value + _RIDGE / 2 * float(np.vdot(rows[:-1], rows[:-1])), gradient.ravel()

    return minimum(loss, start.ravel(), _STEPS, _SMALL).reshape(start.shape)


def _calibrated(
    sums: Floats, wanted: NDArray[np.bool_], counts: Floats, languages: NDArray[np.str_]
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


def _ordinary(examples: Sequence[Example]) -> frozenset[str]:
    seen: Counter[tuple[str, str]] = Counter()
    sizes = Counter(example.language for example in examples)
    for example in examples:
        seen.update((example.language, stem) for stem in set(content(example.text)))
    return frozenset(stem for (language, stem), count in seen.items() if count > _ORDINARY * sizes[language])
