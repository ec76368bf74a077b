"""Checks and cleans what a customer wrote: limits, and text that every database and screen can
hold."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.dashboard.domain.refusal import Refusal
from shared.events import Attachment, InboundMessage, ThreadClues
from shared.kernel import ContactPoint, message_id

MAX_TEXT = 20_000
"""Characters: about ten printed pages."""
MAX_SUBJECT = 200
MAX_FACTS, MAX_FACT_NAME, MAX_FACT = 40, 64, 500
MAX_PAGE = 2_000
"""Browsers and servers cut addresses near this length."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that is fit to be accepted."""

    text: str
    subject: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    wish: str = ""
    """The channel on which its author asks to be answered, or empty."""

    def fingerprint(self, attachments: tuple[Attachment, ...]) -> str:
        """Distinguishes two messages that were sent under one idempotency key."""
        wish = [self.wish] if self.wish else []
        body = json.dumps([self.text, self.subject, sorted(self.facts.items()), [a.sha256 for a in attachments], *wish])
        return hashlib.sha256(body.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Author:
    """Who speaks. `point` is their contact point on this channel."""

    point: ContactPoint
    verified: bool = False
    name: str = ""
    also: tuple[ContactPoint, ...] = ()
    birth_year: int | None = None
    tier: str = ""
    locale: str = ""


def draft(
    text: str, subject: str = "", facts: Mapping[str, object] | None = None, page: str = "", *, has_files: bool = False
) -> Draft:
    """Checks and cleans a message. Its text is only text: nothing is read as HTML or SQL. Raises
    Refusal."""
    body = clean(text).strip()
    if not body and not has_files:
        raise Refusal("text-missing", "write a message: `text` is empty", "text")
    if len(body) > MAX_TEXT:
        raise Refusal(
            "text-too-long",
            f"the message has {len(body):,} characters, at most {MAX_TEXT:,} are taken: attach a file",
            "text",
        )
    title = " ".join(clean(subject).split())
    if len(title) > MAX_SUBJECT:
        raise Refusal("subject-too-long", f"the subject may have at most {MAX_SUBJECT} characters", "subject")
    known = {_fact_name(name): _fact(name, value) for name, value in (facts or {}).items()}
    if len(known) > MAX_FACTS:
        raise Refusal("facts-too-many", f"at most {MAX_FACTS} facts are taken", "facts")
    address = clean(page).strip()
    if len(address) > MAX_PAGE:
        raise Refusal("page-too-long", f"`page` may have at most {MAX_PAGE:,} characters", "page")
    return Draft(body, title, {**known, "page": address} if address else known)


def idempotency_key(value: str) -> str:
    """Checks an idempotency key and returns it. Raises Refusal where it is missing or unusable."""
    if not value:
        raise Refusal(
            "idempotency-key-missing",
            "send the header Idempotency-Key with a new random value, such as a UUID, for each message, and the same one when you retry",
            "Idempotency-Key",
        )
    if not _KEY.fullmatch(value):
        raise Refusal(
            "idempotency-key-wrong",
            "Idempotency-Key must be 1 to 200 visible ASCII characters, such as a UUID",
            "Idempotency-Key",
        )
    return value


def inbound(
    message: Draft,
    author: Author,
    *,
    site: str,
    conversation: str,
    key: str,
    now: datetime,
    language: str,
    live: bool,
    attachments: tuple[Attachment, ...] = (),
) -> InboundMessage:
    """Makes the event. Its id is derived from conversation and key, so that the same key is the
    same message for ever."""
    provider_id = f"{conversation}:{key}"
    return InboundMessage(
        id=message_id("chat", provider_id),
        channel="chat",
        provider_id=provider_id,
        sender=author.point,
        received_at=now,
        text=message.text,
        sender_name=author.name,
        sender_verified=author.verified,
        also=author.also,
        recipient=site,
        subject=message.subject,
        language=language or author.locale,
        attachments=attachments,
        thread=ThreadClues(conversation=conversation),
        live=live,
        birth_year=author.birth_year,
        tier=author.tier,
        wish=message.wish,
        facts=dict(message.facts),
    )


def clean(text: str) -> str:
    """Normalises line ends to line feeds and drops control characters and lone surrogates, which
    PostgreSQL and JSON cannot hold."""
    whole = text.encode("utf-8", "replace").decode()
    return _CONTROL.sub("", whole.replace("\r\n", "\n").replace("\r", "\n"))


def _fact_name(name: str) -> str:
    tidy = " ".join(clean(name).split())
    if not tidy or len(tidy) > MAX_FACT_NAME:
        raise Refusal("fact-name", f"the name of a fact has 1 to {MAX_FACT_NAME} characters", "facts")
    return tidy


def _fact(name: str, value: object) -> str:
    text = clean(str(value)).strip()
    if len(text) > MAX_FACT:
        raise Refusal(
            "fact-too-long", f"the fact {clean(name)[:MAX_FACT_NAME]!r} may have at most {MAX_FACT} characters", "facts"
        )
    return text
