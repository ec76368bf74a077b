"""Whether a mail is by whom it says, found out by ourselves."""

from __future__ import annotations

import base64
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from nacl.encoding import Base64Encoder
from nacl.signing import SigningKey

from services.email.domain import checking
from services.email.domain.authentication import judged, vouched
from services.email.domain.checking import Client, Evidence, Missing, check, head_of, questions, spf
from services.email.domain.headers import Headers
from services.email.domain.mime import parse

KEY = rsa.generate_private_key(65537, 2048)
PRIVATE = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
RECORD = (f"v=DKIM1; k=rsa; p={PUBLIC}",)
HOME = Client("192.0.2.1", "mta.a.example", "ann@a.example")
AWAY = Client("198.51.100.7", "mta.b.example", "bounces@b.example")
DNS: dict[str, tuple[str, ...] | None] = {
    "TXT s._domainkey.a.example": RECORD,
    "TXT s._domainkey.mail.a.example": RECORD,
    "TXT s._domainkey.b.example": RECORD,
    "TXT s._domainkey.lists.example": RECORD,
    "TXT a.example": ("some other record", "v=spf1 a mx ip4:192.0.2.0/24 -all"),
    "TXT b.example": ("v=spf1 include:a.example include:c.example ~all",),
    "TXT c.example": ("v=spf1 ip4:198.51.100.0/24 -all",),
    "A a.example": ("203.0.113.1",),
    "MX a.example": ("10 mx.a.example",),
    "A mx.a.example": ("203.0.113.2",),
    "TXT _dmarc.a.example": ("v=DMARC1; p=reject; sp=none; adkim=r",),
    "TXT _dmarc.none.example": ("v=DMARC1; p=none",),
    "TXT _dmarc.strict.example": ("v=DMARC1; p=quarantine; adkim=s; aspf=s",),
}
BODY = b"My lamp is broken.\r\nPlease  help.  \r\n\r\n"
MAIL = (
    b"From: Ann <ann@a.example>\r\nTo: support@example.org\r\nSubject: Lamp\r\nMessage-ID: <1@a.example>\r\n\r\n" + BODY
)


class Answers(dict[str, "tuple[str, ...] | None"]):
    """DNS: what nobody wrote down does not exist, and is known not to."""

    def get(self, question: str, default: Any = None) -> tuple[str, ...] | None:
        return self[question] if question in self.keys() else ()

    def __contains__(self, question: object) -> bool:
        return True


def signed(mail: bytes = MAIL, domain: bytes = b"a.example", canon: bytes = b"relaxed", **more: Any) -> bytes:
    signer = dkim.DKIM(mail)
    return bytes(signer.sign(b"s", domain, PRIVATE, canonicalize=(canon, canon), **more)) + mail


def found(
    raw: bytes, client: Client = AWAY, lists: tuple[str, ...] = (), **more: tuple[str, ...] | None
) -> tuple[str, str]:
    """What we find out; `more`: of DNS."""
    answers = Answers(DNS | more)
    headers = parse(raw).headers
    evidence = Evidence(spf(client, answers), client.domain, answers)
    results = check(raw, headers, evidence, frozenset(lists))
    author = checking.author_of(headers)
    verdict = judged(results, author, vouched(headers, author, lists))
    return verdict.standing.value, verdict.by


def test_whoever_signs_is_told_by_name() -> None:
    assert found(signed()) == ("signed", "a.example")
    assert found(signed(canon=b"simple")) == ("signed", "a.example")
    assert found(signed(domain=b"mail.a.example")) == ("signed", "mail.a.example")
    assert found(signed(signed(), domain=b"b.example")) == ("signed", "a.example"), (
        "the author's own before a service's"
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n\r\n",
        b"  \t\r\n",
        b"a\t  b \r\n \r\n",
        b"a",
        b"a b " * 200_000 + b"\r\nc  \r\n" * 3,
        b"\r\n" * 300_000,
    ],
)
@pytest.mark.parametrize("canon", [b"simple", b"relaxed"])
def test_every_body_is_hashed_as_its_signer_did(body: bytes, canon: bytes) -> None:
    mail = MAIL.removesuffix(BODY) + body
    assert found(signed(mail, canon=canon)) == ("signed", "a.example")
    assert found(signed(mail, canon=canon, length=True))[0] == "signed"
    assert found(signed(mail, canon=canon) + b"x")[0] == "forged"


