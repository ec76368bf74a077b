"""Bytes of a mail → its texts, files and headers.

Built on the standard library's reading of headers (its `compat32` policy never refuses one), with
our own repair of what real senders get wrong: charsets, transfer encodings, boundaries, names.
Whatever has at least one header field is a mail and is read; what goes beyond the limits of size,
number and depth is left out, and the mail is then not `whole`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.message import Message

from services.email.domain import calendars, charsets, containers, seals, structure, transfer
from services.email.domain.files import File, file_name, parameter, safe_name
from services.email.domain.flowed import unflowed
from services.email.domain.headers import Headers, one_line
from services.email.domain.seals import NO_SIGNATURE, Signature, State, judged
from services.email.domain.structure import Part
from shared.errors import Malformed
from shared.text import html_to_text

MAX_WORDS = 1_000_000
"""Bytes of all texts, and of all HTML, that are read for words; an event takes a fifth of it."""
MAX_DEPTH = 10
"""Mails within mails whose words are looked for."""
_BEGINNING = 64 << 10
_CHUNK = 1 << 18
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_FIRST_BOUNDARY = re.compile(rb"^--([^\s-][^\r\n]{0,70})\r?$", re.MULTILINE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset=[\"']?([A-Za-z0-9_:.-]+)", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_SHORT = 400
"""Characters of a plain part that may be a stub beside the HTML."""
_LOOKS_LIKE_HTML = re.compile(r"<(?:!doctype html|html|body|div|p|br|table)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, taken apart. `text`: from its plain parts, or else from its HTML; `html` is as the
    sender wrote it, unsafe."""

    headers: Headers
    text: str
    html: str
    files: tuple[File, ...]
    body_sha256: str
    """Of everything below the headers, whatever its line ends: the same on every retry of the
    sender, and on every copy that reaches another mailbox, because relays add to the headers
    only."""
    content_type: str = "text/plain"
    report_type: str = ""
    text_is_from_html: bool = False
    whole: bool = True
    """Nothing was left out."""
    signature: State = State.NONE
    signed_by: str = ""
    """The signer and who vouches for them, in a certificate that nobody checked."""


@dataclass(slots=True)
class _Found:
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    inner_text: str = ""
    calendar: calendars.Words = calendars.NOTHING
    charset: str = ""
    """Of the first text that names one."""
    signature: Signature = NO_SIGNATURE
    """Over the mail as a whole."""
    only_words: bool = False
    """Files are of no use here."""
    words: dict[str, int] = field(default_factory=lambda: {"plain": 0, "html": 0})
    whole: bool = True


def parse(raw: bytes) -> Mail:
    """Raises Malformed, in words for an operator, for what is no mail at all."""
    raw = _from_first_header(raw.replace(b"\r\r\n", b"\r\n"))
    message = structure.read(raw)
    headers, found = Headers(message), _Found()
    _walk(message, found, 0, headers.hint)
    html = "\n".join(part for part in found.html if part.strip())
    text = "\n\n".join(part.strip("\r\n") for part in found.plain if part.strip())
    text, from_html = _better(text, html)
    author = next((entry.address for entry in headers.addresses("from")), "")
    return Mail(
        headers=headers,
        text=_with_calendar(_normal(text), found.calendar) or found.inner_text,
        html=html,
        files=tuple(found.files),
        body_sha256=_body_hash(raw, _header_end(raw)),
        content_type=message.get_content_type(),
        report_type=_parameter(message, "report-type").lower(),
        text_is_from_html=from_html,
        whole=found.whole,
        signature=judged(found.signature, author),
        signed_by=found.signature.by,
    )


def parse_beginning(raw: bytes) -> Mail:
    """Parses only the headers and the first words, of a mail that is too much as a whole. Raises
    Malformed for what is not a mail at all."""
    raw = _from_first_header(raw)
    try:
        mail = parse(raw[:_BEGINNING])
    except Exception:  # noqa: BLE001 - then the headers alone
        mail = Mail(Headers(structure.read(raw[:_BEGINNING])), "", "", (), "")
    return replace(mail, files=(), body_sha256=_body_hash(raw, _header_end(raw)), whole=False)


def _with_calendar(text: str, calendar: calendars.Words) -> str:
    """Returns the text, below what an invitation or an answer to one says where the text does not
    say it: programs send their comment alone, or the time of the sender's zone."""
    if not text or not calendar.brief:
        return text or calendar.whole
    first = calendar.brief.partition("\n")[0]
    return text if first in text else f"{calendar.brief}\n\n{text}"


