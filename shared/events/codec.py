"""Bytes to events and back. There is one way in which reading fails: `MalformedEvent`."""

from functools import cache
from typing import TypeVar

import msgspec

from shared.errors import Malformed
from shared.events.base import Event

E = TypeVar("E", bound=Event)
LARGEST = (8 << 20) - (64 << 10)
"""Bytes of an event: what a topic takes, less room for key and headers. Whoever made a larger one
could never publish it, and would try again for ever."""

_encoder = msgspec.json.Encoder(order="deterministic")


class MalformedEvent(Malformed):
    """These bytes are not the event that this topic carries."""


def encode(event: Event) -> bytes:
    """Encodes an event as JSON in UTF-8. The same event gives the same bytes, so that a replay
    can be compared. Raises Malformed where it is too large for a record."""
    data = _encoder.encode(event)
    if len(data) > LARGEST:
        raise Malformed(f"a {type(event).__name__} of {len(data)} bytes is too large: a record holds {LARGEST}")
    return data


def decode(kind: type[E], data: bytes | None) -> E:
    """Raises MalformedEvent with the path of the first field that is wrong."""
    if data is None:
        raise MalformedEvent(f"expected {kind.__name__}, found an empty record")
    try:
        event: E = _decoder(kind).decode(data)
        return event
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise MalformedEvent(f"not a {kind.__name__}: {error}") from error


@cache
def _decoder(kind: type[E]) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(kind)
