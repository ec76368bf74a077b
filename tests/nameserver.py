"""A name server on loopback that knows what it is told (RFC 1035)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SILENT = None
"""Of a name about which it never says a word."""


class NameServer(asyncio.DatagramProtocol):
    """Answers by question, such as `TXT a.example`; what it does not know does not exist."""

    def __init__(self, records: Mapping[str, tuple[str, ...] | None]) -> None:
        self._records = records
        self.asked: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        message = dns.message.from_wire(data)
        question = message.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(f"{kind} {name}")
        known = self._records.get(f"{kind} {name}", ())
        if known is SILENT:
            return
        answer = dns.message.make_response(message)
        answer.flags |= dns.flags.RA
        if known == ("SERVFAIL",):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif known:
            texts = [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in known]
            values = texts if kind == "TXT" else [f"{text}." if kind in {"MX", "PTR"} else text for text in known]
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(key.endswith(f" {name}") for key in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), address)


@asynccontextmanager
async def serving(records: Mapping[str, tuple[str, ...] | None]) -> AsyncIterator[tuple[int, NameServer]]:
    """Yields its port on 127.0.0.1, and itself."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(records), ("127.0.0.1", 0))
    try:
        yield transport.get_extra_info("sockname")[1], server
    finally:
        transport.close()
