"""Ids as PostgreSQL takes them, and cursors: where in a list the next page begins."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

from shared.errors import Rejected

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_uuid(value: str) -> bool:
    """Whether PostgreSQL would take it as an id."""
    return _UUID.fullmatch(value) is not None


def as_uuid(value: str, what: str) -> str:
    """Converts an id into PostgreSQL's form. Raises Rejected 422 if it is invalid, so that
    PostgreSQL need not."""
    if not is_uuid(value):
        raise Rejected(422, what, f"{value[:60]!r} is not the id of a {what}.")
    return value.lower()


def write_place(kind: str, at: datetime, own: str) -> str:
    """Encodes a cursor of a list by time and id. kind: a letter that says which list."""
    return write_cursor(kind, at.isoformat(), own)


def read_place(cursor: str, kind: str) -> tuple[datetime, str]:
    """Decodes time and id from a cursor of `write_place`. Raises Rejected 422."""
    at, own = read_cursor(cursor, kind, 2)
    return read_time(at), own


def write_cursor(kind: str, *parts: str) -> str:
    """Encodes a cursor of parts, the last of which is an id."""
    return base64.urlsafe_b64encode("|".join((kind, *parts)).encode()).decode().rstrip("=")


def read_cursor(cursor: str, kind: str, parts: int) -> list[str]:
    """Decodes this number of parts from a cursor of this kind. Raises Rejected 422."""
    try:
        found = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode().split("|")
        if found[0] != kind or len(found) != parts + 1:
            raise ValueError(kind)
        found[-1] = as_uuid(found[-1], "cursor")
    except (ValueError, UnicodeError, binascii.Error) as error:
        raise Rejected(
            422, "cursor", "This cursor belongs to another list or order. Start again without it."
        ) from error
    return found[1:]


def read_time(value: str) -> datetime:
    """Reads a time with its zone from a cursor's part. Raises Rejected 422."""
    at: datetime | None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise damaged()
    return at


def damaged() -> Rejected:
    """Returns the rejection of a cursor whose parts make no sense."""
    return Rejected(422, "cursor", "Invalid cursor. Start again without it.")
