"""Whether a request comes from whom it says, and now."""

from __future__ import annotations

import base64
import hmac
from binascii import Error
from datetime import datetime, timedelta

USER = "switchboard"
"""The user name in the address of a webhook that is protected by a password."""
_AHEAD = timedelta(minutes=5)
"""How far a provider's clock may be ahead of ours."""


class Untrusted(Exception):
    """Nothing in this request may be believed. `reason`: `unsigned` or `replayed`, as metrics name
    it; the message is for whoever set the webhook up."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def same(told: str, wanted: str) -> bool:
    """Compares in a time that tells nothing about where two texts differ."""
    return hmac.compare_digest(told.encode("utf-8", "surrogatepass"), wanted.encode())


def check_age(seconds: str, now: datetime, window: timedelta) -> None:
    """Raises Untrusted where a signed time, in seconds since 1970, is none, is older than `window`
    or ahead of us."""
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 11:
        raise Untrusted("unsigned", "the request's timestamp is no number of seconds since 1970")
    age = now.timestamp() - int(seconds)
    if not -_AHEAD.total_seconds() <= age <= window.total_seconds():
        raise Untrusted("replayed", f"this request was signed {age:.0f} s ago; check the clock here, or it is a replay")


def check_password(authorization: str, password: str) -> None:
    """Checks HTTP's basic authentication. Raises Untrusted."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        told = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
    except (Error, ValueError):
        told = b""
    if not hmac.compare_digest(told, f"{USER}:{password}".encode()):
        raise Untrusted("unsigned", f"the webhook's address needs the user {USER} and its password: https://{USER}:…@…")
