"""What people write after the router's commands. A wrong one is told with what would be right."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from shared.errors import Misconfigured

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
"""Kafka counts from here."""


def moment(text: str) -> datetime:
    """Parses a time; UTC where no zone is given."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 2026-11-21 or 2026-11-21T09:30") from error
    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    if given < _FIRST:
        raise argparse.ArgumentTypeError(f"{text!r} is before 1970: there are no records of that time")
    return given


def number(low: float, high: float) -> Callable[[str], float]:
    """Returns a parser of numbers from `low` to `high`."""

    def read(text: str) -> float:
        try:
            given = float(text)
        except ValueError:
            given = math.nan
        if not low <= given <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:,g} to {high:,g}")
        return given

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """Returns a parser of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {low:,} to {high:,}")
        return int(text)

    return read


def write(file: Path, data: str | bytes) -> None:
    """Raises Misconfigured where that cannot be."""
    try:
        file.write_bytes(data.encode() if isinstance(data, str) else data)
    except OSError as error:
        raise Misconfigured(f"{file} cannot be written: {error.strerror}") from error
