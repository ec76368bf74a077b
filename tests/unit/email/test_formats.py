"""Whatever wrapped a customer's words, an agent reads the words: signatures, Outlook's formats,
calendars, soft line breaks."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from asn1crypto import cms
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain import calendars, charsets, containers
from services.email.domain.flowed import unflowed
from services.email.domain.incoming import words_of
from services.email.domain.mime import Mail, parse

INBOX = Path(__file__).parents[2] / "data" / "inbox"


def mail(headers: str, body: str | bytes) -> Mail:
    raw = body if isinstance(body, bytes) else body.encode()
    return parse(f"From: kim@customer.example\r\n{headers}\r\n\r\n".encode() + raw)


def attached(data: bytes, kind: str) -> Mail:
    return mail(f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64", base64.encodebytes(data))


def signed(content: bytes) -> bytes:
    inside = {"content_type": "data", "content": content}
    data = {"version": "v1", "digest_algorithms": [], "encap_content_info": inside, "signer_infos": []}
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(data)}).dump())


def smime() -> bytes:
    return base64.b64decode((INBOX / "07-smime-opaque-signed.eml").read_bytes().partition(b"\n\n")[2])


def test_a_signed_mail_with_a_file_inside_shows_its_words_and_its_file() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the plan.\r\n"
        b"--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n\r\nPDF\r\n--b--\r\n"
    )
    found = attached(signed(inner), 'application/x-pkcs7-mime; smime-type=signed-data; name="smime.p7m"')
    assert (found.text, [file.name for file in found.files]) == ("See the plan.", ["plan.pdf"])


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not on this machine")
def test_a_signature_that_was_streamed_piece_by_piece_is_read(tmp_path: Path) -> None:
    key, certificate, text = tmp_path / "k.pem", tmp_path / "c.pem", tmp_path / "m.txt"
    text.write_bytes(b"Content-Type: text/plain\r\n\r\nCancel it, please.\r\n")
    for line in (
        f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -subj /CN=kim -days 2",
        f"cms -sign -stream -nodetach -in {text} -signer {certificate} -inkey {key} -outform DER -out {tmp_path}/s.der",
    ):
        subprocess.run(["openssl", *line.split()], check=True, capture_output=True)
    assert attached((tmp_path / "s.der").read_bytes(), "application/pkcs7-mime").text == "Cancel it, please."


def test_an_encrypted_mail_and_a_broken_signature_are_kept_as_files() -> None:
    for data in (b"\x30\x80nonsense", smime()[:-400], b""):
        found = attached(data or b"x", "application/pkcs7-mime; name=smime.p7m")
        assert [file.name for file in found.files] == ["smime.p7m"]


def test_a_signature_inside_a_signature_inside_a_signature_ends() -> None:
    data = b"Content-Type: text/plain\r\n\r\nInnermost"
    for _ in range(3):
        wrapped = signed(data)
        head = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        data = head + base64.encodebytes(wrapped)
    assert parse(b"From: kim@customer.example\r\n" + data).text == "Innermost"


def test_outlooks_file_beside_words_adds_its_files_and_repeats_no_words() -> None:
    raw = (INBOX / "08-winmail-dat.eml").read_bytes().replace(b"us-ascii\n\n", b"us-ascii\n\nMy own words.\n")
    found = parse(raw)
    assert (found.text, [(file.name, file.data) for file in found.files]) == (
        "My own words.",
        [("prices.csv", b"item;price\nlamp;12\n")],
    )


@given(st.binary(max_size=400), st.integers(0, 300))
def test_no_bytes_break_the_openers(data: bytes, cut: int) -> None:
    whole = b"\x78\x9f\x3e\x22\x01\x00" + data
    for one in (data, whole, smime()[:cut] + data):
        containers.winmail(one)
        containers.signed_mail(one)
        calendars.words(one)
        calendars.words(b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + one + b"\nEND:VEVENT\nEND:VCALENDAR")


def event(*lines: str, method: str = "REQUEST", zone: str = "") -> bytes:
    whole = ["BEGIN:VCALENDAR", f"METHOD:{method}", zone, "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"]
    return "\r\n".join(line for line in whole if line).encode()


SEOUL = (
    "BEGIN:VTIMEZONE\r\nTZID:Korea Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
    "TZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE"
)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            event("DTSTART;TZID=Korea Standard Time:20261201T180000", "SUMMARY:방문", "LOCATION:서울", zone=SEOUL),
            "방문\n1 December 2026 18:00 Korea Standard Time (1 December 2026 09:00 UTC)\n서울",
        ),
        (
            event("DTSTART:20261201T233000Z", "DTEND:20261202T003000Z", "SUMMARY:Visit\\, bring tools"),
            "Visit, bring tools\n1 December 2026 23:30 UTC to 2 December 2026 00:30 UTC",
        ),
        (
            event("DTSTART;TZID=America/Los_Angeles:20261201T200000", "SUMMARY:Call"),
            "Call\n1 December 2026 20:00 America/Los_Angeles (2 December 2026 04:00 UTC)",
        ),
        (event("DTSTART;VALUE=DATE:20261224", "SUMMARY:Closed"), "Closed\n24 December 2026"),
        (event("DTSTART:20261201T100000", "SUMMARY:Here"), "Here\n1 December 2026 10:00"),
        (event("DTSTART:20261201T100000", "DURATION:PT1H", "SUMMARY:Here"), "Here\n1 December 2026 10:00"),
        (
            event("DTSTART;TZID=America/New_York:20261101T000000", "DURATION:PT8H", "SUMMARY:Night"),
            "Night\n1 November 2026 00:00 America/New_York (1 November 2026 04:00 UTC) to 1 November 2026 12:00 UTC",
        ),
        (
            event('SUMMARY;ALTREP="http://site.example:80/x;y":Visit', "DESCRIPTION:First\\nSecond"),
            "Visit\nFirst\nSecond",
        ),
        (
            event("SUMMARY:Visit", "BEGIN:VALARM", "DESCRIPTION:REMINDER", "SUMMARY:Alarm", "END:VALARM"),
            "Visit",
        ),
        (
            event("DTSTART:20261201T090000Z", "SUMMARY:Visit", method="CANCEL"),
            "Cancelled: Visit, 1 December 2026 09:00 UTC",
        ),
        (
            event(
                "DTSTART:20261201T090000Z",
                "SUMMARY:Visit",
                'ATTENDEE;CN="Doe: Kim";PARTSTAT=ACCEPTED:mailto:kim@customer.example',
                "COMMENT:I bring the lamp",
                method="REPLY",
            ),
            "Accepted: Visit, 1 December 2026 09:00 UTC (Doe: Kim <kim@customer.example>)\nI bring the lamp",
        ),
        (
            event(
                "SUMMARY:Visit", "ATTENDEE;CN=Doe: Kim;PARTSTAT=DECLINED:mailto:kim@customer.example", method="REPLY"
            ),
            "Declined: Visit (Doe <kim@customer.example>)",
        ),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Not closed\nBEGIN:VALARM\nDESCRIPTION:REMINDER\nEND:VALARM",
            "Not closed",
        ),
    ],
    ids=[
        "zone",
        "utc",
        "next day",
        "day",
        "floating",
        "floating with a length",
        "length over the clock change",
        "colon",
        "alarm",
        "cancelled",
        "accepted",
        "bare colon",
        "broken",
    ],
)
def test_an_invitation_is_read_with_its_time_and_zone_and_without_its_alarm(data: bytes, words: str) -> None:
    assert calendars.words(data).whole == words


def test_a_korean_invitation_folded_inside_a_letter_is_read() -> None:
    line = "SUMMARY:견적서를 검토하는 회의입니다".encode()
    for cut in range(9, len(line)):
        data = (
            b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"
            + line[:cut]
            + b"\r\n "
            + line[cut:]
            + b"\r\nEND:VEVENT\r\nEND:VCALENDAR"
        )
        assert calendars.words(data, "utf-8").whole == "견적서를 검토하는 회의입니다"


def test_a_time_zone_that_changes_every_second_keeps_nobody_busy() -> None:
    zone = SEOUL.replace("TZOFFSETFROM", "RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM").replace("16010101", "19700101")
    data = event("DTSTART;TZID=Korea Standard Time:20261201T180000", "SUMMARY:Visit", zone=zone)
    assert calendars.words(data).whole.startswith("Visit\n1 December 2026 18:00")


@pytest.mark.parametrize(
    ("text", "delete_space", "wanted"),
    [
        ("The lamp has \nstopped.\n\nKim", False, "The lamp has stopped.\n\nKim"),
        ("주문이 아직 안 \n왔어요", True, "주문이 아직 안왔어요"),
        ("> It is \n> broken.\nYes, \nit is.", False, "> It is broken.\nYes, it is."),
        (">> deep \n> less", False, ">> deep \n> less"),
        (" >not a quote\n From the start", False, ">not a quote\nFrom the start"),
        ("Words \n-- \nKim", False, "Words \n-- \nKim"),
    ],
)
def test_lines_that_a_program_broke_softly_are_whole_again(text: str, delete_space: bool, wanted: str) -> None:
    assert unflowed(text, delete_space=delete_space) == wanted
    yes = "; delsp=yes" if delete_space else ""
    found = mail(f"Content-Type: text/plain; charset=utf-8; format=flowed{yes}", text)
    assert found.text == wanted.strip()


def test_korean_in_seven_bits_is_korean() -> None:
    words = "주문이 아직 안 왔어요"
    data = words.encode("iso2022_kr")
    assert charsets.decode(data, "iso-2022-kr") == words
    assert charsets.decode(data) == words
    assert mail("Content-Type: text/plain; charset=ISO-2022-KR\r\nContent-Transfer-Encoding: 7bit", data).text == words
    coded = base64.b64encode(data).decode()
    assert mail(f"Subject: =?ISO-2022-KR?B?{coded}?=", "x").headers.text("subject") == words
    assert charsets.decode(words.encode("euc-kr"), "iso-2022-kr") == words


def test_a_stub_beside_html_hides_no_words_and_words_beside_html_are_not_lost() -> None:
    def both(plain: str, html: str) -> str:
        parts = (
            f"--b\r\nContent-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--"
        )
        return words_of(mail("Content-Type: multipart/alternative; boundary=b", parts)).text

    letter = (
        "My order 7731 came broken. I want a refund. " * 3 + "It is the blue one with two handles, bought last week."
    )
    assert both("Ihr Programm kann kein HTML anzeigen.", f"<p>{letter}</p>") == letter
    assert both("My order", f"<p>{letter}</p>") == letter
    assert both(letter, f"<p>{letter}</p>") == letter
    assert both("Order 7731", "<p>It is broken</p>") == "Order 7731\n\nIt is broken"
    assert both("It is broken", "<img src=x>") == "It is broken"


def test_names_turn_nobodys_eyes_around() -> None:
    raw = "From: Pay\u202eLap <a@b.example>\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a\u2066b.pdf\r\n\r\nx"
    found = parse(raw.encode())
    assert found.headers.addresses("from")[0].name == "PayLap"
    assert [file.name for file in found.files] == ["ab.pdf"]


def test_a_raw_name_takes_the_charset_of_the_words_beside_it() -> None:
    head = "Content-Type: multipart/mixed; boundary=b"
    parts = "--b\r\nContent-Type: text/plain; charset=euc-kr\r\n\r\n견적서를 보냅니다\r\n--b\r\nContent-Type: application/pdf; name=견적서.pdf\r\n\r\nx\r\n--b--"
    assert [file.name for file in mail(head, parts.encode("euc-kr")).files] == ["견적서.pdf"]


def test_headers_whose_line_ends_were_doubled_are_headers() -> None:
    raw = b"From: kim@customer.example\r\r\nSubject: Case\r\r\nContent-Type: text/plain; charset=utf-8\r\r\n\r\r\nWords\r\r\nmore\r\r\n"
    found = parse(raw)
    assert (found.headers.text("subject"), found.text) == ("Case", "Words\nmore")
