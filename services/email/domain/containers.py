"""Mail inside other formats that anybody may open: S/MIME that is signed but not encrypted, and
Outlook's winmail.dat."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import cms
from tnefparse import TNEF

from services.email.domain import charsets
from services.email.domain.files import File, safe_name

SMIME = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SEQUENCE = b"0"
_TNEF_HEADER, _TNEF_OBJECT = 6, 11
"""Bytes: signature and key; level, name, type, length and checksum of an object."""
_MAX_TNEF_WORK = 2_000_000_000
"""Objects times bytes: the library copies the rest for each object."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a winmail.dat holds."""

    text: str
    html: str
    files: tuple[File, ...]


def signed_mail(data: bytes) -> bytes:
    """Returns the mail within an opaque signature (RFC 8551, 3.5.2); empty where it is encrypted
    or cannot be read. The signer is not checked."""
    if not data.startswith(_SEQUENCE):
        return b""  # the library takes the square of what is none
    try:
        found = cms.ContentInfo.load(data)
        if found["content_type"].native != "signed_data":
            return b""
        inner = found["content"]["encap_content_info"]["content"].native
    except Exception:  # noqa: BLE001 - the file is kept as it came, whatever is wrong with it
        return b""
    return inner if isinstance(inner, bytes) else b""


def winmail(data: bytes) -> Opened | None:
    """Returns the words and files in a winmail.dat; None where it cannot be read, or holds
    nothing that we can show."""
    try:
        if _objects(data) * len(data) > _MAX_TNEF_WORK:
            return None
        found = TNEF(data, do_checksum=False)
        files = tuple(
            File(safe_name(_text(file.long_filename(), found.codepage)) or f"file-{number}", _type(file), file.data)
            for number, file in enumerate(found.attachments, 1)
            if file.data
        )
        text, html = _text(found.body, found.codepage), _text(found.htmlbody, found.codepage)
        if found.has_body() and not text and not html:
            files = (*files, File("winmail.dat", "application/ms-tnef", data))  # its words are in RTF
    except Exception:  # noqa: BLE001 - the file is kept as it came, whatever is wrong with it
        return None
    return Opened(text, html, files) if text or html or files else None


def _objects(data: bytes) -> int:
    position, count = _TNEF_HEADER, 0
    while position < len(data):
        position += _TNEF_OBJECT + int.from_bytes(data[position + 5 : position + 9], "little")
        count += 1
    return count


def _type(file: object) -> str:
    return "application/vnd.ms-tnef" if hasattr(file, "embed") else "application/octet-stream"


def _text(value: object, codepage: str | None) -> str:
    if isinstance(value, bytes):
        return charsets.decode(value.rstrip(b"\x00"), codepage or "")
    return charsets.safe(str(value or "").rstrip("\x00"))
