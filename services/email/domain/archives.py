"""What is decided about the mails of an archive: where one ends in an mbox file, what its folder is
for, and when it was written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from services.email.domain import structure
from services.email.domain.headers import Headers


class Kind(StrEnum):
    """What a folder is for, or a mail by its own marks."""

    RECEIVED = "received"
    SENT = "sent"
    DRAFTS = "drafts"
    SPAM = "spam"
    TRASH = "trash"


LEFT_OUT = (Kind.DRAFTS, Kind.SPAM, Kind.TRASH)
"""What is not imported unless it is asked for."""
_NAMES: dict[Kind, str] = {
    Kind.SENT: (
        "sent|sent items|sent mail|sent messages|sent-mail|envoyés|messages envoyés|éléments envoyés|"
        "보낸편지함|보낸메일함|보낸 편지함|gesendet|gesendete elemente|gesendete objekte|enviados|"
        "elementos enviados|correo enviado|e-mails enviados|itens enviados|posta inviata|inviata|verzonden|"
        "verzonden items|wysłane|отправленные|送信済み|送信済みメール|送信済みアイテム|已发送|已发送邮件|"
        "已傳送的郵件"
    ),
    Kind.DRAFTS: (
        "draft|drafts|brouillons|임시보관함|임시 보관함|entwürfe|borradores|rascunhos|bozze|concepten|"
        "wersje robocze|kopie robocze|черновики|下書き|草稿"
    ),
    Kind.SPAM: (
        "spam|junk|junk email|junk e-mail|junk mail|bulk mail|courrier indésirable|indésirables|스팸함|"
        "스팸메일함|스팸 메일함|정크 메일|spamverdacht|junk-e-mail|correo no deseado|lixo eletrônico|"
        "posta indesiderata|ongewenste e-mail|спам|迷惑メール|垃圾邮件"
    ),
    Kind.TRASH: (
        "trash|bin|deleted|deleted items|deleted messages|corbeille|éléments supprimés|휴지통|지운편지함|"
        "지운 편지함|papierkorb|gelöschte elemente|gelöschte objekte|papelera|elementos eliminados|lixeira|"
        "itens excluídos|cestino|posta eliminata|prullenbak|verwijderde items|kosz|корзина|удаленные|"
        "удалённые|ゴミ箱|已删除邮件|已删除|廃棄済み"
    ),
}
"""As programs and providers name them where nothing else tells: Gmail, Outlook, Thunderbird, Apple
Mail, Naver, Daum, Yahoo, GMX."""
_KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split("|")}
_FLAGS = {rb"\sent": Kind.SENT, rb"\drafts": Kind.DRAFTS, rb"\junk": Kind.SPAM, rb"\trash": Kind.TRASH}
"""RFC 6154."""
_MARKS = {"D": Kind.DRAFTS, "T": Kind.TRASH}
"""In the name of a Maildir file (maildir(5)), and the other way round in X-Status of an mbox."""
_SEPARATORS = re.compile(r"[/\\]|(?<=.)\.(?=.)")
_HEAD = 64 << 10
_LONGEST = 1_000
"""Bytes of a line that begins a mail."""
_EXPUNGED = 0x0008
"""Of X-Mozilla-Status: deleted, and still in the file until Thunderbird compacts it."""
_TIME = rb"\d{1,2}:\d{2}(?::\d{2})?"
_FROM = re.compile(
    rb"From (?=[^\r\n]*(?:19|20)\d\d\b)(?:\S+ {1,3})?[A-Z][a-z]{2},? {1,3}(?:[A-Z][a-z]{2} {1,3}\d{1,2}|\d{1,2} [A-Z][a-z]{2}) {1,3}"
    rb"(?:\d{4} )?" + _TIME + rb"[^\r\n]{0,40}\r*\n?"
)
"""As mbox(5) and RFC 4155 have it, with an address, `-` or nothing before the date, a zone and a
word of the program's own behind it."""
_BARE = re.compile(rb"From (?:- ?)?\r*\n?")
"""As newer Thunderbirds write it."""
_DATE = re.compile(rb"(?:[A-Z][a-z]{2},? +)?(?:([A-Z][a-z]{2}) +(\d{1,2})|(\d{1,2}) ([A-Z][a-z]{2})) +(.*)")
_FIELD = re.compile(rb"(?:>*From |[!-9;-~]{1,100}:)")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r*$", re.IGNORECASE | re.MULTILINE)
_EARLIEST = datetime(1982, 1, 1, tzinfo=UTC)
"""RFC 822, which gave mails the Date that is read here, is of August 1982; a clock without a
battery says 1970 or 1980."""
_AHEAD = timedelta(days=2)
"""A sender's clock may be wrong, and their zone may be a day ahead."""
_RECEIVED = 20