def test_a_signature_on_a_curve_is_as_good() -> None:
    key = SigningKey.generate()
    mail = (
        dkim.DKIM(MAIL, signature_algorithm=b"ed25519-sha256").sign(b"e", b"a.example", key.encode(Base64Encoder))
        + MAIL
    )
    record = {"TXT e._domainkey.a.example": (f"v=DKIM1; k=ed25519; p={key.verify_key.encode(Base64Encoder).decode()}",)}
    assert found(mail, **record) == ("signed", "a.example")
    assert found(mail.replace(b"Lamp", b"Gift"), **record)[0] == "forged"


def test_whoever_sends_by_a_server_of_their_own_is_told_by_name() -> None:
    assert found(MAIL, HOME) == ("sent", "a.example")
    assert found(MAIL.replace(b"ann@a", b"ann@shop.a"), HOME) == ("sent", "shop.a.example")


def smuggled(end: bytes) -> bytes:
    """A mail that b.example signed, below a header that our reader sees and b.example does not."""
    fields = [
        b"DKIM-Signature: d=%b; s=s; h=from; b=x" % domain for domain in (b"c.example", b"a.example", b"b.example")
    ]
    lines = [*fields, b"From: Ann <ann@a.example>", b"", b"Pay at once."]
    return end.join(lines) + b"\r\n" + signed(MAIL.replace(b"ann@a", b"bob@b"), domain=b"b.example")


FORGED = [
    MAIL,  # neither signed nor from there
    signed().replace(b"broken", b"fine"),  # changed on its way
    signed().replace(b"Subject: Lamp", b"Subject: Gift"),
    signed(domain=b"b.example"),  # somebody else's signature
    signed() + b"More words below.",
    signed(length=True) + b"More words below.",  # signed for the first octets only
    signed().replace(b"h=from", b"h=sender").replace(b": from;", b";"),  # From is not signed
    b"From: Eve <eve@b.example>\r\n" + signed(domain=b"b.example"),
    signed().replace(b"a=rsa-sha256", b"a=rsa-sha1"),
    signed().replace(b"; s=s;", b"; s=gone;"),
    signed().replace(b" bh=", b" x=1; bh="),
    signed().replace(b" bh=", b" l=x; bh="),
    signed().replace(b" bh=", b" " * 200 + b"bh="),
    b"X-A: b\r\n" * 501 + signed(),
    smuggled(b"\n"),
    smuggled(b"\r"),
    signed().replace(b"To: ", b"Pay at once.\r\nTo: "),  # the words of the mail begin here, and are not signed
    b"".join(b"DKIM-Signature: d=a.example; s=x%d; h=from\r\n" % number for number in range(20)) + signed(),
]


@pytest.mark.parametrize("raw", FORGED)
def test_what_a_domain_says_it_did_not_send_is_forged(raw: bytes) -> None:
    assert found(raw)[0] == ("forged" if b"eve@" not in raw else "unproven")


def test_what_a_domain_says_nothing_of_is_no_forgery() -> None:
    assert found(MAIL.replace(b"ann@a.example", b"ann@small.example")) == ("unproven", "small.example")
    assert found(MAIL.replace(b"ann@a.example", b"ann@none.example")) == ("unproven", "none.example")
    assert found(MAIL.replace(b"ann@a.example", b"ann@shop.a.example")) == ("unproven", "shop.a.example"), "sp=none"
    assert found(MAIL.replace(b"<ann@a.example>", b"nobody")) == ("unproven", "")
    assert found(MAIL.replace(b"ann@a.example", b"ann@localhost")) == ("unproven", "localhost")


def test_a_strict_domain_is_taken_at_its_word() -> None:
    mail = MAIL.replace(b"ann@a.example", b"ann@strict.example")
    key = {f"TXT s._domainkey.{name}": RECORD for name in ("strict.example", "m.strict.example")}
    assert found(signed(mail, b"strict.example"), **key) == ("signed", "strict.example")
    assert found(signed(mail, b"m.strict.example"), **key) == ("forged", "strict.example")


