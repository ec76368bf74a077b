"""Mailgun: routes that post raw MIME, and event webhooks.

documentation.mailgun.com: Receive, forward and store; Webhooks (payloads, securing, retries); Event
structure.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from services.email.domain.outcomes import Kind, Outcome, message_id, reason, words
from services.email.domain.reasons import Reason
from services.email.domain.webhooks import forms
from services.email.domain.webhooks.told import text
from services.email.domain.webhooks.trust import Untrusted, check_age, same

WINDOW = timedelta(hours=9)
"""Mailgun tries for 7.5 hours; whether it signs anew each time is not said."""
_SIGNATURE = ("timestamp", "token", "signature")
_KINDS = {
    "accepted": Kind.ACCEPTED,
    "delivered": Kind.DELIVERED,
    "failed": Kind.FAILED,
    "rejected": Kind.FAILED,
    "complained": Kind.COMPLAINED,
    "unsubscribed": Kind.UNSUBSCRIBED,
}
_REASONS = {
    "suppress-bounce": Reason.NO_SUCH_ADDRESS,
    "suppress-complaint": Reason.REFUSED,
    "suppress-unsubscribe": Reason.REFUSED,
    "espblock": Reason.BLOCKED,
    "greylisted": Reason.LATER,
    "old": Reason.UNREACHABLE,
}
_HARD = frozenset({"bounce", "suppress-bounce"})
"""What Mailgun itself puts on its list of bounces. Newer events say `bounce-type` as well."""


def check(timestamp: str, token: str, signature: str, key: str, now: datetime) -> None:
    """Checks the signature: HMAC-SHA256 over time and token, and *not* over the content. Raises
    Untrusted."""
    wanted = hmac.new(key.encode(), f"{timestamp}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    if not token or not same(signature, wanted):
        raise Untrusted("unsigned", "not signed with EMAIL_MAILGUN_SIGNING_KEY (Mailgun: HTTP webhook signing key)")
    check_age(timestamp, now, WINDOW)


def check_form(form: Mapping[str, bytes], key: str, now: datetime) -> None:
    """Checks a route's form (see `check`)."""
    timestamp, token, signature = (forms.words(form, name) for name in _SIGNATURE)
    check(timestamp, token, signature, key, now)


def check_event(body: Any, key: str, now: datetime) -> None:
    """Checks an event (see `check`)."""
    timestamp, token, signature = (text(body, "signature", name) for name in _SIGNATURE)
    check(timestamp, token, signature, key, now)


def mail(form: Mapping[str, bytes]) -> tuple[bytes, Envelope]:
    """Returns the raw mail and its envelope; no bytes where the route posts parsed mails."""
    recipients = (safe(one.strip()) for one in forms.words(form, "recipient").split(","))
    sender = safe(forms.words(form, "sender").strip("<> ")) if "sender" in form else None
    return form.get("body-mime", b""), Envelope(sender, tuple(filter(None, recipients)))


def outcomes(body: Any) -> tuple[Outcome, ...]:
    """Returns what an event says; nothing for what no ledger has a place for, such as clicks."""
    event = body.get("event-data") if isinstance(body, dict) else None
    kind, why = _KINDS.get(text(event, "event")), text(event, "reason")
    if kind is None:
        return ()
    if kind is Kind.FAILED and text(event, "severity") == "temporary":
        kind = Kind.DELAYED
    code, enhanced = text(event, "delivery-status", "code"), text(event, "delivery-status", "enhanced-code")
    said = text(event, "delivery-status", "message") or text(event, "delivery-status", "description")
    said = said or text(event, "reject", "reason") or why
    return (
        Outcome(
            kind=kind,
            recipient=text(event, "recipient"),
            detail=words("" if code == "0" else code, "" if enhanced in said else enhanced, said),
            reason=reason(said, enhanced, _REASONS.get(why, Reason.UNSAID)),
            hard=text(event, "delivery-status", "bounce-type") == "hard" or why in _HARD,
            event_id=text(event, "id"),
            message_id=message_id(text(event, "message", "headers", "message-id")),
            sender=text(event, "envelope", "sender"),
        ),
    )
