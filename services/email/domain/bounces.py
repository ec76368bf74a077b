"""What a returned mail tells (RFC 3464 and its dialects): which of our answers, to whom, whether
for good, and the other side's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from enum import StrEnum

import msgspec

from services.email.domain.headers import one_line, parse_addresses
from services.email.domain.mailboxes import tokens_in
from services.email.domain.mime import Mail

_MOST = 64 << 10
"""Bytes of each part that are looked at: what counts stands at its beginning."""
REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
"""A part of such a type is what programs write about a mail (RFC 3464, 6533); a forwarded report is
inside a message/rfc822."""
_COPIES = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n")
_TYPE = re.compile(r"^[A-Za-z0-9-]{1,40}\s*;\s*")
_OUR_ID = r"<t\.[a-z2-7]{16,200}\.[A-Za-z0-9-]{1,64}@[^<>\s]{1,255}>"
_OWN_ID = re.compile(rf"^[>| \t]*(?:[A-Za-z-]*-)?message-id:\s*({_OUR_ID})", re.IGNORECASE | re.MULTILINE)
_ANY_OF_OURS = re.compile(_OUR_ID, re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"'():;,\[\]]{1,64}@[^\s<>\"'():;,\[\]]{1,255}")
_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_REPLY_CODE = re.compile(r"(?:^|[:;<(>]|error|said|code|response)\s*([45])\d\d(?=[ -]\S)", re.IGNORECASE)
_STILL_TRIED = re.compile(
    r"delay|warning|will (?:be retried|retry|keep trying|continue)|still (?:being )?tr(?:ied|ying)|not yet been delivered|temporar"
    r"|verzögert|noch nicht zugestellt|retard|aún no|in ritardo|vertraagd|opóźni|지연|遅延|延迟|延遲",
    re.IGNORECASE,
)
_COPY_BEGINS = re.compile(
    r"^(?:received|return-path|from|message-id|mime-version|date):[ \t]", re.IGNORECASE | re.MULTILINE
)
_SAYS_NOTHING = re.compile(r"\W*(?:\S+@\S+|https?://\S+|-+ [^-]{0,100} -+)?\W*")
"""An address, a link or a ruled heading alone."""
_GIVEN_UP = re.compile(
    r"giv(?:en|ing) up|permanent|too long|expired|not going to try|no longer|final|returned", re.IGNORECASE
)


class Fate(StrEnum):
    """What became of a mail of ours, as the mail that came back tells."""

    FAILED = "failed"
    """It will not be tried again."""
    DELAYED = "delayed"
    """It is still tried."""
    OTHER = "other"
    """Delivered, relayed or expanded: nothing that anybody has to know."""


class Returned(msgspec.Struct, frozen=True):
    """Of a returned mail, what finds the answer that it is about, best evidence first. Nothing here
    is verified yet."""

    fate: Fate
    detail: str
    """For an agent: `550 5.1.1 unknown user`."""
    message_ids: tuple[str, ...]
    """Message-IDs of ours: that of the returned mail itself first, then what is referred to."""
    tokens: tuple[str, ...]
    """Reply tokens in the addresses that it came to or was sent from."""
    recipients: tuple[str, ...]
    """Addresses that were not reached."""


def returned(mail: Mail, envelope_recipients: Sequence[str]) -> Returned | None:
    """Returns what a returned mail reports; None where nothing in it says what became of which
    mail."""
    told = _reported(mail) or _in_words(mail)
    if told is None:
        return None
    fate, detail, recipients = told
    headers, sources = mail.headers, list(_sources(mail))
    addresses = [
        *envelope_recipients,
        *(entry.address for entry in headers.addresses("to", "cc", "delivered-to", "x-original-to")),
    ]
    own = [match[1] for source in sources for match in _OWN_ID.finditer(source)]
    referred = [*headers.message_ids("in-reply-to"), *reversed(headers.message_ids("references"))]
    ids = [*own, *(identity for identity in referred if _ANY_OF_OURS.fullmatch(identity))]
    tokens = tokens_in([*addresses, *(match[0] for source in sources for match in _ADDRESS.finditer(source))])
    return Returned(fate, detail[:2_000], _some(ids), _some(tokens), _some(recipients))


def is_our_copy(mail: Mail) -> bool:
    """Whether this is a mail of ours that came back with words on why: its Message-ID stands in it
    as a field, beside a status code."""
    return any(_OWN_ID.search(source) for source in _sources(mail)) and bool(
        _STATUS.search(mail.text[:_MOST]) or _REPLY_CODE.search(mail.text[:_MOST])
    )


def _reported(mail: Mail) -> tuple[Fate, str, list[str]] | None:
    blocks = [
        BytesHeaderParser(policy=compat32).parsebytes(block.lstrip())
        for file in mail.files
        if file.media_type in REPORTS
        for block in _BLANK.split(file.data[:_MOST])
    ]
    fates = [(block, fate) for block in blocks if (fate := _fate(block))]
    for wanted in Fate:
        chosen = [block for block, fate in fates if fate is wanted]
        if chosen:
            people = [address for block in chosen for address in _people(block)]
            return wanted, _detail(chosen[0]), people
    return None


def _fate(block: Message) -> Fate | None:
    action = _field(block, "Action").lower().split(" ")[0].strip(";()")
    if action in {"failed", "delayed"}:
        return Fate(action)
    if action:
        return Fate.OTHER
    status = _STATUS.match(_field(block, "Status"))
    return {"5": Fate.FAILED, "4": Fate.DELAYED, "2": Fate.OTHER}[status[1]] if status else None


def _people(block: Message) -> Iterator[str]:
    for name in ("Final-Recipient", "Original-Recipient", "X-Actual-Recipient"):
        for match in _ADDRESS.finditer(_TYPE.sub("", _field(block, name))):
            yield match[0].lower()


def _detail(block: Message) -> str:
    status = _STATUS.match(_field(block, "Status"))
    words = _TYPE.sub("", _field(block, "Diagnostic-Code"))
    if status and status[0] not in words:
        words = f"{status[0]} {words}"
    return words.strip()


def _in_words(mail: Mail) -> tuple[Fate, str, list[str]] | None:
    """Reads a returned mail without a report, as from Exim, qmail, or a person. Where there is
    no code, the copy of our mail must follow below."""
    text, subject = mail.text[:_MOST], mail.headers.text("subject")
    copy = _COPY_BEGINS.search(text)
    above = (text[: copy.start()] if copy else text).strip() or text
    lines = [one_line(line, 500) for line in above.splitlines()]
    coded = [(line, found[1]) for line in lines if (found := _STATUS.search(line) or _REPLY_CODE.search(line))]
    named = [entry.address for entry in mail.headers.addresses("x-failed-recipients")]
    if not coded and not named and not any(_OWN_ID.search(source) for source in _sources(mail)):
        return None
    hard = next((line for line, kind in coded if kind == "5"), "")
    soft = next((line for line, kind in coded if kind == "4"), "")
    tried = _STILL_TRIED.search(subject) or (soft and not hard and not _GIVEN_UP.search(f"{subject}\n{above}"))
    people = named or [entry.address for entry in parse_addresses(_ADDRESS.findall(above)[:20])]
    said = next((line for line in reversed(lines) if not _SAYS_NOTHING.fullmatch(line)), subject)
    return Fate.DELAYED if tried else Fate.FAILED, hard or soft or said, people


def _sources(mail: Mail) -> Iterator[str]:
    """Yields the texts in which the returned mail, or its headers, may be."""
    yield from (file.data[:_MOST].decode("latin-1") for file in mail.files if file.media_type in _COPIES)
    yield mail.text[:_MOST]


def _field(block: Message, name: str) -> str:
    return one_line(str(block.get(name, "")), 1_000)


def _some(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:20]
