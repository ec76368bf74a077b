"""What a returned mail tells (RFC 3464, 6533, and what mail systems write in words): which of our
answers, to whom, whether for good, why, and the other side's words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.message import Message
from email.parser import Parser
from email.policy import compat32
from enum import StrEnum

import msgspec

from services.email.domain import charsets, dialects
from services.email.domain.headers import one_line
from services.email.domain.mailboxes import tokens_in
from services.email.domain.mime import Mail
from services.email.domain.reasons import Reason, reason_of

_MOST = 64 << 10
"""Bytes of each part that are looked at: what counts stands at its beginning."""
REPORTS = frozenset({"message/delivery-status", "message/global-delivery-status"})
"""A part of such a type is what programs write about a mail (RFC 3464, 6533); a forwarded report is
inside a message/rfc822."""
_COPIES = frozenset({"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"})
_BLANK = re.compile(r"\r?\n[ \t]*\r?\n")
_TYPE = re.compile(r"^([A-Za-z0-9-]{1,40})\s*;\s*")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
"""A character of an address in a report that must be ASCII (RFC 6533, 3)."""
_XTEXT = re.compile(r"\+(2B|3D)")
"""What RFC 3461, 4 hides in ORCPT, and some servers leave hidden: a plus, as in plus parts."""
_OUR_ID = r"<t\.[a-z2-7]{16,200}\.[A-Za-z0-9-]{1,64}@[^<>\s]{1,255}>"
_OWN_ID = re.compile(rf"^[>| \t]*(?:[A-Za-z-]*-)?message-id:\s*({_OUR_ID})", re.IGNORECASE | re.MULTILINE)
_ANY_OF_OURS = re.compile(_OUR_ID, re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s<>\"():;,\[\]]{1,64}@[^\s<>\"():;,\[\]]{1,255}")
_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?!\.?\d)")
_REPLY_CODE = re.compile(r"(?:^|[:;<(>]|error|said|code|response)\s*([45])\d\d(?=[ -]\S)", re.IGNORECASE)
_STILL_TRIED = re.compile(
    r"delay|warning|will (?:be retried|retry|keep trying|continue)|still (?:being )?tr(?:ied|ying)|not yet been delivered|temporar"
    r"|verzögert|noch nicht zugestellt|retard|retras|aún no|atrasad|in ritardo|vertraagd|opóźni|задерж|지연|遅延|延迟|延遲",
    re.IGNORECASE,
)
_KEEPS_TRYING = re.compile(
    r"(?=[wnshп再다])(?:warning message only|not need to resend|no action is required on your part|not yet been delivered"
    r"|still being (?:re)?(?:tried|attempted)|will (?:retry|try again)"
    r"|(?:will|shall) (?:keep|continue|be) (?:on )?(?:trying|retr|attempt|to try|to be (?:tried|attempted))"
    r"|has(?:n't| not)? been delayed|продолж\w{2,4} попытки|weitere zustellversuche|再度配信を試み|다시 전송을 시도)",
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
_GIVEN_UP_SUBJECT = re.compile(
    r"undeliver(?:able|ed)|delivery fail|failure notice|\(failure\)|unzustellbar|non remis|no se puede entregar|não é possível entregar"
    r"|non recapitabile|onbestelbaar|niedostarczaln|не удается доставить|недоставленн|配信不能|배달되지 않음|无法送达|無法傳遞",
    re.IGNORECASE,
)
"""The last answer of a server that was tried for days is often a soft one."""
_ACTIONS = {
    **dict.fromkeys(("failed", "failure", "fail", "failed,", "bounced", "undeliverable", "hard", "expired", "rejected"), "failed"),
    **dict.fromkeys(("delayed", "deferred", "delay", "warning", "soft"), "delayed"),
}  # fmt: skip
"""RFC 3464, 2.3.3, and what is written instead."""


_ALIASES = ("Original-Recipient", "X-Actual-Recipient")


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
    aliases: tuple[str, ...] = ()
    """Other names of theirs in a report: what we wrote to, where that was handed on, and what it
    became."""
    reason: Reason = Reason.UNSAID
    dialect: str = ""
    """Whose words were read; `report` for a report."""


class _News(msgspec.Struct, frozen=True):
    fate: Fate
    detail: str
    recipients: Sequence[str]
    reason: Reason
    dialect: str
    aliases: Sequence[str] = ()


def returned(mail: Mail, envelope_recipients: Sequence[str]) -> Returned | None:
    """Returns what a returned mail reports; None where nothing in it says what became of which
    mail."""
    headers, sources = mail.headers, list(_sources(mail))
    addresses = [
        *envelope_recipients,
        *(entry.address for entry in headers.addresses("to", "cc", "delivered-to", "x-original-to")),
    ]
    ours = [*addresses, *(entry.address for entry in headers.addresses("from"))]
    words = _told(mail)
    told = _reported(mail, words, ours, sources) or _in_words(mail, words, ours, sources)
    if told is None:
        return None
    own = [match[1] for source in sources for match in _OWN_ID.finditer(source)]
    referred = [*headers.message_ids("in-reply-to"), *reversed(headers.message_ids("references"))]
    ids = [*own, *(identity for identity in referred if _ANY_OF_OURS.fullmatch(identity))]
    told_there = (match[0] for source in sources if "+t" in source.lower() for match in _ADDRESS.finditer(source))
    tokens = tokens_in([*addresses, *told_there])
    people = _some(told.recipients)
    return Returned(
        fate=told.fate,
        detail=told.detail[:2_000],
        message_ids=_some(ids),
        tokens=_some(tokens),
        recipients=people,
        aliases=tuple(one for one in _some(told.aliases) if one not in people),
        reason=told.reason,
        dialect=told.dialect,
    )


def is_our_copy(mail: Mail) -> bool:
    """Whether this is a mail of ours that came back with words on why: its Message-ID stands in it
    as a field, beside a status code."""
    return any(_OWN_ID.search(source) for source in _sources(mail)) and has_a_code(mail)


def has_a_code(mail: Mail) -> bool:
    """Whether a server's answer stands in it, such as `550 5.1.1`."""
    text = mail.text[:_MOST]
    return bool(_STATUS.search(text) or _REPLY_CODE.search(text))


