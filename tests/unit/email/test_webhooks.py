"""What mail providers tell is believed only where it is theirs and new, and it is read as they mean
it: which answer, what became of it, and why."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.email.domain.outcomes import Kind, Outcome, message_id
from services.email.domain.reasons import Reason
from services.email.domain.webhooks import cloudflare, forms, mailgun, postmark, sendgrid, ses, sns, told
from services.email.domain.webhooks.trust import Untrusted, check_age, check_password
from services.email.settings import EmailSettings
from shared.errors import Malformed
from tests.providers.mail_webhooks import (
    ANN,
    CLOUDFLARE_SECRET,
    MAILGUN_KEY,
    PASSWORD,
    SUPPORT,
    TOPIC,
    Amazon,
    Cloudflare,
    Mailgun,
    Post,
    Postmark,
    SendGrid,
    basic,
    form,
)

NOW = datetime(2026, 12, 1, 4, 0, tzinfo=UTC)
RAW = "From: Ann <ann@example.com>\r\nSubject: Café\r\n\r\nMy lamp is broken.\r\n".encode("latin-1")
"""A charset that no form or JSON knows of."""
OURS = "<t.token.0-1@example.org>"
SENDGRID = SendGrid()
AMAZON = {version: Amazon(version) for version in ("1", "2")}


def read(post: Post) -> dict[str, bytes]:
    return forms.fields(post.headers["Content-Type"], post.content)


def untrusted(check: Any, *arguments: Any) -> str:
    with pytest.raises(Untrusted) as found:
        check(*arguments)
    return found.value.reason


# ── signatures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("seconds", "reason"),
    [
        (f"{NOW.timestamp():.0f}", None),
        (f"{NOW.timestamp() - 3600:.0f}", None),
        (f"{NOW.timestamp() - 3601:.0f}", "replayed"),
        (f"{NOW.timestamp() + 300:.0f}", None),
        (f"{NOW.timestamp() + 301:.0f}", "replayed"),
        ("", "unsigned"),
        ("-1", "unsigned"),
        ("1e9", "unsigned"),
        ("٣", "unsigned"),
        ("9" * 12, "unsigned"),
    ],
)
def test_what_was_signed_long_ago_or_is_to_come_is_not_believed(seconds: str, reason: str | None) -> None:
    if reason is None:
        check_age(seconds, NOW, timedelta(hours=1))
    else:
        assert untrusted(check_age, seconds, NOW, timedelta(hours=1)) == reason


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !",
        "Basic é",
        basic("another"),
        basic(user="admin"),
        basic().replace("Basic", "Bearer"),
        basic(PASSWORD + " "),
    ],
)
def test_a_webhook_without_a_signature_needs_its_password(authorization: str) -> None:
    check_password(basic(), PASSWORD)
    check_password(basic().replace("Basic", "basic"), PASSWORD)
    assert untrusted(check_password, authorization, PASSWORD) == "unsigned"


def test_mailgun_signs_time_and_token() -> None:
    ours, other = Mailgun(), Mailgun("another key")
    mailgun.check_form(read(ours.inbound(RAW, at=NOW)), MAILGUN_KEY, NOW)
    mailgun.check_form(read(ours.inbound(RAW, at=NOW - timedelta(hours=8))), MAILGUN_KEY, NOW)
    mailgun.check_event(json.loads(ours.event("delivered", OURS, at=NOW).content), MAILGUN_KEY, NOW)
    for wrong in (
        other.inbound(RAW, at=NOW),
        ours.form({"body-mime": RAW}),
        ours.form(ours.signature(NOW) | {"token": ""}),
    ):
        assert untrusted(mailgun.check_form, read(wrong), MAILGUN_KEY, NOW) == "unsigned"
    changed = ours.signature(NOW)
    assert untrusted(
        mailgun.check, changed["timestamp"], changed["token"] + "0", changed["signature"], MAILGUN_KEY, NOW
    )
    old = read(ours.inbound(RAW, at=NOW - timedelta(hours=10)))
    assert untrusted(mailgun.check_form, old, MAILGUN_KEY, NOW) == "replayed"
    for nothing in ([], {"signature": []}, {"signature": {"token": 1}}, None):
        assert untrusted(mailgun.check_event, nothing, MAILGUN_KEY, NOW) == "unsigned"


def test_sendgrid_signs_time_and_body() -> None:
    post = SENDGRID.events(SENDGRID.event("delivered", OURS), at=NOW)
    stamp, signature = (post.headers[f"X-Twilio-Email-Event-Webhook-{name}"] for name in ("Timestamp", "Signature"))
    key = sendgrid.public_key(SENDGRID.public_key)
    sendgrid.check(post.content, stamp, signature, key, NOW)
    for body, told_stamp, told_signature in (
        (post.content + b" ", stamp, signature),
        (post.content, f"{int(stamp) + 1}", signature),
        (post.content, "١", signature),
        (post.content, stamp, "AAAA"),
        (post.content, stamp, "é"),
        (post.content, "", ""),
    ):
        assert untrusted(sendgrid.check, body, told_stamp, told_signature, key, NOW) == "unsigned"
    other = sendgrid.public_key(SendGrid().public_key)
    assert untrusted(sendgrid.check, post.content, stamp, signature, other, NOW) == "unsigned"
    late = NOW + timedelta(hours=26)
    assert untrusted(sendgrid.check, post.content, stamp, signature, key, late) == "replayed"


def test_a_key_that_is_none_of_sendgrid_s_is_named() -> None:
    der = ed25519.Ed25519PrivateKey.generate().public_key()
    other = der.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for wrong in ("", "hello", base64.b64encode(other).decode()):
        with pytest.raises(ValueError, match=r".+"):
            sendgrid.public_key(wrong)


def test_cloudflare_s_worker_signs_time_envelope_and_mail() -> None:
    post = Cloudflare().inbound(RAW, at=NOW)
    names = ("Timestamp", "Sender", "Recipient")
    stamp, sender, to = (post.headers[f"X-Switchboard-{name}"] for name in names)
    signature = post.headers["X-Switchboard-Signature"]
    cloudflare.check(CLOUDFLARE_SECRET, stamp, sender, to, RAW, signature, NOW)
    for changed in (
        ("another secret", stamp, sender, to, RAW, signature),
        (CLOUDFLARE_SECRET, f"{int(stamp) - 1}", sender, to, RAW, signature),
        (CLOUDFLARE_SECRET, stamp, "bob%40example.com", to, RAW, signature),
        (CLOUDFLARE_SECRET, stamp, sender, "help%40example.org", RAW, signature),
        (CLOUDFLARE_SECRET, stamp, sender, to, RAW + b"x", signature),
        (CLOUDFLARE_SECRET, stamp, sender, to, RAW, ""),
        (CLOUDFLARE_SECRET, stamp, sender, to, RAW, signature.removeprefix("v1=")),
        (CLOUDFLARE_SECRET, "", "", "", b"", ""),
    ):
        assert untrusted(cloudflare.check, *changed, NOW) == "unsigned"
    late = NOW + timedelta(minutes=6)
    assert untrusted(cloudflare.check, CLOUDFLARE_SECRET, stamp, sender, to, RAW, signature, late) == "replayed"
    assert cloudflare.envelope("%3C%3E", "s%C3%BCd%40example.org").recipients == ("süd@example.org",)
    assert cloudflare.envelope("", "") == cloudflare.envelope("<>", " ")


@pytest.mark.parametrize("version", ["1", "2"])
def test_amazon_signs_each_field_of_a_message(version: str) -> None:
    amazon = AMAZON[version]
    key = sns.public_key(amazon.pem(), datetime.now(UTC))
    for message in (
        amazon.message("Notification", "{}", at=NOW),
        amazon.message("Notification", "{}", at=NOW, Subject="Amazon SES Email Event Notification"),
        amazon.message("SubscriptionConfirmation", "You have chosen", at=NOW),
        amazon.message("UnsubscribeConfirmation", "You have chosen", at=NOW),
    ):
        notice = sns.read(json.dumps(message).encode())
        assert sns.certificate_of(notice, [TOPIC]) == amazon.certificate_url
        sns.check(notice, key, NOW)
        signed = [name for name in sns._SIGNED[message["Type"]] if name in message and name != "Type"]
        for name in (*signed, "Signature"):
            changed = sns.read(json.dumps(message | {name: message[name][:-1] + "x"}).encode())
            assert untrusted(sns.check, changed, key, NOW) == "unsigned", name
        assert untrusted(sns.check, notice, key, NOW + timedelta(hours=3)) == "replayed"
        assert untrusted(sns.check, notice, key, NOW - timedelta(minutes=6)) == "replayed"


def test_amazon_s_signature_needs_a_version_and_a_kind_that_we_know() -> None:
    amazon = AMAZON["2"]
    key = sns.public_key(amazon.pem(), datetime.now(UTC))
    for changed in ({"SignatureVersion": "3"}, {"SignatureVersion": "1"}, {"Type": "Hello"}, {"Signature": "é"}):
        message = amazon.message("Notification", "{}", at=NOW) | changed
        assert untrusted(sns.check, sns.read(json.dumps(message).encode()), key, NOW) == "unsigned"
    odd = sns.read(json.dumps(amazon.message("Notification", "{}", Timestamp="yesterday")).encode())
    assert untrusted(sns.check, odd, key, NOW) == "unsigned"
    ancient = sns.read(json.dumps(amazon.message("Notification", "{}", Timestamp="0001-01-02T00:00:00Z")).encode())
    assert untrusted(sns.check, ancient, key, NOW) == "replayed"


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com/?Action=GetTopic&x=/SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-0a.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0a.pem#",
        "https://127.0.0.1/SimpleNotificationService-0a.pem",
        "file:///etc/passwd",
        "/SimpleNotificationService-0a.pem",
        "",
    ],
)
def test_a_certificate_is_only_fetched_at_the_host_of_the_topic_s_region(url: str) -> None:
    message = AMAZON["2"].message("Notification", "{}", SigningCertURL=url)
    assert untrusted(sns.certificate_of, sns.read(json.dumps(message).encode()), [TOPIC]) == "unsigned"


def test_a_topic_of_somebody_else_is_not_believed_however_well_it_is_signed() -> None:
    message = AMAZON["2"].message("Notification", "{}", TopicArn=TOPIC.replace("123456789012", "210987654321"))
    assert untrusted(sns.certificate_of, sns.read(json.dumps(message).encode()), [TOPIC]) == "unsigned"


@pytest.mark.parametrize(
    ("topic", "host"),
    [
        (TOPIC, "sns.eu-west-1.amazonaws.com"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:a", "sns.us-gov-west-1.amazonaws.com"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:a", "sns.cn-north-1.amazonaws.com.cn"),
        ("arn:aws:sns:s3-us-west-2:123456789012:a", None),
        ("arn:aws:sqs:eu-west-1:123456789012:a", None),
        ("arn:aws:sns:eu-west-1:123:a", None),
        ("arn:aws:sns:evil.example/:123456789012:a", None),
        ("", None),
    ],
)
def test_a_topic_s_region_names_its_host(topic: str, host: str | None) -> None:
    if host:
        assert sns.host(topic) == host
    else:
        with pytest.raises(ValueError, match="no ARN"):
            sns.host(topic)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&TopicArn={topic}&Token={token}",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=other&Token={token}",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=other",
        "https://sns.eu-west-1.amazonaws.com/x?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        "https://evil.example/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        "https://x@sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}",
    ],
)
def test_only_amazon_s_own_address_confirms_a_subscription(url: str | None) -> None:
    amazon = AMAZON["2"]
    good = sns.read(json.dumps(amazon.message("SubscriptionConfirmation", "x")).encode())
    assert sns.confirmation(good) == good.subscribe_url
    made = url.format(topic=TOPIC, token=amazon.token) if url else None
    bad = sns.read(json.dumps(amazon.message("SubscriptionConfirmation", "x") | {"SubscribeURL": made}).encode())
    assert untrusted(sns.confirmation, bad) == "unsigned"


def test_a_certificate_is_an_rsa_key_s_and_of_our_time() -> None:
    other = SendGrid()
    for pem, now in (
        (b"hello", NOW),
        (AMAZON["1"].pem(start=NOW), NOW - timedelta(days=1)),
        (AMAZON["1"].pem(start=NOW), NOW + timedelta(days=366)),
        (certificate_of_a_curve(other.private), datetime.now(UTC)),
    ):
        with pytest.raises(ValueError, match=r".+"):
            sns.public_key(pem, now)


def certificate_of_a_curve(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    name = x509.Name([])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(datetime.now(UTC) - timedelta(days=1)).not_valid_after(
        datetime.now(UTC) + timedelta(days=1)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


# ── settings ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("postmark_password", "too short"),
        ("sendgrid_password", "x"),
        ("cloudflare_secret", "secret"),
        ("sendgrid_public_key", "hello"),
        ("ses_topics", f"{TOPIC}, my topic"),
    ],
)
def test_a_secret_that_protects_nothing_is_refused_at_the_start(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        EmailSettings(**{name: value})


def test_topics_are_a_list() -> None:
    assert EmailSettings(ses_topics=f" {TOPIC} ,{TOPIC}2,").topics == {TOPIC, f"{TOPIC}2"}
    assert EmailSettings(mailgun_signing_key="k").webhooks.startswith(
        "on by EMAIL_MAILGUN_SIGNING_KEY; off without EMAIL_P"
    )
    assert EmailSettings().webhooks.startswith("off without EMAIL_MAILGUN_SIGNING_KEY")


# ── mails ───────────────────────────────────────────────────────────────────────────────────────


def test_a_mail_is_the_bytes_that_were_sent_whatever_its_charset() -> None:
    amazon = AMAZON["2"]
    for multipart in (True, False):
        raw, envelope = mailgun.mail(read(Mailgun().inbound(RAW, multipart=multipart)))
        assert (raw, envelope.sender, envelope.recipients) == (RAW, ANN, (SUPPORT,))
    raw, envelope = sendgrid.mail(read(SENDGRID.inbound(RAW)))
    assert (raw, envelope.sender, envelope.recipients) == (RAW, ANN, (SUPPORT,))
    raw, envelope = ses.mail(amazon.received(RAW))
    assert (raw, envelope.sender, envelope.recipients, envelope.junk) == (RAW, ANN, (SUPPORT,), False)


def test_json_has_text_so_a_mail_in_it_is_utf_8() -> None:
    text = "Subject: Café\r\n\r\n한글\r\n".encode()
    raw, envelope = postmark.mail(postmark.inbound(Postmark().inbound(text).content))
    assert (raw, envelope.sender, envelope.recipients) == (text, None, (SUPPORT,))
    assert ses.mail(AMAZON["2"].received(text, encoding="UTF8"))[0] == text
    unsaid = AMAZON["2"].received(text, encoding="UTF8")
    del unsaid["receipt"]["action"]["encoding"]
    assert ses.mail(unsaid)[0] == text


def test_the_empty_sender_of_a_returned_mail_stays_empty_and_an_unknown_one_unknown() -> None:
    assert mailgun.mail({"sender": b"<>", "recipient": b"a@b, c@d"})[1].sender == ""
    assert mailgun.mail({"recipient": b"a@b, c@d"})[1] == mailgun.Envelope(None, ("a@b", "c@d"))
    assert sendgrid.mail({"envelope": b'{"to": ["a@b", 1, null], "from": ""}'})[1].recipients == ("a@b", "1")
    assert sendgrid.mail({"envelope": b'{"from": ""}'})[1].sender == ""
    for nothing in (b"{}", b"[]", b"{", b"3"):
        assert sendgrid.mail({"envelope": nothing})[1] == sendgrid.Envelope(None, ())
    assert ses.mail(AMAZON["2"].received(RAW, sender=""))[1].sender == ""
    assert postmark.mail(postmark.inbound(b"{}"))[1] == postmark.Envelope(None, ())


def test_what_ses_takes_for_spam_counts_as_junk() -> None:
    assert ses.mail(AMAZON["2"].received(RAW, spam="FAIL"))[1].junk


def test_a_provider_that_leaves_the_raw_mail_out_gives_none() -> None:
    assert mailgun.mail({"recipient": b"a@b", "body-plain": b"hello"})[0] == b""
    assert sendgrid.mail(read(SENDGRID.inbound(None)))[0] == b""
    assert postmark.mail(postmark.inbound(Postmark().inbound(None).content))[0] == b""
    elsewhere = AMAZON["2"].received(None)
    assert ses.is_mail(elsewhere)
    assert ses.mail(elsewhere)[0] == b""
    assert "s3://mails/d6iitobk75ur" in ses.elsewhere(elsewhere)
    assert "another action" in ses.elsewhere({"notificationType": "Received"})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("", b"a=b"),
        ("text/plain", b"a=b"),
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--c\r\n\r\nx"),
        ("multipart/form-data; boundary=b", b"--b\r\nx y\r\n\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n" * 501 + b"--b--\r\n"),
        ("application/x-www-form-urlencoded", b"a=b&" * 501 + b"c=d"),
    ],
)
def test_what_is_no_form_is_said_to_be_none(kind: str, body: bytes) -> None:
    with pytest.raises(Malformed):
        forms.fields(kind, body)


def test_of_fields_with_one_name_the_first_counts() -> None:
    body, kind = form({"a": "1", "b": b"\xff\x00"})
    repeated = body.replace(b'name="b"', b'name="a"')
    assert forms.fields(kind, body) == {"a": b"1", "b": b"\xff\x00"}
    assert forms.fields(kind, repeated) == {"a": b"1"}
    assert forms.fields("application/x-www-form-urlencoded; charset=utf-8", b"a=%ff+%00&a=2&c") == {
        "a": b"\xff \x00",
        "c": b"",
    }
    file = b'--b\r\nContent-Type: message/rfc822\r\nContent-Disposition: form-data; name="email"; filename="x"\r\n\r\nx\r\n--b--\r\n'
    assert forms.fields("multipart/form-data; boundary=b", file) == {"email": b"x"}


def test_an_event_of_sendgrid_names_the_reply_or_is_about_none() -> None:
    """A bounce that came late has no Message-ID any more."""
    named = SENDGRID.event("bounce", "", switchboard_reply="out-1")
    [told, unknown] = sendgrid.outcomes([named, SENDGRID.event("bounce", "")])
    assert (told.outbound_id, told.guess) == ("out-1", False)
    assert (unknown.outbound_id, unknown.message_id, unknown.guess) == ("", "", False)


def test_each_event_of_a_large_batch_counts() -> None:
    event = {"event": "bounce", "email": "ann@example.com"}
    assert len(list(sendgrid.outcomes([event] * 2_500))) == 2_500
    assert list(sendgrid.outcomes({"events": [event]})) == []


def test_a_long_field_comes_as_it_was_sent_wherever_its_escapes_lie() -> None:
    for shift in range(3):
        raw = b"x" * shift + "%é".encode() * 30_000
        sent = f"body-mime={quote(raw)}&token=t".encode()
        assert forms.fields("application/x-www-form-urlencoded", sent) == {"body-mime": raw, "token": b"t"}


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_none(body: bytes) -> None:
    for kind in ("multipart/form-data; boundary=b", "application/x-www-form-urlencoded"):
        try:
            found = forms.fields(kind, body)
        except Malformed:
            continue
        mailgun.mail(found)
        sendgrid.mail(found)


# ── events ──────────────────────────────────────────────────────────────────────────────────────


def outcome(kind: Kind, **more: Any) -> Outcome:
    return Outcome(kind=kind, recipient=ANN, **more)


def of_mailgun(event: str, **more: Any) -> Outcome:
    [found] = mailgun.outcomes(json.loads(Mailgun().event(event, OURS, **more).content))
    assert (found.recipient, found.message_id, found.sender) == (ANN, OURS, SUPPORT)
    return found


@pytest.mark.parametrize(
    ("event", "more", "kind", "reason", "gone"),
    [
        ("accepted", {}, Kind.ACCEPTED, "unsaid", False),
        ("delivered", {"delivery-status": {"code": 250, "message": "OK"}}, Kind.DELIVERED, "unsaid", False),
        ("failed", {"severity": "temporary", "reason": "generic", "delivery-status": {"code": 452, "message": "mailbox full"}}, Kind.DELAYED, "full", False),
        ("failed", {"severity": "permanent", "reason": "bounce", "delivery-status": {"code": 550, "message": "5.1.1 no such user"}}, Kind.FAILED, "no-such-address", True),
        ("failed", {"severity": "permanent", "reason": "bounce", "delivery-status": {"code": 550, "message": "5.7.1 listed by spamhaus"}}, Kind.FAILED, "blocked", False),
        ("failed", {"severity": "permanent", "reason": "suppress-bounce", "delivery-status": {"code": 605, "message": "", "description": "Not delivering to previously bounced address"}}, Kind.FAILED, "no-such-address", True),
        ("failed", {"severity": "permanent", "reason": "suppress-complaint"}, Kind.FAILED, "refused", False),
        ("failed", {"severity": "permanent", "reason": "old", "delivery-status": {"code": 602}}, Kind.FAILED, "unreachable", False),
        ("failed", {"severity": "permanent", "delivery-status": {"code": 550, "enhanced-code": "5.2.2", "bounce-type": "soft"}}, Kind.FAILED, "full", False),
        ("failed", {"severity": "permanent", "delivery-status": {"bounce-type": "hard"}}, Kind.FAILED, "unsaid", True),
        ("rejected", {"reject": {"reason": "Sandbox subdomains are for test purposes only"}}, Kind.FAILED, "unsaid", False),
        ("complained", {}, Kind.COMPLAINED, "unsaid", False),
        ("unsubscribed", {}, Kind.UNSUBSCRIBED, "unsaid", False),
    ],
)  # fmt: skip
def test_mailgun_s_events(event: str, more: dict[str, Any], kind: Kind, reason: str, gone: bool) -> None:
    found = of_mailgun(event, **more)
    assert (found.kind, found.reason.value, found.gone) == (kind, reason, gone)


def test_an_agent_reads_what_the_other_side_said() -> None:
    status = {"code": 550, "enhanced-code": "5.1.1", "message": "No such  user\nhere"}
    assert of_mailgun("failed", **{"delivery-status": status}).detail == "550 5.1.1 No such user here"
    assert of_mailgun("failed", **{"delivery-status": {"code": 0, "message": "x" * 5000}}).detail == "x" * 1000


@pytest.mark.parametrize(
    ("record", "more", "kind", "reason", "gone"),
    [
        ("Delivery", {"Details": "smtp;250 2.0.0 OK"}, Kind.DELIVERED, "unsaid", False),
        ("Bounce", {"Type": "HardBounce", "Details": "smtp;550 5.1.1 user unknown"}, Kind.FAILED, "no-such-address", True),
        ("Bounce", {"Type": "HardBounce", "Details": "", "Description": "The server was unable to deliver."}, Kind.FAILED, "unsaid", True),
        ("Bounce", {"Type": "SoftBounce", "Details": "smtp;552 mailbox full"}, Kind.FAILED, "full", False),
        ("Bounce", {"Type": "Transient", "Details": "x"}, Kind.DELAYED, "later", False),
        ("Bounce", {"Type": "Blocked", "Details": "x"}, Kind.FAILED, "blocked", False),
        ("Bounce", {"Type": "SpamComplaint"}, Kind.COMPLAINED, "unsaid", False),
        ("SpamComplaint", {"Type": "SpamComplaint"}, Kind.COMPLAINED, "unsaid", False),
        ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "ManualSuppression"}, Kind.UNSUBSCRIBED, "unsaid", False),
        ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "SpamComplaint"}, Kind.COMPLAINED, "unsaid", False),
        ("SubscriptionChange", {"SuppressSending": True, "SuppressionReason": "HardBounce"}, None, "", False),
        ("SubscriptionChange", {"SuppressSending": False}, None, "", False),
        ("Bounce", {"Type": "AutoResponder"}, None, "", False),
        ("Open", {}, None, "", False),
    ],
)  # fmt: skip
def test_postmark_s_events(record: str, more: dict[str, Any], kind: Kind | None, reason: str, gone: bool) -> None:
    found = postmark.outcomes(json.loads(Postmark().event(record, "out-1", **more).content))
    assert [(one.kind, one.reason.value, one.gone) for one in found] == ([(kind, reason, gone)] if kind else [])
    assert all((one.recipient, one.outbound_id) == (ANN, "out-1") for one in found)


@pytest.mark.parametrize(
    ("event", "more", "kind", "reason", "gone"),
    [
        ("processed", {}, Kind.ACCEPTED, "unsaid", False),
        ("delivered", {"response": "250 OK"}, Kind.DELIVERED, "unsaid", False),
        ("deferred", {"response": "451 greylisted, try again later"}, Kind.DELAYED, "later", False),
        ("bounce", {"type": "bounce", "status": "5.0.0", "reason": "550 no such user"}, Kind.FAILED, "no-such-address", True),
        ("bounce", {"type": "bounce", "status": "5.7.1", "reason": "550 looks like spam"}, Kind.FAILED, "spam", False),
        ("bounce", {"type": "blocked", "status": "", "reason": "x", "bounce_classification": "Reputation"}, Kind.FAILED, "blocked", False),
        ("bounce", {"type": "bounce", "reason": "x", "bounce_classification": "Invalid Address"}, Kind.FAILED, "no-such-address", True),
        ("dropped", {"reason": "Bounced Address"}, Kind.FAILED, "no-such-address", True),
        ("dropped", {"reason": "Unsubscribed Address"}, Kind.FAILED, "refused", False),
        ("spamreport", {}, Kind.COMPLAINED, "unsaid", False),
        ("unsubscribe", {}, Kind.UNSUBSCRIBED, "unsaid", False),
    ],
)  # fmt: skip
def test_sendgrid_s_events(event: str, more: dict[str, Any], kind: Kind, reason: str, gone: bool) -> None:
    batch = [SENDGRID.event("open", OURS), SENDGRID.event(event, OURS, **more), "no event", None]
    [found] = sendgrid.outcomes(batch)
    assert (found.kind, found.reason.value, found.gone) == (kind, reason, gone)
    assert (found.recipient, found.message_id) == (ANN, OURS)


BOUNCED = {"emailAddress": ANN, "action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}


@pytest.mark.parametrize(
    ("event", "part", "kind", "reason", "gone"),
    [
        ("Send", {}, Kind.ACCEPTED, "unsaid", False),
        ("Delivery", {"recipients": [ANN], "smtpResponse": "250 ok"}, Kind.DELIVERED, "unsaid", False),
        ("DeliveryDelay", {"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": ANN}]}, Kind.DELAYED, "full", False),
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [BOUNCED]}, Kind.FAILED, "no-such-address", True),
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList", "bouncedRecipients": [{"emailAddress": ANN}]}, Kind.FAILED, "no-such-address", True),
        ("Bounce", {"bounceType": "Transient", "bounceSubType": "MessageTooLarge", "bouncedRecipients": [{"emailAddress": ANN}]}, Kind.FAILED, "too-large", False),
        ("Reject", {"reason": "Bad content"}, Kind.FAILED, "content", False),
        ("Complaint", {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": ANN}]}, Kind.COMPLAINED, "unsaid", False),
        ("Subscription", {}, Kind.UNSUBSCRIBED, "unsaid", False),
    ],
)  # fmt: skip
def test_ses_s_events(event: str, part: dict[str, Any], kind: Kind, reason: str, gone: bool) -> None:
    [found] = ses.outcomes(AMAZON["2"].event(event, OURS, part))
    assert (found.kind, found.reason.value, found.gone) == (kind, reason, gone)
    assert (found.recipient, found.message_id, found.sender) == (ANN, OURS, SUPPORT)


def test_ses_s_feedback_without_a_mail_s_headers_names_its_sender() -> None:
    mail = {"source": SUPPORT, "messageId": "01", "destination": [ANN]}
    for common in ({}, {"commonHeaders": {"messageId": OURS}}):
        told_now = {"notificationType": "Delivery", "mail": mail | common, "delivery": {"recipients": [ANN]}}
        [found] = ses.outcomes(told_now)
        assert found == outcome(Kind.DELIVERED, sender=SUPPORT, message_id=OURS if common else "")


@pytest.mark.parametrize(
    "nothing", [None, [], {}, 3, "x", {"event-data": 3}, {"eventType": "Open"}, {"RecordType": {}}]
)
def test_what_says_nothing_to_us_is_nothing(nothing: Any) -> None:
    assert not mailgun.outcomes(nothing)
    assert not postmark.outcomes(nothing)
    assert not list(sendgrid.outcomes(nothing))
    assert not list(ses.outcomes(nothing))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["event", "event-data", "mail", "bounce", "eventType", "RecordType", "Type", "headers", "to", "x"]
            ),
            inner | st.sampled_from(["failed", "Bounce", "HardBounce", "bounce", "Received"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_without_a_fault(value: Any) -> None:
    mailgun.outcomes(value)
    postmark.outcomes(value)
    list(sendgrid.outcomes(value))
    list(ses.outcomes(value))
    if ses.is_mail(value):
        ses.mail(value)
        ses.elsewhere(value)


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 20_000, b'"\\ud800"', b"\xff", b'{"RawEmail": 3}', b"1e999"])
def test_json_that_cannot_be_read_says_so(body: bytes) -> None:
    for reader in (told.decoded, postmark.inbound, sns.read):
        try:
            reader(body)
        except Malformed:
            continue
        assert reader is told.decoded, "only JSON that is complete may be read by a schema-less reader"


def test_values_of_another_type_are_empty() -> None:
    value = {"a": {"b": True, "c": 3, "d": 10**30, "e": "x\x00", "f": ["g"]}}
    found = [told.text(value, "a", name) for name in ("b", "c", "d", "e", "f", "z")]
    assert found == ["", "3", "", "x\ufffd", "", ""]
    assert list(told.items(value, "a", "f")) == ["g"]
    assert list(told.items({"f": list(range(2000))}, "f")) == list(range(1000))
    assert message_id("") == ""
    assert Outcome(kind=Kind.DELAYED, recipient=ANN, hard=True).gone is False
    assert Outcome(kind=Kind.FAILED, recipient=ANN, hard=True, reason=Reason.CLOSED).gone
