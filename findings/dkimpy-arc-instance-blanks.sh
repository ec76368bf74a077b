#!/usr/bin/env bash
# dkimpy looks for the ARC set's number as `i=` directly behind one blank. Blanks that RFC 6376 (3.2) allows around it, a folded line
# among them, make `arc_verify` raise IndexError instead of giving a verdict.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dkimpy==1.1.8 authres==1.2.0 cryptography==46.0.3
venv/bin/python -W ignore - <<'PYTHON'
import base64
from importlib.metadata import version

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
mail = (
    b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=example.com\r\n"
    b"From: ann@example.com\r\nTo: list@example.org\r\nSubject: Lamp\r\nDate: Tue, 1 Dec 2026 10:00:00 +0000\r\n"
    b"Message-ID: <one@example.com>\r\n\r\nWords.\r\n"
)
sealed = b"".join(dkim.arc_sign(mail, b"s", b"example.org", private, b"mx.example.org")) + mail
told = {}
for written in (b" i=1;", b"i=1;", b"\r\n\ti=1;", b" i = 1;"):
    form = sealed.replace(b"ARC-Message-Signature: i=1;", b"ARC-Message-Signature:" + written)
    assert form != sealed or written == b" i=1;"
    try:
        told[written] = dkim.arc_verify(form, dnsfunc=lambda name, timeout=5: record)[0].decode()
    except Exception as error:
        told[written] = type(error).__name__
print(f"dkimpy {version('dkimpy')}: {told}")
assert told[b" i=1;"] == "pass"
assert [told[written] for written in (b"i=1;", b"\r\n\ti=1;", b" i = 1;")] == ["IndexError"] * 3, "the behaviour has changed"
PYTHON
