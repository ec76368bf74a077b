"""Signs our mails (DKIM, RFC 6376). Pure but for the time in the signature, which dkimpy takes of
the clock."""

from __future__ import annotations

from dataclasses import dataclass
from email.parser import BytesHeaderParser

import dkim
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

_ONCE = (
    "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
)  # fmt: skip
"""Fields that a mail has once: named one time more than they are there, so that none can be added
above ours (RFC 6376, 8.15). dkimpy by itself does that for From alone."""
_ALSO = ("Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "Content-Language")
"""What else we write and dkimpy leaves out."""
_SHORTEST = 1024
"""Bits. Receivers ignore shorter keys (RFC 8301, 3.2), and long ones do not fit every DNS."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs. `key`: an RSA key as `usable` returns it."""

    domain: str
    selector: str
    key: str


def usable(pem: str) -> str:
    """Returns an RSA key in the form that dkimpy reads, from any PEM. Raises ValueError with what
    would be right."""
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("give an RSA key in PEM without a passphrase, as `openssl genrsa 2048` writes it") from error
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SHORTEST:
        raise ValueError(f"give an RSA key of at least {_SHORTEST} bits: all receivers read those")
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def signed(content: bytes, signer: Signer) -> bytes:
    """Returns the mail with a signature above. Takes some ms: a call for a thread."""
    present = BytesHeaderParser().parsebytes(content)
    names = [*_ONCE, *(name for name in (*_ONCE, *_ALSO) if name in present)]
    field = dkim.sign(
        content,
        signer.selector.encode(),
        signer.domain.encode(),
        signer.key.encode(),
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[name.lower().encode() for name in names],
    )
    return bytes(field) + content
