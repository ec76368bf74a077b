"""A parsed mail → the event that the rest of Switchboard reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.email.domain.archives import dated
from services.email.domain.authentication import Results, Standing, Verdict, author_of, judged, vouched, written
from services.email.domain.automatic import automatic, receipt_for
from services.email.domain.bounces import Returned, returned
from services.email.domain.files import File
from services.email.domain.footers import without_list_footer
from services.email.domain.forwards import original_author
from services.email.domain.headers import Headers
from services.email.domain.loops import Kept, kept
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import Mail
from services.email.domain.quotes import without_quotes, without_quotes_of_html
from services.email.domain.references import answers_a_mail_of_ours, clues
from services.email.domain.senders import from_a_list, sender_of
from services.email.domain.sent import NOTHING, Sent
from services.email.domain.spam import spam
from shared.events import InboundMessage
from shared.kernel import email_point, message_id
from shared.language import detect
from shared.markup import fits
from shared.text import clean_html

MAX_TEXT, MAX_HTML = 200_000, 300_000
"""Bytes in the event. Beyond, the whole text comes along as a file: Kafka is no place for books."""
LONGEST_ADDRESS, MOST_COPIES = 200, 48
"""Of whom else a mail is addressed to, as `InboundMessage` promises."""
_LANGUAGE_TAGS = re.compile(r"\b([a-zA-Z]{2})(?=[-,;\s]|$)")
_CUT = "\n\n[…]"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SMTP says of a mail. `sender`: empty or `<>` for a bounce, None where it is not known;
    `recipients`: the accepted ones, in order.

    `mailbox`: the one that it was taken out of, where that is all that is known; `junk`:
    out of its junk folder; `cut`: only the beginning could be taken.

    `client`, `helo`: the stranger's server that handed it to us, where the sender is ours to check;
    `by_others`: it was taken in for us by the mailbox's host or by a mail provider.
    """

    sender: str | None
    recipients: tuple[str, ...]
    mailbox: str = ""
    junk: bool = False
    cut: bool = False
    client: str = ""
    helo: str = ""
    by_others: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """What reading a mail depends on beside the mail."""

    mailboxes: Mailboxes
    secret: str
    languages: tuple[str, ...]
    trusted: frozenset[str] = frozenset()
    """Servers whose word about a sender counts (`domain/authentication.py`)."""
    sealers: frozenset[str] = frozenset()
    """Mailing lists that are believed what they say of a mail that they changed, by the domain that
    seals it (ARC)."""
    filters: tuple[str, ...] = ()
    """Spam filters of our own, by name (`domain/spam.py`)."""


