"""The certificate with which SMTP offers TLS where the operator has given none.

It is nobody's word for who we are, and keeps out everybody who only listens: mail servers take any
certificate rather than none (RFC 7435, opportunistic security).
"""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LASTS = timedelta(days=3650)
_RENEWED = timedelta(days=60)
"""Before its end: at one of the starts until then."""


def kept_context(folder: Path, hostname: str) -> ssl.SSLContext:
    """Returns a TLS context with the certificate in this folder, which is made where there is
    none, or it soon ends, or has another name. Raises OSError where the folder cannot be written
    or read."""
    path = folder / "smtp.pem"
    if not _serves(path, hostname):
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{uuid4().hex}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_made(hostname, datetime.now(UTC)))
        part.replace(path)
    return context(path, None)


def context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Returns a TLS context with these PEM files. Raises OSError (SSLError is one) where they
    cannot be used."""
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    found.load_cert_chain(certificate, key)
    return found


def _serves(path: Path, hostname: str) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return found.subject == _name(hostname) and found.not_valid_after_utc - _RENEWED > datetime.now(UTC)


def _made(hostname: str, now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(hostname)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(_ascii(hostname))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _name(hostname: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _ascii(hostname)[:64])])


def _ascii(hostname: str) -> str:
    return hostname.encode("ascii", "ignore").decode() or "localhost"
