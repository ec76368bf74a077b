"""An automatic reply is one though no header says so, in forty languages; a person who speaks of
holidays, offices and automatic replies is a person in all of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.email.domain import away
from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse

AUTOMATIC = Path(__file__).parents[2] / "data" / "automatic"
EXPECTED: dict[str, dict[str, str]] = json.loads((AUTOMATIC / "expected.json").read_text())
CONTEXT = Context(Mailboxes.parse("support@helpdesk.example.org"), "a secret that is long enough for anybody", ())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_who_wrote_is_told_by_words_as_well(name: str) -> None:
    wanted = EXPECTED[name]
    envelope = Envelope(wanted["mail_from"], ("support@helpdesk.example.org",))
    mail = parse((AUTOMATIC / f"{name}.eml").read_bytes())
    found = read(mail, envelope, CONTEXT, "sha256/raw", datetime(2026, 11, 30, tzinfo=UTC))
    assert found.message.automatic == wanted["automatic"]


def test_every_mail_in_the_folder_has_an_expectation() -> None:
    assert {path.stem for path in AUTOMATIC.glob("*.eml")} == set(EXPECTED)


def test_every_language_has_an_automatic_reply_and_a_person() -> None:
    for kind in ("away", "person", "person-answers"):
        assert {f"{kind}-{language.code}" for language in away.LANGUAGES} <= set(EXPECTED)
