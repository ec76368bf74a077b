"""HTML forms as providers post them. A raw mail in one is bytes in any charset: a library that
decodes form fields to text has changed them already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from shared.errors import Malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_MOST = 500
"""Fields. The most that a provider sends is about thirty, and a file for each attachment."""


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
    try:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", max_num_fields=_MOST)
    except ValueError as error:
        raise Malformed(f"the form has more than {_MOST} fields") from error
    return {name: value.encode("latin-1") for name, value in reversed(pairs)}


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
