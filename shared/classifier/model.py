"""Judges sentences: a multinomial logistic regression over hashed words, pairs of words and runs of
characters."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from shared.classifier.tokens import is_spaced, tokens

BITS = 17
"""131,072 weights for each class."""
_SIZE = 1 << BITS
_FORMAT = 1
_KNOWN = 30_000
"""Words whose weights are kept, some 0.3 KB each: a business' customers use the same ones again and
again."""
_START, _END = "<s>", "</s>"
_PRIME = np.uint32(0x9E3779B1)
"""Knuth's multiplicative hash: mixes the two words of a pair."""
_WHOLE = 64
"""What a word counts in rows of whole numbers: their sums are the same on every machine, in any
order."""
_CALM = 0.02
"""What is less probable than this is not told."""
_SHOWN = 3

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


class Parts(NamedTuple):
    """What is weighed of a sentence: places in the table, with a value each."""

    places: Places
    values: NDArray[np.int32]
    """In parts of `_WHOLE`."""


def of_word(word: str) -> Parts:
    """Computes what is weighed of a word: itself, and its runs of characters, which survive typing
    errors and endings."""
    padded, shortest, longest = (f"^{word}$", 3, 5) if is_spaced(word) else (f"^{word}", 2, 3)
    grams = {padded[at : at + n] for n in range(shortest, longest + 1) for at in range(len(padded) - n + 1)} - {padded}
    places = [_hash("w", word), *(_hash("c", gram) for gram in sorted(grams))]
    share = round(_WHOLE / sqrt(len(grams))) if grams else 0
    return Parts(np.array(places, np.int64), np.array([_WHOLE, *[share] * len(grams)], np.int32))


def pairs(hashes: NDArray[np.uint32]) -> Places:
    """Computes the places of neighbouring words, and of words with one between, each once."""
    near = (hashes[:-1] * _PRIME) ^ hashes[1:]
    far = (hashes[:-2] * _PRIME) ^ (hashes[2:] + np.uint32(1))
    mixed = np.concatenate((near, far))
    return np.asarray((mixed ^ (mixed >> np.uint32(15))).astype(np.int64) & (_SIZE - 1), np.int64)


def features(sentence: str) -> tuple[Places, NDArray[np.float64]]:
    """Computes all that is weighed of a sentence: places and values, which a long sentence has
    smaller ones of."""
    words = [_START, *tokens(sentence), _END]
    parts = [of_word(word) for word in words[1:-1]]
    near = pairs(np.array([hash_of(word) for word in words], np.uint32))
    places = np.concatenate([*(part.places for part in parts), near])
    values = np.concatenate([*(part.values for part in parts), np.full(len(near), _WHOLE, np.int32)])
    return places, values / (_WHOLE * sqrt(len(words)))


def hash_of(word: str) -> int:
    """Computes a word's own hash, of which pairs are made."""
    return crc32(word.encode())


def _hash(kind: str, text: str) -> int:
    return crc32(f"{kind}{text}".encode()) & (_SIZE - 1)


