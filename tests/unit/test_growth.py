"""Nobody outside can stop a service with an input that it reads for longer and longer: four times
the input, about four times the work."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO

import pytest

from services.dashboard.domain.drafts import clean
from services.dashboard.domain.identity import is_email
from services.desk.autoreplies.domain import bare, plain
from services.desk.search.domain import asked, document
from services.email.adapters.archives import mbox
from services.email.adapters.reader import Request, _answer
from services.email.domain import away, charsets, checking, transfer
from services.email.domain.archives import (
    date_of_separator,
    dated,
    head_of,
    is_separator,
    kind_of_folder,
    kind_of_mail,
    unquoted,
)
from services.email.domain.authentication import Results, judged, vouched, written
from services.email.domain.bounces import returned
from services.email.domain.checking import Evidence, check, questions
from services.email.domain.footers import without_list_footer
from services.email.domain.forwards import original_author
from services.email.domain.headers import Headers, decode_words
from services.email.domain.incoming import Context, Envelope, words_of
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse
from services.email.domain.quotes import without_quotes, without_quotes_of_html
from services.email.domain.received import Receivers
from services.email.domain.sent import Sent
from services.email.domain.signatures import without_signature
from services.email.domain.spam import FILTERS, spam
from services.email.domain.webhooks import forms, mailgun, sendgrid, ses
from services.email.domain.webhooks.told import decoded
from services.router.domain.mentions import mentions
from services.router.domain.words import normal
from services.social.active_model import shipped
from services.social.domain import words
from services.social.networks.x.text import weighted_length
from shared import links, markup
from shared.errors import Malformed
from shared.markup import to_text, without_tags
from shared.text import clean_html
from tests.unit.router.makers import POLICY

pytestmark = pytest.mark.slow

FIRST, SECOND, THIRD = 5_000, 40_000, 160_000
"""Lengths. What grows more than three times as fast as its input from the first to the second is
looked at again."""
MOST = 10
"""Times the work for four times the input: twice that is a busy machine, the square would be
sixteen."""
FLOOR = 0.0005
"""Seconds. What is done sooner is no burden, and too short to compare."""
MODEL = shipped()

WORDS = [
    "a", "a ", "\n", " ", "\t", "\r", "\r\r\n", ".", ",", "-", "_", "—", "=", "<", ">", "> ", ">>", "&", "&amp;", "&#65;", '"', "'", "(", ")", "[", "]",
    "@", "a@b", "a@b.", "#a", "@a ", "1", "1.", "1:", "-1", "a-", "a.", "A", "Aa ", "A a", "aA", "!", "?", "¿", "가", "가 ", "漢", "ア", "あ", "é", "e\u0301", "\u0301",
    "’", "l'", "\U0001f600", "\u200d", "http://", "www.", "a.com ", "a.com/", ":", "：", "a:", "a: b\n", "On ", "On x\n", "On x wrote:\n", "On x@y wrote:\n> q\n",
    "on a:", "wrote:", "Am x schrieb y: ", "Am schrieb ", "Am schrieb\n", "Le a écrit :\n", "2026년 ", "2026年 <a@b>:", "-- \n", "----", "---- ", "From: a\n",
    "From: a\nSent: b\nTo: c\n", "De : a\nÀ : b\n", "\n\n>", "Sent from my ", "Envoyé de mon ", "iPhone", "> On x wrote:\n", ">\n\n",
    "On 2.3.2026 10:00, A wrote:\n", "On 2.3.2026 10:00, A <a@b.c> wrote:\n\n", "2.3.2026 <a@b>:\n", "a 2.3.2026 10:00:\n", "---- 2.3.2026 A wrote ----\n", "2026 ", "März 2", "wrote ", "skrev ",
    "From: a@b\nSent: 2.3.2026 10:00\nTo: c\n", "From: a@b\n\n", "-----Original Message-----\n", "---- Original ", "Forwarded message\n", "> From: a\n", "— ", "> a\n\nb\n",
]  # fmt: skip
TAGS = [
    "<", "<a", "<a ", "<a/", "</a", "<div>", "</div>", "<div></x>", "<div><table></div></table>", "<div><style></div></style>", "<b>", "<b><p>", "<b><div></b>", "<p><b><i></p>",
    "<p>", "<br>", "<td>", "<table>", "<table><tr><td>", "<li>", "<ul><li>", "<ol><li>", "<pre>\n", "<font color=1>", "<!--", "<!-- -->", "<![CDATA[", "<?", "<!", "<style",
    "<style>", "<script>", "<title>", "<svg>", "<select>", "<form>", "<div class=", '<div class="', "<div class='a' ", '<a ="', "<a ='", "= ", "<a b=c d=e ", "<blockquote>",
    "</blockquote>", "</blockquote> ", "</blockquote><", '<div class="gmail_quote">', "<div id=x_", '<div style="display:none">', "<td style='display:none'>", "<p hidden>", "style=",
    "<span style='white-space: pre'>x", "<table><tr><td>long words here</td>", "x<td>", "</p>", "</table>", "&nbsp;", "&lt;", "<sup>x",
    "<blockquote type=cite>a", "<blockquote type=cite>a</blockquote>b", "<div class=gmail_quote><blockquote>", "<div class=gmail_quote>a<blockquote>b</blockquote></div>", "<hr class=zmail_extra_hr>", "<div class=gmail_signature>a</div>",
    '<div class="x gmail_', "<div id=appendonsend>", "\uf8f1", "<blockquote>On 2.3.2026 10:00, A wrote:</blockquote>",
]  # fmt: skip
KEY = "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ=="
BYTES = [
    b"\x1b$B", b"\x1b$)C", b"\x1b(B", b"\x1b", b"\x0e\x0f", b"\xff", b"\xe9", b"\xec\x95\x88", b"\xec", b"\xb0\xa1", b"~{", b"+AGE-", b"+", b"=", b"A=", b"AA==", b"QUJD\n", b"=E9", b"=\n", b"=?",
    b"\x00", b"begin 644 x\n", b"begin 644 x\nend\n", b"M\n", b"end\n", b"begin-base64 644 x\n====\n", b"a\nb\n",
]  # fmt: skip
FIELDS = [
    "=?", "=?a", "=?a?b?", "=?a?b?Q", "=?utf-8?q?a?=", "=?utf-8?q?a?= ", "=?utf-8?b?QQ==?=\n ", "=?x?q?", "<", "<a", "<a@b>", "<a@b> ", "a@b,", '"', '\\"', "(", ")", "()", ",", ";", ";a=b", ';a="', "; a*0=b",
    "a b <c@d>, ", ":", "[", "\\", " \n ", "\t", "é", "@", "a",
]  # fmt: skip
PARTS = [
    b"--b\n", b"--b\n\nx\n", b"--b--\n", b"--", b"\n--b", b"\n--bb", b"--b\nContent-Type: message/rfc822\n\n", b"--b\nContent-Type: multipart/mixed; boundary=b\n\n",
    b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n", b"a: b\n", b"\r", b"\r\n", b"\n", b" ", b"--b\n" + b"a: b\n" * 20 + b"\nx\n",
    b'--b\nContent-Type: text/plain; name="' + b"a;" * 500 + b"\n\nx\n", b"--b\nContent-Type: text/calendar\n\nSUMMARY:x\n",
]  # fmt: skip
REPORTS = [
    b"Final-Recipient: rfc822; a@b.example\n", b"Final-Recipient: rfc822; a@b.example\n\n", b"Diagnostic-Code: smtp; 550\n ", b"Action: failed\n\n", b"a@b.example ", b"<a@b.example>: ",
    b"550 5.1.1 ", b"5.1.1 ", b"Message-ID: <t.a.b@x>\n", b"--b\n\n", b"From: a\n", b"*From:* a@b\n", b"a: b\n", b"> ", b"\n", b" ",
]  # fmt: skip
FORMS = [
    b"--b\r\n", b"\r\n--b\r\n", b"\r\n--b", b"\r\n--", b"\r\n-", b"\r\n", b"\r", b"-", b"a: b\r\n", b"a", b": ", b'Content-Disposition: form-data; name="a"\r\n', b'Content-Disposition: form-data; name="',
    b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n', b"\x00", b"\xff",
]  # fmt: skip
MBOX = [
    b"From ", b"From \n", b">From ", b">From a\n", b">>", b"From - Mon Mar  1 10:00:00 2021\n", b"From - Mon Mar  1 10:00:00 2021\na: b\n\nx\n\n", b"From a Mon ",
    b"a: b\n", b"Content-Length: 3\n", b"Content-Length: 99999\n\n", b"From - Mon Mar  1 10:00:00 2021\nContent-Length: 1\n\n", b"\n", b"\r\n", b"x\n", b"x",
    b"Date: x\n", b"Date: Mon, ", b"Received: ;", b"Received: a;b\n", b"X-Gmail-Labels: a,\n", b"X-Gmail-Labels: ,", b",", b"/", b".a", b"2021 ", b"+0000 ",
]  # fmt: skip
KINDS = [
    "text/plain; format=flowed", "text/html", "text/enriched", "text/calendar", "multipart/mixed", "multipart/alternative; boundary=b", "message/rfc822",
    "application/ms-tnef", "application/pkcs7-mime", "multipart/signed; boundary=b",
]  # fmt: skip
DSN = "multipart/report; report-type=delivery-status; boundary=b"
CHARSETS = ["", "utf-8", "us-ascii", "euc-kr", "gb2312", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "utf-7", "utf-16", "shift_jis", "big5", "x-unknown"]  # fmt: skip


def mail(kind: str, encoding: str = "8bit") -> Callable[[bytes], object]:
    head = f"From: Ann <ann@example.com>\nContent-Type: {kind}\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    return lambda data: words_of(parse(head + data))


def field(value: str) -> object:
    found = words_of(
        parse(f"Subject: {value}\nFrom: {value}\nTo: {value}\nReferences: {value}\nContent-Type: {value}\n\nx".encode())
    )
    headers: Headers = found.mail.headers
    return headers.text("subject"), headers.addresses("from", "to"), headers.message_ids("references")


def received(subject: str, text: str) -> object:
    return original_author(parse(f"Subject: {subject}\n\n{text}".encode()), Mailboxes(("support@example.org",)))


def whole(head: str, end: str = "") -> Callable[[bytes], object]:
    """All that the process does which reads mails: whose it is, and whether a person wrote it."""
    request = Request(Envelope("", ("support@example.org",)), "raw", datetime(2026, 11, 30, tzinfo=UTC))
    context = Context(Mailboxes.parse("support@example.org"), "a secret that is long enough for anybody", ())
    return lambda data: _answer(request, head.encode() + data + end.encode(), context)


def trusted(value: str) -> object:
    """What our own server may have written, and what anybody may have."""
    names = ("authentication-results", "arc-seal", "arc-authentication-results", "x-spam-status", "x-spamd-result")
    names = (*names, "x-forefront-antispam-report", "x-barracuda-spam-status", "x-proofpoint-spam-details")
    fields = "".join(f"{name}: i=1; {value}\n{name}: {value}\n" for name in names)
    headers: Headers = parse(f"{fields}From: a@b.example\n\nx".encode()).headers
    found = written(headers, {"none", "a", "i=1"}) or Results()
    return judged(found, "b.example", vouched(headers, "b.example", {"a"})), spam(headers, FILTERS)


def form(kind: str, start: bytes = b"") -> Callable[[bytes], object]:
    def read(data: bytes) -> object:
        with suppress(Malformed):
            found = forms.fields(kind, start + data)
            return mailgun.mail(found), sendgrid.mail(found)
        return None

    return read


def told(data: bytes) -> object:
    """What a provider says of our mails, and a mail of its own, both with this in them."""
    words = data.decode("latin-1")
    status = {"code": 550, "message": words}
    body = {"event-data": {"event": "failed", "recipient": words, "delivery-status": status}}
    received = {"notificationType": "Received", "content": words, "receipt": {"recipients": [words]}}
    return mailgun.outcomes(decoded(json.dumps(body))), ses.mail(decoded(json.dumps(received)))


def signed(head: str) -> Callable[[bytes], object]:
    """The check of signatures and seals, with this before the mail's end."""
    tags = "v=1; a=rsa-sha256; d=a.example; s=s; b=AAAA; i=1; "
    fields = f"ARC-Seal: {tags}cv=none\r\nARC-Message-Signature: i=1; {tags}h=from:to; bh=AAAA\r\n"
    fields += "ARC-Authentication-Results: i=1; a.example; dmarc=pass\r\n"
    tags += "c=relaxed/relaxed; h=from:to; bh=AAAA; "
    start = f"From: a@a.example\r\n{fields}DKIM-Signature: {tags}{head}".encode()
    answers = {
        "TXT s._domainkey.a.example": (KEY,),
        "TXT _dmarc.a.example": ("v=DMARC1; p=reject",),
        "TXT _dmarc.example": (),
    }

    def look(data: bytes) -> object:
        raw = start + data + b"\r\n\r\nx"
        headers = Headers(checking.head_of(raw))
        return questions(headers, "b.example"), check(
            raw, headers, Evidence("none", "b.example", answers), frozenset({"a.example"})
        )

    return look