@dataclass(frozen=True, slots=True)
class Words:
    """A mail's words, ready for the event, and the files to be stored with it."""

    mail: Mail
    text: str
    html: str
    files: tuple[File, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """All that a mail says. `message`: without its attachments, which are `files` until they are
    stored. `kept`: why it is no message; `returned`: what a returned mail says."""

    message: InboundMessage
    files: tuple[File, ...]
    whole: bool
    kept: Kept | None = None
    returned: Returned | None = None
    preset: tuple[str, ...] = ()
    """Languages that the sender's program is set to."""


def read(
    mail: Mail,
    envelope: Envelope,
    context: Context,
    raw_uri: str,
    received_at: datetime,
    sent: Sent = NOTHING,
    found: Results | None = None,
) -> Reading:
    """Reads a mail once and completely. The event's id is made of Message-ID, author and body: the
    sender's retry and the copy to another mailbox of ours make it again; the same Message-ID of
    another author or over another body is another message. `sent`: what we sent to its ticket;
    `found`: what we found out of its sender ourselves."""
    words = words_of(mail, sent)
    found = found or written(mail.headers, context.trusted)
    message = _message(words, envelope, context, raw_uri, received_at, found)
    why = kept(mail, message, context.mailboxes, context.secret)
    told = returned(mail, envelope.recipients) if why is Kept.RETURNED else None
    whole = words.whole and not envelope.cut
    return Reading(message, words.files, whole, why, told, preset(mail.headers))


def words_of(mail: Mail, sent: Sent = NOTHING) -> Words:
    """Returns the sender's own words without quotes and signature; the HTML whole and safe to
    show. What is too long for an event is cut there and kept whole as a file. `sent`: what we sent
    to this ticket."""
    extra = []
    text = without_list_footer(mail.text, of_a_list=from_a_list(mail.headers))
    if len(text.encode()) > MAX_TEXT:
        extra.append(File("message.txt", "text/plain", text.encode()))
        text = text.encode()[:MAX_TEXT].decode(errors="ignore") + _CUT
    text = _own_words(mail, text, sent)
    html = clean_html(mail.html) if mail.html else ""
    if len(html.encode()) > MAX_HTML:
        extra.append(File("message.html", "text/html", mail.html.encode()))
        html = ""
    known = {file.name for file in mail.files}
    files = (*mail.files, *(file for file in extra if file.name not in known))
    return Words(mail, text, html, files, mail.whole and fits(mail.html))


def _own_words(mail: Mail, text: str, sent: Sent) -> str:
    """Returns what the sender wrote: by the marks of HTML where the text is from it, or where the
    plain text does not tell what is quoted."""
    subject, answers = mail.headers.text("subject"), answers_a_mail_of_ours(mail.headers)
    plain = "" if mail.text_is_from_html else without_quotes(text, subject, answers=answers, sent=sent)
    if mail.html and (mail.text_is_from_html or plain == text):
        found = without_quotes_of_html(mail.html, subject, answers=answers, sent=sent)
        if found is not None:
            return without_list_footer(found[:MAX_TEXT], of_a_list=from_a_list(mail.headers)) or text
    return plain or without_quotes(text, subject, answers=answers, sent=sent)


def _message(
    words: Words,
    envelope: Envelope,
    context: Context,
    raw_uri: str,
    received_at: datetime,
    found: Results | None,
) -> InboundMessage:
    mail, headers = words.mail, words.mail.headers
    sender = sender_of(mail, envelope.sender, context.mailboxes)
    recipient = _recipient(headers, envelope, context.mailboxes)
    own_id = _own_id(mail, recipient, sender.address)
    forwarded = original_author(mail, context.mailboxes)
    verdict, junk = _verdict(found, headers, context), spam(headers, context.filters)
    forged = verdict is not None and verdict.standing is Standing.FORGED
    return InboundMessage(
        id=message_id("email", f"{own_id} {sender.address} {mail.body_sha256}"),
        channel="email",
        provider_id=own_id,
        sender=email_point(sender.address),
        sender_name=sender.name,
        doubt="dmarc" if forged else "junk" if envelope.junk else "spam" if junk else "",
        spam=junk.by if junk else "",
        received_at=received_at,
        written_at=dated(headers, (), received_at),
        text=words.text,
        html=words.html,
        recipient=recipient,
        also_to=_others(headers, "to", sender.address, context.mailboxes),
        cc=_others(headers, "cc", sender.address, context.mailboxes),
        subject=headers.text("subject"),
        language=language_of(words.text, headers.text("subject"), context.languages, preset(headers)),
        thread=clues(headers, own_id, envelope.recipients, context.secret, receipt_for(mail)),
        automatic=automatic(mail, envelope.sender, context.mailboxes, words.text),
        forwarded_from=email_point(forwarded.address) if forwarded else "",
        forwarded_name=forwarded.name if forwarded else "",
        facts=sender.facts | _signature(mail) | _told(verdict) | ({"spam_score": junk.score} if junk else {}),
        raw_uri=raw_uri,
    )


def _verdict(found: Results | None, headers: Headers, context: Context) -> Verdict | None:
    if found is None:
        return None
    author = author_of(headers)
    return judged(found, author, vouched(headers, author, context.sealers))


def _told(verdict: Verdict | None) -> dict[str, str]:
    return {"sender": verdict.standing.value, "sender_domain": verdict.by} if verdict else {}


def _signature(mail: Mail) -> dict[str, str]:
    facts = {"signature": mail.signature.value, "signed_by": mail.signed_by}
    return {name: value for name, value in facts.items() if value}


def language_of(text: str, subject: str, languages: Sequence[str], known: Sequence[str]) -> str:
    """Returns the language of a mail, or an empty string. `known`: what its sender writes."""
    return detect(text or subject, languages, known) if languages else ""


def preset(headers: Headers) -> tuple[str, ...]:
    """Returns the languages that the sender's program is set to, ISO 639-1: Outlook tells them
    (RFC 3282)."""
    told = f"{headers.raw('content-language')},{headers.raw('accept-language')}"
    return tuple(dict.fromkeys(code.lower() for code in _LANGUAGE_TAGS.findall(told)))


def _own_id(mail: Mail, recipient: str, sender: str) -> str:
    """Returns the Message-ID, or one derived from mailbox and content: some devices and forms
    send none."""
    given = mail.headers.message_ids("message-id")
    if given:
        return given[0]
    bare = mail.headers.raw("message-id").strip("<> ")
    if bare and " " not in bare:
        return f"<{bare}>"
    stable = "\x1f".join((recipient, sender, mail.headers.raw("date"), mail.headers.raw("subject"), mail.body_sha256))
    return f"<derived.{hashlib.sha256(stable.encode()).hexdigest()[:32]}@{recipient.rpartition('@')[2]}>"


def _others(headers: Headers, name: str, sender: str, mailboxes: Mailboxes) -> tuple[str, ...]:
    named = [entry.address for entry in headers.addresses(name)]
    others = (address for address in named if not mailboxes.owns(address) and address not in ("", sender))
    return tuple(address for address in others if len(address) <= LONGEST_ADDRESS)[:MOST_COPIES]


def _recipient(headers: Headers, envelope: Envelope, mailboxes: Mailboxes) -> str:
    named = [entry.address for entry in headers.addresses("to", "cc", "delivered-to", "x-original-to")]
    return mailboxes.first((*envelope.recipients, *named, envelope.mailbox)) or mailboxes.default
