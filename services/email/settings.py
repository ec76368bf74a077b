"""Settings of the email service."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from services.email.domain.mailboxes import Mailboxes
from services.email.domain.spam import FILTERS
from services.email.domain.webhooks.sendgrid import public_key
from services.email.domain.webhooks.sns import host
from shared.settings import ServiceSettings

_SHORTEST = 16
"""Characters of a secret that protects a webhook."""


def names(value: str) -> tuple[str, ...]:
    """Parses names such as `mx.example.org, none`, into lower case."""
    return tuple(name.strip().lower() for name in value.split(",") if name.strip())


def servers(value: str) -> tuple[tuple[str, int], ...]:
    """Parses addresses such as `192.0.2.1, 192.0.2.2:5353, [2001:db8::1]:53`. Raises ValueError."""
    found = []
    for entry in names(value):
        host, colon, port = entry.rpartition(":")
        bare = entry if not colon or (":" in host and not host.endswith("]")) else host
        ip_address(bare.strip("[]"))
        found.append((bare.strip("[]"), int(port) if bare != entry else 53))
    return tuple(found)


def networks(value: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Parses networks such as `127.0.0.0/8, ::1`. Raises ValueError with the entry that is not a
    network."""
    return tuple(ip_network(entry.strip()) for entry in value.split(",") if entry.strip())


