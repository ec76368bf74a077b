"""An answer reaches the customer as a mail that their program threads, and that nobody can bend."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from uuid import uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain.automatic import automatic
from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse
from services.email.domain.outgoing import Identity, OutgoingMail, build, subject_of, trimmed
from shared.errors import Malformed
from shared.events import Attachment, OutboundMessage
from shared.kernel import contact_point

SECRET = "a secret that is long enough for anybody"
BOXES = Mailboxes.parse("support@example.org,help@example.org")
IDENTITY = Identity(BOXES, SECRET, "Lamp Shop")
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
TICKET = str(uuid4())
BASE = OutboundMessage(
    id=str(uuid4()),
    ticket_id=TICKET,
    channel="email",
    to=contact_point("email", "ann@example.com"),
    text="Dear Ann,\n\nPlease restart it.\n.\nBest",
    requested_at=NOW,
    to_name="Ann Smith",
    author_name="Bob",
    subject="Lamp",
    mailbox="help@example.org",
    references=("<1@x>", "<2@x>"),
)


def built(**changes: object) -> tuple[OutgoingMail, EmailMessage]:
    request = msgspec.structs.replace(BASE, **changes)
    mail = build(request, [b"data" for _ in request.attachments], IDENTITY, NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return mail, message


def test_an_automatic_answer_says_so_to_every_program_and_its_bounce_finds_it() -> None:
    mail, message = built(automatic=True, author_name="")
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Precedence"] == "auto_reply"
    assert "NDR" not in message["X-Auto-Response-Suppress"].split(", ")
    assert {"OOF", "AutoReply"} <= set(message["X-Auto-Response-Suppress"].split(", "))
    assert mail.sender == str(message["Reply-To"]).rpartition("<")[2].rstrip(">")
    assert automatic(parse(mail.content), mail.sender, Mailboxes.parse("sales@example.net")) == "reply"


def test_no_automatic_answer_goes_to_a_mailbox_of_ours() -> None:
    with pytest.raises(Malformed, match="mailbox of ours"):
        built(automatic=True, to=contact_point("email", "support+sales@example.org"))
    built(automatic=False, to=contact_point("email", "support+sales@example.org"))


def test_an_answer_is_threaded_and_comes_from_the_agent() -> None:
    mail, message = built()
    assert message["From"] == "Bob via Lamp Shop <help@example.org>"
    assert message["To"] == "Ann Smith <ann@example.com>"
    assert message["Subject"] == "Re: Lamp"
    assert (message["In-Reply-To"], message["References"]) == ("<2@x>", "<1@x> <2@x>")
    assert message["Message-ID"] == mail.message_id
    assert message["Auto-Submitted"] is None
    assert message["Date"].datetime == NOW
    assert message.get_content().splitlines() == BASE.text.splitlines()
    assert mail.recipient == "ann@example.com"
    assert mail.sender.startswith("help+t")


def test_the_customers_reply_finds_the_ticket_again() -> None:
    mail, message = built()
    context = Context(BOXES, SECRET, ("en",))
    for headers in (f"To: {message['Reply-To']}", f"In-Reply-To: {mail.message_id}"):
        reply = parse(f"From: ann@example.com\n{headers}\n\nThanks".encode())
        assert read(reply, Envelope("", ()), context, "", NOW).message.thread.ticket_id == TICKET


def test_the_same_answer_has_the_same_message_id_on_every_attempt() -> None:
    assert built()[0].message_id == built(text="again")[0].message_id != built(id=str(uuid4()))[0].message_id


@pytest.mark.parametrize(
    "text",
    [
        "Bonjour, voilà votre clé: été, naïf",
        "안녕하세요. 주문이 내일 도착합니다.",
        "Emoji \U0001f600 and a very " + "long " * 400 + "line",
    ],
)
def test_every_language_arrives_as_it_was_written(text: str) -> None:
    mail, message = built(text=text, author_name="김철수, 팀장", subject="주문 번호 12345 " * 10)
    assert message.get_content().strip() == text.strip()
    assert message["From"].addresses[0].display_name == "김철수, 팀장 via Lamp Shop"
    assert message["Subject"] == "Re: " + ("주문 번호 12345 " * 10).strip()
    assert max(map(len, mail.content.splitlines())) <= 998
    assert b"\n" not in mail.content.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("Lamp", "Re: Lamp"),
        ("Re: Lamp", "Re: Lamp"),
        ("RE: AW: Re[2]: Lamp", "Re: Lamp"),
        ("답장: 램프", "Re: 램프"),
        ("Réf : lampe", "Re: lampe"),
        ("Rebate: lamp", "Re: Rebate: lamp"),
        ("", "Re: your message"),
    ],
)
def test_re_stands_once(subject: str, shown: str) -> None:
    assert subject_of(subject, is_answer=True) == shown


def test_a_mail_that_answers_nothing_says_so() -> None:
    _, message = built(references=(), subject="Your refund")
    assert (message["Subject"], message["In-Reply-To"], message["References"]) == ("Your refund", None, None)


def test_a_long_thread_keeps_first_and_last_within_what_relays_take() -> None:
    references = tuple(f"<{number:04}@a-rather-long-host-name.example.com>" for number in range(500))
    mail, message = built(references=references)
    kept = message["References"].split()
    assert (kept[0], kept[-1]) == (references[0], references[-1])
    assert len(message["References"]) < 4096
    assert kept[1:] == list(references[-len(kept) + 1 :])
    assert trimmed(["<a>"]) == ["<a>"]
    assert max(map(len, mail.content.split(b"\r\n\r\n")[0].splitlines())) <= 998


PIECES = [*'a\r\n\x00\x0b\x85\u2028<>@:,"\\= ?é', "\r\nBcc: evil@example.net", "=?utf-8?q?=0D=0A?="]
EVIL = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@given(EVIL, EVIL, EVIL, EVIL, EVIL)
def test_no_value_can_add_a_header(name: str, subject: str, author: str, reference: str, language: str) -> None:
    _, message = built(
        to_name=name, subject=subject, author_name=author, references=(reference, "<1@x>"), language=language
    )
    allowed = {"content-type", "content-transfer-encoding", "mime-version", "from", "to", "reply-to", "subject", "date"}
    allowed |= {"message-id", "in-reply-to", "references", "content-language"}
    assert {key.lower() for key in message} <= allowed
    assert [str(entry.addr_spec) for entry in message["To"].addresses] == ["ann@example.com"]
    assert len(message.get_all("To")) == 1


def test_file_names_and_types_cannot_add_headers_either() -> None:
    evil = Attachment(uri="u", name='a"\r\nBcc: x\r\n.pdf', media_type="text/html\r\nX: y", size=4, sha256="")
    korean = Attachment(uri="u", name="계약서.pdf", media_type="application/pdf", size=4, sha256="")
    _, message = built(attachments=(evil, korean))
    files = list(message.iter_attachments())
    assert [file.get_content_type() for file in files] == ["application/octet-stream", "application/pdf"]
    assert files[1].get_filename() == "계약서.pdf"
    assert files[0].get("Bcc") is None
    assert files[1].get_content() == b"data"


@pytest.mark.parametrize(
    "to",
    [
        "tel:+3312345678",
        "email:nobody",
        "email:a@b.example, c@d.example",
        "email:unknown-1@nowhere.invalid",
        "email:a@b\r\nX: y",
    ],
)
def test_what_is_no_address_is_refused_in_words(to: str) -> None:
    with pytest.raises(Malformed, match=r"address|mail"):
        built(to=to)


def test_the_language_is_told_where_it_is_one() -> None:
    assert built(language="ko")[1]["Content-Language"] == "ko"
    assert built(language="ko\r\nX: y")[1]["Content-Language"] is None


def test_a_mailbox_that_is_not_ours_is_never_used() -> None:
    _, message = built(mailbox="ceo@bank.example")
    assert message["From"].addresses[0].addr_spec == "support@example.org"


def test_addresses_of_the_whole_world_are_written_as_servers_take_them() -> None:
    _, message = built(to=contact_point("email", "ann@bücher.example"))
    assert message["To"].addresses[0].addr_spec == "ann@xn--bcher-kva.example"
    mail, _ = built(to=contact_point("email", "안나@x.example"), to_name="안나")
    assert "안나@x.example".encode() in mail.content
    bare, _ = built(to=contact_point("email", "안나@x.example"), to_name="")
    assert "To: 안나@x.example\r\n".encode() in bare.content
    odd = "ann@" + "ü" * 80 + ".example"
    assert odd.encode() in built(to=contact_point("email", odd))[0].content


def test_copies_go_to_everybody_named_and_nobody_sees_those_in_bcc() -> None:
    cc = tuple(f"somebody.number.{number}@a-long-name.example.com" for number in range(20))
    mail, message = built(cc=("Lee@example.com", *cc), bcc=("boss@example.net", "lee@example.com"))
    assert [address.addr_spec for address in message["Cc"].addresses] == ["lee@example.com", *cc]
    assert mail.copies == ("lee@example.com", *cc, "boss@example.net")
    assert mail.recipient == "ann@example.com"
    assert b"boss" not in mail.content
    assert max(map(len, mail.content.splitlines())) < 200
    assert (message["In-Reply-To"], message["References"]) == ("<2@x>", "<1@x> <2@x>")


def test_a_copy_never_comes_back_to_a_mailbox_of_ours_nor_twice_to_the_customer() -> None:
    mail, message = built(cc=("help+tabcdefghijklmnop@example.org", "ann@example.com"), bcc=("support@example.org",))
    assert (mail.copies, message["Cc"]) == ((), None)


@pytest.mark.parametrize("address", ["lee", "lee@x.example, mallory@x.example", "lee@x.example\r\nSubject: no"])
def test_a_copy_to_what_is_no_address_is_refused_in_words(address: str) -> None:
    with pytest.raises(Malformed, match="not an e-mail address"):
        built(cc=(address,))


def test_postmark_is_told_to_keep_our_message_id_and_what_to_name_in_its_events() -> None:
    mail = build(BASE, [], replace(IDENTITY, by_postmark=True), NOW)
    headers = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert (headers["X-PM-KeepID"], headers["X-PM-Metadata-reply"]) == ("true", BASE.id)
    assert "X-PM-KeepID" not in built()[1]


def test_sendgrid_is_told_what_to_name_in_its_events() -> None:
    mail = build(BASE, [], replace(IDENTITY, by_sendgrid=True), NOW)
    headers = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert json.loads(headers["X-SMTPAPI"]) == {"unique_args": {"switchboard_reply": BASE.id}}
    assert "X-SMTPAPI" not in built()[1]


def picture(name: str, content_id: str = "") -> Attachment:
    return Attachment(uri=name, name=name, media_type="image/png", size=1, sha256="", content_id=content_id)


def shape(part: EmailMessage) -> object:
    kind = part.get_content_subtype()
    return {kind: [shape(inner) for inner in part.iter_parts()]} if part.is_multipart() else kind  # type: ignore[arg-type]


LOOKS = '<p onclick="x">Hi <b>Ann</b> <img src="cid:logo@x"></p><script>alert(1)</script>'


@pytest.mark.parametrize(
    ("html", "attachments", "expected"),
    [
        ("", (), "plain"),
        ("<script>x</script>", (), "plain"),
        (LOOKS, (), {"alternative": ["plain", "html"]}),
        ("", (picture("a.png", "logo@x"),), {"mixed": ["plain", "png"]}),
        (LOOKS, (picture("a.png", "logo@x"),), {"alternative": ["plain", {"related": ["html", "png"]}]}),
        (LOOKS, (picture("a.png", "logo@x"), picture("b.png", "no"), picture("c.png")),
         {"mixed": [{"alternative": ["plain", {"related": ["html", "png"]}]}, "png", "png"]}),
        (LOOKS.replace("logo@x", "a b>"), (picture("a.png", "a b>"),), {"mixed": [{"alternative": ["plain", "html"]}, "png"]}),
    ],
)  # fmt: skip
def test_looks_stand_beside_the_text_with_the_pictures_that_they_show_and_files_behind(
    html: str, attachments: tuple[Attachment, ...], expected: object
) -> None:
    mail, message = built(html=html, attachments=attachments)
    assert shape(message) == expected
    for part in message.walk():
        if part.get_content_type() == "text/html":
            content = part.get_content()  # type: ignore[attr-defined]
            assert "<b>Ann</b>" in content
            assert "script" not in content
            assert "onclick" not in content
    for line in mail.content.split(b"\r\n"):
        assert len(line) <= 998
        assert line.isascii()


def test_only_pictures_that_come_along_or_lie_in_the_web_are_shown() -> None:
    html = '<img src="cid:gone"><img src="data:image/png;base64,AAAA"><img src="https://example.org/x.png">'
    _, message = built(html=html)
    content = message.get_payload()[1].get_content()  # type: ignore[union-attr, index]
    assert re.findall(r'src="([^"]*)"', content) == ["https://example.org/x.png"]


def test_a_mailbox_s_signature_stands_below_text_and_looks_as_text() -> None:
    identity = dataclasses.replace(IDENTITY, signature="{agent}\n<b>{company}</b>")
    request = msgspec.structs.replace(BASE, html="<p>Hi</p>", text="Hi")
    mail = build(request, [], identity, NOW)
    message = email.message_from_bytes(mail.content, policy=email.policy.default)
    plain, html = (part.get_content() for part in message.iter_parts())  # type: ignore[attr-defined]
    assert plain.splitlines() == ["Hi", "", "-- ", "Bob", "<b>Lamp Shop</b>"]
    assert "<div><br>-- <br>Bob<br>&lt;b&gt;Lamp Shop&lt;/b&gt;</div>" in html


@given(st.lists(st.text("abc.@", min_size=1, max_size=900).map(lambda text: f"<{text}>"), min_size=1, max_size=60))
def test_references_keep_the_first_and_the_last_and_fold_at_blanks_only(references: list[str]) -> None:
    mail, message = built(references=tuple(references))
    found = str(message["References"]).split()
    assert (found[0], found[-1]) == (references[0], references[-1])
    assert message["In-Reply-To"] == references[-1]
    rest = iter(references)
    assert all(one in rest for one in found)
    assert max(len(line) for line in mail.content.split(b"\r\n")) <= 998
