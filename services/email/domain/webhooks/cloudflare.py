r"""Cloudflare Email Workers: our own worker posts the raw mail, signed by a scheme of ours.

    X-Switchboard-Signature: v1=<hex>
    HMAC-SHA256(secret, "<timestamp>\n<sender>\n<recipient>\n" + raw mail)

Sender and recipient are signed as their headers have them (percent-encoded), the time is in
seconds since 1970. The worker is `docs/how-to/cloudflare-email-worker.js`.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from urllib.parse import unquote

from services.email.domain.charsets import safe
from services.email.domain.incoming import Envelope
from services.email.domain.webhooks.trust import Untrusted, check_age, same

WINDOW = timedelta(minutes=5)
"""The worker signs each attempt anew."""


def signature(secret: str, timestamp: str, sender: str, recipient: str, raw: bytes) -> str:
    """Returns the signature of a mail."""
    signed = hmac.new(secret.encode(), f"{timestamp}\n{sender}\n{recipient}\n".encode(), hashlib.sha256)
    signed.update(raw)
    return f"v1={signed.hexdigest()}"


def check(secret: str, timestamp: str, sender: str, recipient: str, raw: bytes, told: str, now: datetime) -> None:
    """Checks a request. Raises Untrusted."""
    if not same(told, signature(secret, timestamp, sender, recipient, raw)):
        raise Untrusted("unsigned", "not signed with EMAIL_CLOUDFLARE_SECRET: the worker has another SECRET")
    check_age(timestamp, now, WINDOW)


def envelope(sender: str, recipient: str) -> Envelope:
    """Returns the envelope in the headers of a request."""
    to = safe(unquote(recipient).strip())
    return Envelope(safe(unquote(sender).strip("<> ")), (to,) if to else ())
