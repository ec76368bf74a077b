"""Whether a mail is by whom it says, by the word of those whom we trust."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.email.domain.authentication import Results, judged, vouched, written
from services.email.domain.headers import Headers
from services.email.domain.mime import parse
from services.email.domain.spam import spam
from shared.events import InboundMessage
from tests.unit.email.test_incoming import CONTEXT, received

TRUSTING = replace(CONTEXT, trusted=frozenset({"mx.example.org", "none"}), sealers=frozenset({"lists.example"}))
MICROSOFT = (
    "spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=bank.example; dkim=none (message not signed)"
    " header.d=none;dmarc=fail action=oreject header.from=bank.example;compauth=fail reason=000"
)
SIGNED = "spf=pass smtp.mailfrom=a.example; dkim=pass header.d=a.example; dmarc=pass header.from=a.example"


def headers(fields: str) -> Headers:
    return parse(f"{fields.strip()}\nFrom: ann@a.example\n\nx".encode()).headers


def by(fields: str, sender: str = "ann@a.example") -> InboundMessage:
    return received(f"{fields}\nFrom: Ann <{sender}>", context=TRUSTING)


def results(value: str) -> Results | None:
    return written(headers(f"Authentication-Results: {value}"), {"mx.example.org", "none"})


@pytest.mark.parametrize(
    ("value", "found"),
    [
        # Google: a DKIM identity instead of a domain, and the policy in a comment
        (
            ("mx.example.org; dkim=pass header.i=@a.example header.s=s1 header.b=Abc; spf=pass (domain of ann@a.example designates"
             " 192.0.2.1 as permitted sender) smtp.mailfrom=ann@a.example; dmarc=pass (p=NONE dis=NONE) header.from=a.example"),
            Results("pass", "a.example", ("a.example",), "pass", "a.example"),
        ),
        # Google, of a list: what the sealers said stands in a comment
        (
            ("mx.example.org; arc=pass (i=1 spf=pass spfdomain=a.example dkim=pass dmarc=pass fromdomain=a.example);"
             " dmarc=fail (p=NONE) header.from=a.example"),
            Results(dmarc="fail", header_from="a.example", arc="pass"),
        ),
        # Exchange Online: no name, a verdict of its own
        (
            MICROSOFT,
            Results(spf="fail", mail_from="bank.example", dmarc="fail", header_from="bank.example", compauth="fail 000"),
        ),
        ("spf=pass smtp.mailfrom=a.example;compauth=pass reason=130", Results("pass", "a.example", compauth="pass 130")),
        # Yahoo: a semicolon at the end
        ("mx.example.org; spf=pass smtp.mailfrom=a.example; dmarc=pass(p=REJECT);", Results("pass", "a.example", dmarc="pass")),
        # GMX: the empty sender of a bounce; whoever has none is known by HELO
        ("mx.example.org; spf=none smtp.mailfrom=<> smtp.helo=mta.a.example", Results("none", "mta.a.example")),
        # Fastmail: the method's comment before its properties, and properties of its own
        (
            ("mx.example.org; dkim=pass (2048-bit rsa key sha256) header.d=A.example header.i=@a.example x-bits=2048;"
             " dmarc=pass policy.published-domain-policy=reject (p=reject,d=none) header.from=a.example"),
            Results(dkim=("a.example",), dmarc="pass", header_from="a.example"),
        ),
        # a version, blanks where RFC 8601 allows them, capitals
        ("MX.example.org 1;\n SPF / 1 = PASS smtp.mailfrom = ann@a.example", Results("pass", "a.example")),
        # several signatures: those that are good
        (
            "mx.example.org; dkim=fail (bad) header.d=a.example; dkim=pass header.d=esp.example; dkim=pass header.i=u@b.example",
            Results(dkim=("esp.example", "b.example")),
        ),
        # a local part in quotes
        ('mx.example.org; spf=pass smtp.mailfrom="ann; dmarc=fail"@a.example', Results("pass", "a.example")),
        # a domain beyond ASCII
        ("mx.example.org; dmarc=pass header.from=예시.example", Results(dmarc="pass", header_from="예시.example")),
        # a reason of words, a method that nobody knows
        ('mx.example.org; dkim=fail reason="x; spf=pass" header.d=a.example; x-tls=pass', Results()),
        ("mx.example.org; spf=temperror smtp.mailfrom=a.example", Results("temperror", "a.example", in_doubt=True)),
        ("mx.example.org; none", Results()),
        ("mx.evil.example; dmarc=pass", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_mail_servers_write_is_read(value: str, found: Results | None) -> None:
    assert results(value) == found


@pytest.mark.parametrize(
    ("fields", "dmarc", "signers"),
    [
        # OpenDKIM and OpenDMARC each write a field of their own
        (["mx.example.org; dmarc=fail", "mx.example.org; dkim=pass header.d=a.example"], "fail", ("a.example",)),
        (["mx.example.org; dmarc=fail", "mx.example.org; dmarc=pass"], "fail", ()),
        # whoever stands below another server came with the mail
        (["mx.example.org; spf=pass", "mx.else.example; spf=pass", "mx.example.org; dmarc=pass"], "", ()),
        # the form without a name is anybody's: only the topmost is our server's
        (["dmarc=fail", "dkim=pass header.d=a.example"], "fail", ()),
        (["mx.example.org; dmarc=fail", "dkim=pass header.d=a.example"], "fail", ()),
    ],
)
def test_only_what_our_own_server_wrote_counts(fields: list[str], dmarc: str, signers: tuple[str, ...]) -> None:
    found = written(
        headers("\n".join(f"Authentication-Results: {field}" for field in fields)), {"mx.example.org", "none"}
    )
    assert found is not None
    assert (found.dmarc, found.dkim) == (dmarc, signers)


@pytest.mark.parametrize(
    ("value", "sender", "told"),
    [
        (SIGNED, "ann@a.example", ("signed", "a.example", "")),
        ("dkim=pass header.d=a.example", "ann@shop.a.example", ("signed", "a.example", "")),
        ("dkim=pass header.d=mail.a.example", "ann@a.example", ("signed", "mail.a.example", "")),
        ("spf=pass smtp.mailfrom=bounces.a.example; dmarc=none", "ann@a.example", ("sent", "a.example", "")),
        ("spf=pass smtp.mailfrom=esp.example; dmarc=pass", "ann@a.example", ("sent", "a.example", "")),
        # a service's own signature says nothing of its customer
        ("spf=pass smtp.mailfrom=esp.example; dkim=pass header.d=esp.example", "ann@a.example", ("unproven", "a.example", "")),
        ("spf=softfail smtp.mailfrom=a.example; dmarc=none", "ann@a.example", ("unproven", "a.example", "")),
        ("dkim=pass header.d=xa.example", "ann@a.example", ("unproven", "a.example", "")),
        ("none", "ann@a.example", ("unproven", "a.example", "")),
        ("spf=temperror; dmarc=temperror", "ann@a.example", ("unknown", "a.example", "")),
        ("dmarc=fail header.from=a.example; spf=pass smtp.mailfrom=a.example", "ann@a.example", ("forged", "a.example", "dmarc")),
        # it is about another domain than the one that we read
        ("dmarc=pass header.from=b.example", "ann@a.example", ("unproven", "a.example", "")),
        # Microsoft believes the list that changed it
        ("dmarc=fail header.from=a.example;compauth=pass reason=130", "ann@a.example", ("unproven", "a.example", "")),
        # of two authors nothing can be told
        (SIGNED, "ann@a.example>, <bob@b.example", ("unproven", "", "")),
    ],
)  # fmt: skip
def test_an_agent_is_told_who_stands_behind_a_mail(value: str, sender: str, told: tuple[str, str, str]) -> None:
    message = by(f"Authentication-Results: mx.example.org; {value}", sender)
    assert (message.facts["sender"], message.facts["sender_domain"], message.doubt) == told


def test_without_a_server_that_we_trust_nothing_is_said() -> None:
    message = received(f"Authentication-Results: mx.example.org; {SIGNED}\nFrom: ann@a.example")
    assert "sender" not in message.facts


def chain(*sets: tuple[str, str]) -> str:
    """ARC sets, the oldest first: the sealer and what it found."""
    return "\n".join(
        f"ARC-Seal: i={number}; a=rsa-sha256; cv=none; d={sealer}; s=s; b=AAAA\n"
        f"ARC-Authentication-Results: i={number}; {sealer}; {found}"
        for number, (sealer, found) in reversed([*enumerate(sets, 1)])
    )


OURS = "Authentication-Results: mx.example.org; arc=pass; dmarc=fail header.from=a.example"
GENUINE = "spf=pass smtp.mailfrom=a.example; dmarc=pass header.from=a.example"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (f"{OURS}\n{chain(('lists.example', GENUINE))}", ("vouched", "lists.example", "")),
        (f"{OURS}\n{chain(('lists.example', 'dkim=pass header.d=a.example'))}", ("vouched", "lists.example", "")),
        # two lists, both trusted; the second saw it changed already
        (f"{OURS}\n{chain(('lists.example', GENUINE), ('lists.example', 'arc=pass; dmarc=fail'))}", ("vouched", "lists.example", "")),
        # below a seal that is not trusted anything may have been made up
        (f"{OURS}\n{chain(('lists.example', GENUINE), ('evil.example', GENUINE))}", ("forged", "a.example", "dmarc")),
        (f"{OURS}\n{chain(('evil.example', GENUINE))}", ("forged", "a.example", "dmarc")),
        # it was forged already when it came to the list
        (f"{OURS}\n{chain(('lists.example', 'dmarc=fail header.from=a.example'))}", ("forged", "a.example", "dmarc")),
        # the seals are broken, or nobody looked
        (f"{OURS.replace('arc=pass', 'arc=fail')}\n{chain(('lists.example', GENUINE))}", ("forged", "a.example", "dmarc")),
        (f"{OURS.replace('arc=pass; ', '')}\n{chain(('lists.example', GENUINE))}", ("forged", "a.example", "dmarc")),
        # a set is missing
        (f"{OURS}\n{chain(('lists.example', GENUINE)).replace('i=1', 'i=2')}", ("vouched", "lists.example", "")),
        (f"{OURS}\nARC-Seal: i=1; d=lists.example", ("forged", "a.example", "dmarc")),
        (f"{OURS}\nARC-Seal: d=lists.example", ("forged", "a.example", "dmarc")),
    ],
)  # fmt: skip
def test_a_list_that_is_trusted_is_forgiven_that_it_changes_mails(fields: str, told: tuple[str, str, str]) -> None:
    message = by(fields)
    assert (message.facts["sender"], message.facts["sender_domain"], message.doubt) == told


@given(st.text(alphabet='();="\\ a./1dmrcfils@\n', max_size=300))
def test_whatever_stands_in_these_fields_the_mail_is_read(value: str) -> None:
    folded = " ".join(value.split())
    read = headers(
        f"Authentication-Results: {folded}\nARC-Seal: i=1; {folded}\nARC-Authentication-Results: i=1; {folded}"
    )
    found = written(read, {"none", "a"})
    assert found is None or judged(found, "a.example", vouched(read, "a.example", {"a"})).standing


SPAM = [
    ("spamassassin", "X-Spam-Status: Yes, score=7.9 required=5.0 tests=EMPTY_MESSAGE autolearn=no", "7.9"),
    ("spamassassin", "X-Spam-Status: Yes, hits=12 tagged_above=-999 required=5", "12"),
    ("spamassassin", "X-Spam-Flag: YES", ""),
    ("spamassassin", "X-Spam-Flag: NO\nX-Spam-Flag: YES", ""),
    ("rspamd", "X-Spamd-Result: default: True [15.50 / 15.00]; BAYES_SPAM(5.10)[99.9%]", "15.50"),
    ("rspamd", "X-Spam: Yes", ""),
    ("rspamd", "X-Rspamd-Action: add header", ""),
    ("microsoft", "X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:FR;LANG:en;SCL:5;SRV:;SFV:SPM;DIR:INB;", "5"),
    ("microsoft", "X-MS-Exchange-Organization-SCL: 9", "9"),
    ("barracuda", "X-Barracuda-Spam-Status: Yes, SCORE=3.60 using per-user scores of TAG_LEVEL=3.5", "3.60"),
    ("barracuda", "X-Barracuda-Spam-Flag: YES", ""),
    ("proofpoint", "X-Proofpoint-Spam-Details: rule=inbound_spam policy=inbound score=88 suspectscore=0", "88"),
]
NO_SPAM = [
    ("spamassassin", "X-Spam-Status: No, score=-2.1 required=5.0 tests=BAYES_00"),
    ("spamassassin", "X-Spam-Flag: NO"),
    ("rspamd", "X-Spamd-Result: default: False [2.10 / 15.00]; BAYES_HAM(-3.00)[99.9%]"),
    ("rspamd", "X-Rspamd-Action: no action"),
    ("microsoft", "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:1;SFV:NSPM"),
    ("microsoft", "X-MS-Exchange-Organization-SCL: -1"),
    ("barracuda", "X-Barracuda-Spam-Status: No, SCORE=0.00"),
    ("proofpoint", "X-Proofpoint-Spam-Details: rule=inbound_notspam policy=inbound score=0"),
    ("microsoft", "X-Spam-Flag: YES"),
]


@pytest.mark.parametrize(("filter_", "fields", "score"), SPAM)
def test_what_our_own_filter_calls_spam_is_marked_with_its_score(filter_: str, fields: str, score: str) -> None:
    message = received(f"{fields}\nFrom: ann@a.example", context=replace(CONTEXT, filters=("barracuda", filter_)))
    assert (message.spam, message.facts["spam_score"], message.doubt) == (filter_, score, "spam")
    assert received(f"{fields}\nFrom: ann@a.example").spam == "", "nobody said that this filter is ours"


@pytest.mark.parametrize(("filter_", "fields"), NO_SPAM)
def test_what_our_own_filter_lets_through_is_no_spam(filter_: str, fields: str) -> None:
    assert spam(headers(fields), [filter_]) is None


def test_a_forged_mail_that_is_spam_too_is_both() -> None:
    context = replace(TRUSTING, filters=("rspamd",))
    message = received(
        "Authentication-Results: mx.example.org; dmarc=fail\nX-Spam: Yes\nFrom: ann@a.example", context=context
    )
    assert (message.doubt, message.spam) == ("dmarc", "rspamd")
