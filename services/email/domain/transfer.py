"""Content transfer encodings, as they arrive rather than as RFC 2045 has them. Never raises."""

from __future__ import annotations

import binascii
import itertools
import re
from io import BytesIO

_BASE64_LINE = re.compile(rb"(?:[A-Za-z0-9+/]{4}){5,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_CLEAN = re.compile(rb"[^A-Za-z0-9+/]+")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n\v\f"
_PADDING = re.compile(rb"=[=\s]*+")
_RUNS = re.compile(rb"[^=]+")
_MOST_RUNS = 400_000
"""A mail of 25 MB in which each line was encoded alone has 330,000."""
_UU_BEGIN = re.compile(rb"^begin(-base64)? [0-7]{3,4} ([^\r\n]{1,300})\r?\n", re.MULTILINE)
_UU_END = re.compile(rb"^(?:end|====)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_BARE = 0.05
"""A part with more foreign characters than this share was labelled base64 but is not."""


def decode(data: bytes | memoryview, encoding: str) -> bytes:
    """Decodes content by its Content-Transfer-Encoding; unknown encodings leave the bytes
    unchanged."""
    match encoding.strip().lower():
        case "base64":
            return base64(data)
        case "quoted-printable":
            return binascii.a2b_qp(data)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            files, _ = uu_files(bytes(data))
            return files[0][1] if files else bytes(data)
        case _:
            return bytes(data)


def base64(data: bytes | memoryview) -> bytes:
    """Decodes Base64 with missing padding, stray characters, several padded runs in a row, or a
    list's footer after it."""
    try:
        padding = _PADDING.search(data)
        if padding is None or not bytes(data[padding.end() :]).strip():
            return binascii.a2b_base64(data, strict_mode=False)
    except binascii.Error:
        pass
    data = bytes(data)
    strange = len(data.translate(None, _LETTERS))
    if strange > max(1, len(data) * _BARE) and not _starts_like_base64(data):
        return data
    out = bytearray()
    for run in itertools.islice(_RUNS.finditer(data), _MOST_RUNS):
        if out and _NOT_BASE64.search(run[0]):
            break  # a footer that a mailing list wrote below
        letters = _CLEAN.sub(b"", run[0])
        usable = len(letters) - (len(letters) % 4 == 1)
        out += binascii.a2b_base64(letters[:usable] + b"=" * (-usable % 4))
    return bytes(out)


def uu_files(data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Returns the files written into a text as `begin 644 name … end`, and the text around them."""
    files: list[tuple[str, bytes]] = []
    around, position = bytearray(), 0
    while match := _UU_BEGIN.search(data, position):
        end = _UU_END.search(data, match.end())
        if end is None:
            break
        name = match[2].decode("utf-8", "replace").strip()
        files.append((name, _uu(data[match.end() : end.start()], is_base64=match[1] is not None)))
        around += data[position : match.start()]
        position = end.end()
    return files, bytes(around + data[position:])


def _uu(lines: bytes, *, is_base64: bool) -> bytes:
    if is_base64:
        return base64(lines)
    out = bytearray()
    for whole in itertools.islice(BytesIO(lines), _MOST_RUNS):
        line = whole.rstrip(b"\r\n")
        if not line:
            continue  # Python 3.11's binascii.a2b_uu(b"") is 32 NULs
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Some encoders write a length that does not fit; the workaround is that of Python's
            # former uu module.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:count])
            except binascii.Error:
                continue
    return bytes(out)


def _starts_like_base64(data: bytes) -> bool:
    """Whether the first line is nothing but groups of four, and too long for a word."""
    return _BASE64_LINE.fullmatch(data.lstrip()[:1_000].split(b"\n", 1)[0].strip()) is not None
