"""Whoever receives a mail of ours can check that nobody changed it on the way, nor added a field
above ours."""

from __future__ import annotations

import re
from base64 import b64encode

import dkim
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from services.email.domain.dkim import Signer, signed, usable
from services.email.domain.outgoing import build
from tests.unit.email.test_outgoing import BASE, IDENTITY, NOW

KEY = rsa.generate_private_key(65537, 1024)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SIGNER = Signer("example.org", "s1", usable(PEM))


def dns(name: bytes, timeout: int = 5) -> bytes | None:
    """What the domain's name server answers."""
    public = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + b64encode(public) if name == b"s1._domainkey.example.org." else None


def content(**changes: object) -> bytes:
    return signed(build(msgspec.structs.replace(BASE, **changes), [], IDENTITY, NOW).content, SIGNER)


def test_a_signature_holds_and_every_field_of_ours_is_under_it() -> None:
    mail = content(automatic=True, language="fr", cc=("lee@example.net",), text="Grüße an 홍길동 €")
    assert dkim.verify(mail, dnsfunc=dns)
    covered = re.sub(rb"\s", b"", re.search(rb"\bh=([^;]+);", mail)[1]).split(b":")  # type: ignore[index]
    ours = {
        line.partition(b":")[0].lower() for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n") if line[:1].strip()
    }
    assert ours - {b"dkim-signature"} == set(covered) & ours
    assert {name for name in covered if covered.count(name) > 1} >= {
        b"from",
        b"to",
        b"subject",
        b"date",
        b"cc",
        b"reply-to",
    }


@pytest.mark.parametrize(
    "forgery",
    [
        lambda mail: mail.replace(b"restart", b"destroy"),
        lambda mail: mail.replace(b"Subject: Re: Lamp", b"Subject: Re: Fire"),
        *(lambda mail, name=name: name + b": forged\r\n" + mail for name in (b"Subject", b"From", b"To", b"Cc", b"Reply-To", b"Sender", b"Date", b"References")),
    ],
)  # fmt: skip
def test_a_field_that_is_changed_or_added_on_the_way_breaks_it(forgery: object) -> None:
    mail = content()
    assert dkim.verify(mail, dnsfunc=dns)
    assert not dkim.verify(forgery(mail), dnsfunc=dns)  # type: ignore[operator]


def test_any_form_of_an_rsa_key_is_read_and_everything_else_is_refused_with_what_would_be_right() -> None:
    old = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert usable(old) == usable(PEM) == SIGNER.key
    locked = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
    other = (
        ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for wrong in (locked, other, public, "", "x"):
        with pytest.raises(ValueError, match="give an RSA key"):
            usable(wrong)
