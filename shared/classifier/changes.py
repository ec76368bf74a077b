"""What differs between two models, in a fraction of their size: the rows of the table that
changed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

from shared.classifier.model import Classifier

_FORMAT = 1


def pack(before: Classifier, after: Classifier) -> bytes:
    """Returns a line of JSON, then the places and rows of the table that differ, compressed.
    Classes, scale and bias are the same in both."""
    places = np.flatnonzero((before.table != after.table).any(axis=1)).astype("<u4")
    header = {"format": _FORMAT, "rows": len(places), "check": crc32(after.table.tobytes())}
    body = places.tobytes() + after.table[places].tobytes()
    return json.dumps(header).encode() + b"\n" + zlib.compress(body, 9)


def unpack(before: Classifier, changes: bytes, about: Mapping[str, Any]) -> Classifier:
    """Returns the model after these changes. Raises ValueError where they are damaged, or of
    another model."""
    line, _, rest = changes.partition(b"\n")
    table = before.table.copy()
    most, classes = table.shape
    try:
        header = json.loads(line)
        if header["format"] != _FORMAT:
            raise ValueError("made by another version: learn again")
        body = zlib.decompressobj().decompress(rest, most * (classes + 4))
        places = np.frombuffer(body, "<u4", header["rows"])
        table[places] = np.frombuffer(body, np.int8, offset=places.nbytes).reshape(len(places), classes)
        if crc32(table.tobytes()) != header["check"]:
            raise ValueError("damaged, or of another model")
    except (KeyError, TypeError, IndexError, zlib.error) as error:
        raise ValueError(f"no changes of a model: {error!r}") from error
    return replace(before, table=table, about=about, _numbers={}, _rows=[], _hashes=[])