def is_separator(line: bytes, before: bytes, after: bytes) -> bool:
    """Whether a line of an mbox file begins a mail: by its own form, and as the line below it
    begins a header, unless the file ends. A form that is short of a date needs an empty line before
    it as well. `before`: the line above, empty at the beginning of the file."""
    if not line.startswith(b"From ") or len(line) > _LONGEST or (after and not _FIELD.match(after)):
        return False
    if _FROM.fullmatch(line):
        return True
    return bool(_BARE.fullmatch(line)) and not before.strip()


def content_length(head: bytes) -> int | None:
    """Returns what a mail's header says of the length of its body (mboxcl); None where it does
    not."""
    found = _LENGTH.search(head)
    return int(found[1]) if found else None


def unquoted(body: bytes) -> bytes:
    """Takes one `>` from the lines that were given one so that they begin no mail: in mboxrd from
    any `>From `, in mboxo there are no others."""
    return _QUOTED.sub(rb"\1", body) if b">From " in body else body


def date_of_separator(line: bytes) -> datetime | None:
    """Returns the time in a `From ` line, which is UTC unless it says otherwise (RFC 4155)."""
    words = line[5:].strip().split(b" ", 1)
    for text in (words[-1], line[5:]):
        if found := _DATE.search(text[:100]):
            day, month = found[2] or found[3], found[1] or found[4]
            rest = found[5].split()
            year = next((word for word in rest if re.fullmatch(rb"\d{4}", word)), b"")
            clock = next((word for word in rest if re.fullmatch(_TIME, word)), b"")
            zone = next((word for word in rest if re.fullmatch(rb"[+-]\d{4}", word) and word != year), b"+0000")
            return _date(b" ".join((day, month, year, clock, zone)).decode())
    return None


def head_of(raw: bytes) -> Headers:
    """Returns a mail's header: its first 64 KB of it."""
    head = raw[:_HEAD]
    ends = [place for mark in (b"\n\n", b"\n\r\n") if (place := head.find(mark)) >= 0]
    return Headers(structure.read(head[: min(ends, default=len(head)) + 1]))


def dated(headers: Headers, told: Iterable[datetime | None], now: datetime) -> datetime:
    """Returns when a mail was written: the first of its Date, when servers received it and `told`
    that can be. `now` where none can."""
    received = headers.every("received")[:_RECEIVED]
    candidates = [
        _date(headers.raw("date")[:200]),
        *(_date(value.rpartition(";")[2][:200]) for value in received),
        *told,
    ]
    return next((at for at in candidates if at is not None and _EARLIEST <= at <= now + _AHEAD), now)


def kind_of_folder(name: str, flags: Collection[bytes] = ()) -> Kind:
    """Returns what a folder is for: as its server flags it, or by the last of its names that
    tells, in a dozen languages. `[Gmail]/Sent Mail` is SENT, and so is `INBOX.Sent.2019`."""
    flagged = next((_FLAGS[flag.lower()] for flag in flags if flag.lower() in _FLAGS), None)
    if flagged:
        return flagged
    names = [
        part.strip().lower().removesuffix(".mbox").removesuffix(".sbd") for part in _SEPARATORS.split(name.lstrip("."))
    ]
    return next((_KINDS[part] for part in reversed(names) if part in _KINDS), Kind.RECEIVED)


def kind_of_mail(folder: Kind, headers: Headers, marks: str = "") -> Kind:
    """Returns what a mail is by its own marks, or else by its folder: Gmail's labels, the flags of
    a Maildir file (`marks`), of an mbox and of Thunderbird."""
    labels = [_KINDS.get(label.strip().strip('"').lower()) for label in headers.text("x-gmail-labels").split(",")]
    statuses = headers.raw("x-status").upper().translate(str.maketrans("DT", "TD"))
    found: list[Kind | None] = [*labels, *(_MARKS.get(mark) for mark in (*marks, *statuses))]
    if _is_expunged(headers.raw("x-mozilla-status")):
        found.append(Kind.TRASH)
    told = {kind for kind in found if kind}
    return next((kind for kind in (Kind.TRASH, Kind.SPAM, Kind.DRAFTS, Kind.SENT) if kind in told), folder)


def maildir_name(name: str) -> tuple[str, str]:
    """Returns what a Maildir file is called whatever its flags are, and these: `1.M2P3.host:2,RS`
    is `1.M2P3.host` and `RS`; Windows, where a name has no colon, has `;` or `!`."""
    base, _, flags = re.sub(r"[;!](?=2,[A-Za-z]*$)", ":", name).partition(":2,")
    return base, "".join(filter(str.isupper, flags))


def folder_of(parts: Sequence[str]) -> str:
    """Returns the name of a Maildir++ folder: `.Sent.2019` is `Sent/2019`, none is `INBOX`."""
    return "/".join(part.lstrip(".").replace(".", "/") for part in parts) or "INBOX"


def _is_expunged(status: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]{4}", status) is not None and bool(int(status, 16) & _EXPUNGED)


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
