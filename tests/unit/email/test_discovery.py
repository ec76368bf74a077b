"""An operator gives an address, and the server is found: at a provider that we know, or by what the
domain's DNS tells."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import dns.asyncresolver
import dns.message
import dns.rrset
import pytest

from services.email.adapters import dns as lookup
from services.email.adapters.dns import place_of
from services.email.domain.discovery import PROVIDERS, Place, Service, of_domain, of_exchanges, of_services
from shared.errors import Rejected


def test_addresses_of_a_provider_are_known_without_a_question() -> None:
    found = of_domain("GMail.com")
    assert found == Place("imap.gmail.com", 993, "tls", "google", "Google, known")
    assert of_domain("example.org") is None


@pytest.mark.parametrize(
    ("exchange", "host", "sign_in"),
    [
        ("ASPMX.L.GOOGLE.com.", "imap.gmail.com", "google"),
        ("smtp.google.com.", "imap.gmail.com", "google"),
        ("example-org.mail.protection.outlook.com.", "outlook.office365.com", "microsoft"),
        ("mx1.mail.ovh.net.", "ssl0.ovh.net", "password"),
        ("mx.notgoogle.com.", None, None),
    ],
)
def test_a_company_at_a_provider_is_told_by_its_mail_servers(
    exchange: str, host: str | None, sign_in: str | None
) -> None:
    found = of_exchanges(["mx.example.org.", exchange])
    assert (found and found.host, found and found.sign_in) == (host, sign_in)


def test_no_domain_belongs_to_two_providers() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    assert len(domains) == len(set(domains))


def test_the_best_server_that_a_domain_names_is_taken() -> None:
    later, first = Service(20, 0, 993, "b.example.org."), Service(10, 5, 9993, "A.example.org.")
    heavier = Service(10, 9, 993, "example.org.")
    assert of_services("example.org", [later, first, heavier], []) == Place(
        "example.org", 993, "tls", "password", "by the domain's SRV record"
    )
    old = of_services("example.org", [Service(0, 0, 0, ".")], [Service(0, 0, 143, "imap.example.org.")])
    assert old == Place("imap.example.org", 143, "starttls", "password", "by the domain's SRV record")
    assert of_services("example.org", [], []) is None


def test_a_server_elsewhere_is_not_taken_by_the_word_of_the_dns() -> None:
    with pytest.raises(ValueError, match=r"imap\.evil\.example"):
        of_services("example.org", [Service(0, 0, 993, "imap.evil.example.")], [])
    with pytest.raises(ValueError, match="notexample"):
        of_services("example.org", [Service(0, 0, 993, "imap.notexample.org.")], [])


RECORDS = {
    ("company.example.", "MX"): "10 aspmx.l.google.com.",
    ("_imaps._tcp.own.example.", "SRV"): "0 1 993 imap.own.example.",
    ("_imaps._tcp.elsewhere.example.", "SRV"): "0 1 993 imap.host.example.",
}


@pytest.fixture
def resolver() -> Iterator[Any]:
    """A name server on loopback; of `silent.example` it says nothing."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def run() -> None:
        while True:
            data, peer = server.recvfrom(4096)
            if not data:
                return
            asked = dns.message.from_wire(data)
            name, kind = asked.question[0].name.to_text(), dns.rdatatype.to_text(asked.question[0].rdtype)
            if "silent.example" in name:
                continue
            answer = dns.message.make_response(asked)
            if text := RECORDS.get((name, kind)):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, text))
            server.sendto(answer.to_wire(), peer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    found = dns.asyncresolver.Resolver(configure=False)
    found.nameservers, found.port = ["127.0.0.1"], server.getsockname()[1]
    yield found
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
        last.sendto(b"", server.getsockname())
    thread.join(5)
    server.close()


async def test_the_dns_is_asked(resolver: Any) -> None:
    assert (await place_of("a@company.example", resolver)).sign_in == "google"
    assert (await place_of("a@own.example", resolver)).host == "imap.own.example"
    assert (await place_of("a@gmail.com", resolver)).how == "Google, known"
    with pytest.raises(Rejected, match=r"--host imap\.host\.example"):
        await place_of("a@elsewhere.example", resolver)
    with pytest.raises(Rejected, match="say --host"):
        await place_of("a@nothing.example", resolver)


async def test_a_name_server_that_says_nothing_is_not_waited_for(
    resolver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "_LOOKUP", 0.2)
    with pytest.raises(Rejected, match="say --host"):
        await place_of("a@silent.example", resolver)
