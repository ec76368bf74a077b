"""Through the real doors: SMTP for mails, the dashboard's HTTP API for messages."""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from email.utils import localtime
from uuid import uuid4

import jwt

from deploy.demo.cast import MAILBOX, Letter, Post, mail
from deploy.demo.running import Problem, System, call


@dataclass(frozen=True, slots=True)
class Sent:
    """What to look for at the desk: an author's contact point (empty where only the id tells) and how the text begins."""

    title: str
    author: str = ""
    text: str = ""
    id: str = ""


def send_mails(system: System, letters: tuple[Letter, ...]) -> list[Sent]:
    """One SMTP session each, as from different people. Raises Problem."""
    ids: list[str] = []
    sent = []
    for letter in letters:
        message = mail(letter, () if letter.answers is None else (ids[letter.answers],))
        message["Date"] = localtime()
        ids.append(str(message["Message-ID"]))
        try:
            with smtplib.SMTP(*system.smtp, timeout=30) as smtp:
                smtp.send_message(message, letter.address, [MAILBOX])
        except (OSError, smtplib.SMTPException) as error:
            host, port = system.smtp
            raise Problem(
                f"the mail door at {host}:{port} did not take a mail ({error}): look at what `make run` prints"
            ) from error
        sent.append(
            Sent(f"mail from {letter.name}: {letter.subject}", f"email:{letter.address}", letter.text.split("\n", 1)[0])
        )
    return sent


def send_posts(system: System, posts: tuple[Post, ...]) -> list[Sent]:
    """Signed where the author is signed in, else with a visitor's session. Raises Problem."""
    return [_send_post(system, post) for post in posts]


def _send_post(system: System, post: Post) -> Sent:
    site = system.site
    if post.claims:
        now = int(time.time())
        claims = {**post.claims, "aud": site["site"], "iat": now, "exp": now + 600}
        token = jwt.encode(claims, site["secret"], algorithm="HS256", headers={"kid": site["kid"]})
    else:
        token = call(f"{system.dashboard}/api/v1/sessions", {"site": site["key"]})["token"]
    headers = {"X-Site-Key": site["key"], "Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    body = {"text": post.text, "subject": post.subject, "facts": dict(post.facts)}
    answer = call(f"{system.dashboard}/api/v1/messages", body, headers)
    return Sent(f"dashboard message from {post.claims.get('name', 'a visitor')}: {post.subject}", id=str(answer["id"]))
