"""Bytes to text, whatever the mail says about its charset, and whether or not that is true. Never
raises."""

from __future__ import annotations

import codecs
import re

_REPAIRED = {
    # What senders write → what they mean. Mostly the table of the WHATWG Encoding Standard
    # (encoding.spec.whatwg.org, 4.2).
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "euckr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "big5": "big5hkscs",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "unicode-1-1-utf-7": "utf-7",
    "iso-2022-kr": "cp949",
    "csiso2022kr": "cp949",
    "utf8mb4": "utf-8",
    "unicode": "utf-8",
}
_JAPANESE_7BIT = re.compile(r"(?:x-)?iso-?2022-?jp.*|csiso2022jp|cp5022[012]|x-windows-iso2022jp")
_NOT_FOR_TEXT = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "utf-7"}
_SHIFTED_7BIT = {"iso-2022-kr": (b"C", "cp949"), "csiso2022kr": (b"C", "cp949"), "iso-2022-cn": (b"A", "gb18030")}
"""RFC 1557 and 1922: between SO and SI the bytes of an 8-bit charset, without their eighth bit."""
_SHIFTED = re.compile(rb"\x0e([^\x0e\x0f\r\n]*)\x0f?")
_ESCAPES = re.compile(rb"\x1b(\$[@B]|\$\([@BD]|\([BJIH])")
_NON_ASCII = re.compile(rb"[\x80-\xff]")
_UNSAFE = re.compile("[\x00\ud800-\udfff]")
_MANY = 0.2
"""More broken sequences than this share of the bytes above ASCII: the mail was never in that
charset."""


def decode(data: bytes, declared: str = "", hint: str = "") -> str:
    """Decodes these bytes to text. `declared`: the charset that the part names; `hint`: one seen
    elsewhere in the mail.

    UTF-8 is tried before any charset that accepts every byte, because text that is valid UTF-8 by
    chance does not occur. Bytes that fit nothing become U+FFFD.
    """
    name = declared.strip().strip("\"'").lower()
    for shifted, (designator, codec) in _SHIFTED_7BIT.items():
        if b"\x1b$)" + designator in data or (name == shifted and b"\x0e" in data):
            return safe(_iso_2022_shifted(data, designator, codec))
    if _JAPANESE_7BIT.fullmatch(name) or (b"\x1b$" in data and not _NON_ASCII.search(data)):
        return safe(_iso_2022_jp(data))
    if data.isascii() and not name.startswith(("utf-16", "utf-32", "utf-7", "unicode-1-1", "hz")):
        return safe(data.decode("ascii"))
    for candidate in dict.fromkeys(("utf-8" if _tolerant(name) else name, name, hint.lower())):
        text = _strictly(data, candidate)
        if text is not None:
            return safe(text)
    return safe(_least_damage(data, name))


def safe(text: str) -> str:
    """Replaces NUL and lone surrogates, which neither JSON nor PostgreSQL can hold."""
    return _UNSAFE.sub("\ufffd", text) if _UNSAFE.search(text) else text


def known(name: str) -> str:
    """Returns the codec that Python has for this charset name, or an empty string."""
    wanted = _REPAIRED.get(name, name)
    try:
        found = codecs.lookup(wanted)
    except (LookupError, ValueError, UnicodeError):
        return ""
    usable = getattr(found, "_is_text_encoding", True) and (found.name not in _NOT_FOR_TEXT or wanted == "utf-7")
    return found.name if usable else ""


def _tolerant(name: str) -> bool:
    return known(name) in {"", "cp1252", "cp1254", "cp874", "mac-roman", "iso8859-15", "iso8859-2"} or known(
        name
    ).startswith("cp125")


def _strictly(data: bytes, name: str) -> str | None:
    codec = known(name)
    if not codec:
        return None
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _least_damage(data: bytes, name: str) -> str:
    high = max(1, len(_NON_ASCII.findall(data)))
    for codec in (known(name), "utf-8"):
        text = data.decode(codec, "replace") if codec else ""
        if text and text.count("\ufffd") <= high * _MANY:
            return text
    return data.decode("cp1252", "replace")


def _iso_2022_jp(data: bytes) -> str:
    """Decodes ISO-2022-JP as Microsoft's cp50221: with the circled digits and company signs of
    cp932, half-width kana, and unescaped 8-bit Shift_JIS, all of which Python's own codec
    refuses."""
    if _NON_ASCII.search(data):
        return data.decode("cp932", "replace")
    pieces, mode, position = [], b"(B", 0
    for match in _ESCAPES.finditer(data):
        pieces.append(_segment(data[position : match.start()], mode))
        mode, position = match[1], match.end()
    pieces.append(_segment(data[position:], mode))
    return "".join(pieces)


def _iso_2022_shifted(data: bytes, designator: bytes, codec: str) -> str:
    data = data.replace(b"\x1b$)" + designator, b"")
    eighth = _SHIFTED.sub(lambda match: bytes(byte | 0x80 for byte in match[1]), data)
    return eighth.decode(codec, "replace")


def _segment(data: bytes, mode: bytes) -> str:
    if mode == b"(I":
        return bytes(byte | 0x80 for byte in data).decode("cp932", "replace")
    if mode == b"$(D":
        return (b"\x1b$(D" + data + b"\x1b(B").decode("iso2022_jp_ext", "replace")
    if not mode.startswith(b"$"):
        return data.decode("ascii", "replace")
    return _shifted(data).decode("cp932", "replace")


def _shifted(data: bytes) -> bytes:
    """Converts JIS X 0208 pairs to Shift_JIS; line ends, which some senders leave inside, are
    unchanged."""
    out, position = bytearray(), 0
    while position < len(data):
        row = data[position]
        if row < 0x21 or position + 1 == len(data):
            out.append(row)
            position += 1
            continue
        cell = data[position + 1]
        position += 2
        odd = row % 2
        out.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
        out.append((cell + (0x1F if cell < 0x60 else 0x20) if odd else cell + 0x7E) & 0xFF)
    return bytes(out)
