"""Strangers' servers hand their mail to us, and DNS says who may speak for whom."""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from ipaddress import ip_network

import aiosmtplib
import pytest
from pydantic import ValidationError

from services.email.adapters.dns import Lookup
from services.email.adapters.reader import Reader
from services.email.adapters.smtp import Door, Listener, LocalMailSession, MailSession
from services.email.checks import Checks
from services.email.domain.incoming import Context, Envelope
from services.email.domain.mailboxes import Mailboxes
from services.email.domain.received import Receivers
from services.email.settings import EmailSettings, servers
from shared.clock import utc_now
from shared.events import InboundMessage
from tests.nameserver import SILENT, serving
from tests.unit.email.test_checking import DNS, MAIL, signed

CONTEXT = Context(Mailboxes.parse("support@example.org"), "a secret that is long enough for anybody", ())
LOOPBACK = {"TXT home.example": ("v=spf1 ip4:127.0.0.1 -all",), "TXT _dmarc.home.example": ("v=DMARC1; p=reject",)}


class Desk:
    """What came in by a door, read."""

    def __init__(self, checks: Checks) -> None:
        self._checks, self._reader = checks, Reader(CONTEXT)
        self.messages: list[InboundMessage] = []

    async def take(self, raw: bytes, envelope: Envelope) -> str:
        evidence = await self._checks.evidence(raw, envelope)
        message = (await self._reader.read(raw, envelope, "raw", utc_now(), (), evidence))[1]
        self.messages.append(message)
        return message.id

    async def close(self) -> None:
        await self._reader.close()


@asynccontextmanager
async def taking(desk: Desk, session: type[MailSession] = MailSession, **options: object) -> AsyncIterator[int]:
    fields = {"max_recipients": 10, "max_connections": 20, "idle_timeout": 30, "hostname": "mx.test", **options}
    door = Door(desk.take, lambda _: True, 1_000_000, **fields)  # type: ignore[arg-type]
    listener, stop = Listener(door, "127.0.0.1", 0, session), asyncio.Event()
    running = asyncio.create_task(listener.run(stop))
    while not listener.listening:
        await asyncio.sleep(0)
    try:
        yield listener.port
    finally:
        stop.set()
        await running


async def send(port: int, raw: bytes, sender: str) -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=30) as client:
        await client.sendmail(sender, ["support@example.org"], raw)


def hand_over(port: int) -> None:
    with smtplib.LMTP("127.0.0.1", port) as relay:
        relay.sendmail("eve@b.example", ["support@example.org"], MAIL)


async def test_a_strangers_mail_is_checked_at_the_door_and_what_it_says_of_itself_is_not_believed() -> None:
    async with serving(DNS | LOOPBACK) as (dns, server):
        desk = Desk(Checks(Lookup([("127.0.0.1", dns)]).ask))
        home = MAIL.replace(b"a.example", b"home.example")
        boast = b"Authentication-Results: mx.example.org; dmarc=pass header.from=a.example\r\n" + MAIL
        async with taking(desk) as port:
            await send(port, signed(), "bounces@b.example")
            await send(port, home, "ann@home.example")
            await send(port, boast, "eve@b.example")
        told = [(message.facts["sender"], message.facts["sender_domain"], message.doubt) for message in desk.messages]
        assert told == [("signed", "a.example", ""), ("sent", "home.example", ""), ("forged", "a.example", "dmarc")]
        server.asked.clear()
        async with taking(desk, trusted=[ip_network("127.0.0.0/8")]) as port:
            await send(port, MAIL, "eve@b.example")
        async with taking(desk, LocalMailSession) as port:
            await asyncio.to_thread(hand_over, port)
        assert ["sender" in message.facts for message in desk.messages[3:]] == [False, False], "what our relay hands on"
        assert server.asked == []
        await desk.close()


async def test_where_dns_is_silent_a_mail_comes_in_time_and_the_matter_stays_open() -> None:
    async with serving(dict.fromkeys([*DNS, "TXT _dmarc.example"], SILENT)) as (dns, _):
        desk = Desk(Checks(Lookup([("127.0.0.1", dns)]).ask, patience=0.2))
        async with taking(desk) as port:
            started = time.monotonic()
            await send(port, MAIL, "ann@a.example")
            assert time.monotonic() - started < 60
        (message,) = desk.messages
        assert (message.facts["sender"], message.doubt) == ("unknown", "")
        await desk.close()


