"""Bytes of a mail → the tree of its parts. No part is copied: each is a view of the mail's own
bytes.

The standard parser makes an object of every line and compares it with the boundary of every open
level: a mail of 25 MB took 1.4 GB or hours. So its policy and its reading of parameters are left,
and lines and boundaries are searched for here.
"""

from __future__ import annotations

import re
from email.message import Message
from email.policy import compat32

MAX_HEADER_BYTES = 512 << 10
"""Postfix cuts at 100 KB; a very long list of recipients is the only honest reason for more."""
MAX_PARTS = 1_000
MAX_DEPTH = 40
"""Forwards of forwards reach about ten levels."""
MAX_PARAMETERS = 4_000
"""Characters of a Content-… field. The standard library's reading of parameters takes the square of
them."""
_HEADERS = re.compile(rb"(?:(?:From |[!-9;-~]*+:|[ \t])[^\r\n]*+(?:\r*+\n|\r|\Z))*+")
_LINE_END = re.compile(rb"\r*\n|\r")
_DELIMITER_END = re.compile(rb"(--)?[ \t]*+(?:\r*+\n|\r|\Z)")


class Part(Message):
    """`sent`: all of it, as it was sent; `body`: what stands below the headers; `parts`: what it is
    made of, where it has a boundary or is a mail itself. `whole`: nothing went beyond the limits
    here."""

    sent: memoryview = memoryview(b"")
    body: memoryview = memoryview(b"")
    parts: list[Part] | None = None
    whole: bool = True


def read(raw: bytes) -> Part:
    """Parses a mail into its tree of parts. Never raises. What goes beyond the limits is left
    out, and the part where it was is not `whole`."""
    return _Reader(raw).part(0, len(raw), 0, "text/plain")


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._left = raw, MAX_PARTS
        self._eol = b"\n" if b"\n" in raw else b"\r"

    def part(self, start: int, end: int, depth: int, kind: str) -> Part:
        self._left -= 1
        limit = min(end, start + MAX_HEADER_BYTES)
        stop = _HEADERS.match(self._raw, start, limit).end()  # type: ignore[union-attr] # it matches nothing at least
        part = _headers(self._raw[start:stop])
        part.set_default_type(kind)
        blank = _LINE_END.match(self._raw, stop, end)
        begin = blank.end() if blank else stop
        part.sent, part.body = memoryview(self._raw)[start:end], memoryview(self._raw)[begin:end]
        part.whole = stop < limit or limit == end
        children = self._children(part, begin, end)
        if children and (depth == MAX_DEPTH or self._left <= 0):
            part.whole, part.parts = False, []
        elif children:
            below = "message/rfc822" if part.get_content_type() == "multipart/digest" else "text/plain"
            part.parts = [self.part(*child, depth + 1, below) for child in children[: self._left]]
            part.whole = part.whole and len(part.parts) == len(children)
        return part

    def _children(self, part: Part, start: int, end: int) -> list[tuple[int, int]]:
        kind = part.get_content_maintype()
        if kind == "message":
            return [(start, end)]
        boundary = boundary_of(part) if kind == "multipart" else b""
        return self._between(b"--" + boundary, start, end) if boundary else []

    def _between(self, mark: bytes, start: int, end: int) -> list[tuple[int, int]]:
        """Returns the spans from each line that is this mark to the next, without the line end
        that belongs to the mark."""
        found: list[tuple[int, int]] = []
        begin, wanted = -1, self._eol + mark
        at = start - 1 if self._raw[start : start + len(mark)] == mark else self._raw.find(wanted, start, end)
        while at >= 0 and len(found) <= MAX_PARTS:
            match = _DELIMITER_END.match(self._raw, at + 1 + len(mark), end)
            if match:
                if begin >= 0:
                    found.append((begin, max(begin, at - (self._raw[at - 1 : at] == b"\r"))))
                begin = match.end()
                if match[1]:
                    return found
            at = self._raw.find(wanted, max(at + 1, begin - 1), end)
        return [*found, (begin, end)] if begin >= 0 else found


def boundary_of(part: Message) -> bytes:
    """Returns the boundary that separates the parts, or empty bytes."""
    try:
        return (part.get_boundary() or "").encode("utf-8", "surrogateescape")
    except Exception:  # noqa: BLE001 - the standard parser trips over odd parameters in several ways
        return b""


def _headers(block: bytes) -> Part:
    """Reads the headers as the standard parser reads them, which takes several times as long:
    fields keep their line ends, and what is none is left out with what continues it. Two
    carriage returns in a row are one line end."""
    fields: list[tuple[str, list[str]]] = []
    current = list[str]()
    for line in _LINE_END.sub(b"\n", block).decode("ascii", "surrogateescape").removesuffix("\n").split("\n"):
        if line.startswith((" ", "\t")):
            current.append(line)
            continue
        name, _, value = line.partition(":")
        current = [value.lstrip(" \t")]
        if name and not line.startswith("From "):
            fields.append((name, current))
    part = Part(compat32)
    part.set_payload("")
    for name, lines in fields:
        limit = MAX_PARAMETERS if name.lower().startswith("content-") else None
        part.set_raw(name, "\n".join(lines).rstrip("\r\n")[:limit])
    return part
