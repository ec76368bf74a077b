"""SendGrid: Inbound Parse with the raw mail, and the signed Event Webhook.

twilio.com/docs/sendgrid: Setting up the Inbound Parse Webhook; Event Webhook reference; Getting
started with the Event Webhook security features. Inbound Parse has a password in its address.
"""

from __future__ import annotations

import base64
from binascii import Error
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from services.email.domain.outcomes import Kind, Outcome, message_id, reason, words
from services.email.domain.reasons import Reason
from services.email.domain.webhooks.told import decoded, items, text
from services.email.domain.webhooks.trust import Untrusted, check_age
from shared.errors import Malformed

REPLY = "switchboard_reply"
"""The unique argument that we give along, and events bring back."""
WINDOW = timedelta(hours=25)
"""SendGrid tries events for 24 hours; whether it signs anew each time is not said."""
_KINDS = {
    "processed": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "deferred": Kind.DELAYED,
    "bounce": Kind.FAILED,
    "dropped": Kind.FAILED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
}
_REASONS = {
    "invalid address": Reason.NO_SUCH_ADDRESS,
    "technical": Reason.UNREACHABLE,
    "content": Reason.CONTENT,
    "reputation": Reason.BLOCKED,
    "frequency or volume too high": Reason.LATER,
    "bounced address": Reason.NO_SUCH_ADDRESS,
    "spam reporting address": Reason.REFUSED,
    "unsubscribed address": Reason.REFUSED,
}
"""By `bounce_classification`, and by the reason why SendGrid dropped a mail itself."""


def public_key(encoded: str) -> EllipticCurvePublicKey:
    """Reads the verification key as SendGrid shows it: base64 of DER. Raises ValueError."""
    key = load_der_public_key(base64.b64decode(encoded, validate=True))
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("not a key of an elliptic curve")  # noqa: TRY004 - a wrong value for its reader
    return key


def check(body: bytes, timestamp: str, signature: str, key: EllipticCurvePublicKey, now: datetime) -> None:
    """Checks an event's signature: ECDSA with SHA-256 over time and body. Raises Untrusted."""
    try:
        signed = timestamp.encode("ascii") + body
        key.verify(base64.b64decode(signature, validate=True), signed, ECDSA(hashes.SHA256()))
    except (InvalidSignature, Error, ValueError) as error:
        raise Untrusted(
            "unsigned", "not signed for EMAIL_SENDGRID_PUBLIC_KEY (Event Webhook: verification key)"
        ) from error
    check_age(timestamp, now, WINDOW)


def mail(form: Mapping[str, bytes]) -> tuple[bytes, Envelope]:
    """Returns the raw mail and its envelope; no bytes where "POST the raw, full MIME message" is
    off."""
    try:
        told = decoded(form.get("envelope", b"{}"))
    except Malformed:
        told = {}
    recipients = tuple(filter(None, (text({"to": one}, "to") for one in items(told, "to"))))
    sender = safe(text(told, "from").strip("<> ")) if isinstance(told, dict) and "from" in told else None
    return form.get("email", b""), Envelope(sender, recipients)


def outcomes(body: Any) -> Iterator[Outcome]:
    """Yields what a batch of events says. Each names the mail: one that a server sent back late has
    lost its Message-ID, and the newest answer to its address may be another."""
    for event in body if isinstance(body, list) else ():  # one request has up to 768 KB of them
        kind = _KINDS.get(text(event, "event"))
        if kind is None:
            continue
        said = text(event, "reason") or text(event, "response")
        classified = text(event, "bounce_classification") or said
        why = reason(said, text(event, "status"), _REASONS.get(classified.lower(), Reason.UNSAID))
        yield Outcome(
            kind=kind,
            recipient=text(event, "email"),
            detail=words("" if text(event, "status") in said else text(event, "status"), said),
            reason=why,
            hard=(text(event, "event"), text(event, "type")) == ("bounce", "bounce") or said == "Bounced Address",
            event_id=text(event, "sg_event_id"),
            outbound_id=text(event, REPLY),
            message_id=message_id(text(event, "smtp-id")),
            guess=False,
        )
