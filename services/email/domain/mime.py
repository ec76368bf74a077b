"""Bytes of a mail → its texts, files and headers.

Built on the standard library's `compat32` policy, which never refuses a header, with our own repair of what real senders
get wrong: charsets, transfer encodings, boundaries, names. Whatever has at least one header field is a mail and is read.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message
from io import BytesIO

from services.email.domain import calendars, charsets, containers, transfer
from services.email.domain.files import File, file_name, parameter, safe_name
from services.email.domain.flowed import unflowed
from services.email.domain.headers import Headers, one_line
from shared.errors import Malformed
from shared.text import html_to_text

MAX_HEADER_BYTES = 512 << 10
"""Postfix cuts at 100 KB; a very long list of recipients is the only honest reason for more."""
MAX_PARTS = 1_000
MAX_DEPTH = 40
"""Forwards of forwards reach about ten levels. The standard parser needs a stack frame for each."""
MAX_WORK = 60_000_000
"""Lines times boundaries: the standard parser compares each line with the boundary of every open level, so a hostile mail
of 25 MB could keep it busy for hours. An honest one of that size has 350,000 lines and a dozen boundaries."""
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_BOUNDARY = re.compile(rb"boundary\s*=", re.IGNORECASE)
_FIRST_BOUNDARY = re.compile(r"^--([^\s-][^\r\n]{0,70}?)[ \t]*\r?$", re.MULTILINE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_SHORT = 400
"""Characters of a plain part that may be a stub beside the HTML."""
_LOOKS_LIKE_HTML = re.compile(r"<(?:!doctype html|html|body|div|p|br|table)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, taken apart. `text`: from its plain parts, or else from its HTML; `html` is as the sender wrote it, unsafe."""

    headers: Headers
    text: str
    html: str
    files: tuple[File, ...]
    body_sha256: str
    """Of everything below the headers, whatever its line ends: the same on every retry of the sender, and on every copy
    that reaches another mailbox, because relays add to the headers only."""
    content_type: str = "text/plain"
    report_type: str = ""
    text_is_from_html: bool = False


@dataclass(slots=True)
class _Found:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inner_text: str = ""
    calendar: str = ""
    charset: str = ""
    """Of the first text that names one."""
    parts: int = 0


def parse(raw: bytes) -> Mail:
    """Raises Malformed, in words for an operator, for what is no mail at all or goes beyond the limits above."""
    raw = _from_first_header(raw.replace(b"\r\r\n", b"\r\n"))
    header_end = _header_end(raw)
    if header_end > MAX_HEADER_BYTES:
        raise Malformed(f"the headers are longer than {MAX_HEADER_BYTES} bytes")
    try:
        message = _message(raw)
        headers = Headers(message)
        found = _Found()
        _walk(message, found, 0, headers.hint)
    except RecursionError:
        raise Malformed("parts are nested too deeply") from None
    html = "\n".join(part for part in found.html if part.strip())
    text = "\n\n".join(part.strip("\r\n") for part in found.plain if part.strip())
    text, from_html = _better(text, html)
    return Mail(
        headers=headers,
        text=_normal(text) or found.calendar or found.inner_text,
        html=html,
        files=tuple(found.files),
        body_sha256=hashlib.sha256(b"\n".join(raw[header_end:].split())).hexdigest(),
        content_type=message.get_content_type(),
        report_type=_parameter(message, "report-type").lower(),
        text_is_from_html=from_html,
    )


def _message(raw: bytes) -> Message:
    lines, boundaries = raw.count(b"\n") + raw.count(b"\r"), len(_BOUNDARY.findall(raw))
    if lines * (boundaries + 1) > MAX_WORK:
        raise Malformed(f"too much to take apart: {lines} lines with {boundaries} boundaries")
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def _better(text: str, html: str) -> tuple[str, bool]:
    """The text to read, and whether it is that of the HTML: where the plain part has no words, only says that there is HTML, or is
    a small part of what the HTML says. Where each says something of its own, both are read."""
    if not html or len(text) > _SHORT:
        return text, False
    rendered = html_to_text(html)
    plain, shown = (set(_WORD.findall(one.lower())) for one in (text, rendered))
    if not shown:
        return (text, False) if plain else (rendered or text, True)
    if not plain or (plain <= shown and len(rendered) > 3 * len(text) + 100):
        return rendered, True
    if len(plain - shown) * 2 <= len(plain):
        return text, False
    return (rendered, True) if "html" in plain else (f"{text}\n\n{rendered}", False)


