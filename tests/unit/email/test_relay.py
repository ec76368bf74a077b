"""A relay is used as well as it lets itself be used: one connection for many mails, and whatever
goes wrong on one is neither a lost reply nor one sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from services.email.adapters import connections
from services.email.adapters.relay import Relay, RelaySender
from services.email.domain.outgoing import OutgoingMail
from shared.attempts import Result
from tests.waiting import until

DROP, SILENT = "drop", "silent"


@dataclass
class Server:
    """aiosmtpd with moods. `says`: for a verb, what it answers to the next of them, or `DROP`;
    afterwards as always."""

    says: dict[str, list[str]] = field(default_factory=dict)
    utf8: bool = True
    taken: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    sender: RelaySender = field(init=False)

    async def answer(self, verb: str, server: Any, usual: str) -> str:
        self.verbs.append(verb)
        said = self.says.get(verb, [])
        words = said.pop(0) if said else usual
        if words == SILENT:
            await asyncio.Event().wait()
        if words == DROP:
            server.transport.abort()
        return words

    async def handle_MAIL(self, server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        words = await self.answer("MAIL", server, "250 OK")
        envelope.mail_from = address if words.startswith("250") else None
        return words

    async def handle_RCPT(self, server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        words = await self.answer("RCPT", server, "250 OK")
        if words.startswith("250"):
            envelope.rcpt_tos.append(address)
        return words

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.recipients.append(envelope.rcpt_tos)
        words = await self.answer("DATA", server, "250 queued")
        if words.startswith("250"):
            self.taken.append(envelope.content)
        return words

    async def handle_RSET(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return await self.answer("RSET", server, "250 OK")

    async def handle_QUIT(self, server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return await self.answer("QUIT", server, "221 bye")


@asynccontextmanager
async def serving(idle: float = 60, timeout: float = 5, **moods: Any) -> AsyncIterator[Server]:
    found = Server(**moods)
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        found.sessions.append(SMTP(found, loop=loop, hostname="relay.test", enable_SMTPUTF8=found.utf8))
        return found.sessions[-1]

    server = await loop.create_server(session, "127.0.0.1", 0)
    found.sender = RelaySender(
        Relay("127.0.0.1", server.sockets[0].getsockname()[1], tls="none"), timeout=timeout, idle=idle
    )
    try:
        yield found
    finally:
        await found.sender.close()
        server.close()


def mail(number: int = 0, **changes: Any) -> OutgoingMail:
    values = {"sender": "s@x.example", "recipient": "ann@example.com", "content": b"Subject: x\r\n\r\nHello.\r\n"}
    return OutgoingMail(f"o{number}", f"<{number}@x>", **{**values, **changes})


async def test_many_mails_go_over_one_connection_and_some_at_a_time_over_as_many() -> None:
    async with serving() as relay:
        for number in range(5):
            assert (await relay.sender.send(mail(number))).result is Result.DONE
        assert len(relay.sessions) == 1
        assert "RSET" not in relay.verbs
        await asyncio.gather(*(relay.sender.send(mail(number)) for number in range(3)))
        assert len(relay.sessions) == 3
        assert len(relay.taken) == 8
        assert await relay.sender.check() == ""
        assert len(relay.sessions) == 3


async def test_a_connection_is_left_politely_after_a_while_and_after_many_mails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with serving(idle=0.05) as relay:
        await relay.sender.send(mail())
        await until(lambda: relay.verbs[-1] == "QUIT")
        await relay.sender.send(mail())
        assert len(relay.sessions) == 2
    async with serving(idle=0) as relay:
        await relay.sender.send(mail())
        assert relay.verbs[-1] == "QUIT"
    monkeypatch.setattr(connections, "MOST_MAILS", 2)
    async with serving() as relay:
        for _ in range(5):
            await relay.sender.send(mail())
        assert (len(relay.sessions), relay.verbs.count("QUIT")) == (3, 2)


@pytest.mark.parametrize("death", ["unseen", "at MAIL", "421", "silent"])
async def test_a_kept_connection_that_died_costs_nothing(death: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.email.adapters.relay._SOON", 0.1)
    async with serving() as relay:
        await asyncio.gather(*(relay.sender.send(mail(number)) for number in range(3)))
        match death:
            case "unseen":
                for session in relay.sessions:
                    session.transport.abort()
            case "at MAIL":
                relay.says["MAIL"] = [DROP]
            case "421":
                relay.says["MAIL"] = ["421 4.4.2 too many mails on this connection"]
            case "silent":
                for session in relay.sessions:
                    session.transport.pause_reading()
        result = await relay.sender.send(mail(9))
        assert result.result is Result.DONE
        assert len(relay.taken) == 4
        assert len(relay.sessions) == 4


@pytest.mark.parametrize(
    ("says", "result"),
    [
        ({"MAIL": [DROP]}, Result.LATER),
        ({"RCPT": [DROP]}, Result.LATER),
        ({"DATA": [DROP]}, Result.UNKNOWN),
        ({"MAIL": ["451 4.3.0 busy"]}, Result.LATER),
        ({"RCPT": ["450 4.2.0 greylisted, come back"]}, Result.LATER),
        ({"DATA": ["452 4.3.1 full"]}, Result.LATER),
        ({"MAIL": ["421 4.3.2 closing"]}, Result.LATER),
        ({"MAIL": ["550 5.7.1 not from you"]}, Result.REFUSED),
        ({"RCPT": ["550 5.1.1 no such user"]}, Result.REFUSED),
        ({"DATA": ["554 5.7.1 spam"]}, Result.REFUSED),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
async def test_what_is_known_at_each_step_is_told_and_the_next_mail_goes_out(
    says: dict[str, list[str]], result: Result, kept: bool
) -> None:
    async with serving() as relay:
        if kept:
            await relay.sender.send(mail())
        before = len(relay.taken)
        relay.says = {verb: list(words) for verb, words in says.items()}
        found = await relay.sender.send(mail(1))
        dead_or_closing = result is Result.LATER and next(iter(says.values()))[0][:3] in ("421", DROP[:3])
        assert found.result is (Result.DONE if kept and dead_or_closing else result)
        assert (await relay.sender.send(mail(2))).result is Result.DONE
        assert len(relay.taken) == before + (2 if found.result is Result.DONE else 1)
        assert all(content == mail().content for content in relay.taken)


@pytest.mark.parametrize(
    ("says", "idle", "result"),
    [
        ({"QUIT": [SILENT]}, 0, Result.DONE),
        ({"DATA": ["554 5.7.1 spam"], "RSET": [SILENT]}, 60, Result.REFUSED),
        ({"RCPT": ["550 5.1.1 no such user"], "RSET": [SILENT]}, 60, Result.REFUSED),
        ({"DATA": [SILENT]}, 60, Result.UNKNOWN),
    ],
)
async def test_what_the_relay_said_of_a_mail_counts_however_long_it_takes_over_our_goodbye(
    says: dict[str, list[str]], idle: float, result: Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_GOODBYE", 0.6)
    async with serving(idle=idle, timeout=0.5, says=says) as relay:
        assert (await relay.sender.send(mail())).result is result


async def test_half_of_the_recipients_get_it_and_the_next_mail_goes_to_its_own_alone() -> None:
    async with serving(says={"RCPT": ["250 OK", "550 5.1.1 no such user", "250 OK", "451 4.7.1 greylisted"]}) as relay:
        copies = ("a@x.example", "b@x.example", "c@x.example")
        result = await relay.sender.send(mail(copies=copies))
        assert result.words.split("; ") == [
            "250 queued",
            "no copy to a@x.example: 550 5.1.1 no such user",
            "no copy to c@x.example: 451 4.7.1 greylisted",
        ]
        relay.says["RCPT"] = ["550 5.1.1 no such user"]
        assert (await relay.sender.send(mail(2))).reason == "no-such-address"
        await relay.sender.send(mail(3, recipient="kim@example.com"))
        assert relay.recipients == [["ann@example.com", "b@x.example"], ["kim@example.com"]]
        assert len(relay.sessions) == 1


async def test_only_what_is_said_of_the_customer_s_address_is_believed_of_it() -> None:
    async with serving() as relay:
        relay.says = {"MAIL": ["550 5.1.1 user unknown"]}
        assert (await relay.sender.send(mail())).reason == ""
        relay.says = {"DATA": ["550 5.1.1 user unknown"]}
        assert (await relay.sender.send(mail())).reason == ""
        relay.says = {"DATA": ["554 5.7.1 this is spam"]}
        assert (await relay.sender.send(mail())).reason == "spam"
        relay.says = {"RCPT": ["450 4.2.0 greylisted"]}
        assert (await relay.sender.send(mail())).reason == "later"


async def test_an_address_beyond_ascii_needs_a_relay_that_takes_it() -> None:
    korean = mail(recipient="홍길동@example.kr")
    async with serving(utf8=False) as relay:
        result = await relay.sender.send(korean)
        assert (result.result, "홍길동@example.kr" in result.words) == (Result.REFUSED, True)
        assert (await relay.sender.send(mail())).result is Result.DONE
        assert len(relay.sessions) == 1
    async with serving() as relay:
        assert (await relay.sender.send(korean)).result is Result.DONE
        assert relay.recipients == [["홍길동@example.kr"]]


async def test_an_address_that_must_not_stand_on_a_command_line_is_refused() -> None:
    async with serving() as relay:
        result = await relay.sender.send(mail(recipient="\udc80@x.example"))
        assert result.result is Result.REFUSED
        assert (await relay.sender.send(mail())).result is Result.DONE