def _reported(mail: Mail, words: dialects.Told, ours: Sequence[str], sources: Sequence[str]) -> _News | None:
    blocks = [
        Parser(policy=compat32).parsestr(block.lstrip(), headersonly=True)
        for file in mail.files
        if file.media_type in REPORTS
        for block in _BLANK.split(charsets.decode(file.data[:_MOST]))
    ]
    fates = [(block, fate) for block in blocks if (fate := _fate(block))]
    for wanted in Fate:
        chosen = [block for block, fate in fates if fate is wanted]
        if chosen:
            people = [address for block in chosen for address in _people(block, "Final-Recipient")]
            others = [address for block in chosen for address in _people(block, *_ALIASES)]
            detail, status = _detail(chosen[0]), _field(chosen[0], "Status")
            reason = reason_of(detail, status)
            if reason is Reason.UNSAID and wanted is not Fate.OTHER:
                reason = reason_of(words.above, status)
            named = people or others or _people_in_words(mail, words, ours, sources)
            return _News(wanted, detail, named, reason, "report", others)
    return None


def _fate(block: Message) -> Fate | None:
    action = _field(block, "Action").lower().split(" ")[0].strip(";()")
    if action:
        return Fate(_ACTIONS.get(action, Fate.OTHER))
    status = _STATUS.match(_field(block, "Status"))
    return {"5": Fate.FAILED, "4": Fate.DELAYED, "2": Fate.OTHER}[status[1]] if status else None


