"""No single address, and nobody who only keeps a line open, takes the door away from all others."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP

from services.email.adapters.smtp import Door, Listener, MailSession
from services.email.domain.incoming import Envelope
from services.email.settings import networks
from shared.limits import RateLimit

MAIL = b"From: Ann <ann@example.com>\r\nSubject: Lamp\r\n\r\nMy lamp is broken.\r\n"


@asynccontextmanager
async def listening(taken: list[bytes] | None = None, **options: object) -> AsyncIterator[int]:
    """The port of a real listener."""

    async def take(raw: bytes, _envelope: Envelope) -> str:
        (taken if taken is not None else []).append(raw)
        return "kept"

    fields = {"max_recipients": 10, "max_connections": 20, "idle_timeout": 30, "hostname": "mx.test", **options}
    door = Door(take, lambda address: address == "support@example.org", 1_000_000, **fields)  # type: ignore[arg-type]
    listener, stop = Listener(door, "127.0.0.1", 0), asyncio.Event()
    running = asyncio.create_task(listener.run(stop))
    while not listener.listening:
        await asyncio.sleep(0)
    try:
        yield listener.port
    finally:
        stop.set()
        await running


async def send(port: int, raw: bytes = MAIL) -> tuple[int, str]:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=30) as client:
        try:
            await client.sendmail("ann@example.com", ["support@example.org"], raw)
        except aiosmtplib.SMTPResponseException as error:
            return error.code, error.message
    return 250, ""


async def test_a_session_that_only_says_noop_is_idle() -> None:
    async with listening(idle_timeout=1) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        commands = itertools.cycle([b"EHLO x\r\n", b"NOOP\r\n", b"RSET\r\n", b"MAIL FROM:<a@b.example>\r\n"])
        with suppress(ConnectionError):
            while await reader.readline():
                writer.write(next(commands))
        writer.close()


async def test_a_session_that_sends_mails_is_not_idle_however_long_it_takes() -> None:
    taken: list[bytes] = []
    async with (
        listening(taken, idle_timeout=1) as port,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, timeout=30) as client,
    ):
        started = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < started + 2:
            await client.sendmail("ann@example.com", ["support@example.org"], MAIL)
    assert set(taken) == {MAIL}


async def test_one_address_cannot_take_the_sessions_of_all_others() -> None:
    async with listening(per_address=1) as port:
        first, ours = await asyncio.open_connection("127.0.0.1", port)
        assert (await first.readline()).startswith(b"220")
        second, refused = await asyncio.open_connection("127.0.0.1", port)
        assert (await second.read()).startswith(b"421 4.7.0")
        other, theirs = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
        assert (await other.readline()).startswith(b"220")
        for writer in (ours, refused, theirs):
            writer.close()


async def test_a_relay_of_our_own_speaks_for_everybody() -> None:
    async with listening(per_address=1, rate=RateLimit(1), trusted=networks("127.0.0.0/8, ::1")) as port:
        sessions = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert [(await reader.readline())[:3] for reader, _ in sessions] == [b"220"] * 3
        assert [(await send(port))[0] for _ in range(3)] == [250] * 3
        for _, writer in sessions:
            writer.close()


async def test_more_mails_a_minute_than_we_take_are_asked_to_come_back() -> None:
    taken: list[bytes] = []
    async with listening(taken, rate=RateLimit(2)) as port:
        answers = [await send(port) for _ in range(3)]
    assert [code for code, _ in answers] == [250, 250, 450]
    assert answers[2][1].startswith("4.7.1")
    assert len(taken) == 2


async def test_a_mail_of_lines_that_begin_with_dots_comes_through_as_it_was() -> None:
    taken: list[bytes] = []
    raw = b"." + MAIL + b".\r\n..two\r\n.hidden\r\n"
    async with listening(taken) as port:
        assert (await send(port, raw))[0] == 250
    assert taken == [raw]


@pytest.mark.parametrize(
    "argument",
    [
        "<ann@example.com>",
        "<ann.lee+t1_x=y@mail.example.com> SIZE=100  BODY=8BITMIME",
        "<ann@example.com> (a comment) SIZE=1",
        "<ann@example.com>SIZE=1",
        "<ann@localhost>",
        "<a..b@example.com>",
        "<.a@example.com>",
        "<a@example..com>",
        "<@relay.example:ann@example.com>",
        '<"ann lee"@example.com>',
        "<ann@[127.0.0.1]>",
        "<ann>",
        "<>",
        "ann@example.com",
        "<ann@example.com",
        "<안나@example.com>",
    ],
)
async def test_addresses_are_read_as_aiosmtpd_reads_them(argument: str) -> None:
    session = MailSession(Door(None, None, 1, 1, 1, 30, hostname="mx.test"), set(), asyncio.get_running_loop())  # type: ignore[arg-type]
    assert session._getaddr(argument) == SMTP._getaddr(session, argument)
