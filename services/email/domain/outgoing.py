"""An answer → the mail that carries it.

Every value is brought onto one line before it becomes a header, so that no name, subject or
reference can add a header of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from email.charset import QP, Charset
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from html import escape

from services.email.domain.files import safe_name
from services.email.domain.headers import one_address, one_line
from services.email.domain.mailboxes import Mailboxes, with_token
from services.email.domain.references import our_message_id, reply_token
from services.email.domain.webhooks.postmark import METADATA
from services.email.domain.webhooks.sendgrid import REPLY
from shared.errors import Malformed
from shared.events import Attachment, OutboundMessage
from shared.kernel import address_of, kind_of
from shared.text import clean_html

MAX_REFERENCES = 4_000
"""Characters. Relays refuse header fields over 4,096; the first and the last references are what
clients thread by."""
_REPLY_PREFIX = re.compile(
    r"^(?:\s*(?:re|aw|sv|vs|antw|réf|rif|res|odp|回复|回覆|答复|返信|답장|회신)\s*(?:\[\d+\])?\s*[::])+\s*",
    re.IGNORECASE,
)
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,200}")
_MESSAGE_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>")
_AS_WRITTEN = compat32.clone(linesep="\r\n", max_line_length=None)
"""We fold where it is safe; the library would put a long Message-ID on a line of its own, which
some programs do not read."""
_TEMPLATE = re.compile(r"\{(agent|company)\}")
_AUTOMATIC = {
    "Auto-Submitted": "auto-replied",
    "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
    "Precedence": "auto_reply",
}
"""RFC 3834, 3.1.7 and 3.1.8; the second is for Exchange ([MS-OXCMAIL] 2.1.3.2.20), and is not
`All`, for that asks for no bounces either. The envelope keeps the ticket's reply address, which 3.3
allows where nothing that comes there is answered automatically: a bounce finds its reply by it."""


@dataclass(frozen=True, slots=True)
class OutgoingMail:
    """A mail, ready to be sent. `sender`: where bounces go, the ticket's reply address. `copies`:
    who else gets it, seen or not; `unseen`: those whom nobody is told of (Bcc)."""

    outbound_id: str
    message_id: str
    sender: str
    recipient: str
    content: bytes
    copies: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who answers. `from_name`, `signature`: templates with {agent} and {company}."""

    mailboxes: Mailboxes
    secret: str
    company: str
    from_name: str = "{agent} via {company}"
    signature: str = ""
    by_postmark: bool = False
    """Postmark has to be told to keep our Message-ID, and what to give back in its events."""
    by_sendgrid: bool = False
    """So has SendGrid what to give back."""

    def mailbox_of(self, outbound: OutboundMessage) -> str:
        """Returns the mailbox that an answer leaves from."""
        return outbound.mailbox if self.mailboxes.owns(outbound.mailbox) else self.mailboxes.default


def build(outbound: OutboundMessage, files: Sequence[bytes], identity: Identity, date: datetime) -> OutgoingMail:
    """Builds the mail. `files`: the bytes of `outbound.attachments`, in their order. Raises
    Malformed, in words for an agent."""
    recipient = _recipient(outbound)
    cc = _copies(outbound.cc, {recipient}, identity.mailboxes)
    bcc = _copies(outbound.bcc, {recipient, *cc}, identity.mailboxes)
    mailbox = identity.mailbox_of(outbound)
    message_id = message_id_of(outbound, identity)
    reply_to = with_token(mailbox, reply_token(identity.secret, outbound.ticket_id))
    mail = _body(outbound, files, _filled(identity.signature, outbound.author_name, identity))
    references = [reference for reference in outbound.references if _MESSAGE_ID.fullmatch(reference)]
    headers = {
        "From": _address(_from_name(outbound.author_name, identity), mailbox),
        "To": _address(outbound.to_name, recipient),
        **({"Cc": ",\r\n ".join(_address("", address) for address in cc)} if cc else {}),
        "Reply-To": _address(identity.company, reply_to),
        "Subject": _encoded(subject_of(outbound.subject, is_answer=bool(references)), 9),
        "Date": format_datetime(date),
        "Message-ID": message_id,
    }
    if references:
        headers["In-Reply-To"] = references[-1]
        headers["References"] = "\r\n ".join(trimmed(references))
    if re.fullmatch(r"[A-Za-z]{2,3}", outbound.language):
        headers["Content-Language"] = outbound.language
    if outbound.automatic:
        if identity.mailboxes.owns(recipient):
            raise Malformed("an automatic answer to a mailbox of ours would be answered in turn")
        headers |= _AUTOMATIC
    if identity.by_postmark:
        headers |= {"X-PM-KeepID": "true", f"X-PM-Metadata-{METADATA}": one_line(outbound.id, 80)}
    if identity.by_sendgrid:
        headers["X-SMTPAPI"] = json.dumps({"unique_args": {REPLY: one_line(outbound.id, 80)}})
    for name, value in headers.items():
        mail[name] = value
    content = mail.as_bytes(policy=_AS_WRITTEN)
    return OutgoingMail(outbound.id, message_id, reply_to, recipient, content, (*cc, *bcc), bcc)