def _people(block: Message, *names: str) -> Iterator[str]:
    for name in names:
        value = _field(block, name)
        kind = _TYPE.match(value)
        value = _TYPE.sub("", value)
        if kind and kind[1].lower() == "utf-8":
            value = _UNITEXT.sub(lambda match: _character(int(match[1], 16)), value)
        elif name == "Original-Recipient":
            value = _XTEXT.sub(lambda match: chr(int(match[1], 16)), value)
        yield from filter(None, (dialects.address(found[0]) for found in _ADDRESS.finditer(value)))


def _character(code: int) -> str:
    return charsets.safe(chr(code)) if code <= 0x10FFFF else ""


def _detail(block: Message) -> str:
    status = _STATUS.match(_field(block, "Status"))
    words = _TYPE.sub("", _field(block, "Diagnostic-Code"))
    if status and status[0] not in words:
        words = f"{status[0]} {words}"
    return words.strip()


def _in_words(mail: Mail, one: dialects.Told, ours: Sequence[str], sources: Sequence[str]) -> _News | None:
    """Reads a returned mail without a report, as from Exim, qmail, or a person. Where there is
    neither a code nor a dialect, the copy of our mail must follow below, or an address stand beside
    a reason."""
    subject = mail.headers.text("subject")
    lines = [one_line(line, 500) for line in one.text.splitlines()]
    coded = [(line, found[1]) for line in lines if (found := _STATUS.search(line) or _REPLY_CODE.search(line))]
    named = [entry.address for entry in mail.headers.addresses("x-failed-recipients")]
    evidence = one.dialect or coded or named or any(_OWN_ID.search(source) for source in sources)
    if not evidence and not (dialects.failed(one.text, ours, ()) and reason_of(one.text) is not Reason.UNSAID):
        return None
    people = named or _people_in_words(mail, one, ours, sources)
    hard = next((line for line, kind in coded if kind == "5"), "")
    soft = next((line for line, kind in coded if kind == "4"), "")
    said = next((line for line in reversed(lines) if not _SAYS_NOTHING.fullmatch(line)), subject)
    detail = hard or soft or said
    if one.dialect == dialects.CHALLENGE:
        asking = people or [entry.address for entry in mail.headers.addresses("from")]
        return _News(Fate.DELAYED, one.text[:500], asking, Reason.CHALLENGE, one.dialect)
    reason = reason_of(detail)
    if reason is Reason.UNSAID:
        reason = reason_of(one.above)
    tried = (
        _STILL_TRIED.search(subject)
        or (not hard and _KEEPS_TRYING.search(one.text))
        or (
            soft
            and not hard
            and not _GIVEN_UP_SUBJECT.search(subject)
            and not _GIVEN_UP.search(f"{subject}\n{one.text}")
        )
    )
    return _News(Fate.DELAYED if tried else Fate.FAILED, detail, people, reason, one.dialect)


def _told(mail: Mail) -> dialects.Told:
    """Returns the part of the words that tells of the failure, above the copy of our mail."""
    text = mail.text[:_MOST]
    if found := dialects.told(text):
        return found
    copy = _COPY_BEGINS.search(text)
    above = (text[: copy.start()] if copy else text).strip() or text
    return dialects.Told("", above, above, above, 0)


def _people_in_words(mail: Mail, words: dialects.Told, ours: Sequence[str], sources: Sequence[str]) -> Sequence[str]:
    """Returns the addresses that the words name, or else the one that our mail was sent to."""
    sent_to = [one for source in sources for one in dialects.recipients_in(source)]
    for text in (words.people, words.text, mail.text[:_MOST]):
        if found := dialects.failed(text, ours, sent_to):
            return found
    return tuple(dict.fromkeys(one for one in sent_to if one not in ours))[:1]


def _sources(mail: Mail) -> Iterator[str]:
    """Yields the texts in which the returned mail, or its headers, may be."""
    yield from (file.data[:_MOST].decode("utf-8", "replace") for file in mail.files if file.media_type in _COPIES)
    yield mail.text[:_MOST]


def _field(block: Message, name: str) -> str:
    return one_line(str(block.get(name, "")), 1_000)


def _some(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:20]
