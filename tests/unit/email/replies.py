"""Mails of `tests/data/automatic/replies.toml`: what programs and people say, without a header that
tells which of them it was."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import NamedTuple

from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse

DATA = Path(__file__).parents[2] / "data" / "automatic" / "replies.toml"
CONTEXT = Context(Mailboxes.parse("support@helpdesk.example.org"), "a secret that is long enough for anybody", ())
PEOPLE = frozenset({"asks", "answers"})
_ANSWERS = frozenset({"receipt", "absent", "answers"})


class Reply(NamedTuple):
    """A mail that was read. `automatic`: as a program's; `right`: as what it is."""

    language: str
    kind: str
    automatic: bool

    @property
    def right(self) -> bool:
        """Whether it was taken for what it is."""
        return self.automatic != (self.kind in PEOPLE)


def replies() -> Iterator[Reply]:
    """Reads each of them."""
    for language, mails in tomllib.loads(DATA.read_text()).items():
        for kind, (subject, text) in mails.items():
            mail = EmailMessage(policy=SMTP)
            mail["From"], mail["To"], mail["Subject"] = "Kim <kim@example.net>", "support@helpdesk.example.org", subject
            mail["Message-ID"] = f"<{kind}.{language}@example.net>"
            if kind in _ANSWERS:
                mail["In-Reply-To"] = "<answer@helpdesk.example.org>"
            mail.set_content(text)
            envelope = Envelope("kim@example.net", ("support@helpdesk.example.org",))
            found = read(parse(mail.as_bytes()), envelope, CONTEXT, "raw", datetime(2026, 11, 30, tzinfo=UTC))
            yield Reply(language, kind, bool(found.message.automatic))
