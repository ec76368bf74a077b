"""Whatever a customer's mail program makes of their words, an agent reads the words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.email.domain import charsets, transfer
from services.email.domain.headers import decode_words, parse_addresses
from services.email.domain.incoming import words_of
from services.email.domain.mime import parse
from services.email.domain.structure import MAX_HEADER_BYTES
from shared.errors import Malformed

MAILS = Path(__file__).parents[2] / "data" / "mails"
EXPECTED: dict[str, dict[str, object]] = json.loads((MAILS / "expected.json").read_text())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_an_odd_mail_is_read_as_a_person_would(name: str) -> None:
    mail = parse((MAILS / f"{name}.eml").read_bytes())
    sender = mail.headers.addresses("from")[0]
    found: dict[str, object] = {
        "text": mail.text,
        "subject": mail.headers.text("subject"),
        "files": [file.name for file in mail.files],
        "content_ids": [file.content_id for file in mail.files],
        "sender": sender.address,
        "name": sender.name,
    }
    wanted = EXPECTED[name]
    if "text_has" in wanted:
        assert str(wanted["text_has"]) in mail.text
        assert "\x00" not in mail.text
    assert {key: found[key] for key in wanted if key != "text_has"} == {
        k: v for k, v in wanted.items() if k != "text_has"
    }


def test_every_mail_in_the_folder_has_an_expectation() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == set(EXPECTED)


def test_files_keep_their_bytes() -> None:
    mail = parse((MAILS / "uuencoded-file.eml").read_bytes())
    assert mail.files[0].data == b"hello uu"
    assert parse((MAILS / "nameless-files.eml").read_bytes()).files[0].data == b"%PDF-"


def test_html_is_safe_to_show_and_whole() -> None:
    raw = b"From: a@b.example\nContent-Type: text/html\n\n<p onclick='x()'>Hi</p><script>alert(1)</script><img src='http://t/x.gif'>"
    # The address of a picture is kept for whoever may load it; nothing loads it by itself.
    assert words_of(parse(raw)).html == '<p>Hi</p><img src="http://t/x.gif">'


def test_a_book_is_cut_in_the_event_and_kept_whole_as_a_file() -> None:
    book = "word " * 100_000
    reading = words_of(parse(b"From: a@b.example\n\n" + book.encode()))
    assert len(reading.text.encode()) < 201_000
    assert reading.files[-1].name == "message.txt"
    assert reading.files[-1].data.decode().strip() == book.strip()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\r\n\r\n", "empty"),
        (b"\x00\x01\x02 no header here", "no header field"),
        (b"just some words without any header", "no header field"),
    ],
    ids=["nothing", "blank", "binary", "words"],
)
def test_what_is_no_mail_is_refused_in_clear_words(raw: bytes, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        parse(raw)


NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(3000)) + b"\nx"


@pytest.mark.parametrize(
    "raw",
    [
        b"Subject: Lamp\nX-Long: " + b"x" * MAX_HEADER_BYTES + b"\n\nbody",
        b"Subject: Lamp\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nwords\n" * 1_100 + b"--b--",
        b"Subject: Lamp\n" + NESTED,
        b"Subject: Lamp\n\n" + b"words\n" * 400_000,
        b"Subject: Lamp\nContent-Type: text/html\n\n" + b"<p>words" * 40_000,
    ],
    ids=["long headers", "many parts", "deep", "a book", "many tags"],
)
def test_what_is_beyond_the_limits_is_read_as_far_as_they_go_and_says_so(raw: bytes) -> None:
    reading = words_of(parse(raw))
    assert not reading.whole
    assert reading.mail.headers.text("subject") == "Lamp"
    assert "words" in reading.text or b"words" not in raw


def test_boundaries_in_plenty_take_no_more_than_their_lines() -> None:
    assert words_of(parse(b"A: b\n\n" + b"boundary=x\n" * 20_000)).whole


def test_what_stands_above_the_headers_does_not_hide_them() -> None:
    for above in (b"\xef\xbb\xbf", b"\r\n\r\n", b"From ann@example.com Mon Mar  2 10:00:00 2026\n"):
        assert parse(above + b"From: a@b.example\nSubject: s\n\nWords").text == "Words"


def test_a_retry_with_other_trace_headers_and_line_ends_has_the_same_body() -> None:
    first = parse(b"Received: by one\nFrom: a@b.example\n\nWords\nand more")
    again = parse(b"Received: by two\r\nX-Spam: no\r\nFrom: a@b.example\r\n\r\nWords\r\nand more\r\n")
    other = parse(b"From: a@b.example\n\nOther words")
    assert first.body_sha256 == again.body_sha256 != other.body_sha256


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    for candidate in (
        raw,
        b"From: " + raw,
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + raw,
    ):
        try:
            reading = words_of(parse(candidate))
        except Malformed:
            continue
        (reading.text + reading.html + reading.mail.headers.text("from")).encode()
        reading.mail.headers.addresses("from", "to")


_PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n", b"Content-Type: multipart/alternative\n", b"Content-Type: message/rfc822\n",
        b"Content-Type: text/html; charset=gb2312\n", b"Content-Type: text/plain; charset=iso-2022-jp\n", b"Content-Type: text/calendar\n",
        b"Content-Type: message/delivery-status\n", b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: x-uuencode\n",
        b"Content-Disposition: attachment; filename*0*=utf-9''%ff; filename*1=\"\n", b"Subject: =?utf-8?B?4pyT?= =?x?Q?=zz?=\n",
        b"--b\n", b"--b--\n", b"\n", b"\x1b$B-!", b"\xff\xfe\x00", b"begin 644 x\n", b"end\n", b"<p>hi</p>", b"=E9=\n", b"SGVsbG8=", b"From: (((\n",
        b"Content-Type: text/plain; charset=unicode_escape\n", b"\\x \\N{",
    ]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(_PIECES, max_size=25))
def test_no_mixture_of_what_mails_are_made_of_breaks_the_reader(pieces: list[bytes]) -> None:
    try:
        reading = words_of(parse(b"From: a@b.example\n" + b"".join(pieces)))
    except Malformed:
        return
    (reading.text + reading.html).encode()
    assert all(file.name for file in reading.files)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.text(max_size=20))
def test_text_can_always_be_stored(data: bytes, charset: str) -> None:
    for declared in (charset, "iso-2022-jp", "gb2312", "utf-7", "utf-16"):
        text = charsets.decode(data, declared)
        assert "\x00" not in text
        text.encode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x1b"), max_size=100))
def test_utf_8_comes_out_as_it_went_in(text: str) -> None:
    for declared in ("utf-8", "iso-8859-1", "x-nobody-knows"):
        assert charsets.decode(text.encode(), declared) == text


@given(st.text("あいうえおアイウエオ日本語注文電話 abc\n", max_size=60))
def test_japanese_comes_out_as_it_went_in(text: str) -> None:
    for declared in ("iso-2022-jp", "ISO-2022-JP-MS", ""):
        assert charsets.decode(text.encode("iso-2022-jp"), declared) == text


@given(st.binary(max_size=500))
def test_transfer_encodings_never_raise(data: bytes) -> None:
    for encoding in ("base64", "quoted-printable", "x-uuencode", "nonsense"):
        transfer.decode(data, encoding)


@given(st.text(max_size=200))
def test_header_words_and_addresses_never_raise(value: str) -> None:
    decode_words(value)
    for entry in parse_addresses([value, f"=?utf-8?q?{value}?= <a@b.example>"]):
        assert "@" in entry.address


NAMES = st.lists(
    st.sampled_from(["Jo", "Park", "B_9", "J.", "O'Hara", "(Sales)", '"Park, Jo"', "Zoé", ""]), max_size=3
).map(" ".join)
LOCAL_PARTS = st.lists(st.sampled_from(["jo", "p_1", "a+b", "x-y", "", "é", "'"]), min_size=1, max_size=3).map(".".join)


@given(NAMES, LOCAL_PARTS, st.sampled_from(["example.org", "a-b.c.example", "localhost", "[127.0.0.1]", "a..example"]))
def test_who_is_named_alone_is_read_as_one_of_several(name: str, local: str, domain: str) -> None:
    for value in (f"{name} <{local}@{domain}>", f"<{local}@{domain}>", f"{local}@{domain}"):
        several = [
            entry for entry in parse_addresses([f"{value}, last@example.net"]) if entry.address != "last@example.net"
        ]
        assert list(parse_addresses([value])) == several


def test_hostile_mails_do_not_keep_us_busy() -> None:
    hostile = [
        b"Subject: " + b"=?a?b?" * 2_000 + b"\n\nx",
        b"From: " + b"(" * 15_000 + b"\n\nx",
        b"From: " + b"a" * 15_000 + b"\n\nx",
        b"From: a@b.example\n\n" + b"begin 644 x\n" * 50_000,
        b"From: a@b.example\nContent-Type: text/html\n\n" + b"</blockquote>" * 50_000,
        b"From: a@b.example\nContent-Type: text/html\n\n" + b"<div " * 50_000,
        b"From: a@b.example\n\n" + b"On " * 100_000,
        b"From: a@b.example\n\n" + b"On x\n" * 50_000,
        b"From: a@b.example\n\n" + b"\n" * 1_000_000,
    ]
    for raw in hostile:
        started = time.process_time()
        reading = words_of(parse(raw))
        reading.mail.headers.text("subject")
        reading.mail.headers.addresses("from")
        assert time.process_time() - started < 10, raw[:40]


def body(text: bytes, headers: bytes = b"") -> bytes:
    return b"From: a@b.example\n" + headers + b"\n" + text


def test_half_width_kana_and_rare_kanji_of_old_phones_are_read() -> None:
    assert charsets.decode(b"\x1b(I1\x1b(B!", "iso-2022-jp") == "\uff71!"
    assert charsets.decode("丂".encode("iso2022_jp_ext"), "iso-2022-jp-1") == "丂"
    assert charsets.decode(b"\x1b$B#", "iso-2022-jp") == "#"


def test_a_very_long_file_name_keeps_its_ending() -> None:
    name = b"x" * 400 + b".pdf"
    [file] = parse(
        body(b"x", b"Content-Disposition: attachment; filename=" + name + b"\nContent-Type: application/pdf\n")
    ).files
    assert len(file.name) <= 180
    assert file.name.endswith(".pdf")


def test_a_broken_name_is_replaced_and_the_file_kept() -> None:
    headers = b"Content-Disposition: attachment; filename*0*=utf-8''a; filename*x*=b\nContent-Type: application/pdf\n"
    [file] = parse(body(b"bytes", headers)).files
    assert (file.data, bool(file.name)) == (b"bytes", True)


def test_a_very_long_html_comes_along_as_a_file() -> None:
    html = "<p>" + "word " * 100_000 + "</p>"
    reading = words_of(parse(body(html.encode(), b"Content-Type: text/html\n")))
    assert reading.html == ""
    assert {file.name: file.data.decode() for file in reading.files}["message.html"] == html


def test_the_same_words_in_two_alternatives_are_read_once() -> None:
    parts = b"--b\nContent-Type: text/plain\n\nWords\n--b\nContent-Type: text/plain\n\nWords again\n--b--"
    assert parse(body(parts, b"Content-Type: multipart/alternative; boundary=b\n")).text == "Words"


def test_enriched_text_is_read_without_its_marks() -> None:
    assert parse(body(b"<bold>Big</bold> words", b"Content-Type: text/enriched\n")).text == "Big words"


def test_a_file_in_base64_between_the_words_is_found() -> None:
    mail = parse(body(b"See\nbegin-base64 644 a.bin\naGVsbG8=\n====\nThanks"))
    assert (mail.files[0].name, mail.files[0].data) == ("a.bin", b"hello")


def test_of_a_delivery_report_every_part_is_kept() -> None:
    parts = (
        b"--b\nContent-Type: text/plain\n\nIt bounced\n"
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; x@y.example\n"
        b"--b\nContent-Type: message/rfc822\n\nSubject: Lamp\n\nOriginal\n--b--"
    )
    mail = parse(body(parts, b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n"))
    assert (mail.text, mail.report_type) == ("It bounced", "delivery-status")
    assert [file.name for file in mail.files] == ["delivery-status.txt", "Lamp.eml"]
    assert b"Final-Recipient: rfc822; x@y.example" in mail.files[0].data


def test_a_forward_of_a_forward_is_read_to_its_words() -> None:
    inner = b"Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/html\n\n<p>Innermost words</p>"
    assert parse(body(b"Subject: outer\n" + inner, b"Content-Type: message/rfc822\n")).text == "Innermost words"


def test_two_forwards_without_a_word_are_read_by_the_first() -> None:
    parts = (
        b"".join(b"--b\nContent-Type: message/rfc822\n\nSubject: %d\n\nWords %d\n" % (n, n) for n in (1, 2)) + b"--b--"
    )
    mail = parse(body(parts, b"Content-Type: multipart/mixed; boundary=b\n"))
    assert (mail.text, [file.name for file in mail.files]) == ("Words 1", ["1.eml", "2.eml"])


def test_a_forward_is_kept_byte_for_byte_whatever_its_headers_are() -> None:
    inner = b"Subject: a\x0bB: c\n\nInner words"
    mail = parse(body(inner, b"Content-Type: message/rfc822\n"))
    assert (mail.text, mail.files[0].data) == ("Inner words", inner)


def test_a_name_given_in_two_ways_at_once_is_no_reason_to_lose_the_file() -> None:
    headers = b"Content-Disposition: attachment; filename*=utf-8''a; filename*0*=b\nContent-Type: application/pdf\n"
    [file] = parse(body(b"bytes", headers)).files
    assert (file.name, file.data) == ("attachment-1.pdf", b"bytes")


def test_a_multipart_with_nothing_between_its_boundaries_is_empty() -> None:
    for text in (b"--real\n", b"", b"--real--\n"):
        assert parse(body(text, b"Content-Type: multipart/mixed; boundary=other\n")).files == ()


def test_an_odd_boundary_that_nobody_named_costs_no_words() -> None:
    for odd in (b'--a"b', b"--a\\", b"--<>", b"--'"):
        assert parse(body(odd + b"\n\nwords", b"Content-Type: multipart/mixed\n")).text.endswith("words")