class EmailSettings(ServiceSettings):
    """Prefix EMAIL_."""

    model_config = SettingsConfigDict(env_prefix="EMAIL_", extra="ignore", frozen=True)

    port: int = Field(8002, description="HTTP port for mail providers' webhooks, health and metrics", ge=1, le=65535)
    database: SecretStr = Field(
        SecretStr("postgresql://email:email@127.0.0.1:8032/switchboard"),
        description="PostgreSQL, for the delivery ledger, as the role `email`",
    )
    mailboxes: str = Field(
        "support@example.org,help@example.org",
        description="Addresses, and domains of which every address is taken, comma-separated; mail to others is refused. "
        "The first address is the one that answers come from by default",
    )
    trusted_authserv_ids: str = Field(
        "",
        description="Names (authserv-id) by which our own mail servers sign Authentication-Results, comma-separated; `none`: the "
        "form without a name, as Exchange Online writes it. They have to remove fields of their name that come from outside "
        "(RFC 8601, 5). Empty: no field is believed",
    )
    check_senders: bool = Field(
        default=False,
        description="Check senders ourselves. Of mail that comes by SMTP from outside `trusted_networks`: SPF, DKIM and DMARC, and what "
        "stands in its Authentication-Results is then not believed; only where strangers' servers reach us directly, as behind a relay "
        "SPF would judge the relay. Of mail by IMAP and webhooks that none of `trusted_authserv_ids` judged: DKIM and ARC, and SPF by "
        "`trusted_receivers`",
    )
    trusted_receivers: str = Field(
        "",
        description="Names that the servers of your mailbox's host or provider have behind `by` in their Received fields, comma-separated: "
        "who handed a mail to the lowest of them is believed, for SPF of mail by IMAP and webhooks. Empty: SPF is not checked there",
    )
    nameservers: str = Field(
        "",
        description="DNS servers that are asked for it, as addresses with or without a port, comma-separated; empty: the system's",
    )
    trusted_sealers: str = Field(
        "",
        description="Domains of mailing lists that are believed what a mail was before they changed it, as `d=` of their ARC-Seal "
        "names them, comma-separated: where a mail fails DMARC only by such a list, its sender is not in doubt",
    )
    spam_filters: str = Field(
        "",
        description="Filters on your own mail servers whose word that a mail is spam is believed, comma-separated: `spamassassin` "
        "(amavis too), `rspamd`, `microsoft`, `barracuda`, `proofpoint`. They have to remove such fields that come from outside",
    )
    clamd: str = Field(
        "",
        description="Where clamd listens that looks at files for viruses: `host:port`, or the path of its socket; empty: nobody looks. "
        "Its StreamMaxLength should be at least `max_size`",
    )
    unscanned: Literal["mark", "wait"] = Field(
        "mark",
        description="What becomes of mails with files while clamd is away: `mark`: they come in and say that nobody looked; `wait`: "
        "their senders keep them (451), and imports stop meanwhile",
    )
    smtp_host: str = Field("127.0.0.1", description="The address that SMTP and LMTP listen on")
    smtp_port: int = Field(8025, description="The port on which mail comes in by SMTP; 0 turns it off", ge=0, le=65535)
    lmtp_port: int = Field(0, description="The port on which mail comes in by LMTP; 0 turns it off", ge=0, le=65535)
    hostname: str = Field("", description="The name that we greet with; the machine's own where it is empty")
    max_size: int = Field(
        25_000_000, description="Bytes of one mail; larger ones are refused with 552 5.3.4", ge=10_000
    )
    max_connections: int = Field(200, description="SMTP sessions at a time; more are asked to come back (421)", ge=1)
    sessions_per_address: int = Field(
        20, description="SMTP sessions at a time of one address, or of one /64 of IPv6; 0 sets no limit", ge=0
    )
    mails_per_address: int = Field(
        120,
        description="Mails a minute of one address, in bursts of as many; more are asked to come back (450). 0 sets no limit",
        ge=0,
    )
    trusted_networks: str = Field(
        "127.0.0.0/8,::1",
        description="Networks that have no limit by address, comma-separated: those of your own relays, which speak for everybody",
    )
    max_recipients: int = Field(100, description="Recipients of one mail (RFC 5321 asks for at least 100)", ge=1)
    idle_timeout: float = Field(
        300, description="Seconds without a command or data before a session is closed (RFC 5321, 4.5.3.2)", gt=0
    )
    tls_certificate: Path | None = Field(
        None,
        description="PEM file with the certificate chain that STARTTLS offers; empty: one of our own, see `tls_folder`",
    )
    tls_key: Path | None = Field(None, description="PEM file with its key")
    tls_folder: Path = Field(
        Path("var/tls"), description="Where our own certificate is made at the first start, and kept (`smtp.pem`)"
    )
    imap_idle: float = Field(
        290,
        description="Seconds between two looks into a mailbox whose server tells of new mail by itself (IDLE, at most 29 minutes "
        "by RFC 2177); its other folders are looked into as often",
        gt=0,
        le=1740,
    )
    imap_poll: float = Field(60, description="Seconds between two looks where it does not", gt=0)
    imap_ca: Path | None = Field(
        None, description="PEM file of an authority of your own that signed your IMAP servers' certificates"
    )
    google_client_id: str = Field(
        "", description="OAuth client of the kind “Desktop app” in your Google Cloud project, for mailboxes at Google"
    )
    google_client_secret: SecretStr = Field(SecretStr(""), description="Its secret")
    google_page: str = Field(
        "https://accounts.google.com/o/oauth2/v2/auth", description="Where a person agrees that we read the mailbox"
    )
    google_tokens: str = Field("https://oauth2.googleapis.com/token", description="Google's token endpoint")
    microsoft_client_id: str = Field(
        "", description="Application (client) ID of your registration at Microsoft Entra, for mailboxes at Microsoft"
    )
    microsoft_authority: str = Field(
        "https://login.microsoftonline.com/organizations",
        description="Microsoft's sign-in with your tenant: its id instead of `organizations`, or `common` for personal accounts too",
    )
    api_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of `/api/v1`, at least 16 characters; empty: the API is off"
    )
    mailgun_signing_key: SecretStr = Field(
        SecretStr(""), description="Mailgun's HTTP webhook signing key; empty: its webhooks are off"
    )
    postmark_password: SecretStr = Field(
        SecretStr(""),
        description="Password in the address of Postmark's webhooks, at least 16 letters and digits of yours; empty: they are off",
    )
    sendgrid_password: SecretStr = Field(
        SecretStr(""), description="The same for SendGrid's Inbound Parse; empty: it is off"
    )
    sendgrid_public_key: str = Field(
        "", description="Verification key of SendGrid's signed Event Webhook; empty: it is off"
    )
    ses_topics: str = Field(
        "",
        description="ARNs of the topics of Amazon SNS that SES publishes to, comma-separated; empty: its webhook is off",
    )
    cloudflare_secret: SecretStr = Field(
        SecretStr(""),
        description="Secret that our Cloudflare Email Worker signs with, at least 16 characters; empty: its webhook is off",
    )
    relay_host: str = Field(
        "", description="The SMTP server that takes outgoing mail; empty: mails go to `outbox_folder`"
    )
    relay_port: int = Field(587, description="Its port", ge=1, le=65535)
    relay_user: str = Field("", description="User name there; empty: no sign-in")
    relay_password: SecretStr = Field(SecretStr(""), description="Password there")
    relay_tls: Literal["starttls", "tls", "auto", "none"] = Field(
        "auto",
        description="`starttls`: required; `tls`: from the first byte (port 465); `auto`: STARTTLS where offered, and required where "
        "there is a user; `none`",
    )
    relay_password_without_tls: bool = Field(
        default=False, description="Send the password to a relay without TLS too, readable for everybody on the way"
    )
    relay_idle: float = Field(
        20,
        description="Seconds that a connection to a relay is kept without a mail; 0: a connection for each mail",
        ge=0,
    )
    provider: Literal["", "mailgun", "postmark", "sendgrid"] = Field(
        "", description="Send by this provider's HTTP API instead of by a relay"
    )
    provider_key: SecretStr = Field(
        SecretStr(""),
        description="Its key: Mailgun's API key (or a domain's sending key), Postmark's server token, SendGrid's API key",
    )
    provider_url: str = Field(
        "",
        description="Its API; empty: the provider's own, for Mailgun and SendGrid the one in the US (EU: `https://api.eu.mailgun.net`, "
        "`https://api.eu.sendgrid.com`)",
    )
    provider_domain: str = Field(
        "",
        description="Mailgun: the domain there that sends; empty: the domain of the mailbox that a reply leaves from",
    )
    outbox_folder: Path = Field(
        Path("var/outbox"), description="Where outgoing mails are kept as files while there is no relay"
    )
    company: str = Field("Support", description="Shown as the sender of answers", max_length=100)
    from_name: str = Field("{agent} via {company}", description="Name in From; {agent} and {company} are filled in")
    senders: int = Field(4, description="Mails sent at a time by one process", ge=1, le=100)
    per_mailbox: int = Field(0, description="Mails a minute that leave from one mailbox; 0 sets no limit", ge=0)
    per_domain: int = Field(0, description="Mails a minute that go to one domain; 0 sets no limit", ge=0)
    send_timeout: float = Field(60, description="Seconds for one attempt to send", gt=0)
    retry_first: float = Field(
        30, description="Seconds before the first repeat after a temporary error; doubles up to an hour", gt=0
    )
    give_up_hours: float = Field(
        24, description="Hours after which a mail that could not be sent is reported as failed", gt=0
    )

    @property
    def topics(self) -> frozenset[str]:
        """The topics of Amazon SNS that are ours."""
        return frozenset(topic.strip() for topic in self.ses_topics.split(",") if topic.strip())

    @property
    def webhooks(self) -> str:
        """Which webhooks are on, and what is missing for the others, in words."""
        secrets = {
            "EMAIL_MAILGUN_SIGNING_KEY": self.mailgun_signing_key.get_secret_value(),
            "EMAIL_POSTMARK_PASSWORD": self.postmark_password.get_secret_value(),
            "EMAIL_SENDGRID_PASSWORD": self.sendgrid_password.get_secret_value(),
            "EMAIL_SENDGRID_PUBLIC_KEY": self.sendgrid_public_key,
            "EMAIL_SES_TOPICS": self.ses_topics,
            "EMAIL_CLOUDFLARE_SECRET": self.cloudflare_secret.get_secret_value(),
        }
        on, off = (
            ", ".join(name for name, value in secrets.items() if bool(value) is there) for there in (True, False)
        )
        return "; ".join(filter(None, (f"on by {on}" if on else "", f"off without {off}" if off else "")))

    @field_validator("postmark_password", "sendgrid_password", "cloudflare_secret")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < _SHORTEST:
            raise ValueError(f"take at least {_SHORTEST} characters: openssl rand -hex 24")
        return value

    @field_validator("sendgrid_public_key")
    @classmethod
    def _key(cls, value: str) -> str:
        if value:
            public_key(value)
        return value

    @field_validator("ses_topics")
    @classmethod
    def _topics(cls, value: str) -> str:
        for topic in filter(None, map(str.strip, value.split(","))):
            host(topic)
        return value

    @field_validator("trusted_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @field_validator("clamd")
    @classmethod
    def _clamd(cls, value: str) -> str:
        if value and not value.startswith("/") and not re.fullmatch(r".+:\d{1,5}", value):
            raise ValueError("it is `host:port`, or a path that begins with a slash")
        return value

    @field_validator("nameservers")
    @classmethod
    def _servers(cls, value: str) -> str:
        servers(value)
        return value

    @field_validator("spam_filters")
    @classmethod
    def _filters(cls, value: str) -> str:
        if unknown := set(names(value)) - FILTERS.keys():
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(FILTERS)}")
        return value

    @field_validator("mailboxes")
    @classmethod
    def _mailboxes(cls, value: str) -> str:
        Mailboxes.parse(value)
        return value
