"""Multinomial logistic regression over sparse features, with numpy and a small L-BFGS (Nocedal and
Wright, "Numerical Optimization", algorithm 7.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.classifier.model import BITS, Classifier, features

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_STEPS, _MEMORY, _SMALL = 80, 8, 3e-5
"""At most so many steps, of which so many are remembered; the end where a step gains less."""
_RIDGE = 2e-5
"""Pull of all weights towards zero; found on folds that keep what was composed of one line
together."""
_FOLDS = 4
_PART = 100_000
"""Entries that are multiplied at once: what fits a processor's cache is some five times as fast."""
_WARMTHS = tuple(2.0 ** (step / 4) for step in range(-8, 5))


@dataclass(frozen=True)
class Sparse:
    """A matrix by its entries: `values` at (`rows`, `columns`), ordered by rows. Every row and
    every column has some."""

    rows: Integers
    columns: Integers
    values: NDArray[np.float32]

    def times(self, weights: Floats) -> Floats:
        """Multiplies with a matrix of a row for each of our columns."""
        slim = weights.astype(np.float32)
        parts = np.array_split(_starts(self.rows), max(len(self.rows) // _PART, 1))
        ends = [*(int(part[0]) for part in parts[1:]), len(self.rows)]
        sums = [
            np.add.reduceat(
                slim[self.columns[part[0] : end]] * self.values[part[0] : end, None], part - part[0], axis=0
            )
            for part, end in zip(parts, ends, strict=True)
        ]
        return np.concatenate(sums).astype(np.float64)

    def transposed(self) -> Sparse:
        """Swaps rows and columns."""
        order = np.argsort(self.columns, kind="stable")
        return Sparse(self.columns[order], self.rows[order], self.values[order])


def _starts(numbers: Integers) -> Integers:
    return np.flatnonzero(np.concatenate(([True], np.diff(numbers) > 0)))


class Taught(NamedTuple):
    """One sentence to learn from. `line`: what it was composed of, kept together in folds; 0 where
    it stands for itself."""

    sentence: str
    label: str
    line: int
    weight: float = 1.0


def train(examples: Sequence[Taught], classes: Sequence[str], about: Mapping[str, Any]) -> Classifier:
    """Trains, and calibrates on lines that a first try had not seen. Every class counts the same in
    sum."""
    matrix, places = _matrix(examples)
    labels = np.array([classes.index(example.label) for example in examples])
    weights = np.array([example.weight for example in examples])
    sums = np.bincount(labels, weights, len(classes))
    weights = weights / sums[labels] / np.count_nonzero(sums)
    unseen = np.array([(example.line or number) % _FOLDS == 0 for number, example in enumerate(examples)])
    found = _regression(matrix, labels, weights * ~unseen, len(classes))
    margins = (matrix.times(found[:-1]) + found[-1])[unseen]
    warmth = min(_WARMTHS, key=lambda each: _loss(margins * each, labels[unseen], weights[unseen])[0])
    found = _regression(matrix, labels, weights, len(classes)) * warmth
    step = np.maximum(np.abs(found[:-1]).max(axis=0), 1e-9) / 127
    table = np.zeros((1 << BITS, len(classes)), np.int8)
    table[places] = np.round(found[:-1] / step).astype(np.int8)
    return Classifier(tuple(classes), table, step, found[-1], about)


def _loss(margins: Floats, labels: Integers, weights: Floats) -> tuple[float, Floats]:
    """Computes the loss and the probabilities."""
    margins = margins - margins.max(axis=1, keepdims=True)
    shares = np.exp(margins)
    sums = shares.sum(axis=1, keepdims=True)
    every = np.arange(len(labels))
    return float(weights @ (np.log(sums[:, 0]) - margins[every, labels])), shares / sums


def _regression(matrix: Sparse, labels: Integers, weights: Floats, classes: int) -> Floats:
    """Fits a row of weights for each column, and last the biases."""
    columns, transposed = int(matrix.columns.max()) + 1, matrix.transposed()
    every = np.arange(len(labels))

    def loss(point: Floats) -> tuple[float, Floats]:
        slopes, bias = point.reshape(columns + 1, classes)[:-1], point[-classes:]
        value, errors = _loss(matrix.times(slopes) + bias, labels, weights)
        errors[every, labels] -= 1
        errors *= weights[:, None]
        gradient = np.vstack((transposed.times(errors) + _RIDGE * slopes, errors.sum(axis=0)))
        return value + _RIDGE / 2 * float(np.vdot(slopes, slopes)), gradient.ravel()

    return minimum(loss, np.zeros((columns + 1) * classes)).reshape(columns + 1, classes)


def minimum(
    loss: Callable[[Floats], tuple[float, Floats]], point: Floats, most: int = _STEPS, least: float = _SMALL
) -> Floats:
    """Returns where a convex loss is least, from `point` on. `loss` gives value and gradient; ends
    after `most` steps, or with one that gains less than the share `least`."""
    steps: deque[tuple[Floats, Floats, float]] = deque(maxlen=_MEMORY)
    value, gradient = loss(point)
    for _ in range(most):
        direction = _direction(gradient, steps)
        downhill, length = float(direction @ gradient), 1.0
        while True:
            ahead = point + length * direction
            value_ahead, gradient_ahead = loss(ahead)
            if value_ahead <= value + 1e-4 * length * downhill or length < 1e-6:
                break
            length /= 2
        moved, changed = ahead - point, gradient_ahead - gradient
        if (curvature := float(moved @ changed)) > 1e-12:
            steps.append((moved, changed, 1 / curvature))
        improved = value - value_ahead
        point, value, gradient = ahead, value_ahead, gradient_ahead
        if improved < least * max(abs(value), 1e-3):
            break
    return point


def _direction(gradient: Floats, steps: Sequence[tuple[Floats, Floats, float]]) -> Floats:
    result, shares = gradient.copy(), []
    for moved, changed, inverse in reversed(steps):
        share = inverse * float(moved @ result)
        result -= share * changed
        shares.append(share)
    if steps:
        moved, changed, inverse = steps[-1]
        result *= 1 / (inverse * float(changed @ changed))
    for (moved, changed, inverse), share in zip(steps, reversed(shares), strict=True):
        result += (share - inverse * float(changed @ result)) * moved
    return -result


def _matrix(examples: Sequence[Taught]) -> tuple[Sparse, Integers]:
    """Returns the features of the examples, and the places of their columns in the table."""
    found = [features(example.sentence) for example in examples]
    rows = np.repeat(np.arange(len(found)), [len(each[0]) for each in found])
    places, values = np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])
    used, columns = np.unique(places, return_inverse=True)
    return Sparse(rows, columns.astype(np.int64), values.astype(np.float32)), used