def message_id_of(outbound: OutboundMessage, identity: Identity) -> str:
    """Returns the Message-ID, which is known before the mail is built, and the same on every
    attempt."""
    mailbox = identity.mailbox_of(outbound)
    return our_message_id(identity.secret, outbound.ticket_id, outbound.id, mailbox.rpartition("@")[2])


def subject_of(subject: str, *, is_answer: bool) -> str:
    """Returns the subject with one `Re:` in an answer, however many there were and in whatever
    language."""
    bare = _REPLY_PREFIX.sub("", one_line(subject, 900))
    if not is_answer:
        return bare or "Your request"
    return f"Re: {bare or 'your message'}"


def trimmed(references: Sequence[str]) -> list[str]:
    """Returns the first reference and as many of the last as fit, in their order."""
    first, last, room = references[0], list[str](), MAX_REFERENCES - len(references[0])
    for reference in reversed(references[1:]):
        room -= len(reference) + 3
        if room < 0:
            break
        last.append(reference)
    return [first, *reversed(last)]


def _recipient(outbound: OutboundMessage) -> str:
    if kind_of(outbound.to) != "email":
        raise Malformed(f"mail cannot be sent to {kind_of(outbound.to)!r}, only to an e-mail address")
    address = _usable(address_of(outbound.to))
    if address.endswith(".invalid"):
        raise Malformed("the mail that came in named no address to answer to")
    return address


def _copies(addresses: Sequence[str], without: set[str], mailboxes: Mailboxes) -> tuple[str, ...]:
    """Returns the addresses that get a copy. Never a mailbox of ours: it would come back as a
    customer's mail."""
    usable = dict.fromkeys(_usable(address) for address in addresses)
    return tuple(address for address in usable if address not in without and not mailboxes.owns(address))


def _usable(address: str) -> str:
    try:
        return one_address(address)
    except ValueError as error:
        raise Malformed(str(error)) from error


def _body(outbound: OutboundMessage, files: Sequence[bytes], signature: str) -> MIMENonMultipart | MIMEMultipart:
    """Returns the parts: text alone where there is nothing else; text and HTML as alternatives, the
    HTML together with the pictures that it shows (RFC 2387); files beside it."""
    lines = [*outbound.text.splitlines(), *(["", "-- ", *signature.splitlines()] if signature else [])]
    body: MIMENonMultipart | MIMEMultipart = _text("\r\n".join(lines) + "\r\n", "plain")
    named = [
        (attachment.content_id, attachment, data) for attachment, data in zip(outbound.attachments, files, strict=True)
    ]
    html, shown = _html(outbound.html, {one for one, _, _ in named if _CONTENT_ID.fullmatch(one)}, signature)
    if html:
        looks: MIMENonMultipart | MIMEMultipart = _text(html, "html")
        if shown:
            pictures = [_file(attachment, data, inline=True) for one, attachment, data in named if one in shown]
            looks = _multipart("related", outbound.id, looks, *pictures)
        body = _multipart("alternative", outbound.id, body, looks)
    beside = [_file(attachment, data) for one, attachment, data in named if one not in shown]
    return _multipart("mixed", outbound.id, body, *beside) if beside else body


