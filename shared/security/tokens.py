"""Short signed tokens for places where a person or a mail server carries them: reply addresses,
Message-IDs, links.

A token is base32 in lower case, because the local part of a mail address may lose its case on the
way, and only letters and digits survive every relay.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import b32decode, b32encode
from binascii import Error as BinasciiError
from uuid import UUID

_TAG = 16
"""Bytes of the HMAC-SHA256 that are kept: 128 bits cannot be guessed, and the token stays short
(RFC 2104, 5)."""
_RECENT = 60
"""Seconds for which a bearer token between services is good. Clocks may differ by as much."""


def sign(secret: str, purpose: str, value: str) -> str:
    """Returns a token that carries `value` and proves that we made it for `purpose`. UUIDs are
    carried in 16 bytes."""
    body = _pack(value)
    return b32encode(body + _tag(secret, purpose, body)).decode().rstrip("=").lower()


def verify(secret: str, purpose: str, token: str) -> str | None:
    """Returns the value inside the token, or None where it was not made by us for this purpose."""
    if len(token) > 512 or not token.isascii():
        return None
    try:
        raw = b32decode(token.upper() + "=" * (-len(token) % 8))
    except (BinasciiError, ValueError):
        return None
    body, tag = raw[:-_TAG], raw[-_TAG:]
    if not body or not hmac.compare_digest(tag, _tag(secret, purpose, body)):
        return None
    return _unpack(body)


def sign_now(secret: str, purpose: str) -> str:
    """Returns a bearer token by which whoever has our secret shows it, for a minute."""
    return sign(secret, purpose, str(int(time.time())))


def is_recent(secret: str, purpose: str, token: str) -> bool:
    """Whether somebody with our secret made this bearer token for this purpose within the last
    minute."""
    at = verify(secret, purpose, token)
    return at is not None and at.isdecimal() and abs(time.time() - int(at)) <= _RECENT


def _tag(secret: str, purpose: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), purpose.encode() + b"\x00" + body, hashlib.sha256).digest()[:_TAG]


def _pack(value: str) -> bytes:
    try:
        unique = UUID(value)
    except ValueError:
        unique = None
    return b"u" + unique.bytes if unique and str(unique) == value else b"s" + value.encode()


def _unpack(body: bytes) -> str | None:
    try:
        return str(UUID(bytes=body[1:])) if body[:1] == b"u" else body[1:].decode()
    except ValueError:
        return None