def adapt(model: Classifier, lessons: Sequence[Taught], known: Sequence[Taught]) -> Classifier:
    """Moves a model as far as its lessons ask for, and no further: only what is in a lesson moves,
    and the `known` sentences that share some of it hold it. Bias and scale stay."""
    places = np.unique(np.concatenate([features(each.sentence)[0] for each in lessons]))
    examples, matrix = _sharing([*lessons, *known], places)
    start = model.margins([example.sentence for example in examples])
    labels = np.array([model.classes.index(example.label) for example in examples])
    weights = np.array([example.weight for example in examples]) / len(examples)
    transposed, every, shape = matrix.transposed(), np.arange(len(examples)), (len(places), len(model.classes))

    def loss(point: Floats) -> tuple[float, Floats]:
        moved = point.reshape(shape)
        value, errors = _loss(start + matrix.times(moved), labels, weights)
        errors[every, labels] -= 1
        errors *= weights[:, None]
        return value + _RIDGE / 2 * float(point @ point), (transposed.times(errors) + _RIDGE * moved).ravel()

    moved = minimum(loss, np.zeros(len(places) * len(model.classes))).reshape(shape)
    table = model.table.copy()
    table[places] = np.clip(np.round(table[places] + moved / model.scale), -127, 127).astype(np.int8)
    return replace(model, table=table, _numbers={}, _rows=[], _hashes=[])


def _sharing(examples: Sequence[Taught], places: Integers) -> tuple[list[Taught], Sparse]:
    """Returns the examples that have some of these places, and what they have of them."""
    column = np.full(1 << BITS, -1)
    column[places] = np.arange(len(places))
    kept, columns, values = [], [], []
    for example in examples:
        own, value = features(example.sentence)
        shared = column[own] >= 0
        if shared.any():
            kept.append(example)
            columns.append(column[own][shared])
            values.append(value[shared])
    rows = np.repeat(np.arange(len(kept)), [len(each) for each in columns])
    return kept, Sparse(rows, np.concatenate(columns), np.concatenate(values).astype(np.float32))
