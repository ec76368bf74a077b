"""HTML forms as providers post them. A raw mail in one is bytes in any charset: a library that
decodes form fields to text has changed them already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from shared.errors import Malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST = 500
"""Fields. The most that a provider sends is about thirty, and a file for each attachment."""
_PIECE = 1 << 16
"""Bytes that are unquoted at a time: the library takes seventy times as much memory."""


def fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Returns the fields, the first of each name, files among them. Raises Malformed."""
    kind, options = parse_options_header(content_type)
    if kind == b"application/x-www-form-urlencoded":
        return _encoded(body)
    if kind == b"multipart/form-data" and options.get(b"boundary"):
        return _Parts(options[b"boundary"]).read(body)
    raise Malformed("this webhook takes forms: multipart/form-data or application/x-www-form-urlencoded")


def words(form: Mapping[str, bytes], name: str) -> str:
    """Returns a field as text; empty where there is none."""
    return form.get(name, b"")[:2_000].decode("utf-8", "replace")


def _encoded(body: bytes) -> dict[str, bytes]:
    pairs = body.split(b"&", _MOST)
    if len(pairs) > _MOST:
        raise Malformed(f"the form has more than {_MOST} fields")
    named = (pair.partition(b"=") for pair in reversed(pairs) if pair)
    return {_unquoted(name).decode("latin-1"): _unquoted(value) for name, _, value in named}


def _unquoted(text: bytes) -> bytes:
    text, whole, start = text.replace(b"+", b" "), bytearray(), 0
    while start < len(text):
        end = start + _PIECE
        broken = text.rfind(b"%", end - 2, end)  # an escape that would lie on both sides
        end = end if broken < 0 else broken
        whole += unquote_to_bytes(text[start:end])
        start = end
    return bytes(whole)


class _Parts:
    """Collects the parts of one multipart form."""

    def __init__(self, boundary: bytes) -> None:
        self._boundary = boundary
        self._found: dict[str, bytes] = {}
        self._count = 0
        self._start()

    def read(self, body: bytes) -> dict[str, bytes]:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._start,
            "on_header_field": lambda data, start, end: self._header.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._value.extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_part_data": lambda data, start, end: self._data.extend(memoryview(data)[start:end]),
            "on_part_end": self._part_end,
        }
        try:
            parser = MultipartParser(self._boundary, callbacks)
            parser.write(body)
            parser.finalize()
        except FormParserError as error:
            raise Malformed(f"the form cannot be read: {error}") from error
        if not self._found:
            raise Malformed("the form has no fields")
        return self._found

    def _start(self) -> None:
        self._name, self._header, self._value, self._data = "", bytearray(), bytearray(), bytearray()

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._header, self._value = bytearray(), bytearray()

    def _part_end(self) -> None:
        self._count += 1
        if self._count > _MOST:
            raise Malformed(f"the form has more than {_MOST} parts")
        self._found.setdefault(self._name, bytes(self._data))