def handed_over(text: str) -> object:
    field = f"from a.b (a.b [192.0.2.1]) {text} by mx.example.org; Tue, 01 Dec 2026 10:00:00 +0000"
    return Receivers({"mx.example.org"}).client([("Received", field)] * 30, "a@b", datetime(2026, 12, 1, tzinfo=UTC))


def html(text: str) -> object:
    return without_quotes_of_html("<p>words</p>" + text, "Re: words")


def of_an_archive(data: bytes) -> object:
    headers = head_of(data)
    found = [is_separator(line, b"", b"a: b\n") or date_of_separator(line) for line in (data, b"From " + data)]
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return found, kind_of_mail(kind_of_folder(data.decode("latin-1")), headers), dated(headers, (), now), unquoted(data)


def beside_ours(text: str) -> object:
    return without_quotes(
        text, "Re: c", answers=True, sent=Sent((text, "Please restart it, and tell us what it does then. a b c"))
    )


READERS: list[tuple[str, Callable[[str], object], list[str]]] = [
    ("quotes", without_quotes, WORDS),
    ("quotes of an answer", lambda text: without_quotes(text, "Re: c", answers=True), WORDS),
    ("quotes beside what we sent", beside_ours, [*WORDS, "Please restart it\n", "what it does then. a\n\n", "> a b c d\nx\n"]),
    ("signatures", lambda text: without_signature(text.split("\n")), [*WORDS, "Regards\n", "www.a.b\n", "+49 1234567\n", "iphone ", "Sent from iphone", "if you are not the intended recipient "]),
    ("returned mails", lambda text: returned(parse(f"From: mailer-daemon@a.b\n\n{text}".encode()), []), [*WORDS, "5.1.1 ", "550 x\n", "Message-ID: <t.", "Received: "]),
    ("automatic replies' words", lambda text: away.said(text, text, answers=True, doubted=True), [*WORDS, "this is an automatic reply ", "i am away ", "自動返信", "* ", "[", "a b c d "]),
    ("lists' footers", lambda text: without_list_footer(text, of_a_list=True), [*WORDS, "____________\n", "-=" * 9 + "\n", "-_", "google ", "to unsubscribe from the a"]),
    ("authors of forwards", lambda text: received(f"Fwd: {text}", text), WORDS),
    ("quotes in html", html, TAGS),
    ("html", to_text, TAGS),
    ("html to show", clean_html, [*TAGS, "&", "&amp;", "¿", "°¡", "é", "a "]),
    ("tags", without_tags, TAGS),
    ("words of a mail's field", decode_words, FIELDS),
    ("fields", field, FIELDS),
    ("what mail servers write", trusted, [*FIELDS, "a.b=", "dkim=pass header.d=a; ", "header.d=", "dmarc / ", "i=1;", "; d=a", "yes, ", "yes score=", "scl:", "rule=spam", "rule=a_", "default: true ["]),
    ("who handed a mail over", handed_over, [*FIELDS, "from a ", " by ", "by mx.example.org", "[192.0.2.1]", "(127.0.0.1) ", "helo=a ", "; "]),
    ("router's words", lambda text: mentions(normal(text), "en", POLICY), WORDS),
    ("quotes in a reply", lambda text: without_quotes(text, "Re: lamp", answers=True), WORDS),
    ("links in words", lambda text: list(links.parts(text)), WORDS),
    ("desk's searches", asked, WORDS),
    ("words to be found", lambda text: document([text]), WORDS),
    ("length of a reply on X", weighted_length, WORDS),
    ("posts", MODEL.classify, WORDS),
    ("causes of posts", words.content, WORDS),
    ("dashboard's texts", clean, WORDS),
    ("dashboard's addresses", is_email, WORDS),
    ("names and subjects in automatic replies", lambda text: (plain(text, len(text)), bare(text)), [*WORDS, "[a", "(", "Re: "]),
]  # fmt: skip
OF_BYTES: list[tuple[str, Callable[[bytes], object], list[bytes]]] = [
    *((f"charset {name}", lambda data, name=name: charsets.decode(data, name), BYTES) for name in CHARSETS),
    *((f"encoding {name}", lambda data, name=name: transfer.decode(data, name), BYTES) for name in ("base64", "quoted-printable", "x-uuencode")),
    ("files in a text", transfer.uu_files, BYTES),
    *((f"mail {kind}", mail(kind), PARTS + BYTES) for kind in KINDS),
    ("mbox", lambda data: list(mbox(BytesIO(data), 1 << 20, "")), MBOX),
    ("mail of an archive", of_an_archive, MBOX),
    ("a signed body", signed("\r\n\r\n"), [*BYTES, b" ", b"\t ", b" \r\n", b"\r\n", b"\r\n ", b"a \r\n", b"\r"]),
    ("a signature", signed(""), [b" ", b";", b"a", b"a:", b"=", b"; a=", b"\r\n ", b"\r\nDKIM-Signature: d=a.example; s=s; h=from; b=A; bh=A; a=rsa-sha256", b"A=", b"\xff"]),
    ("a daemon's mail", whole("From: MAILER-DAEMON@x.example\n\n"), REPORTS),
    ("a report", whole(f"From: a@x.example\nContent-Type: {DSN}\n\n--b\nContent-Type: message/delivery-status\n\n", "\n--b--"), REPORTS),
    ("a forward", whole("From: agent@example.org\nSubject: Fwd: x\n\n---------- Forwarded message ---------\n"), REPORTS),
    ("a provider's form", form("multipart/form-data; boundary=b", b"--b\r\n"), FORMS),
    ("a provider's encoded form", form("application/x-www-form-urlencoded"), [*FORMS, b"%", b"%4", b"%41", b"+", b"a=b&", b"&", b"=", b"envelope=[&"]),
    ("what a provider tells", told, [*BYTES, b"550 5.1.1 ", b"mailbox ", b"a@b.example,", b"QUJD"]),
    *((f"mail in {name}", mail("text/plain", name), BYTES) for name in ("base64", "quoted-printable")),
]  # fmt: skip


