"""Amazon SES: what it publishes to a topic of SNS, mails that came in and events about ours.

docs.aws.amazon.com/ses: Notification contents for email receiving; Contents of event data that SES
publishes to SNS.
"""

from __future__ import annotations

import base64
from binascii import Error
from collections.abc import Iterator
from typing import Any

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from services.email.domain.outcomes import Kind, Outcome, message_id, reason, words
from services.email.domain.reasons import Reason
from services.email.domain.webhooks.told import items, text

RECEIVED = "Received"
_REASONS = {
    "NoEmail": Reason.NO_SUCH_ADDRESS,
    "Suppressed": Reason.NO_SUCH_ADDRESS,
    "OnAccountSuppressionList": Reason.NO_SUCH_ADDRESS,
    "MailboxFull": Reason.FULL,
    "MessageTooLarge": Reason.TOO_LARGE,
    "ContentRejected": Reason.CONTENT,
    "AttachmentRejected": Reason.CONTENT,
    "SpamDetected": Reason.SPAM,
    "IPFailure": Reason.BLOCKED,
    "TransientCommunicationFailure": Reason.UNREACHABLE,
    "InternalFailure": Reason.SYSTEM,
    "RecipientServerError": Reason.SYSTEM,
    "SendingDeferral": Reason.LATER,
}
"""By `bounceSubType` and `delayType`."""


def is_mail(told: Any) -> bool:
    """Whether this is about a mail that came in."""
    return text(told, "notificationType") == RECEIVED


def mail(told: Any) -> tuple[bytes, Envelope]:
    """Returns the raw mail and its envelope; no bytes where the rule's action is another than SNS,
    such as S3: then the mail is there. What SES takes for spam or a virus counts as junk."""
    raw = told.get("content")
    raw = raw.encode("utf-8", "replace") if isinstance(raw, str) else b""
    if text(told, "receipt", "action", "encoding") != "UTF8":
        raw = _decoded(raw)
    verdicts = (text(told, "receipt", name, "status") for name in ("spamVerdict", "virusVerdict"))
    recipients = (text({"to": one}, "to") for one in items(told, "receipt", "recipients"))
    sender = safe(text(told, "mail", "source").strip("<> "))
    return raw, Envelope(sender, tuple(filter(None, recipients)), junk="FAIL" in verdicts)


def elsewhere(told: Any) -> str:
    """Returns where a mail is whose content is not in the notification, for an operator."""
    action = text(told, "receipt", "action", "type") or "another"
    bucket, key = (text(told, "receipt", "action", name) for name in ("bucketName", "objectKey"))
    place = f", s3://{bucket}/{key}" if bucket else ""
    return (
        f"SES told of a mail by the {action} action, without its content{place}. Let the receipt rule "
        "publish to SNS, with the encoding Base64 (mails up to 150 KB; larger ones only fit into S3)"
    )


def outcomes(told: Any) -> Iterator[Outcome]:
    """Yields what an event or a feedback notification says, one for each recipient. Which recipient
    a bounced mail with several had is told one by one."""
    kind, about = text(told, "eventType") or text(told, "notificationType"), _about(told)
    if kind == "Send":
        yield from (about(Kind.ACCEPTED, one) for one in items(told, "mail", "destination"))
    elif kind == "Delivery":
        said = text(told, "delivery", "smtpResponse")
        yield from (about(Kind.DELIVERED, one, words(said)) for one in items(told, "delivery", "recipients"))
    elif kind == "Reject":
        said = text(told, "reject", "reason")
        for one in items(told, "mail", "destination"):
            yield about(Kind.FAILED, one, words(said), reason(said, "", Reason.CONTENT))
    elif kind == "Bounce":
        sub, hard = text(told, "bounce", "bounceSubType"), text(told, "bounce", "bounceType") == "Permanent"
        yield from _failed(told, about, Kind.FAILED, sub, hard)
    elif kind == "DeliveryDelay":
        yield from _failed(told, about, Kind.DELAYED, text(told, "deliveryDelay", "delayType"), hard=False)
    elif kind == "Complaint":
        said = text(told, "complaint", "complaintFeedbackType") or text(told, "complaint", "complaintSubType")
        for one in items(told, "complaint", "complainedRecipients"):
            yield about(Kind.COMPLAINED, text(one, "emailAddress"), said)
    elif kind == "Subscription":
        yield from (about(Kind.UNSUBSCRIBED, one) for one in items(told, "mail", "destination"))


class _About:
    """Makes outcomes of one mail."""

    def __init__(self, own: str, sender: str, event: str) -> None:
        self._own, self._sender, self._event = own, sender, event

    def __call__(
        self, kind: Kind, recipient: Any, detail: str = "", why: Reason = Reason.UNSAID, *, hard: bool = False
    ) -> Outcome:
        to = text({"to": recipient}, "to")
        return Outcome(
            kind=kind,
            recipient=to,
            detail=detail,
            reason=why,
            hard=hard,
            event_id=self._event,
            message_id=self._own,
            sender=self._sender,
        )


def _about(told: Any) -> _About:
    """Finds our Message-ID: SES writes one of its own into the mail, and tells ours in the headers
    that it had."""
    headers = (one for one in items(told, "mail", "headers") if text(one, "name").lower() == "message-id")
    own = text(told, "mail", "commonHeaders", "messageId") or next((text(one, "value") for one in headers), "")
    return _About(message_id(own), text(told, "mail", "source"), text(told, "bounce", "feedbackId"))


def _failed(told: Any, about: _About, kind: Kind, sub: str, hard: bool) -> Iterator[Outcome]:
    part, recipients = (
        ("bounce", "bouncedRecipients") if kind is Kind.FAILED else ("deliveryDelay", "delayedRecipients")
    )
    for one in items(told, part, recipients):
        status, said = text(one, "status"), text(one, "diagnosticCode").removeprefix("smtp;").strip()
        why = reason(said, status, _REASONS.get(sub, Reason.UNSAID))
        detail = words("" if status in said else status, said or sub)
        yield about(kind, text(one, "emailAddress"), detail, why, hard=hard)


def _decoded(content: bytes) -> bytes:
    """Decodes base64. The action's `encoding` is not in all notifications: what is none is the mail
    itself."""
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except (Error, ValueError):
        return content
