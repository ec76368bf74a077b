"""Files that come with a mail, and a name for each that is safe and says what it is."""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass
from email.message import Message

from services.email.domain import charsets
from services.email.domain.headers import DIRECTIONS, decode_words, one_line

_PATH = re.compile(r'[/\\:*?"<>|]+')
_EXTENSIONS = {
    # What mimetypes lacks or orders oddly.
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/plain": ".txt",
    "text/html": ".html",
    "image/jpeg": ".jpg",
    "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".asc",
    "application/pkcs7-signature": ".p7s",
    "application/ms-tnef": ".dat",
}
_NAMES = {
    "text/calendar": "invite.ics",
    "application/pgp-signature": "signature.asc",
    "application/ms-tnef": "winmail.dat",
}
_LONGEST = 180
"""Characters; file systems allow 255 bytes."""


@dataclass(frozen=True, slots=True)
class File:
    """A file in a mail. `content_id`: set where HTML shows it inline, without angle brackets."""

    name: str
    media_type: str
    data: bytes
    content_id: str = ""


def file_name(part: Message, kind: str, number: int, title: str = "", hint: str = "") -> str:
    """Returns the sender's name for the file, without any path; or one made from its title or
    kind and its number in the mail. `hint`: the charset of bytes that were never encoded."""
    name = safe_name(_given(part, hint))
    if name:
        return name
    extension = _EXTENSIONS.get(kind) or mimetypes.guess_extension(kind) or ""
    stem = _PATH.sub("_", title).strip(" .")[:80]
    return _NAMES.get(kind) or f"{stem or f'attachment-{number}'}{extension}"


def safe_name(given: str) -> str:
    """Returns the name without folders, control characters and what file systems refuse; empty
    where nothing is left."""
    name = _PATH.sub("_", one_line(DIRECTIONS.sub("", given), 1_000).replace("\\", "/").rpartition("/")[2]).strip(" .")
    if len(name) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    return stem[: _LONGEST - 20] + dot + extension[-16:] if dot else name[:_LONGEST]


def _given(part: Message, hint: str) -> str:
    for name, header in (("filename", "Content-Disposition"), ("name", "Content-Type")):
        value = parameter(part, name, header, hint)
        if isinstance(value, tuple):
            charset, _, text = value
            return charsets.decode(str(text).encode("latin-1", "replace"), charset or "")
        if value:
            return decode_words(charsets.decode(value.encode("utf-8", "surrogateescape")))
    return ""


def parameter(part: Message, name: str, header: str, hint: str = "") -> str | tuple[str | None, str | None, str]:
    """Returns a parameter as the standard library reads it (a triple where it came by RFC 2231);
    empty where there is none. Bytes above ASCII are decoded first: the library would replace
    them."""
    raw = next((str(value) for key, value in part.raw_items() if key.lower() == header.lower()), "")
    if raw.isascii():
        if name not in raw.lower():
            return ""
    else:
        part = Message()
        part[header] = charsets.decode(raw.encode("utf-8", "surrogateescape"), "", hint)
    try:
        return part.get_param(name, "", header) or ""
    except Exception:  # noqa: BLE001 - the standard parser trips over odd parameters in several ways
        return ""
