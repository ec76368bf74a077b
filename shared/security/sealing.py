"""Seals secrets of others that we have to keep, such as a mailbox's password: encrypted in the
database with a key made of SWITCHBOARD_SECRET, which the database does not have."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
"""Bytes (NIST SP 800-38D, 5.2.1.1)."""


def seal(secret: str, purpose: str, value: str) -> bytes:
    """Encrypts `value` with AES-256-GCM. `purpose`: what it is and whose, such as `imap 7f3a`; a
    sealed value that is put somewhere else cannot be opened there."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, value.encode(), purpose.encode())


def unseal(secret: str, purpose: str, sealed: bytes) -> str | None:
    """Returns the value, or None where it was sealed with another secret or for something else."""
    try:
        return AESGCM(_key(secret)).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def _key(secret: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"switchboard sealing").derive(secret.encode())
