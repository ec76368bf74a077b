"""Whatever mail system sends an answer back, in whatever language: it is never a customer's
message, and an agent is told whom it did not reach, whether for good, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.email.domain.automatic import automatic
from services.email.domain.bounces import returned
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse

RETURNED = Path(__file__).parents[2] / "data" / "returned"
EXPECTED: dict[str, dict[str, object]] = json.loads((RETURNED / "expected.json").read_text())
OURS = Mailboxes.parse("support@helpdesk.example.org")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_mail_that_came_back_says_whom_it_missed_and_why(name: str) -> None:
    wanted = dict(EXPECTED[name])
    mail = parse((RETURNED / f"{name}.eml").read_bytes())
    sender = wanted.pop("mail_from", None)
    assert automatic(mail, sender if isinstance(sender, str) else None, OURS) == "bounce"
    told = returned(mail, ["support@helpdesk.example.org"])
    assert told is not None
    found = {"system": told.dialect, "fate": told.fate, "reason": told.reason, "recipients": list(told.recipients)}
    assert found == wanted


def test_every_mail_in_the_folder_has_an_expectation() -> None:
    assert {path.stem for path in RETURNED.glob("*.eml")} == set(EXPECTED)


PASTED = "This is the mail system at host mx.example.net.\n\n<kim@example.net>: 550 5.1.1 User unknown"
PEOPLE = {
    "pasted below a question": ("Kim <kim@example.net>", "Your address", f"I got this back: what is wrong?\n\n{PASTED}"),
    "pasted and nothing else": ("Kim <kim@example.net>", "Undelivered Mail Returned to Sender", PASTED),
    "forwarded": ("Kim <kim@example.net>", "Fwd: Undelivered Mail Returned to Sender", f"Look.\n\n{PASTED}"),
    "postmaster who forwards": ("Lee <postmaster@example.net>", "Fwd: Undelivered Mail", f"{PASTED}"),
    "postmaster who explains": (
        "Lee <postmaster@example.net>",
        "Your mail",
        "Our server refuses you with 550 5.7.1 since Monday. Please call me, or write to kim@example.net.",
    ),
    "administrator by name": ("관리자 <lee@example.net>", "메일 문의", "메일이 반송되는데 확인 부탁드립니다. 550 5.1.1 이라고 나옵니다."),
    "administrator who explains": ("System Administrator <lee@example.net>", "Your mail", "Your message was not delivered because our filter was down. Please send it again."),
    "quotes a code": ("Kim <kim@example.net>", "Mail delivery failed?", "My mails to you come back with 550 5.1.1 unknown user."),
    "parcel": ("Kim <kim@example.net>", "Delivery failed", "My parcel was not delivered to: the right house."),
    "parcel in German": ("Kim <kim@example.net>", "Nicht zugestellt", "Mein Paket wurde nicht zugestellt. Bitte helfen Sie."),
    "parcel in French": ("Kim <kim@example.net>", "Colis non remis", "Mon colis n'a pas pu être remis, où est-il ?"),
    "parcel in Korean": ("Kim <kim@example.net>", "배송 실패", "택배가 반송되었다고 합니다. 다시 보내 주세요."),
    "asks about a challenge": (
        "Kim <kim@example.net>",
        "Link?",
        "You sent: 'Just this once, click the link below so I can receive your emails'. Is it safe?",
    ),
}  # fmt: skip


BY_ENVELOPE = "administrator who explains"
"""Only the envelope tells this person from a program that calls itself so."""


@pytest.mark.parametrize(
    ("story", "known"), [(story, known) for story in PEOPLE for known in (True, False) if known or story != BY_ENVELOPE]
)
def test_a_person_who_writes_about_what_came_back_is_a_person(story: str, known: bool) -> None:
    author, subject, text = PEOPLE[story]
    mail = parse(f"From: {author}\nSubject: {subject}\n\n{text}".encode())
    envelope = mail.headers.addresses("from")[0].address if known else None
    assert automatic(mail, envelope, OURS) == ""


def test_a_person_who_passes_a_whole_report_on_is_a_person() -> None:
    report = (RETURNED / "report-postfix.eml").read_bytes()
    status = report[report.index(b"--=_r") :]
    for kind, inner in ((b"message/rfc822", report), (b"text/plain", b"See below."), (b"text/html", b"<p>See below.")):
        head = b"From: Kim <kim@example.net>\nSubject: Fwd: Undelivered Mail\nContent-Type: multipart/mixed; boundary="
        raw = head + b'"=_m"\n\n--=_m\n\nWhy?\n--=_m\nContent-Type: ' + kind + b"\n\n" + inner + b"\n--=_m--\n"
        assert automatic(parse(raw), "kim@example.net", OURS) == ""
    parts = head + b'"=_r"\n\n--=_r\n\nWhy?\n' + status  # as Apple Mail puts a report's parts beside one's own words
    assert automatic(parse(parts), "kim@example.net", OURS) == ""
    assert automatic(parse(parts), "", OURS) == "bounce"


def test_of_addresses_in_passing_the_one_that_our_mail_went_to_is_meant() -> None:
    words = "We are sorry, 550 5.1.1. Write to help@example.net about kim@example.net, please."
    copy = "From: support@helpdesk.example.org\nTo: Kim <kim@example.net>\nSubject: Re: Lamp\n\nPlease restart it."
    told = returned(parse(f"From: MAILER-DAEMON@mx.example.net\n\n{words}\n\n{copy}".encode()), [])
    assert told is not None
    assert told.recipients == ("kim@example.net",)


def test_an_address_of_no_character_at_all_is_left_out_and_the_rest_is_read() -> None:
    fields = "Final-Recipient: utf-8; a\\x{110000}@example.net\nAction: failed\nStatus: 5.1.1"
    raw = f"Content-Type: message/global-delivery-status\n\nReporting-MTA: dns; x\n\n{fields}"
    told = returned(parse(f"From: MAILER-DAEMON@mx.example.net\n{raw}".encode()), [])
    assert told is not None
    assert told.recipients == ("a@example.net",)


def test_a_daemon_who_says_nothing_of_a_mail_has_nothing_to_report() -> None:
    assert returned(parse(b"From: MAILER-DAEMON@mx.example.net\n\nHello?"), []) is None


def test_an_address_that_hands_on_is_an_alias_of_the_one_that_failed() -> None:
    told = returned(parse((RETURNED / "report-of-an-address-that-hands-on.eml").read_bytes()), [])
    assert told is not None
    assert (told.recipients, told.aliases) == (("kim.doe@example.com",), ("kim@example.net",))
