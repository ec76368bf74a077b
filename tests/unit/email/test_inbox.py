"""Mails that other desks tripped over: whoever wrote them is read as a person would, and what no
person wrote is told apart."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse

INBOX = Path(__file__).parents[2] / "data" / "inbox"
EXPECTED: dict[str, dict[str, object]] = json.loads((INBOX / "expected.json").read_text())
CONTEXT = Context(Mailboxes.parse("support@helpdesk.test"), "a secret that is long enough for anybody", ("en", "fr"))


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_mail_that_others_tripped_over_is_read_right(name: str) -> None:
    wanted = EXPECTED[name] | {}
    mail = parse((INBOX / f"{name}.eml").read_bytes())
    envelope = Envelope(str(wanted.pop("mail_from", "kim@customer.test")), ("support@helpdesk.test",))
    reading = read(mail, envelope, CONTEXT, "sha256/raw", datetime(2026, 11, 30, tzinfo=UTC))
    message = reading.message
    found: dict[str, object] = {
        "text": message.text,
        "subject": message.subject,
        "files": [file.name for file in reading.files],
        "sender": message.sender.removeprefix("email:"),
        "name": message.sender_name,
        "automatic": message.automatic,
    }
    assert {key: found[key] for key in wanted} == wanted
    assert message.raw_uri == "sha256/raw"


def test_every_mail_in_the_folder_has_an_expectation() -> None:
    assert {path.stem for path in INBOX.glob("*.eml")} == set(EXPECTED)
