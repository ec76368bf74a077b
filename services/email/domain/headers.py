"""Header values in clean text: encoded words, addresses, Message-IDs. Never raises."""

from __future__ import annotations

import binascii
import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

from services.email.domain import charsets, transfer

_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]*)(?:\*[A-Za-z0-9-]*)?\?([bBqQ])\?(.{0,2000}?)\?=(\s+(?==\?))?", re.DOTALL)
_SPACES = re.compile(r"[\s\x00-\x1f\x7f\u2028\u2029]+")
_ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,128}@[^\s@<>\"(),:;\\]{1,255}")
_PLAIN = r"([\w+-]+(?:\.[\w+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"
_ALONE = re.compile(rf"(?:(\w+(?: \w+)*) )?<{_PLAIN}>|{_PLAIN}", re.ASCII)
"""One address, with a name of plain words or without: what most headers hold."""
DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates: in a name they only serve to make it look like another, as
`exe.fdp` like a PDF."""
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,990})>")
_MOST_ADDRESSES = 200
_MOST_FIELDS = 50
"""Values of one name that are looked at: as many as ARC may have (RFC 8617, 4.2.1)."""
MAX_VALUE = 16_000
"""Characters of one value that are looked at. RFC 5322 allows 998 a line; relays refuse more than
4,096 in all."""


@dataclass(frozen=True, slots=True)
class Address:
    """A name, decoded, and an address in lower case."""

    name: str
    address: str


class Headers:
    """The headers of one part, first value first, by lower-case name, in clean text."""

    def __init__(self, part: Message) -> None:
        self._raw: dict[str, list[str]] = {}
        self._addresses: dict[str, tuple[Address, ...]] = {}
        self._texts: dict[str, str] = {}
        for name, value in part.raw_items():
            self._raw.setdefault(name.lower(), []).append(str(value)[:MAX_VALUE])
        self.hint = next(
            (match[1].lower() for value in self._raw.get("subject", []) for match in _WORD.finditer(value)), ""
        )

    def __contains__(self, name: str) -> bool:
        return name in self._raw

    def those_of(self, names: AbstractSet[str]) -> AbstractSet[str]:
        """Returns which of these are there."""
        return self._raw.keys() & names

    def raw(self, name: str) -> str:
        """Returns the first value as it came, unfolded, or an empty string."""
        return _SPACES.sub(" ", _bytes_to_text(self._raw[name][0], self.hint)).strip() if name in self._raw else ""

    def every(self, name: str) -> tuple[str, ...]:
        """Returns the first values as they came, unfolded, from the top."""
        values = self._raw.get(name, [])[:_MOST_FIELDS]
        return tuple(_SPACES.sub(" ", _bytes_to_text(value, self.hint)).strip() for value in values)

    def text(self, name: str) -> str:
        """Returns the first value, decoded, on one line; empty where there is none."""
        if name not in self._raw:
            return ""
        if name not in self._texts:
            self._texts[name] = one_line(decode_words(_bytes_to_text(self._raw[name][0], self.hint)))
        return self._texts[name]

    def addresses(self, *names: str) -> tuple[Address, ...]:
        """Returns all addresses in these headers, each once."""
        present = [name for name in names if name in self._raw]
        if len(present) < 2:
            return self._addresses_of(present[0]) if present else ()
        found = {entry.address: entry for name in reversed(present) for entry in reversed(self._addresses_of(name))}
        return tuple(reversed(found.values()))

    def _addresses_of(self, name: str) -> tuple[Address, ...]:
        """Returns the addresses in a header, which is parsed once: sender, thread and automatic
        mail are all determined by them."""
        if name not in self._addresses:
            self._addresses[name] = parse_addresses([_bytes_to_text(value, self.hint) for value in self._raw[name]])
        return self._addresses[name]

    def message_ids(self, name: str) -> tuple[str, ...]:
        """Returns all Message-IDs in a header, with their angle brackets, in order, each once."""
        if name not in self._raw:
            return ()
        joined = " ".join(_bytes_to_text(value, self.hint) for value in self._raw[name])
        return tuple(dict.fromkeys(f"<{match}>" for match in _MESSAGE_ID.findall(joined)))


def decode_words(value: str) -> str:
    """Decodes RFC 2047 words, also with spaces inside, missing padding, unknown charsets, and
    characters split between two words."""
    if "=?" not in value:
        return value
    out: list[str] = []
    position, charset, pending = 0, "", b""
    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        if pending and (between.strip() or match[1].lower() != charset):
            out.append(charsets.decode(pending, charset))
            pending = b""
        out.append(between)
        charset, position = match[1].lower(), match.end()
        pending += _word_bytes(match[2], match[3])
    if pending:
        out.append(charsets.decode(pending, charset))
    out.append(value[position:])
    return "".join(out)


def one_line(text: str, limit: int = 2_000) -> str:
    """Returns the text on one line, without control characters, cut at `limit` characters."""
    return charsets.safe(_SPACES.sub(" ", text)).strip()[:limit]


def parse_addresses(values: list[str]) -> tuple[Address, ...]:
    """Addresses with their names. The structure is read first and the words decoded after, so that
    a comma inside an encoded name splits nothing. What the standard parser cannot read is searched
    for anything that looks like an address."""
    found: dict[str, Address] = {}
    for value in values:
        unfolded = _SPACES.sub(" ", value)
        alone = _ALONE.fullmatch(unfolded)
        try:
            read = [(alone[1] or "", alone[2] or alone[3])] if alone else getaddresses([unfolded])
            pairs = [(name, address) for name, address in read if _ADDRESS.fullmatch(address)]
        except Exception:  # noqa: BLE001 - nested comments and other oddities trip the standard parser in several ways
            pairs = []
        if not pairs:
            decoded = decode_words(unfolded)
            pairs = [(decoded.replace(address, "").strip("<>\"' "), address) for address in _ADDRESS.findall(decoded)]
        for name, address in pairs[:_MOST_ADDRESSES]:
            lower = charsets.safe(address).lower().rstrip(".")
            shown = DIRECTIONS.sub("", one_line(decode_words(name), 200)).strip("\"' ")
            found.setdefault(lower, Address(shown, lower))
    return tuple(found.values())[:_MOST_ADDRESSES]


def one_address(text: str) -> str:
    """Returns a single address in lower case. Raises ValueError where this is none, or more."""
    found = parse_addresses([text])
    if len(found) != 1 or found[0].address != text.strip().lower():
        raise ValueError(f"{one_line(text, 100)} is not an e-mail address that mail can be sent to")
    return found[0].address


def _bytes_to_text(value: str, hint: str) -> str:
    if value.isascii():
        return value
    return charsets.decode(value.encode("utf-8", "surrogateescape"), "", hint)


def _word_bytes(encoding: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return transfer.base64(data)
    return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