def _walk(part: Message, found: _Found, depth: int, hint: str) -> None:
    found.parts += 1
    if found.parts > MAX_PARTS:
        raise Malformed(f"more than {MAX_PARTS} parts")
    if depth > MAX_DEPTH:
        raise Malformed(f"parts are nested more than {MAX_DEPTH} levels deep")
    kind = part.get_content_type()
    payload = _as_stored(part)
    if kind == "message/rfc822" or (kind == "message/global" and part.is_multipart()):
        _take_mail(part, found, depth, hint)
    elif kind == "message/delivery-status" and isinstance(payload, list):
        blocks = [_as_bytes(block) for block in payload if isinstance(block, Message)]
        found.files.append(File("delivery-status.txt", kind, b"\n".join(blocks)))
    elif isinstance(payload, list):
        for child in _children(part, [child for child in payload if isinstance(child, Message)]):
            _walk(child, found, depth + 1, hint)
    elif kind.startswith("multipart/"):
        _take_broken_multipart(part, str(payload or ""), found, depth, hint)
    else:
        _take_leaf(part, kind, found, hint, depth)


def _children(part: Message, payload: list[Message]) -> Iterator[Message]:
    """Of alternatives, the first plain text and the first of anything else readable: the same words are not taken twice."""
    if part.get_content_type() != "multipart/alternative":
        yield from payload
        return
    seen: set[str] = set()
    for child in payload:
        kind = child.get_content_type()
        if kind in seen and kind in {"text/plain", "text/html"} and not _is_file(child):
            continue
        seen.add(kind)
        yield child


_LONGEST_TYPE = 255
"""Characters: two names of 127 and a slash (RFC 6838, 4.2)."""


def _take_leaf(part: Message, kind: str, found: _Found, hint: str, depth: int) -> None:
    data = content(part)
    if kind in containers.SMIME and (inner := containers.signed_mail(data)):
        _walk(_message(inner), found, depth + 1, hint)
        return
    if kind in containers.TNEF_TYPES and (opened := containers.winmail(data)):
        _take_winmail(opened, found)
        return
    if len(kind) > _LONGEST_TYPE:
        kind = "application/octet-stream"
    if kind in {"text/plain", "text/html", "text/enriched", "text/richtext"} and (depth == 0 or not _is_file(part)):
        _take_text(part, kind, data, found, hint)
        return
    if kind == "text/calendar" and not found.calendar:
        found.calendar = calendars.words(data, _parameter(part, "charset"), hint)
    if data or _is_file(part):
        content_id = one_line(str(part.get("Content-ID", "")), 500).strip("<> ")
        name = file_name(part, kind, len(found.files) + 1, hint=hint or found.charset)
        found.files.append(File(name, kind, data, content_id))


def _take_text(part: Message, kind: str, data: bytes, found: _Found, hint: str) -> None:
    if kind != "text/html" and b"begin" in data:
        files, data = transfer.uu_files(data)
        found.files += [File(safe_name(name), "application/octet-stream", inside) for name, inside in files]
    meta = _META_CHARSET.search(data[:2048]) if kind == "text/html" else None
    declared = _parameter(part, "charset")
    found.charset = found.charset or declared
    text = charsets.decode(data, declared, meta[1].decode("ascii") if meta else hint)
    if kind == "text/plain" and _parameter(part, "format").lower() == "flowed":
        text = unflowed(text, delete_space=_parameter(part, "delsp").lower() == "yes")
    if kind == "text/html":
        found.html.append(text)
    elif kind == "text/plain":
        found.plain.append(text)
    else:
        found.plain.append(re.sub(r"<[^<>]{0,100}>", "", text))


