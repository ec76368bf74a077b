"""JSON from outside, of which nothing is certain: values that are missing or of another type are
empty."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from services.email.domain.charsets import safe
from shared.errors import Malformed

_LONGEST = 2_000
_MOST = 1_000


def decoded(body: bytes | str) -> Any:
    """Decodes JSON. Raises Malformed."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"this is no JSON that can be read: {error}") from error


def text(value: Any, *path: str) -> str:
    """Returns the text or number at this path; an empty string for anything else."""
    found = _at(value, path)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return safe(str(found)[:_LONGEST]) if isinstance(found, str) else _number(found)


def items(value: Any, *path: str) -> Iterator[Any]:
    """Yields the entries of the list at this path, at most 1,000."""
    found = _at(value, path)
    if isinstance(found, list):
        yield from found[:_MOST]


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: int) -> str:
    return str(value) if abs(value) < 10**20 else ""