def _html(html: str, content_ids: AbstractSet[str], signature: str) -> tuple[str, AbstractSet[str]]:
    """Returns the HTML as it is sent, and which pictures it shows. Pictures in the HTML itself
    (`data:`) are left out: the common programs do not show them."""
    shown = set[str]()

    def place(address: str) -> str | None:
        scheme, _, rest = address.partition(":")
        if scheme.lower() != "cid":
            return address if scheme.lower() in ("http", "https") else None
        if rest not in content_ids:
            return None
        shown.add(rest)
        return address

    clean = clean_html(html, place).strip() if html else ""
    if not clean:
        return "", set()
    if signature:
        clean += f"<div><br>-- <br>{'<br>'.join(map(escape, signature.splitlines()))}</div>"
    return f"<!DOCTYPE html>\r\n<html><body>{clean}</body></html>\r\n", shown


def _text(text: str, subtype: str) -> MIMEText:
    charset = Charset("utf-8")
    if sum(map(str.isascii, text)) * 2 > len(text):
        charset.body_encoding = QP
    part = MIMEText(text, subtype, None)
    del part["Content-Transfer-Encoding"]
    part.set_payload(text, charset)
    return part


def _multipart(subtype: str, outbound_id: str, *parts: MIMENonMultipart | MIMEMultipart) -> MIMEMultipart:
    made = MIMEMultipart(subtype, boundary=f"=_{subtype}_{re.sub('[^A-Za-z0-9]', '', outbound_id)[:50]}")
    for part in parts:
        made.attach(part)
    return made


def _file(attachment: Attachment, data: bytes, *, inline: bool = False) -> MIMEApplication:
    main, _, sub = attachment.media_type.partition("/")
    usable = re.fullmatch(r"[a-z0-9.+-]{1,100}", main + sub) and main not in {"multipart", "message"} and sub
    part = MIMEApplication(data, sub if usable and main == "application" else "octet-stream")
    if usable:
        part.replace_header("Content-Type", f"{main}/{sub}")
    name = _file_parameter(safe_name(attachment.name) or "attachment")
    part.add_header("Content-Disposition", "inline" if inline else "attachment", filename=name)
    if inline:
        part["Content-ID"] = f"<{attachment.content_id}>"
    return part


def _file_parameter(name: str) -> str | tuple[str, str, str]:
    return name if name.isascii() else ("utf-8", "", name)


def _from_name(agent: str, identity: Identity) -> str:
    agent, company = one_line(agent, 100), one_line(identity.company, 100)
    if not agent or not company:
        return agent or company
    return _filled(identity.from_name, agent, identity)


def _filled(template: str, agent: str, identity: Identity) -> str:
    names = {"agent": one_line(agent, 100), "company": one_line(identity.company, 100)}
    return _TEMPLATE.sub(lambda match: names[match[1]], template)


def _address(name: str, address: str) -> str:
    local, _, domain = address.rpartition("@")
    plain = f"{local}@{domain if domain.isascii() else _idna(domain)}"
    clean = one_line(name, 100)
    if not clean:
        return _raw(plain)
    if _is_plain(clean) and plain.isascii():
        return formataddr((clean, plain))
    return _raw(f"{_encoded(clean, 10)} <{plain}>")


def _raw(value: str) -> str:
    """Returns an address beyond ASCII as bytes that go into a header unchanged (RFC 6532); the
    library writes such bytes and encodes all else."""
    return value if value.isascii() else value.encode().decode("ascii", "surrogateescape")


def _idna(domain: str) -> str:
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def _encoded(text: str, used: int) -> str:
    """Encodes text by RFC 2047 where needed: also ASCII that a mail program would take for an
    encoded word."""
    charset = "us-ascii" if _is_plain(text) else "utf-8"
    return Header(text, charset, header_name="x" * used, maxlinelen=76).encode(linesep="\r\n")


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text
