"""Where a mailbox is, by its address: providers that we know, and what a domain's DNS tells (RFC
6186)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Place:
    """An IMAP server. `sign_in`: as a mailbox's; `how`: by what it was found, for an operator."""

    host: str
    port: int
    security: Literal["tls", "starttls"]
    sign_in: Literal["password", "google", "microsoft"]
    how: str


@dataclass(frozen=True, slots=True)
class Provider:
    """A host of mailboxes. `domains`: of its own addresses; `exchanges`: ends of the names of the
    mail servers that its customers' domains name (MX)."""

    name: str
    host: str
    domains: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    sign_in: Literal["password", "google", "microsoft"] = "password"


PROVIDERS = (
    Provider("Google", "imap.gmail.com", ("gmail.com", "googlemail.com"), ("google.com", "googlemail.com"), "google"),
    Provider(
        "Microsoft",
        "outlook.office365.com",
        ("outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.fr", "live.fr", "outlook.fr", "outlook.kr"),
        ("mail.protection.outlook.com", "mx.microsoft", "olc.protection.outlook.com"),
        "microsoft",
    ),
    Provider("Apple", "imap.mail.me.com", ("icloud.com", "me.com", "mac.com"), ("mail.icloud.com",)),
    Provider("Yahoo", "imap.mail.yahoo.com", ("yahoo.com", "yahoo.fr", "ymail.com"), ("yahoodns.net",)),
    Provider("AOL", "imap.aol.com", ("aol.com",)),
    Provider("Fastmail", "imap.fastmail.com", ("fastmail.com", "fastmail.fm"), ("messagingengine.com",)),
    Provider("Zoho", "imappro.zoho.com", (), ("zoho.com",)),
    Provider("Zoho", "imappro.zoho.eu", (), ("zoho.eu",)),
    Provider("GMX", "imap.gmx.net", ("gmx.de", "gmx.net", "gmx.at", "gmx.ch"), ("gmx.net",)),
    Provider("WEB.DE", "imap.web.de", ("web.de",)),
    Provider("T-Online", "secureimap.t-online.de", ("t-online.de",)),
    Provider("IONOS", "imap.ionos.de", (), ("kundenserver.de", "ionos.de")),
    Provider("IONOS", "imap.ionos.com", (), ("1and1.com", "ionos.com")),
    Provider("STRATO", "imap.strato.de", (), ("rzone.de",)),
    Provider("mailbox.org", "imap.mailbox.org", ("mailbox.org",), ("mailbox.org",)),
    Provider("Posteo", "posteo.de", ("posteo.de", "posteo.net")),
    Provider("OVHcloud", "ssl0.ovh.net", (), ("mail.ovh.net", "ovh.net")),
    Provider("Gandi", "mail.gandi.net", (), ("mail.gandi.net",)),
    Provider("Infomaniak", "mail.infomaniak.com", ("ik.me",), ("infomaniak.ch",)),
    Provider("Orange", "imap.orange.fr", ("orange.fr", "wanadoo.fr")),
    Provider("Free", "imap.free.fr", ("free.fr",)),
    Provider("Laposte", "imap.laposte.net", ("laposte.net",)),
    Provider("Naver", "imap.naver.com", ("naver.com",)),
    Provider("Naver Works", "imap.worksmobile.com", (), ("worksmobile.com",)),
    Provider("Daum", "imap.daum.net", ("daum.net", "hanmail.net")),
    Provider("Kakao", "imap.kakao.com", ("kakao.com",)),
    Provider("Migadu", "imap.migadu.com", (), ("migadu.com",)),
    Provider("Rackspace", "secure.emailsrvr.com", (), ("emailsrvr.com",)),
)
"""Whose servers' names are known, all with TLS on port 993, as their help pages say."""


@dataclass(frozen=True, slots=True)
class Service:
    """An SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


def of_domain(domain: str) -> Place | None:
    """Returns where a provider's own addresses are."""
    found = next((provider for provider in PROVIDERS if domain.lower() in provider.domains), None)
    return _at(found, "known") if found else None


def of_exchanges(exchanges: Iterable[str]) -> Place | None:
    """Returns where the mail of a domain is whose MX records name these servers."""
    for name in exchanges:
        bare = name.lower().rstrip(".")
        for provider in PROVIDERS:
            if any(bare == end or bare.endswith(f".{end}") for end in provider.exchanges):
                return _at(provider, f"by the domain's MX record {bare}")
    return None


def of_services(domain: str, tls: Sequence[Service], starttls: Sequence[Service]) -> Place | None:
    """Returns the best server that a domain's SRV records name: TLS from the first byte before
    STARTTLS; a target of `.` says that there is none (RFC 6186, 3.4).

    Only a server under the domain itself is taken by its word: whoever answers our DNS could name
    any, and the password would go there (RFC 6186, 6). Raises ValueError with the other one.
    """
    for services, security in ((tls, "tls"), (starttls, "starttls")):
        for service in sorted(services, key=lambda one: (one.priority, -one.weight)):
            host = service.target.lower().rstrip(".")
            if not host:
                continue
            if host != domain.lower() and not host.endswith(f".{domain.lower()}"):
                raise ValueError(host)
            return Place(
                host, service.port, "tls" if security == "tls" else "starttls", "password", "by the domain's SRV record"
            )
    return None


def _at(provider: Provider, how: str) -> Place:
    return Place(provider.host, 993, "tls", provider.sign_in, f"{provider.name}, {how}")