@pytest.mark.parametrize(
    ("records", "author", "signer", "standing"),
    [
        # siblings of one organisation; the walk ends at the highest record
        ({"_dmarc.o.example": "v=DMARC1; p=reject"}, "x.o.example", "y.o.example", "sent"),
        # a registry's own record separates those below it
        ({"_dmarc.example": "v=DMARC1; p=reject; psd=y"}, "x.example", "y.example", "forged"),
        ({"_dmarc.o.example": "v=DMARC1; p=reject; psd=n", "_dmarc.example": "v=DMARC1; p=none"}, "x.o.example", "o.example", "signed"),
        # a domain that still tries it out is one step milder
        ({"_dmarc.o.example": "v=DMARC1; p=reject; t=y"}, "o.example", "b.example", "forged"),
        ({"_dmarc.o.example": "v=DMARC1; p=quarantine; t=y"}, "o.example", "b.example", "unproven"),
        ({"_dmarc.o.example": "v=DMARC1; p=reject; sp=quarantine"}, "x.o.example", "b.example", "forged"),
        # no valid record is none
        ({"_dmarc.o.example": "v=DMARC2; p=reject"}, "o.example", "b.example", "unproven"),
        ({"_dmarc.o.example": "v=DMARC1; rua=mailto:x@o.example"}, "o.example", "b.example", "unproven"),
        # long names are asked from the seventh on
        ({"_dmarc.o.example": "v=DMARC1; p=reject"}, "a.b.c.d.e.f.g.h.o.example", "b.example", "forged"),
    ],
)  # fmt: skip
def test_what_belongs_together_is_found_by_the_tree_walk(
    records: dict[str, str], author: str, signer: str, standing: str
) -> None:
    answers = {f"TXT {name}": (record,) for name, record in records.items()}
    raw = signed(MAIL.replace(b"ann@a.example", f"ann@{author}".encode()), signer.encode())
    key = {f"TXT s._domainkey.{signer}": RECORD}
    assert found(raw, **(answers | key))[0] == standing


def test_two_policies_are_none() -> None:
    assert found(MAIL, **{"TXT _dmarc.a.example": ("v=DMARC1; p=reject", "v=DMARC1; p=none")})[0] == "unproven"


@pytest.mark.parametrize(
    ("question", "standing"),
    [
        ("TXT _dmarc.a.example", "unknown"),
        ("TXT s._domainkey.a.example", "unknown"),
        ("TXT _dmarc.example", "unknown"),
        # what is the sender's own to hold back does not leave the matter open
        ("TXT b.example", "forged"),
        ("TXT s._domainkey.b.example", "forged"),
    ],
)
def test_while_dns_is_silent_nobody_is_called_a_forger(question: str, standing: str) -> None:
    broken = signed(signed(), b"b.example").replace(b"broken", b"fine")
    assert found(broken, **{question: None})[0] == standing
    assert found(signed(), **{"TXT _dmarc.a.example": None})[0] == "signed", "a good signature is one all the same"
    assert found(MAIL, HOME, **{"TXT a.example": None})[0] == "unknown", "SPF of the author's own domain"


def sealed(
    mail: bytes, told: bytes = b"dmarc=pass header.from=a.example; dkim=pass header.d=a.example; arc=none"
) -> bytes:
    """A mail that a list has changed, and sealed with what it found before."""
    changed = (
        b"Authentication-Results: lists.example; " + told + b"\r\n" + mail.replace(b"Subject: ", b"Subject: [list] ")
    )
    return b"".join(dkim.arc_sign(changed, b"s", b"lists.example", PRIVATE, b"lists.example")) + changed