def _better(text: str, html: str) -> tuple[str, bool]:
    """Returns the text to read, and whether it is that of the HTML: where the plain part has no
    words, only says that there is HTML, or is a small part of what the HTML says. Where each
    says something of its own, both are read."""
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


def _walk(part: Part, found: _Found, depth: int, hint: str) -> None:
    found.whole = found.whole and part.whole
    kind = part.get_content_type()
    if kind in {"message/rfc822", "message/global"}:
        _take_mail(part, found, depth, hint)
    elif kind == "message/delivery-status":
        found.files.append(File("delivery-status.txt", kind, content(part)))
    elif part.parts is not None and kind.startswith("multipart/"):
        if depth == 0:
            found.signature = _signature(part, kind)
        for child in _children(part):
            _walk(child, found, depth + 1, hint)
    elif kind.startswith("multipart/"):
        _take_broken_multipart(part, found, depth, hint)
    else:
        _take_leaf(part, kind, found, hint, depth)


def _signature(part: Part, kind: str) -> Signature:
    """Returns what a signature says of the whole mail; one of a part says nothing of the rest."""
    if kind == "multipart/encrypted":
        return Signature(State.ENCRYPTED)
    if kind != "multipart/signed" or not part.parts or len(part.parts) != 2:  # RFC 1847, 2.1
        return NO_SIGNATURE
    signed, seal = part.parts
    if seal.get_content_type() in seals.SMIME:
        return seals.check(content(seal), bytes(signed.sent))
    return Signature(State.PGP if seal.get_content_type() == seals.PGP else State.UNCHECKED)


def _children(part: Part) -> Iterator[Part]:
    """Yields the children of a part; of alternatives, the first plain text and the first of
    anything else readable: the same words are not taken twice."""
    if part.get_content_type() != "multipart/alternative":
        yield from part.parts or []
        return
    seen: set[str] = set()
    for child in part.parts or []:
        kind = child.get_content_type()
        if kind in seen and kind in {"text/plain", "text/html"} and not _is_file(child):
            continue
        seen.add(kind)
        yield child


_LONGEST_TYPE = 255
"""Characters: two names of 127 and a slash (RFC 6838, 4.2)."""


def _take_leaf(part: Part, kind: str, found: _Found, hint: str, depth: int) -> None:
    is_text = kind in {"text/plain", "text/html", "text/enriched", "text/richtext"} and (
        depth == 0 or not _is_file(part)
    )
    if found.only_words and not is_text:
        return
    data = content(part)
    if kind in containers.SMIME and depth < MAX_DEPTH and (inner := containers.signed_mail(data)):
        if depth == 0:
            found.signature = seals.check(data)
        _walk(structure.read(inner), found, depth + 1, hint)
        return
    if kind in containers.SMIME and depth == 0:
        found.signature = Signature(State.ENCRYPTED)
    if kind in containers.TNEF_TYPES and (opened := containers.winmail(data)):
        _take_winmail(opened, found)
        return
    if len(kind) > _LONGEST_TYPE:
        kind = "application/octet-stream"
    if is_text:
        _take_text(part, kind, data, found, hint)
        return
    if kind == "text/calendar" and not found.calendar.whole:
        found.calendar = calendars.words(data, _parameter(part, "charset"), hint)
    if data or _is_file(part):
        content_id = one_line(str(part.get("Content-ID", "")), 500).strip("<> ")
        name = file_name(part, kind, len(found.files) + 1, hint=hint or found.charset)
        found.files.append(File(name, kind, data, content_id))


def _take_text(part: Part, kind: str, data: bytes, found: _Found, hint: str) -> None:
    if kind != "text/html" and b"begin" in data:
        files, data = transfer.uu_files(data)
        found.files += [File(safe_name(name), "application/octet-stream", inside) for name, inside in files]
    data = _cut(data, kind, found)
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


def _cut(data: bytes, kind: str, found: _Found) -> bytes:
    """Returns as much as is read for words. What is longer is added whole as a file."""
    shape = "html" if kind == "text/html" else "plain"
    room = MAX_WORDS - found.words[shape]
    found.words[shape] += min(len(data), room)
    if len(data) <= room:
        return data
    found.whole = False
    found.files.append(File("message.html" if shape == "html" else "message.txt", kind, data))
    return data[: max(data.rfind(b"\n", 0, room), room - 1_000, 0)]


