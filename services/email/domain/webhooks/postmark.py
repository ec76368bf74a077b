"""Postmark: the inbound webhook with `RawEmail`, and those about what was sent.

postmarkapp.com/developer: Inbound webhook, Bounce, Delivery, Spam complaint and Subscription change
webhooks; Bounce types. Postmark signs nothing; the address has a password.
"""

from __future__ import annotations

from typing import Any

import msgspec

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from services.email.domain.outcomes import Kind, Outcome, reason, words
from services.email.domain.reasons import Reason
from services.email.domain.webhooks.told import text
from shared.errors import Malformed

METADATA = "reply"
"""Under this name a mail of ours carries its outbound id (`X-PM-Metadata-reply`): Postmark makes a
Message-ID of its own."""
_BOUNCES = {
    "HardBounce": (Kind.FAILED, Reason.UNSAID),
    "Transient": (Kind.DELAYED, Reason.LATER),
    "AddressChange": (Kind.FAILED, Reason.CLOSED),
    "DnsError": (Kind.FAILED, Reason.NO_SUCH_DOMAIN),
    "SpamNotification": (Kind.FAILED, Reason.SPAM),
    "Unknown": (Kind.FAILED, Reason.UNSAID),
    "SoftBounce": (Kind.FAILED, Reason.UNSAID),
    "VirusNotification": (Kind.FAILED, Reason.CONTENT),
    "ChallengeVerification": (Kind.DELAYED, Reason.CHALLENGE),
    "BadEmailAddress": (Kind.FAILED, Reason.NO_SUCH_ADDRESS),
    "SpamComplaint": (Kind.COMPLAINED, Reason.UNSAID),
    "ManuallyDeactivated": (Kind.FAILED, Reason.REFUSED),
    "Unsubscribe": (Kind.UNSUBSCRIBED, Reason.UNSAID),
    "Blocked": (Kind.FAILED, Reason.BLOCKED),
    "DMARCPolicy": (Kind.FAILED, Reason.UNPROVEN),
}
"""By `Type`. Automatic replies and what only concerns Postmark's API say nothing about arriving."""
_HARD = frozenset({"HardBounce", "BadEmailAddress", "AddressChange"})


class Inbound(msgspec.Struct, rename="pascal"):
    """Of an inbound webhook, what we need: the rest, attachments among it, is not even decoded."""

    raw_email: str = ""
    original_recipient: str = ""


def inbound(body: bytes) -> Inbound:
    """Reads an inbound webhook. Raises Malformed."""
    try:
        return msgspec.json.decode(body, type=Inbound)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(f"this is no inbound webhook of Postmark: {error}") from error


def mail(told: Inbound) -> tuple[bytes, Envelope]:
    """Returns the raw mail and its envelope; no bytes where the server's settings leave RawEmail
    out. Who sent it in the envelope is not told."""
    recipient = safe(told.original_recipient.strip())
    return told.raw_email.encode("utf-8", "replace"), Envelope(None, (recipient,) if recipient else ())


def outcomes(body: Any) -> tuple[Outcome, ...]:
    """Returns what an event says; nothing for opens, clicks, and what needs nobody."""
    record, recipient, detail = text(body, "RecordType"), text(body, "Recipient"), ""
    kind, why, hard = None, Reason.UNSAID, False
    if record == "Delivery":
        kind, detail = Kind.DELIVERED, text(body, "Details")
    elif record in ("Bounce", "SpamComplaint"):
        sort, recipient = text(body, "Type"), text(body, "Email")
        kind, otherwise = _BOUNCES.get(sort, (None, Reason.UNSAID))
        said = text(body, "Details") or text(body, "Description")
        detail, why, hard = words(said), reason(said, "", otherwise), sort in _HARD
    elif record == "SubscriptionChange" and body.get("SuppressSending") is True:
        kind = Kind.COMPLAINED if text(body, "SuppressionReason") == "SpamComplaint" else Kind.UNSUBSCRIBED
        kind = None if text(body, "SuppressionReason") == "HardBounce" else kind  # the bounce itself says more
    if kind is None:
        return ()
    return (
        Outcome(
            kind=kind,
            recipient=recipient,
            detail=detail,
            reason=why,
            hard=hard,
            event_id=text(body, "ID"),
            outbound_id=text(body, "Metadata", METADATA),
        ),
    )
