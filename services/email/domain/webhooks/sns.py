"""Amazon SNS over HTTPS: whose message it is, and the confirmation of a subscription.

docs.aws.amazon.com/sns: Verifying the signatures of Amazon SNS messages; Parsing message formats.
Anybody with an account there can send messages that Amazon signs: only topics of ours are believed,
and addresses only at the host of the topic's own region. A pattern such as `sns.*.amazonaws.com`,
as libraries have it, also fits a bucket named `sns`.
"""

from __future__ import annotations

import base64
import re
from binascii import Error
from collections.abc import Collection
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from services.email.domain.webhooks.trust import Untrusted, check_age
from shared.errors import Malformed

WINDOW = timedelta(hours=2)
"""SNS tries for an hour at most, with the time of the first try."""
NOTIFICATION, CONFIRMATION, GOODBYE = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    CONFIRMATION: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    GOODBYE: ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_ALGORITHMS = {
    "1": hashes.SHA1(),  # noqa: S303 - what SNS signs with unless it is told otherwise
    "2": hashes.SHA256(),
}
_TOPIC = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z]{2}(?:-[a-z]+)+-\d{1,2}):\d{12}:[A-Za-z0-9_-]{1,256}")
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")


class Notice(msgspec.Struct, rename="pascal", frozen=True):
    """A message of SNS."""

    type: str
    message_id: str
    topic_arn: str
    message: str
    timestamp: str
    signature: str
    signature_version: str
    signing_cert_url: str = msgspec.field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = msgspec.field(default=None, name="SubscribeURL")


def read(body: bytes) -> Notice:
    """Reads a message. Raises Malformed."""
    try:
        return msgspec.json.decode(body, type=Notice)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise Malformed(
            f"this is no message of Amazon SNS: {error}. Raw message delivery has to be off: it leaves out the signature"
        ) from error


def host(topic: str) -> str:
    """Returns the host of a topic's region. Raises ValueError where this is no topic's ARN."""
    found = _TOPIC.fullmatch(topic)
    if not found:
        raise ValueError(f"{topic!r} is no ARN of a topic, such as arn:aws:sns:eu-west-1:123456789012:support-mail")
    return f"sns.{found[2]}.amazonaws.com" + (".cn" if found[1] == "aws-cn" else "")


def certificate_of(notice: Notice, topics: Collection[str]) -> str:
    """Returns the address of the certificate, before anything is fetched from there. Raises
    Untrusted for a topic that is not ours or an address that is not Amazon's."""
    if notice.topic_arn not in topics:
        raise Untrusted("unsigned", "this topic is not in EMAIL_SES_TOPICS")
    start, url = f"https://{host(notice.topic_arn)}", notice.signing_cert_url
    if not url.startswith(start) or not _CERTIFICATE.fullmatch(url, len(start)):
        raise Untrusted("unsigned", "the certificate is not at Amazon's host for the topic's region")
    return url


def public_key(pem: bytes, now: datetime) -> RSAPublicKey:
    """Reads a certificate. Raises ValueError where it is none, or not of our time."""
    certificate = load_pem_x509_certificate(pem)
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("the certificate has no RSA key")  # noqa: TRY004 - a wrong value for its reader
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ValueError("the certificate is not valid now")
    return key


def check(notice: Notice, key: RSAPublicKey, now: datetime) -> None:
    """Checks signature (version 1 or 2) and age. Raises Untrusted."""
    algorithm = _ALGORITHMS.get(notice.signature_version)
    if algorithm is None or notice.type not in _SIGNED:
        raise Untrusted("unsigned", "a signature of version 1 or 2 is needed")
    try:
        signed = canonical(notice).encode()
        key.verify(base64.b64decode(notice.signature, validate=True), signed, PKCS1v15(), algorithm)
        sent = datetime.fromisoformat(notice.timestamp).timestamp()
    except (InvalidSignature, Error, ValueError, OverflowError) as error:
        raise Untrusted("unsigned", "the signature is not Amazon's") from error
    check_age(f"{max(sent, 0):.0f}", now, WINDOW)


def canonical(notice: Notice) -> str:
    """Returns what is signed: names and values by turns, each on a line."""
    told = msgspec.to_builtins(notice)
    return "".join(f"{name}\n{told[name]}\n" for name in _SIGNED[notice.type] if told[name] is not None)


def confirmation(notice: Notice) -> str:
    """Returns the address that confirms a subscription of ours. Raises Untrusted for any other."""
    url = urlsplit(notice.subscribe_url or "")
    query = parse_qs(url.query, max_num_fields=10)
    wanted = {"Action": ["ConfirmSubscription"], "TopicArn": [notice.topic_arn], "Token": [notice.token]}
    if (url.scheme, url.netloc, url.path) != ("https", host(notice.topic_arn), "/") or query != wanted:
        raise Untrusted("unsigned", "the address to confirm the subscription at is not Amazon's")
    return url.geturl()