async def test_what_dns_says_is_told_from_its_silence() -> None:
    records = {
        "TXT long.example": ("x" * 9_000,),
        "MX a.example": ("10 mx.a.example",),
        "TXT broken.example": ("SERVFAIL",),
    }
    async with serving(records) as (dns, _):
        ask = Lookup([("127.0.0.1", dns)]).ask
        assert await ask("MX a.example") == ("10 mx.a.example",)
        assert await ask("TXT a.example") == ()
        assert await ask("TXT nobody.example") == ()
        assert await ask("TXT broken.example") is None
        assert await ask(f"TXT {'x' * 70}.example") == (), "no name"
        long = await ask("TXT long.example")
        assert long is None or len(long[0]) == 4_000


async def test_a_domain_cannot_have_us_ask_without_end() -> None:
    asked: list[str] = []

    async def ask(question: str) -> tuple[str, ...]:
        asked.append(question)
        number = len(asked)
        return (f"v=spf1 mx:a{number}.example ptr -all",) if question.startswith("TXT") else ("10 a.example",) * 5

    evidence = await Checks(ask).evidence(MAIL, Envelope("eve@b.example", (), client="192.0.2.1", helo="x"))
    assert evidence
    assert evidence.spf in {"permerror", "fail"}
    assert len(asked) < 80
    assert await Checks(ask).evidence(MAIL, Envelope("eve@b.example", ())) is None


async def test_a_mail_that_a_host_or_provider_took_in_is_checked_by_what_it_carries() -> None:
    """By its signatures, and by SPF where a server of ours wrote down who handed it over."""
    now = utc_now()
    received = b"Received: from mta.a.example (mta.a.example [192.0.2.1]) by mx.example.org with ESMTPS id 4; "
    top = b"Return-Path: <ann@a.example>\r\n" + received + format_datetime(now).encode() + b"\r\n"
    async with serving(DNS) as (dns, server):
        lookup = Lookup([("127.0.0.1", dns)]).ask
        checks = Checks(lookup, receivers=Receivers({"mx.example.org"}), trusted={"mx.google.com"})
        desk, fetched = Desk(checks), Envelope(None, (), mailbox="support@example.org", by_others=True)
        home = top.replace(b"192.0.2.1", b"203.0.113.77")
        for raw in (MAIL, signed(), signed(top + MAIL), top + MAIL, home + MAIL, top + signed()):
            await desk.take(raw, fetched)
        standings = ["unknown", "signed", "signed", "sent", "forged", "signed"]
        assert [message.facts["sender"] for message in desk.messages] == standings
        await desk.take(signed(), replace(fetched, cut=True))
        assert desk.messages[-1].facts["sender"] == "unknown", "no signature is over a beginning"
        server.asked.clear()
        judged = b"Authentication-Results: mx.google.com; dmarc=fail header.from=a.example\r\n" + MAIL
        assert await checks.evidence(judged, fetched) is None
        assert server.asked == [], "our host has looked"
        await desk.close()


async def test_what_is_read_again_long_after_it_came_is_not_judged_by_what_dns_says_of_servers_now() -> None:
    async with serving(DNS) as (dns, _):
        checks = Checks(Lookup([("127.0.0.1", dns)]).ask)
        envelope = Envelope("ann@a.example", (), client="203.0.113.77", helo="mta.b.example")
        results = [await checks.evidence(MAIL, envelope, utc_now() - timedelta(days=days)) for days in (1, 8)]
    assert [found.spf for found in results if found] == ["fail", ""]


def test_name_servers_are_given_by_address() -> None:
    assert servers("192.0.2.1, 192.0.2.2:5353, 2001:db8::1, [2001:db8::2]:54") == (
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::2", 54),
    )
    for wrong in ({"nameservers": "dns.example.org"}, {"spam_filters": "spamassasin"}):
        with pytest.raises(ValidationError):
            EmailSettings(**wrong)  # type: ignore[arg-type]
