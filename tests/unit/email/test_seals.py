"""An agent sees whether a signed mail is as its author signed it, and is never told so of one that
was changed, put together, or signed by somebody else."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from asn1crypto import cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain import seals
from services.email.domain.incoming import Context, Envelope, read
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.mime import Mail, parse
from services.email.domain.seals import State

NOW = datetime(2026, 11, 30, tzinfo=UTC)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
WORDS = b"Content-Type: text/plain\r\n\r\nCancel my contract, please.\r\n"


def certificate(key, email: str = "kim@example.net", *, alternative: bool = True) -> x509.Certificate:
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, "Kim Doe")]
    if email and not alternative:
        subject.append(x509.NameAttribute(NameOID.EMAIL_ADDRESS, email))
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example CA")])
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=9))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if email and alternative:
        made = made.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(email)]), critical=False)
    return made.sign(RSA, hashes.SHA256())


def signature(key=RSA, words: bytes = WORDS, *options, digest=None, rsa_padding=None, **of) -> bytes:
    made = pkcs7.PKCS7SignatureBuilder().set_data(words)
    made = made.add_signer(certificate(key, **of), key, digest or hashes.SHA256(), rsa_padding=rsa_padding)
    return made.sign(serialization.Encoding.DER, [*options, pkcs7.PKCS7Options.Binary])


def sealed(
    seal: bytes, words: bytes = WORDS, sender: str = "kim@example.net", kind: str = "application/pkcs7-signature"
) -> Mail:
    head = (
        f'From: {sender}\r\nSubject: Contract\r\nContent-Type: multipart/signed; protocol="{kind}"; boundary=b\r\n\r\n'
    )
    tail = f"\r\n--b\r\nContent-Type: {kind}; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return parse(head.encode() + b"--b\r\n" + words + tail.encode() + base64.encodebytes(seal) + b"--b--\r\n")


DETACHED = pkcs7.PKCS7Options.DetachedSignature
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)


@pytest.mark.parametrize(
    "seal",
    [
        signature(RSA, WORDS, DETACHED),
        signature(RSA, WORDS, DETACHED, digest=hashes.SHA512()),
        signature(RSA, WORDS, DETACHED, rsa_padding=PSS),
        signature(ec.generate_private_key(ec.SECP256R1()), WORDS, DETACHED),
        signature(RSA, WORDS, DETACHED, alternative=False),
        signature(RSA, WORDS, DETACHED, pkcs7.PKCS7Options.NoAttributes),
    ],
    ids=["rsa", "sha-512", "rsa-pss", "elliptic", "address in the subject", "without attributes"],
)
def test_a_mail_as_its_author_signed_it_is_intact_by_whatever_key(seal: bytes) -> None:
    for words in (WORDS, WORDS.replace(b"\r\n", b"\n")):  # some relays change the line ends
        found = sealed(seal, words)
        assert (found.signature, found.signed_by) == (State.INTACT, "kim@example.net (Example CA)")
        assert found.text == "Cancel my contract, please."


def test_one_letter_changed_breaks_it() -> None:
    for options in ([DETACHED], [DETACHED, pkcs7.PKCS7Options.NoAttributes]):
        seal = signature(RSA, WORDS, *options)
        assert sealed(seal, WORDS.replace(b"Cancel", b"Extend")).signature == State.BROKEN


def test_who_signs_for_another_address_is_named() -> None:
    found = sealed(signature(RSA, WORDS, DETACHED, email="lee@example.net"))
    assert (found.signature, found.signed_by) == (State.OTHER, "lee@example.net (Example CA)")
    nameless = sealed(signature(RSA, WORDS, DETACHED, email=""))
    assert (nameless.signature, nameless.signed_by) == (State.OTHER, "Kim Doe (Example CA)")


def test_an_opaque_signature_is_checked_over_what_it_holds() -> None:
    data = base64.encodebytes(signature()).decode()
    kind = "Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64"
    found = parse(f"From: kim@example.net\n{kind}\n\n{data}".encode())
    assert (found.signature, found.text) == (State.INTACT, "Cancel my contract, please.")
    inside = f"From: kim@example.net\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\nMine.\n--m\n{kind}\n\n{data}\n--m--"
    assert parse(inside.encode()).signature == State.NONE


def test_a_signature_of_a_part_says_nothing_of_the_rest() -> None:
    inner = sealed(signature(RSA, WORDS, DETACHED))
    assert inner.signature == State.INTACT
    seal = base64.encodebytes(signature(RSA, WORDS, DETACHED)).decode()
    part = f"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n{WORDS.decode()}\r\n--b\r\nContent-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: base64\r\n\r\n{seal}--b--"
    raw = f"From: kim@example.net\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n\r\nPay twice.\r\n--m\r\n{part}\r\n--m--"
    assert parse(raw.encode()).signature == State.NONE


def test_what_cannot_be_checked_is_said_not_to_be() -> None:
    weak = cms.ContentInfo.load(signature(RSA, WORDS, DETACHED))
    weak["content"]["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha1"}
    for seal in (b"", b"\x30\x80nonsense", b"\x30" + b"x" * 3_000_000, weak.dump(force=True)):
        assert sealed(seal).signature == State.UNCHECKED
    assert sealed(b"x", kind="application/x-unknown").signature == State.UNCHECKED
    assert seals._verified(signer_of(signature(RSA, WORDS, DETACHED)), object(), WORDS) == State.UNCHECKED


def signer_of(seal: bytes):
    return cms.ContentInfo.load(seal)["content"]["signer_infos"][0]


def test_a_key_of_edwards_curve_and_a_signer_named_by_the_key_are_known() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    signer = {"digest_algorithm": {"algorithm": SimpleNamespace(native="sha512")}, "signed_attrs": None}
    signer["signature"] = SimpleNamespace(native=key.sign(WORDS))
    assert seals._verified(signer, key.public_key(), WORDS) == State.INTACT
    assert seals._verified(signer, key.public_key(), WORDS + b"x") == State.BROKEN
    info = cms.ContentInfo.load(signature(RSA, WORDS, DETACHED))
    chosen = info["content"]["certificates"][0].chosen
    by_key = cms.SignerIdentifier(name="subject_key_identifier", value=chosen.key_identifier)
    info["content"]["signer_infos"][0]["sid"] = by_key
    assert sealed(info.dump(force=True)).signature == State.INTACT


def test_pgp_is_named_and_what_is_encrypted_as_well() -> None:
    assert sealed(b"x", kind="application/pgp-signature").signature == State.PGP
    parts = "--b\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n--b--"
    raw = f"From: kim@example.net\nContent-Type: multipart/encrypted; boundary=b\n\n{parts}"
    assert parse(raw.encode()).signature == State.ENCRYPTED
    assert parse(b"From: kim@example.net\nContent-Type: application/pkcs7-mime\n\nxx").signature == State.ENCRYPTED
    assert (
        parse(b"From: kim@example.net\nContent-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--").signature
        == State.NONE
    )
    assert parse(b"From: kim@example.net\n\nHi").signature == State.NONE


def test_a_message_carries_what_its_signature_says() -> None:
    context = Context(Mailboxes.parse("support@example.org"), "a secret that is long enough for anybody", ())
    found = read(sealed(signature(RSA, WORDS, DETACHED)), Envelope("kim@example.net", ()), context, "raw", NOW).message
    assert found.facts == {"signature": "intact", "signed_by": "kim@example.net (Example CA)"}


@given(st.binary(max_size=300), st.integers(0, 900))
def test_no_signature_breaks_the_reader(data: bytes, cut: int) -> None:
    whole = signature(RSA, WORDS, DETACHED) if cut == 0 else b"\x30" + data
    assert seals.check(whole[:cut] + data, WORDS).state in State
