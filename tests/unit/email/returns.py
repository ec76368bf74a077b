"""Mails that came back, as mail systems write them: each layout of `tests/data/returned/forms.toml`
for each reason and several addresses; and people who paste and tell of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from services.email.domain.automatic import automatic
from services.email.domain.bounces import Fate, returned
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import parse

FORMS: dict[str, Any] = tomllib.loads((Path(__file__).parents[2] / "data" / "returned" / "forms.toml").read_text())
OURS = Mailboxes.parse("support@helpdesk.example.org")
MISSED = (
    ("kim@example.net",),
    ("pat.o'neil+lamps@post.example.net",),
    ("0912345@mail.example.org",),
    ("kim_doe-2@example.net", "lee@mail.example.co.uk"),
)
"""Whom it did not reach."""
LATE = "late"
"""Beside the reasons: not reached yet, and still tried."""
COPY = """Return-Path: <support@helpdesk.example.org>
Received: from relay.example.org (192.0.2.7) by mx.example.org; Mon, 30 Nov 2026 04:00:00 +0000
From: Support <support@helpdesk.example.org>
To: {to}
Subject: Re: Lamp
Message-ID: <answer@helpdesk.example.org>

Please restart it.
"""


class Form(NamedTuple):
    """How a system writes in a language; `report`: whether a report stands beside the words."""

    system: str
    language: str
    sender: str
    subject: str
    body: str
    late: str
    line: str = "{to}"
    report: bool = False
    late_subject: str = ""


class Case(NamedTuple):
    """A mail that came back, and what it should be read as."""

    form: Form
    reason: str
    fate: Fate
    missed: tuple[str, ...]
    words: str

    @property
    def raw(self) -> bytes:
        """The mail as it came."""
        subject = self.form.subject if self.fate is Fate.FAILED else self.form.late_subject
        head = f"From: {self.form.sender}\nTo: support@helpdesk.example.org\nSubject: {subject}\nMIME-Version: 1.0\n"
        copy = COPY.format(to=", ".join(self.missed))
        plain = f"Content-Type: text/plain; charset=utf-8\n\n{self.words}\n"
        if not self.form.report:
            return f"{head}{plain}\n{copy}".encode()
        action = "delayed" if self.fate is Fate.DELAYED else "failed"
        code, answer = FORMS["answer"][self.reason]
        people = "".join(
            f"\nFinal-Recipient: rfc822; {to}\nAction: {action}\nStatus: {code}\nDiagnostic-Code: smtp; {answer.format(to=to)}\n"
            for to in self.missed
        )
        parts = (
            plain,
            f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n{people}",
            f"Content-Type: message/rfc822\n\n{copy}",
        )
        body = "".join(f"--=_r\n{part}\n" for part in parts)
        return f'{head}Content-Type: multipart/report; report-type=delivery-status; boundary="=_r"\n\n{body}--=_r--\n'.encode()


class Read(NamedTuple):
    """What a mail was read as, beside what it is."""

    case: Case
    recognised: bool
    address: bool
    fate: bool
    reason: bool


def forms() -> Iterator[Form]:
    """Yields the layouts of all systems in all their languages."""
    for language, words in FORMS["exchange"].items():
        named = (
            "Exchange, Microsoft 365",
            language,
            "Microsoft Outlook <postmaster@mail.example.org>",
            words["subject"],
        )
        line, delayed = "{to}<mailto:{to}>\n{why}\n", words["late_subject"]
        body, late = (f"{words[kind]}\n\n{{people}}" for kind in ("first", "late"))
        admins = "\nDiagnostic information for administrators:\n\nGenerating server: mail.example.org\n\n{answers}"
        yield Form(*named, f"{body}{admins}", f"{late}{admins}", line, late_subject=delayed)
        yield Form(*named, body, late, line, report=True, late_subject=delayed)
        for reports in (True, False):
            yield Form(*named, f"{words['one']}\n\n{{why}}", "", report=reports)
    for language, words in FORMS["gmail"].items():
        named = ("Gmail", language, "Mail Delivery Subsystem <mailer-daemon@googlemail.example.org>")
        subject, delayed = (f"Delivery Status Notification ({what})" for what in ("Failure", "Delay"))
        body, late = (f"{words[kind]}\n\n{words['answer']}\n{{answer}}" for kind in ("first", "late"))
        for reports in (True, False):
            yield Form(*named, subject, body, late, report=reports, late_subject=delayed)
    for language, words in FORMS["postfix"].items():
        named = ("Postfix", language, "Mail Delivery System <MAILER-DAEMON@mx.example.org>")
        subject, delayed = "Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)"
        body = f"This is the mail system at host mx.example.org.\n\n{words}\n\n{{people}}"
        line = "<{to}>: host mx.example.net[192.0.2.9] said: {answer}"
        yield Form(*named, subject, body, body, line, report=True, late_subject=delayed)
        yield Form(*named, subject, body, "", line)
    for language, (message, subject, missed, why) in FORMS["domino"].items():
        body = f"{message}\n\n  {subject}: Re: Lamp\n\n{missed}\n\n{{people}}\n\n{why}\n\n  {{why}}"
        yield Form("Domino", language, "Postmaster@domino.example.org", "DELIVERY FAILURE: kim", body, "", "  {to}")
    for host in FORMS["host"]:
        named = (host["system"], host["language"], host["from"], host["subject"], host["body"])
        line, late = host.get("line", "{to}"), host.get("late", "")
        yield Form(*named, late, line, late_subject=host.get("late_subject", ""))


def cases() -> Iterator[Case]:
    """Yields each layout for each reason and, where it may name several, for several addresses."""
    for form in forms():
        for reason in (*FORMS["answer"], LATE):
            body, cause = (form.late, "unreachable") if reason == LATE else (form.body, reason)
            fate = Fate.DELAYED if reason == LATE else Fate.FAILED
            for missed in _missed(body):
                yield Case(form, cause, fate, missed, _words(form, body, cause, missed))


def _missed(body: str) -> tuple[tuple[str, ...], ...]:
    """Returns three lists of addresses, of which one has two where this layout may name two."""
    return ((*MISSED[:2], MISSED[3]) if "{people}" in body else MISSED[:3]) if body else ()


def _words(form: Form, body: str, reason: str, missed: tuple[str, ...]) -> str:
    why = FORMS["why" if missed == MISSED[0] else "other"][form.language][reason]
    answer = FORMS["answer"][reason][1]
    each = [{"to": to, "why": why, "answer": answer.format(to=to)} for to in missed]
    people = "\n".join(form.line.format(**one) for one in each)
    answers = "\n\n".join(f"{one['to']}\n#{one['answer']} ##rfc822;{one['to']}" for one in each)
    return body.format(people=people, answers=answers, **each[0])


def read(case: Case) -> Read:
    """Reads a mail as the service does."""
    mail = parse(case.raw)
    told = returned(mail, ["support@helpdesk.example.org"])
    return Read(
        case,
        automatic(mail, "", OURS) == "bounce",
        told is not None and told.recipients == case.missed,
        told is not None and told.fate is case.fate,
        told is not None and told.reason == case.reason,
    )


def people() -> Iterator[tuple[str, str, bool]]:
    """Yields language, text, and whether it was taken for a program's, of people: who paste what
    they got back below a word of theirs; who paste it and write nothing; and who tell of it. Of
    every other one the envelope is not known, as in a mailbox."""
    alone = (case for case in cases() if case.missed == MISSED[0])
    for number, case in enumerate(alone):
        why = FORMS["why"][case.form.language][case.reason]
        answer = FORMS["answer"][case.reason][1].format(to="kim@example.net")
        head = f"From: Kim Doe <kim@example.net>\nSubject: {case.form.subject}\nContent-Type: text/plain; charset=utf-8"
        for text in (f"Lamp?\n\n{case.words}", case.words, f"{why} {answer}\n\nKim"):
            mail = parse(f"{head}\n\n{text}".encode())
            yield case.form.language, text, automatic(mail, "kim@example.net" if number % 2 else None, OURS) != ""