def test_a_list_that_is_trusted_is_forgiven_that_it_changed_the_mail() -> None:
    raw = sealed(signed())
    assert found(raw) == ("forged", "a.example"), "nobody trusts this list"
    assert found(raw, lists=("lists.example",)) == ("vouched", "lists.example")
    assert found(raw.replace(b"broken", b"fine"), lists=("lists.example",))[0] == "forged"
    assert found(sealed(signed(), b"dmarc=fail; arc=none"), lists=("lists.example",))[0] == "forged"
    blanks = raw.replace(b"ARC-Message-Signature: i=1;", b"ARC-Message-Signature:\r\n\ti=1;")
    assert found(blanks, lists=("lists.example",))[0] == "vouched", "other blanks are allowed"
    assert found(raw.replace(b"Seal: i=1", b"Seal: i=2"), lists=("lists.example",))[0] == "forged"
    assert found(raw.replace(b"Signature: i=1;", b"Signature: i = 1;"), lists=("lists.example",))[0] == "forged"
    assert found(raw.replace(b"Seal: i=1;", b"Seal: i=1;" + b" " * 200), lists=("lists.example",))[0] == "forged"
    silent = {"TXT s._domainkey.lists.example": None}
    assert found(raw, lists=("lists.example",), **silent)[0] == "unknown"


@pytest.mark.parametrize(
    ("client", "result"),
    [
        (HOME, "pass"),
        (AWAY, "pass"),
        (HOME._replace(address="203.0.113.2"), "pass"),
        (HOME._replace(address="203.0.113.9"), "fail"),
        (HOME._replace(address="2001:db8::1"), "fail"),
        (AWAY._replace(address="203.0.113.9"), "softfail"),
        (Client("192.0.2.1", "a.example", ""), "pass"),
        (Client("192.0.2.1", "", ""), "none"),
        (Client("192.0.2.1", "x", "ann@nobody.example"), "none"),
        (Client("192.0.2.1", "x", "ann@two.example"), "permerror"),
        (Client("192.0.2.1", "x", "ann@void.example"), "permerror"),
        (Client("192.0.2.1", "x", "ann@pointed.example"), "pass"),
        (Client("192.0.2.1", "x", "ann@loud.example"), "fail"),
        (Client("nonsense", "x", "ann@a.example"), "permerror"),
        (Client("192.0.2.1", "x" * 300, "é" * 70 + "@" + "é" * 70 + ".example"), "none"),
    ],
)
def test_spf_is_what_its_rfc_says(client: Client, result: str) -> None:
    more = {
        "TXT two.example": ("v=spf1 -all", "v=spf1 +all"),
        "TXT void.example": ("v=spf1 a:x1.example a:x2.example a:x3.example ip4:192.0.2.1 -all",),
        "TXT pointed.example": ("v=spf1 ptr:a.example -all",),
        "PTR 1.2.0.192.in-addr.arpa": ("host.a.example",),
        "A host.a.example": ("192.0.2.1",),
        "TXT loud.example": ("v=spf1 -all exp=why.example",),
    }
    assert spf(client, Answers(DNS | more)) == result


def test_what_has_to_be_asked_is_known_before_the_mail_is_read() -> None:
    raw = sealed(signed())
    asked = questions(Headers(head_of(raw)), AWAY.domain)
    assert set(asked) == {
        "TXT s._domainkey.a.example", "TXT s._domainkey.lists.example", "TXT _dmarc.a.example", "TXT _dmarc.example", "TXT _dmarc.b.example",
    }  # fmt: skip
    assert questions(Headers(head_of(b"DKIM-Signature: x\r\nFrom: nobody\r\n\r\n")), "") == ()
    with pytest.raises(Missing, match=r"TXT a\.example"):
        spf(HOME, {})


def test_where_nobody_knows_who_handed_it_over_a_signature_proves_and_nothing_is_forged() -> None:
    def told(raw: bytes, lists: tuple[str, ...] = ()) -> str:
        headers = parse(raw).headers
        results = check(raw, headers, Evidence("", "", Answers(DNS)), frozenset(lists))
        return judged(results, "a.example", vouched(headers, "a.example", lists)).standing.value

    assert told(signed()) == "signed"
    assert told(signed().replace(b"\r\n", b"\n")) == "signed", "a provider took the carriage returns"
    assert told(MAIL) == told(signed() + b"x") == "unknown", "the domain's own server may have sent it"
    assert told(changed := sealed(signed()), ("lists.example",)) == "vouched"
    assert told(changed) == "unknown"


def test_of_a_mail_that_is_too_much_nothing_is_said() -> None:
    results = check(b"", parse(MAIL).headers, Evidence("pass", "b.example", {}), frozenset())
    assert judged(results, "a.example", "").standing == "unknown"
