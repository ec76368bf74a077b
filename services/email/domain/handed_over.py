"""What a provider's HTTP API answers to a mail → how the attempt ended. Pure.

documentation.mailgun.com: Messages, Response codes. postmarkapp.com/developer/api: Overview, Email.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from services.email.domain.headers import one_line
from services.email.domain.outgoing import OutgoingMail
from services.email.domain.reasons import Reason
from services.email.domain.suppression import Why, undelivered
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
    *("Content-Language", "X-PM-KeepID"),
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
    message: EmailMessage = BytesParser(EmailMessage, policy=default).parsebytes(mail.content)
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
        {"Name": name, "Value": " ".join(str(message[name]).split())} for name in _HEADERS if message[name]
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


def _attachment(part: Any, kind: str) -> Mapping[str, str]:
    named = {"Name": part.get_filename(), "Content": "".join(part.get_payload().split()), "ContentType": kind}
    content_id = str(part.get("Content-ID", "")).strip("<>")
    return named | ({"ContentID": f"cid:{content_id}"} if content_id else {})


def _object(body: str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
