"""Whether a mail is as its signer wrote it (RFC 1847, 5652, 8551). Who vouches for the signer's
certificate is named and not checked: no list of authorities for mail is everybody's. PGP is named
only: its keys would have to be known first."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Any

from asn1crypto import cms
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from services.email.domain.headers import one_line

SMIME = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
PGP = "application/pgp-signature"
_SEQUENCE = b"0"
_LONGEST = 1 << 20
"""Bytes of a signature with its certificates."""
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
"""RFC 8551, 2.1; what is weaker proves nothing."""


class State(StrEnum):
    """What a signature says of its mail."""

    NONE = ""
    INTACT = "intact"
    """Nothing has changed since the author's address signed it."""
    OTHER = "other"
    """Nothing has changed since another address signed it."""
    BROKEN = "broken"
    """Something has changed, or somebody else's signature was put on it."""
    UNCHECKED = "unchecked"
    PGP = "pgp"
    ENCRYPTED = "encrypted"


class Signature:
    """`by`: the signer and who vouches for them, as the certificate says."""

    __slots__ = ("by", "emails", "state")

    def __init__(self, state: State, by: str = "", emails: frozenset[str] = frozenset()) -> None:
        self.state, self.by, self.emails = state, by, emails


NO_SIGNATURE = Signature(State.NONE)


def check(signature: bytes, content: bytes | None = None) -> Signature:
    """Checks an S/MIME signature over a part as it was sent, or over what it holds itself. Never
    raises."""
    if not signature.startswith(_SEQUENCE) or len(signature) > _LONGEST + len(content or signature):
        return Signature(State.UNCHECKED)
    try:
        signed = cms.ContentInfo.load(signature)["content"]
        (signer,) = signed["signer_infos"]
        certificate = _certificate(signed, signer)
        if content is None:
            data = signed["encap_content_info"]["content"].native
        else:
            data = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        found = x509.load_der_x509_certificate(certificate.dump())
        by, emails = _names(certificate)
        return Signature(_verified(signer, found.public_key(), data), by, emails)
    except Exception:  # noqa: BLE001 - odd signatures trip the libraries in many ways; the mail is read all the same
        return Signature(State.UNCHECKED)


def judged(signature: Signature, author: str) -> State:
    """Returns the state for a mail whose From is this address."""
    foreign = signature.state is State.INTACT and author.lower() not in signature.emails
    return State.OTHER if foreign else signature.state


def _verified(signer: Any, key: Any, data: bytes) -> State:
    name = signer["digest_algorithm"]["algorithm"].native
    if name not in _DIGESTS:
        return State.UNCHECKED
    attributes = signer["signed_attrs"]
    if attributes:
        (digest,) = next(one["values"] for one in attributes if one["type"].native == "message_digest")
        if not hmac.compare_digest(digest.native, hashlib.new(name, data).digest()):
            return State.BROKEN
        data = attributes.untag().dump(force=True)
    value, digest_of = signer["signature"].native, _DIGESTS[name]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            plain = signer["signature_algorithm"].signature_algo != "rsassa_pss"
            pss = padding.PSS(padding.MGF1(digest_of), padding.PSS.AUTO)
            key.verify(value, data, padding.PKCS1v15() if plain else pss, digest_of)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(digest_of))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(value, data)
        else:
            return State.UNCHECKED
    except InvalidSignature:
        return State.BROKEN
    return State.INTACT


def _certificate(signed: Any, signer: Any) -> Any:
    sid = signer["sid"]
    known = [choice.chosen for choice in signed["certificates"]]
    if sid.name == "issuer_and_serial_number":
        serial, issuer = sid.chosen["serial_number"].native, sid.chosen["issuer"]
        return next(one for one in known if one.serial_number == serial and one.issuer == issuer)
    return next(one for one in known if one.key_identifier == sid.chosen.native)


def _names(certificate: Any) -> tuple[str, frozenset[str]]:
    subject, issuer = certificate.subject.native, certificate.issuer.native
    alternative = certificate.subject_alt_name_value or ()
    emails = [one.native for one in alternative if one.name == "rfc822_name"]
    if isinstance(subject.get("email_address"), str):
        emails.append(subject["email_address"])
    who = emails[0] if emails else str(subject.get("common_name", ""))
    vouching = str(issuer.get("common_name") or issuer.get("organization_name") or "")
    return one_line(f"{who} ({vouching})", 300), frozenset(one.lower() for one in emails)