def seconds(work: Callable[[], object], tries: int) -> float:
    """The least of some tries: of the processor's work, whatever else the machine does."""
    found = []
    for _ in range(tries):
        markup._last_outline.cache_clear()  # who asks for the same again is measured as who asks first
        started = time.process_time()
        with suppress(ValueError):  # a refusal is an answer
            work()
        found.append(time.process_time() - started)
    return min(found)


def growth(reader: Callable[[object], object], token: str | bytes) -> float:
    first, second, third = (token * (size // len(token)) for size in (FIRST, SECOND, THIRD))
    little, much = (seconds(lambda data=data: reader(data), 1) for data in (first, second))
    if much < 3 * SECOND // FIRST * max(little / 2, FLOOR):  # half: the first time of anything is slow
        return 0
    return seconds(lambda: reader(third), 2) / seconds(lambda: reader(second), 3)


@pytest.mark.parametrize(
    ("name", "reader", "tokens"), [*READERS, *OF_BYTES], ids=lambda value: value if isinstance(value, str) else ""
)
def test_work_grows_no_faster_than_the_input(
    name: str, reader: Callable[[object], object], tokens: list[str | bytes]
) -> None:
    grown = {token: growth(reader, token) for token in tokens}
    assert {token: round(times) for token, times in grown.items() if times > MOST} == {}, name
