"""Asks DNS, within bounds: where a domain's mail is, and what it says of its senders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from services.email.domain.discovery import Place, Service, of_domain, of_exchanges, of_services
from shared.errors import Rejected

_LOOKUP = 5.0
"""Seconds for one question, over all name servers; there are three."""


_LONGEST, _MOST = 4_000, 50
"""Characters of a record, and records of a name, that are looked at."""


class Lookup:
    """Answers questions such as `TXT _dmarc.a.example`. `servers`: whom to ask, by address and
    port; the system's where there are none."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        import dns.asyncresolver
        import dns.nameserver

        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in servers]

    async def ask(self, question: str) -> tuple[str, ...] | None:
        """Returns the records, none where there are none; None where nobody answers."""
        import dns.exception
        import dns.resolver

        kind, _, name = question.partition(" ")
        try:
            answer = await self._resolver.resolve(name, kind, lifetime=_LOOKUP, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return ()
        except (dns.resolver.NoNameservers, dns.exception.Timeout, OSError):
            return None
        except (dns.exception.DNSException, UnicodeError):  # no name, or one that stands for nothing
            return ()
        return tuple(_text(record)[:_LONGEST] for record in list(answer.rrset or ())[:_MOST])


def _text(record: Any) -> str:
    """Returns a record as one text; a text in several pieces in one (RFC 7208, 3.3)."""
    if hasattr(record, "strings"):
        return b"".join(record.strings).decode("latin-1")
    return str(record.to_text()).rstrip(".")


async def place_of(address: str, resolver: Any = None) -> Place:
    """Returns where a mailbox is. `resolver`: one of `dns.asyncresolver`, the system's without it.
    Raises Rejected where that is not told: then the operator has to say it."""
    domain = address.rpartition("@")[2].lower()
    if found := of_domain(domain):
        return found
    import dns.asyncresolver
    import dns.exception

    resolver = resolver or dns.asyncresolver.Resolver()

    async def ask(name: str, kind: str, read: Callable[[Any], Any]) -> list[Any]:
        try:
            async with asyncio.timeout(_LOOKUP + 1):
                answer = await resolver.resolve(name, kind, lifetime=_LOOKUP)
            return [read(record) for record in answer]
        except (dns.exception.DNSException, OSError, TimeoutError):
            return []

    def service(record: Any) -> Service:
        return Service(record.priority, record.weight, record.port, record.target.to_text())

    exchanges, tls, starttls = await asyncio.gather(
        ask(domain, "MX", lambda record: record.exchange.to_text()),
        ask(f"_imaps._tcp.{domain}", "SRV", service),
        ask(f"_imap._tcp.{domain}", "SRV", service),
    )
    if found := of_exchanges(exchanges):
        return found
    try:
        found = of_services(domain, tls, starttls)
    except ValueError as error:
        words = f"{domain} names {error} in its DNS, which is not under {domain}: if you trust it, say --host {error}."
        raise Rejected(422, "another-domain", words) from error
    if found is None:
        raise Rejected(422, "server-unknown", f"The DNS of {domain} does not name its IMAP server: say --host.")
    return found
