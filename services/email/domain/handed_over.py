"""What a provider's HTTP API answers to a mail → how the attempt ended. Pure.

documentation.mailgun.com: Messages, Response codes. postmarkapp.com/developer/api: Overview, Email.
twilio.com/docs/sendgrid: Mail Send, its errors and limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from services.email.domain.headers import one_line
from services.email.domain.outgoing import OutgoingMail
from services.email.domain.reasons import Reason
from services.email.domain.suppression import Why, undelivered
from services.email.domain.webhooks.sendgrid import REPLY
from shared.attempts import Result

_LONGEST_WAIT = timedelta(hours=1)
_TOO_LARGE = 413
_INACTIVE = 406
"""Postmark's own list of suppressed addresses."""
_OF_THIS_MAIL = {300: Reason.UNSAID, 411: Reason.CONTENT}
"""Postmark's codes that are about this mail, of those that it answers with 422; all others are for
an operator to put right."""
_HEADERS = (
    *("Message-ID", "In-Reply-To", "References", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress"),
    "Content-Language",
)
_METADATA = "x-pm-metadata-"


def mailgun(status: int, body: str) -> tuple[Result, str, str]:
    """Returns result, words and the class of why. Only 400 is about this mail: 401 to 404 are a
    key, a bill or a domain. What it took it names: without that, somebody else answered."""
    told = _object(body)
    words = one_line(f"{status} {told.get('message') or body}", 500)
    if status == 200 and told.get("id"):
        return Result.DONE, words, ""
    if status == _TOO_LARGE:
        return Result.REFUSED, words, Reason.TOO_LARGE
    return (Result.REFUSED if status == 400 else _unsaid(status)), words, ""


def postmark(status: int, body: str) -> tuple[Result, str, str]:
    """Returns result, words and the class of why."""
    told = _object(body)
    code = told.get("ErrorCode")
    words = one_line(f"{code if code is not None else status} {told.get('Message') or body}", 500)
    if status == 200 and code == 0:
        return Result.DONE, words, ""
    if status == _TOO_LARGE:
        return Result.REFUSED, words, Reason.TOO_LARGE
    if status == 422 and code == _INACTIVE:
        return Result.REFUSED, words, undelivered(Why.BY_HAND)
    if status == 422 and code in _OF_THIS_MAIL:
        reason = _OF_THIS_MAIL[code]
        return Result.REFUSED, words, "" if reason is Reason.UNSAID else reason
    return _unsaid(status), words, ""


def sendgrid(status: int, body: str) -> tuple[Result, str, str]:
    """Returns result, words and the class of why. Only 400 is about this mail: 401 and 403 are a
    key, a bill or a sender that is not verified there."""
    errors = _object(body).get("errors")
    told = (
        [str(one.get("message") or "") for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    )
    words = one_line(f"{status} {'; '.join(filter(None, told)) or body}", 500)
    if status == 202:
        return Result.DONE, words, ""
    if status == _TOO_LARGE:
        return Result.REFUSED, words, Reason.TOO_LARGE
    return (Result.REFUSED if status == 400 else _unsaid(status)), words, ""


def _unsaid(status: int) -> Result:
    """Returns the result of a status that says nothing of this mail. Behind 500, 502 and 504 it may
    have been taken."""
    return Result.UNKNOWN if (status >= 500 and status != 503) or status < 300 else Result.LATER


def not_before(retry_after: str, now: datetime) -> datetime | None:
    """Returns when to come back, from seconds in Retry-After (RFC 9110, 10.2.3); None where it does
    not say."""
    if not retry_after.isascii() or not retry_after.isdecimal() or len(retry_after) > 9:
        return None
    return now + min(timedelta(seconds=int(retry_after)), _LONGEST_WAIT)


def of_postmark(mail: OutgoingMail, stream: str) -> dict[str, Any]:
    """Returns a mail as Postmark takes it: it has no way in for a mail as it is, and makes one of
    these parts."""
    message = _parsed(mail)
    values: dict[str, Any] = {
        "From": str(message["From"]),
        "To": str(message["To"]),
        "Cc": str(message.get("Cc", "")),
        "Bcc": ", ".join(mail.unseen),
        "ReplyTo": str(message["Reply-To"]),
        "Subject": str(message["Subject"]),
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    values["Headers"] = [
        {"Name": name, "Value": value} for name, value in _kept(message, (*_HEADERS, "X-PM-KeepID")).items()
    ]
    values["Metadata"] = {
        name.lower().removeprefix(_METADATA): str(value)
        for name, value in message.items()
        if name.lower().startswith(_METADATA)
    }
    attachments = []
    for part in message.walk():
        match part.get_content_type(), part.get_content_disposition():
            case "text/plain", None:
                values["TextBody"] = part.get_content()
            case "text/html", None:
                values["HtmlBody"] = part.get_content()
            case kind, "attachment" | "inline":
                attachments.append(_attachment(part, kind))
    return values | {"Attachments": attachments}


def of_sendgrid(mail: OutgoingMail) -> dict[str, Any]:
    """Returns a mail as SendGrid takes it, in parts. Nobody may be named twice. What it should give
    back in its events names the reply."""
    message = _parsed(mail)
    seen = [address for address in mail.copies if address not in mail.unseen]
    people = {"to": [_person(mail.recipient, message["To"])], "cc": list(map(_person, seen))}
    people["bcc"] = list(map(_person, mail.unseen))
    off = {"enable": False}
    content, attachments = [], []
    for part in message.walk():
        match part.get_content_type(), part.get_content_disposition():
            case "text/plain" | "text/html" as kind, None:
                content.append({"type": kind, "value": part.get_content()})
            case kind, "attachment" | "inline" as disposition:
                content_id = str(part.get("Content-ID", "")).strip("<>")
                file = {"content": _base64(part), "type": kind, "filename": part.get_filename()}
                named = {"content_id": content_id} if content_id else {}
                attachments.append({**file, "disposition": disposition, **named})
    return {
        "personalizations": [{kind: who for kind, who in people.items() if who}],
        "from": _person(message["From"].addresses[0].addr_spec, message["From"]),
        "reply_to": _person(message["Reply-To"].addresses[0].addr_spec, message["Reply-To"]),
        "subject": str(message["Subject"]),
        "content": content,
        "headers": _kept(message, _HEADERS),
        "custom_args": {REPLY: mail.outbound_id},
        "tracking_settings": dict.fromkeys(("click_tracking", "open_tracking", "subscription_tracking"), off),
        **({"attachments": attachments} if attachments else {}),
    }


def _person(address: str, header: Any = None) -> dict[str, str]:
    name = header.addresses[0].display_name if header else ""
    return {"email": address} | ({"name": name} if name else {})


def _parsed(mail: OutgoingMail) -> EmailMessage:
    return BytesParser(EmailMessage, policy=default).parsebytes(mail.content)


def _kept(message: EmailMessage, names: Sequence[str]) -> dict[str, str]:
    """Returns these headers, each on one line."""
    return {name: " ".join(str(message[name]).split()) for name in names if message[name]}


def _base64(part: Any) -> str:
    return "".join(part.get_payload().split())


def _attachment(part: Any, kind: str) -> Mapping[str, str]:
    named = {"Name": part.get_filename(), "Content": _base64(part), "ContentType": kind}
    content_id = str(part.get("Content-ID", "")).strip("<>")
    return named | ({"ContentID": f"cid:{content_id}"} if content_id else {})


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