def _take_winmail(opened: containers.Opened, found: _Found) -> None:
    """Its words only where the mail has none beside it: usually they are the same."""
    if not any(map(_has_words, (*found.plain, *found.html))):
        found.plain += [opened.text] if opened.text else []
        found.html += [opened.html] if opened.html else []
    found.files += opened.files


def _take_mail(part: Message, found: _Found, depth: int, hint: str) -> None:
    """A forwarded mail stays a file. Its text is read only where the outer mail has none of its own."""
    payload = _as_stored(part)
    first = payload[0] if isinstance(payload, list) and payload else None
    inner = first if isinstance(first, Message) else None
    data = _as_bytes(inner) if inner is not None else content(part)
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding in {"base64", "quoted-printable"} and (inner is None or not inner.keys()):
        # RFC 2046, 5.2.1 forbids this; some gateways do it all the same.
        data = transfer.decode(data.lstrip(), encoding)
        inner = email.message_from_bytes(data, policy=email.policy.compat32)
    subject = Headers(inner).text("subject") if inner is not None else ""
    found.files.append(File(file_name(part, "message/rfc822", len(found.files) + 1, subject), "message/rfc822", data))
    if inner is not None and not found.inner_text:
        below = _Found(parts=found.parts)
        _walk(inner, below, depth + 1, hint)
        found.parts = below.parts
        text = "\n\n".join(below.plain) or html_to_text("\n".join(below.html))
        found.inner_text = _normal(text) or below.inner_text


def _take_broken_multipart(part: Message, payload: str, found: _Found, depth: int, hint: str) -> None:
    """No boundary was named, or a wrong one: use the one that is there, or else read the whole as one text."""
    match = _FIRST_BOUNDARY.search(payload)
    if match and depth < MAX_DEPTH and match[1] != part.get_boundary():
        head = f'Content-Type: {part.get_content_type()}; boundary="{match[1]}"\n\n'
        repaired = email.message_from_bytes(
            (head + payload).encode("utf-8", "surrogateescape"), policy=email.policy.compat32
        )
        _walk(repaired, found, depth + 1, hint)
        return
    text = charsets.decode(content(part), _parameter(part, "charset"), hint)
    (found.html if _LOOKS_LIKE_HTML.search(text) else found.plain).append(text)


def content(part: Message) -> bytes:
    """The bytes of a part that has no parts, decoded."""
    data = str(_as_stored(part) or "").encode("utf-8", "surrogateescape")
    return transfer.decode(data, str(part.get("Content-Transfer-Encoding", "")).partition(";")[0])


def _as_stored(part: Message) -> object:
    """What the parser keeps: `get_payload` would replace bytes above ASCII by the charset that the part claims."""
    return part._payload  # type: ignore[attr-defined]  # noqa: SLF001


def _is_file(part: Message) -> bool:
    disposition = str(part.get("Content-Disposition", "")).lower()
    return disposition.lstrip().startswith("attachment") or bool(
        _parameter(part, "filename", "Content-Disposition") or _parameter(part, "name")
    )


def _parameter(part: Message, name: str, header: str = "Content-Type") -> str:
    value = parameter(part, name, header)
    return one_line(value[2] if isinstance(value, tuple) else value, 500)


def _as_bytes(message: Message) -> bytes:
    buffer = BytesIO()
    try:
        BytesGenerator(buffer, mangle_from_=False, policy=email.policy.compat32).flatten(message)
    except Exception:  # noqa: BLE001 - what cannot be written again is kept as far as it was read
        return str(message.get_payload()).encode("utf-8", "surrogateescape")
    return buffer.getvalue()


def _from_first_header(raw: bytes) -> bytes:
    """Without what stands above the headers: a byte order mark, blank lines, an mbox line."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    if not _FIELD.match(raw):
        raise Malformed("no header field at the beginning: this is no mail" if raw else "the mail is empty")
    return raw


def _header_end(raw: bytes) -> int:
    ends = [end for end in (raw.find(b"\n\r\n"), raw.find(b"\n\n"), raw.find(b"\r\r")) if end >= 0]
    return min(ends, default=len(raw))


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text)) or any(ord(char) > 0x2000 for char in text)


def _normal(text: str) -> str:
    return charsets.safe(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