def _take_winmail(opened: containers.Opened, found: _Found) -> None:
    """Adds the files of a winmail.dat, and its words only where the mail has none beside it:
    usually they are the same."""
    if not any(map(_has_words, (*found.plain, *found.html))):
        found.plain += [opened.text] if opened.text else []
        found.html += [opened.html] if opened.html else []
    found.files += opened.files


def _take_mail(part: Part, found: _Found, depth: int, hint: str) -> None:
    """Adds a forwarded mail as a file. Its text is read only where the outer mail has none of
    its own."""
    inner = part.parts[0] if part.parts else None
    if not found.only_words or (inner is not None and not inner.keys()):
        data = content(part)
        if inner is not None and not inner.keys() and len(data) < len(part.body):
            # RFC 2046, 5.2.1 forbids to encode it; some gateways do it all the same.
            data = data.lstrip()
            inner = structure.read(data)
        subject = Headers(inner).text("subject") if inner is not None else ""
        name = file_name(part, "message/rfc822", len(found.files) + 1, subject)
        found.files.append(File(name, "message/rfc822", data))
    if inner is not None and not found.inner_text and depth < MAX_DEPTH:
        below = _Found(only_words=True)
        _walk(inner, below, depth + 1, hint)
        text = "\n\n".join(below.plain) or html_to_text("\n".join(below.html))
        found.inner_text, found.whole = _normal(text) or below.inner_text, found.whole and below.whole


def _take_broken_multipart(part: Part, found: _Found, depth: int, hint: str) -> None:
    """Reads a multipart whose boundary is missing or wrong: by the boundary that its body has,
    or else as one text."""
    body = bytes(part.body)
    match = _FIRST_BOUNDARY.search(body[:MAX_WORDS])
    boundary = match[1].rstrip() if match else b""
    if boundary and b'"' not in boundary and depth < MAX_DEPTH and boundary != structure.boundary_of(part):
        head = f"Content-Type: {part.get_content_type()}; boundary=".encode() + b'"' + boundary + b'"\n\n'
        _walk(structure.read(head + body), found, depth + 1, hint)
        return
    data = _cut(content(part), "text/plain", found)
    text = charsets.decode(data, _parameter(part, "charset"), hint)
    (found.html if _LOOKS_LIKE_HTML.search(text) else found.plain).append(text)


def content(part: Part) -> bytes:
    """Returns the bytes of a part, decoded."""
    return transfer.decode(part.body, str(part.get("Content-Transfer-Encoding", "")).partition(";")[0])


def _is_file(part: Message) -> bool:
    disposition = str(part.get("Content-Disposition", "")).lower()
    return disposition.lstrip().startswith("attachment") or bool(
        _parameter(part, "filename", "Content-Disposition") or _parameter(part, "name")
    )


def _parameter(part: Message, name: str, header: str = "Content-Type") -> str:
    value = parameter(part, name, header)
    return one_line(value[2] if isinstance(value, tuple) else value, 500)


def _from_first_header(raw: bytes) -> bytes:
    """Returns the mail without what comes before the headers: a byte order mark, blank lines, an
    mbox line. Raises Malformed where no header follows."""
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t")
    if raw.startswith((b"From ", b">From ")):
        raw = raw.partition(b"\n")[2]
    if not _FIELD.match(raw):
        raise Malformed("no header field at the beginning: this is no mail" if raw else "the mail is empty")
    return raw


def _header_end(raw: bytes) -> int:
    ends = [end for end in (raw.find(b"\n\r\n"), raw.find(b"\n\n"), raw.find(b"\r\r")) if end >= 0]
    return min(ends, default=len(raw))


def _body_hash(raw: bytes, start: int) -> str:
    """Returns a hash of the words with a line end between them, computed a piece at a time: an
    object for each word of 25 MB would take 1 GB."""
    digest, glued, first = hashlib.sha256(), False, True
    for position in range(start, len(raw), _CHUNK):
        chunk = raw[position : position + _CHUNK]
        words = chunk.split()
        if words:
            joined = b"\n".join(words)
            digest.update(joined if first or (glued and not chunk[:1].isspace()) else b"\n" + joined)
            first = False
        glued = not chunk[-1:].isspace()
    return digest.hexdigest()


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text)) or any(ord(char) > 0x2000 for char in text)


def _normal(text: str) -> str:
    return charsets.safe(text.replace("\r\n", "\n").replace("\r", "\n")).strip()
