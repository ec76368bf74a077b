"""Mails of the street: in by SMTP, and what the desk sent back, from the folder where the practice
system keeps it."""

from __future__ import annotations

import email
import email.policy
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formataddr, localtime, make_msgid
from pathlib import Path
from typing import Any

from deploy.local.problem import Problem

_NEWEST = 50


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail to write. `answers`: Message-ID and References of the mail that it is an answer to."""

    name: str
    address: str
    to: str
    subject: str
    text: str
    answers: tuple[str, str] | None = None


def send(smtp: tuple[str, int], letter: Outgoing) -> None:
    """Sends a mail by SMTP. Raises Problem."""
    mail = EmailMessage()
    mail["From"] = formataddr((letter.name, letter.address))
    mail["To"] = letter.to
    mail["Subject"] = letter.subject
    mail["Message-ID"] = make_msgid("street", "example.org")
    mail["Date"] = localtime()
    if letter.answers:
        answered, references = letter.answers
        mail["In-Reply-To"] = answered
        mail["References"] = f"{references} {answered}".strip()
    mail.set_content(letter.text)
    try:
        with smtplib.SMTP(*smtp, timeout=20) as session:
            session.send_message(mail, letter.address, [letter.to])
    except (OSError, smtplib.SMTPException) as error:
        raise Problem(f"the mail door at {smtp[0]}:{smtp[1]} did not take the mail ({error})") from error


def received(folder: Path) -> list[dict[str, Any]]:
    """Returns what the desk has sent, newest first: `id`, `references`, `to`, `answer_to`,
    `subject`, `text`, `at` (seconds since 1970)."""
    files = sorted(folder.glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True) if folder.is_dir() else []
    return [_read(path) for path in files[:_NEWEST]]


def _read(path: Path) -> dict[str, Any]:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = mail.get_body(("plain",))
    return {
        "id": str(mail["Message-ID"] or ""),
        "references": str(mail["References"] or ""),
        "to": str(mail["To"] or ""),
        "answer_to": email.utils.parseaddr(str(mail["Reply-To"] or mail["From"] or ""))[1],
        "subject": str(mail["Subject"] or ""),
        "text": body.get_content() if body else "",
        "at": path.stat().st_mtime,
    }
