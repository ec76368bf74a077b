"""Mail providers that tell us of mails: Mailgun, Postmark, SendGrid, Amazon SES and Cloudflare.
Each makes requests in its provider's wire format, signed as the provider signs. After their public
documents, which `services/email/domain/webhooks` names; the requests are written by us.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

SUPPORT, ANN = "support@example.org", "ann@example.com"
PASSWORD = "a password of thirty letters.."
MAILGUN_KEY = "key-" + "3" * 32
CLOUDFLARE_SECRET = "c" * 40
TOPIC = "arn:aws:sns:eu-west-1:123456789012:support-mail"


@dataclass(frozen=True)
class Post:
    """A request as it goes over the wire."""

    path: str
    content: bytes
    headers: dict[str, str] = field(default_factory=dict)

    async def to(self, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(self.path, content=self.content, headers=self.headers)


def basic(password: str = PASSWORD, user: str = "switchboard") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def seconds(at: datetime | None) -> str:
    return str(int((at or datetime.now(UTC)).timestamp()))


class Mailgun:
    """Signs time and token; a form's content is not signed."""

    def __init__(self, key: str = MAILGUN_KEY) -> None:
        self.key = key

    def signature(self, at: datetime | None = None, token: str = "") -> dict[str, str]:
        token, timestamp = token or secrets.token_hex(25), seconds(at)
        signed = hmac.new(self.key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
        return {"timestamp": timestamp, "token": token, "signature": signed}

    def inbound(
        self, raw: bytes, *, to: str = SUPPORT, sender: str = ANN, multipart: bool = True, **signed: Any
    ) -> Post:
        """A route's `forward("https://…/webhooks/mailgun/mime")`."""
        fields = {"recipient": to, "sender": sender, "from": f"Ann <{sender}>", "subject": "Lamp", "body-mime": raw}
        return self.form(fields | self.signature(**signed), multipart=multipart)

    def form(self, fields: dict[str, Any], *, multipart: bool = True) -> Post:
        content, kind = form(fields) if multipart else (urlencode(fields).encode(), "application/x-www-form-urlencoded")
        return Post("/webhooks/mailgun/mime", content, {"Content-Type": kind})

    def event(self, event: str, message_id: str, to: str = ANN, sender: str = SUPPORT, **more: Any) -> Post:
        signed = {name: more.pop(name) for name in ("at", "token") if name in more}
        data = {
            "id": secrets.token_urlsafe(16),
            "timestamp": 1_764_561_600.123,
            "log-level": "info",
            "event": event,
            "recipient": to,
            "recipient-domain": to.rpartition("@")[2],
            "envelope": {"transport": "smtp", "sender": sender, "sending-ip": "192.0.2.1", "targets": to},
            "message": {
                "headers": {"message-id": message_id.strip("<>"), "to": to, "subject": "Re: Lamp"},
                "size": 512,
            },
            **more,
        }
        return json_post("/webhooks/mailgun/events", {"signature": self.signature(**signed), "event-data": data})


class Postmark:
    """Signs nothing: a password in the address."""

    def inbound(self, raw: bytes | None, to: str = SUPPORT, authorization: str = "") -> Post:
        body = {
            "FromName": "Ann",
            "From": ANN,
            "FromFull": {"Email": ANN, "Name": "Ann", "MailboxHash": ""},
            "To": to,
            "OriginalRecipient": to,
            "Subject": "Lamp",
            "MessageID": secrets.token_hex(16),
            "MessageStream": "inbound",
            "Date": "Tue, 1 Dec 2026 04:00:00 +0000",
            "TextBody": "My lamp is broken.",
            "Headers": [{"Name": "X-Spam-Status", "Value": "No"}],
            "Attachments": [],
        }
        if raw is not None:
            body["RawEmail"] = raw.decode()
        return json_post("/webhooks/postmark/inbound", body, {"Authorization": authorization or basic()})

    def event(self, record: str, outbound_id: str = "", to: str = ANN, authorization: str = "", **more: Any) -> Post:
        body = {
            "RecordType": record,
            "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
            "ServerID": 23,
            "MessageStream": "outbound",
            "Tag": "",
            "Metadata": {"reply": outbound_id} if outbound_id else {},
            ("Recipient" if record in ("Delivery", "SubscriptionChange") else "Email"): to,
            **more,
        }
        return json_post("/webhooks/postmark/events", body, {"Authorization": authorization or basic()})


class SendGrid:
    """Signs events with ECDSA; Inbound Parse has a password in its address."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> str:
        """As the page of the Event Webhook shows it."""
        der = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def inbound(self, raw: bytes | None, to: str = SUPPORT, sender: str = ANN, authorization: str = "") -> Post:
        fields: dict[str, Any] = {
            "to": to,
            "from": f"Ann <{sender}>",
            "sender_ip": "192.0.2.1",
            "envelope": json.dumps({"to": [to], "from": sender}),
            "charsets": json.dumps({"to": "UTF-8", "from": "UTF-8", "subject": "UTF-8"}),
            "subject": "Lamp",
            "SPF": "pass",
            "dkim": "{@example.com : pass}",
        }
        content, kind = form(fields | ({"email": raw} if raw is not None else {"text": "My lamp is broken."}))
        headers = {"Content-Type": kind, "Authorization": authorization or basic()}
        return Post("/webhooks/sendgrid/parse", content, headers)

    def events(self, *events: dict[str, Any], at: datetime | None = None) -> Post:
        content = json.dumps(events).encode()
        timestamp = seconds(at)
        signed = self.private.sign(timestamp.encode() + content, ec.ECDSA(hashes.SHA256()))
        headers = {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signed).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        return Post("/webhooks/sendgrid/events", content, headers)

    def event(self, event: str, message_id: str, to: str = ANN, **more: Any) -> dict[str, Any]:
        base = {"email": to, "timestamp": 1_764_561_600, "event": event, "smtp-id": message_id}
        ids = {"sg_event_id": secrets.token_urlsafe(16), "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.0"}
        return base | ids | more


class Amazon:
    """SNS with one topic, its certificate, and SES that publishes to it. `fetch` is what the world
    sees of it at `https://sns.eu-west-1.amazonaws.com`."""

    host = "https://sns.eu-west-1.amazonaws.com"

    def __init__(self, version: str = "2") -> None:
        self.version, self.visited = version, list[str]()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.certificate_url = f"{self.host}/SimpleNotificationService-{secrets.token_hex(16)}.pem"
        self.token = secrets.token_hex(64)

    def pem(self, start: datetime | None = None) -> bytes:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        begins = start or datetime.now(UTC) - timedelta(days=1)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(begins).not_valid_after(begins + timedelta(days=365))
        return made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    async def fetch(self, url: str) -> bytes:
        self.visited.append(url)
        if url == self.certificate_url:
            return self.pem()
        return b"<ConfirmSubscriptionResponse/>"

    def message(self, kind: str, text: str, at: datetime | None = None, **more: Any) -> dict[str, Any]:
        """A message of SNS with its signature; `more` changes it before it is signed."""
        moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told: dict[str, Any] = {
            "Type": kind,
            "MessageId": secrets.token_hex(16),
            "TopicArn": TOPIC,
            "Message": text,
            "Timestamp": moment,
            "SignatureVersion": self.version,
            "SigningCertURL": self.certificate_url,
        }
        if kind == "Notification":
            told["UnsubscribeURL"] = f"{self.host}/?Action=Unsubscribe&SubscriptionArn={quote(TOPIC)}:1"
        else:
            told["Token"] = self.token
            told["SubscribeURL"] = f"{self.host}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={self.token}"
        told |= more
        names = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
        signed = "".join(f"{name}\n{told[name]}\n" for name in names if name in told)
        algorithm = hashes.SHA256() if self.version == "2" else hashes.SHA1()
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), algorithm)
        return told | {"Signature": base64.b64encode(signature).decode()}

    def post(self, told: dict[str, Any]) -> Post:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": str(told.get("Type"))}
        return Post("/webhooks/ses", json.dumps(told).encode(), headers)

    def notify(self, told: Any, **more: Any) -> Post:
        return self.post(self.message("Notification", json.dumps(told), **more))

    def confirmation(self, **more: Any) -> Post:
        return self.post(self.message("SubscriptionConfirmation", "You have chosen to subscribe", **more))

    def received(
        self, raw: bytes | None, *, to: str = SUPPORT, sender: str = ANN, encoding: str = "BASE64", spam: str = "PASS"
    ) -> dict[str, Any]:
        """A mail that came in: by the SNS action, or by the S3 action where `raw` is None."""
        action: dict[str, str] = {"type": "SNS", "topicArn": TOPIC, "encoding": encoding}
        if raw is None:
            action = {"type": "S3", "topicArn": TOPIC, "bucketName": "mails", "objectKey": "d6iitobk75ur"}
        told: dict[str, Any] = {
            "notificationType": "Received",
            "mail": {
                "timestamp": "2026-12-01T04:00:00.000Z",
                "source": sender,
                "messageId": "d6iitobk75ur",
                "destination": [to],
            },
            "receipt": {
                "timestamp": "2026-12-01T04:00:00.000Z",
                "recipients": [to],
                "spamVerdict": {"status": spam},
                "virusVerdict": {"status": "PASS"},
                "action": action,
            },
        }
        if raw is not None:
            told["content"] = base64.b64encode(raw).decode() if encoding == "BASE64" else raw.decode()
        return told

    def event(self, kind: str, message_id: str, part: dict[str, Any], to: str = ANN) -> dict[str, Any]:
        """An event of a configuration set; SES wrote a Message-ID of its own into the mail."""
        name = {"DeliveryDelay": "deliveryDelay"}.get(kind, kind.lower())
        mail = {
            "timestamp": "2026-12-01T04:00:00.000Z",
            "source": SUPPORT,
            "messageId": "0100018f-000000",
            "destination": [to],
            "headersTruncated": False,
            "headers": [{"name": "From", "value": SUPPORT}, {"name": "Message-ID", "value": message_id}],
            "tags": {"ses:configuration-set": ["support"]},
        }
        return {"eventType": kind, "mail": mail, name: part}


class Cloudflare:
    """What the worker sends; the worker itself runs in a test of its own."""

    def __init__(self, secret: str = CLOUDFLARE_SECRET) -> None:
        self.secret = secret

    def inbound(self, raw: bytes, *, to: str = SUPPORT, sender: str = ANN, at: datetime | None = None) -> Post:
        timestamp, sender, to = seconds(at), quote(sender), quote(to)
        signed = hmac.new(self.secret.encode(), f"{timestamp}\n{sender}\n{to}\n".encode() + raw, hashlib.sha256)
        headers = {
            "Content-Type": "message/rfc822",
            "X-Switchboard-Timestamp": timestamp,
            "X-Switchboard-Sender": sender,
            "X-Switchboard-Recipient": to,
            "X-Switchboard-Signature": f"v1={signed.hexdigest()}",
        }
        return Post("/webhooks/cloudflare", raw, headers)


def form(fields: dict[str, Any]) -> tuple[bytes, str]:
    """A multipart form and its content type."""
    boundary, parts = secrets.token_hex(16), []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        parts += [head, value if isinstance(value, bytes) else str(value).encode(), b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def json_post(path: str, body: Any, headers: dict[str, str] | None = None) -> Post:
    return Post(path, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
