"""What readers of dead letters get. Text that came from outside has its control characters spelt
out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from shared.bus.dead_letters import Letter, NoWayBack, printable

_DOCS = ConfigDict(use_attribute_docstrings=True)
SHOWN_BYTES = 4_000
"""Of a raw record: enough to see what is wrong with it."""
_SHOWN_TEXT = 20_000
"""Characters of what it says, decoded, and of the mail that it is about."""
_DECODED_BYTES = 1_000_000
"""A larger record is not decoded: nobody reads it on a page."""
_LONGEST = 500
"""Characters of a key or a header."""
_LONGEST_ERROR = 2_000
_LONGEST_STACK = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterView:
    """A record that a service could not handle."""

    __pydantic_config__ = _DOCS

    id: int
    """Its offset in `dead-letters`."""
    at: datetime | None
    """When it was set aside; null where the record does not say it."""
    topic: str
    """Where it came from; of what was set aside at a door the service's name."""
    partition: str
    offset: str
    key: str
    group: str
    """Who set it aside."""
    error: str
    size: int
    """Bytes of the raw record."""
    replayed_at: datetime | None
    """When it was last put back on its topic; null: never."""
    replayed_by: str
    """An agent's e-mail address, `api:<token>`, `command line`, or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterDetails:
    """One letter with all that is known of it."""

    __pydantic_config__ = _DOCS

    letter: DeadLetterView
    stack: str
    headers: tuple[tuple[str, str], ...]
    """The record's own."""
    raw: str | None
    """The record's first 4,000 bytes; null where it has no value."""
    left: int
    """Bytes that are not shown."""
    decoded: str | None = None
    """What the record says, indented; null where it is no JSON."""
    mail: str | None = None
    """The source of the raw mail that the record is about, its beginning; null where there is none,
    or it cannot be read now."""
    mail_left: int = 0
    """Bytes of it that are not shown."""
    stays: str = ""
    """Why it cannot be replayed: `compacted`, `door`, `cut`, `empty`; empty where it can."""
    why: str = ""
    """The same in English."""


def view(letter: Letter) -> DeadLetterView:
    """Converts a dead letter into the view for the list."""
    return DeadLetterView(
        id=letter.id,
        at=moment(letter.at),
        topic=_cut(letter.topic),
        partition=_cut(letter.partition),
        offset=_cut(letter.offset),
        key=_cut(letter.key or b""),
        group=_cut(letter.group),
        error=_cut(letter.error, _LONGEST_ERROR),
        size=letter.size,
        replayed_at=moment(letter.replayed),
        replayed_by=_cut(letter.replayed_by),
    )


def raw_uri(value: bytes | None) -> str:
    """Returns the storage's URI of the raw mail that a record is about; empty if it is about
    none."""
    found = _decoded(value)
    uri = found.get("raw_uri") if isinstance(found, dict) else None
    return uri if isinstance(uri, str) else ""


def details(
    letter: Letter, value: bytes | None, obstacle: NoWayBack | None, mail: bytes | None = None
) -> DeadLetterDetails:
    """Builds a letter's details, with the beginning of the raw record, its decoded content, and
    the mail that it is about."""
    decoded = _decoded(value)
    shown = None if decoded is None else json.dumps(decoded, indent=2, ensure_ascii=False)
    stack = printable(letter.stack, lines=True).strip()
    return DeadLetterDetails(
        letter=view(letter),
        stack=stack if len(stack) <= _LONGEST_STACK else "…" + stack[-_LONGEST_STACK:],  # its end names the cause
        headers=tuple((_cut(name), _cut(data)) for name, data in letter.headers),
        raw=None if value is None else printable(value[:SHOWN_BYTES], lines=True),
        left=max(0, len(value or b"") - SHOWN_BYTES),
        decoded=None if shown is None else _cut(shown, _SHOWN_TEXT, lines=True),
        mail=None if mail is None else printable(mail[:_SHOWN_TEXT].replace(b"\r\n", b"\n"), lines=True),
        mail_left=max(0, len(mail or b"") - _SHOWN_TEXT),
        stays=obstacle.code if obstacle else "",
        why=str(obstacle) if obstacle else "",
    )


def moment(at: str) -> datetime | None:
    """Parses a time that somebody wrote; None if it is invalid or has no zone."""
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        return None
    return found if found.tzinfo else None


def _decoded(value: bytes | None) -> Any:
    """Decodes a record's JSON; None if it is not JSON that a person could read."""
    try:
        return json.loads(value) if value and len(value) <= _DECODED_BYTES else None
    except (ValueError, RecursionError):
        return None


def _cut(data: bytes | str, most: int = _LONGEST, *, lines: bool = False) -> str:
    text = printable(data[: most + 1], lines=lines)
    return text if len(text) <= most else text[:most] + "…"