@dataclass(frozen=True, eq=False)
class Classifier:
    """`table`: a row for each place, a column for each class; `scale`, `bias`, by class, already
    calibrated."""

    classes: tuple[str, ...]
    table: NDArray[np.int8]
    scale: Floats
    bias: Floats
    about: Mapping[str, Any]
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)
    _rows: list[NDArray[np.int32]] = field(default_factory=list, repr=False)
    _hashes: list[int] = field(default_factory=list, repr=False)

    def judge(self, sentences: Sequence[str]) -> list[tuple[tuple[int, float], ...]]:
        """Returns the classes of each of `tokens.sentences`, by number, with their probabilities;
        most are not told. Many at once cost little more than one."""
        if len(self._numbers) > _KNOWN:
            for kept in (self._numbers, self._rows, self._hashes):
                kept.clear()
        return self._likely(self.margins(sentences)) if sentences else []

    def words(self, sentence: str, number: int) -> tuple[str, ...]:
        """Returns the words that spoke most for a class, by number, in the order of the
        sentence."""
        told = [_START, *tokens(sentence), _END]
        known = [self._number(word) for word in told]
        places = pairs(np.array([self._hashes[each] for each in known], np.uint32))
        near, far = np.split(self.table[places, number].astype(np.int32) * (_WHOLE // 2), [len(told) - 1])
        weights = np.array([self._rows[each][number] for each in known])
        weights[:-1] += near
        weights[1:] += near
        weights[:-2] += far
        weights[2:] += far
        best = sorted(range(1, len(told) - 1), key=lambda at: -weights[at])[:_SHOWN]
        return tuple(told[at] for at in sorted(best) if weights[at] > max(weights[best[0]] / 4, 0))

    def _likely(self, margins: Floats) -> list[tuple[tuple[int, float], ...]]:
        shares = np.exp(margins - margins.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        return [
            tuple((number, round(each, 4)) for number, each in enumerate(row) if each > _CALM)
            for row in shares.tolist()
        ]

    def margins(self, sentences: Sequence[str]) -> Floats:
        """Computes a row for each sentence, all of them at once: numpy costs by the call."""
        numbers: list[int] = []
        starts: list[int] = []
        for sentence in sentences:
            starts.append(len(numbers))
            numbers += [self._number(word) for word in (_START, *tokens(sentence), _END)]
        rows = np.array([self._rows[number] for number in numbers])
        paired = self.table[pairs(np.array([self._hashes[number] for number in numbers], np.uint32))].astype(np.int32)
        near, far = np.split(paired * _WHOLE, [len(numbers) - 1])
        lengths = np.diff([*starts, len(numbers)])
        last = np.cumsum(lengths)[:-1] - 1
        near[last] = far[last] = far[last - 1] = 0  # what reaches into the next sentence is no pair
        rows[:-1] += near
        rows[:-2] += far
        sums = np.add.reduceat(rows, starts, axis=0)
        return np.asarray(sums / (_WHOLE * np.sqrt(lengths))[:, None] * self.scale + self.bias, np.float64)

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._rows)
            self._rows.append(self._row(word))
            self._hashes.append(hash_of(word))
        return number

    def _row(self, word: str) -> NDArray[np.int32]:
        if word in (_START, _END):
            return np.zeros(len(self.classes), np.int32)
        part = of_word(word)
        return np.asarray(part.values @ self.table[part.places].astype(np.int32), np.int32)


def dump(model: Classifier) -> bytes:
    """Returns a line of JSON, then the weights, compressed."""
    header = {
        "format": _FORMAT,
        "bits": BITS,
        "classes": model.classes,
        "scale": model.scale.tolist(),
        "bias": model.bias.tolist(),
        "about": model.about,
        "check": crc32(model.table.tobytes()),
    }
    return json.dumps(header, ensure_ascii=False).encode() + b"\n" + zlib.compress(model.table.T.tobytes(), 9)


def load(content: bytes) -> Classifier:
    """Reads a model. Raises ValueError for what is damaged, cut off or of another format."""
    line, _, rest = content.partition(b"\n")
    try:
        header = json.loads(line)
        if header["format"] != _FORMAT or header["bits"] != BITS:
            raise ValueError("made by another version: train it again")
        classes = tuple(map(str, header["classes"]))
        flat = np.frombuffer(zlib.decompress(rest), np.int8)
        table = np.ascontiguousarray(flat.reshape(len(classes), _SIZE).T)
        if crc32(table.tobytes()) != header["check"]:
            raise ValueError("damaged")
        scale, bias = np.array(header["scale"], np.float64), np.array(header["bias"], np.float64)
        if scale.shape != (len(classes),) or bias.shape != (len(classes),):
            raise ValueError("damaged")
        return Classifier(classes, table, scale, bias, header["about"])
    except (KeyError, TypeError, AttributeError, zlib.error) as error:
        raise ValueError(f"not a model: {error!r}") from error
