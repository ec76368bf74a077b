"""What is rare in a mail, and read all the same."""

from __future__ import annotations

import base64
from email.message import Message
from pathlib import Path
from uuid import uuid4

import pytest
from asn1crypto import cms

from services.email.domain import containers, mime, structure
from services.email.domain.loops import Kept, kept
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse, parse_beginning
from services.email.domain.quotes import forwarded_block, without_quotes, without_quotes_of_html
from services.email.domain.references import our_message_id
from services.email.domain.transfer import uu_files
from shared.clock import utc_now
from shared.events import InboundMessage
from shared.kernel import email_point
from tests.unit.email.test_formats import attached, mail

NOBODY_S = InboundMessage(
    id="m", channel="email", provider_id="m", sender=email_point("help@shop.example"), received_at=utc_now(), text="Hi"
)
INBOX = Path(__file__).parents[2] / "data" / "inbox"


def winmail() -> bytes:
    raw = (INBOX / "08-winmail-dat.eml").read_bytes()
    return base64.b64decode(raw[raw.index(b"eJ8+I") :].partition(b"\n--")[0])


def test_a_signature_around_nothing_signed_is_a_file() -> None:
    plain = bytes(cms.ContentInfo({"content_type": "data", "content": b"Words"}).dump())
    assert containers.signed_mail(plain) == b""
    (file,) = attached(plain, "application/pkcs7-mime").files
    assert file.data == plain


def test_outlooks_file_of_too_many_pieces_is_kept_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = winmail()
    assert containers.winmail(data)
    monkeypatch.setattr(containers, "_MAX_TNEF_WORK", 1)
    assert containers.winmail(data) is None


def test_outlooks_file_whose_words_we_cannot_read_goes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    class InRichText:
        codepage, body, htmlbody, attachments = None, None, None, ()

        def __init__(self, data: bytes, *, do_checksum: bool) -> None:
            assert (data, do_checksum) == (winmail(), False)

        def has_body(self) -> bool:
            return True

    monkeypatch.setattr(containers, "TNEF", InRichText)
    opened = containers.winmail(winmail())
    assert opened
    assert [(file.name, file.data) for file in opened.files] == [("winmail.dat", winmail())]


def test_of_a_mail_that_is_too_much_the_headers_and_the_first_words_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = b"From: ann@example.org\r\nSubject: Lamp\r\n\r\nIt flickers."
    found = parse_beginning(raw)
    assert (found.headers.text("subject"), found.text.strip(), found.whole) == ("Lamp", "It flickers.", False)

    def refuse(_: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(mime, "parse", refuse)
    found = parse_beginning(raw)
    assert (found.headers.text("subject"), found.text, found.whole) == ("Lamp", "", False)


def test_a_file_within_a_forwarded_mail_stays_in_it() -> None:
    inner = (
        'Content-Type: multipart/mixed; boundary="i"\r\nSubject: Inner\r\n\r\n'
        "--i\r\n\r\nThe words.\r\n--i\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--i--\r\n"
    )
    found = mail(
        'Content-Type: multipart/mixed; boundary="o"', f"--o\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--o--"
    )
    assert [file.media_type for file in found.files] == ["message/rfc822"]
    assert "The words." in found.text


def test_a_type_that_is_longer_than_any_is_a_file_of_bytes() -> None:
    (file,) = mail(f"Content-Type: application/{'x' * 300}", "data").files
    assert file.media_type == "application/octet-stream"


def test_nothing_is_cut_from_a_forward() -> None:
    assert without_quotes_of_html("<p>Look.</p><blockquote>Old</blockquote>", "Fwd: Lamp") == ""


def test_blank_lines_between_an_attribution_and_its_quotation_do_not_keep_it() -> None:
    text = "Toimii nyt.\n\n3. maija 2026 klo 10.12 Ann <ann@example.org> kirjoitti:\n\n\n> Ei toimi.\n> Ollenkaan."
    assert without_quotes(text).strip() == "Toimii nyt."


def test_a_boundary_that_the_standard_parser_trips_over_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Message()

    def trip() -> str:
        raise ValueError("odd parameters")

    monkeypatch.setattr(part, "get_boundary", trip)
    assert structure.boundary_of(part) == b""


def test_our_own_mail_that_comes_back_is_no_message() -> None:
    own = our_message_id("secret", str(uuid4()), str(uuid4()), "shop.example")
    returned = parse(f"From: help@shop.example\r\nMessage-ID: {own}\r\n\r\nHi".encode())
    ours = Mailboxes(("help@shop.example",))
    assert kept(returned, NOBODY_S, ours, "secret") is Kept.OWN
    assert kept(returned, NOBODY_S, ours, "another secret") is None


def test_a_line_that_only_begins_like_a_forwarded_header_is_none() -> None:
    assert forwarded_block("From: the beginning it was clear.\nHello there") == ""


@pytest.mark.parametrize(
    "lines",
    [
        rb"+:&5L;&\@=V]R;&0 ",
        rb"+:&5L;&\@=V]R;&0 what an encoder left behind",
        b"\r\n" + rb"+:&5L;&\@=V]R;&0 " + b"\r\n\r\n",
        b"\xff\xfe is no line of it\n" + rb"+:&5L;&\@=V]R;&0 ",
    ],
)
def test_a_file_written_into_the_text_is_read_though_lines_are_blank_broken_or_too_long(lines: bytes) -> None:
    """`binascii.a2b_uu(b"")` is 32 NULs in CPython 3.11.7."""
    files, around = uu_files(b"Hi\n\nbegin 644 note.txt\n" + lines + b"\n`\nend\nBye\n")
    assert files == [("note.txt", b"hello world")]
    assert around.split() == [b"Hi", b"Bye"]
