"""Whatever a stranger puts into a mail, it becomes a message, and the next customer's mail is read
at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from services.email.adapters.reader import Reader
from services.email.domain.files import File
from services.email.domain.incoming import Context, Envelope
from services.email.domain.mailboxes import Mailboxes
from shared.clock import utc_now
from shared.errors import Malformed
from shared.events import InboundMessage

CONTEXT = Context(Mailboxes.parse("support@example.org"), "a secret that is long enough for anybody", ())
HEAD = b"From: Ann <ann@example.com>\nSubject: Lamp\nMessage-ID: <one@example.com>\n"


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    found = Reader(CONTEXT)
    yield found
    await found.close()


async def read(reader: Reader, raw: bytes) -> tuple[InboundMessage, list[File], bool]:
    envelope = Envelope("ann@example.com", ("support@example.org",))
    answer, message, files = await reader.read(raw, envelope, "sha256/raw", utc_now())
    return message, files, answer.whole


async def test_mails_are_read_one_after_the_other_in_one_warm_process(reader: Reader) -> None:
    parts = b"--b\n\nSee the bill\n--b\nContent-Type: application/pdf; name=bill.pdf\n\nPDF bytes\n--b--"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n" + parts
    message, files, whole = await read(reader, raw)
    assert (message.text, message.subject, message.raw_uri, whole) == ("See the bill", "Lamp", "sha256/raw", True)
    assert files == [File("bill.pdf", "application/pdf", b"PDF bytes")]
    process = reader._process
    texts = [b"one", b"two", b"three"]
    answers = await asyncio.gather(*(read(reader, HEAD + b"\n" + text) for text in texts))
    assert [message.text.encode() for message, _, _ in answers] == texts
    assert reader._process is process


async def test_what_is_no_mail_is_refused_and_the_next_mail_is_read(reader: Reader) -> None:
    with pytest.raises(Malformed, match="no header field"):
        await read(reader, b"\x00\x01 nothing like a mail")
    assert (await read(reader, HEAD + b"\nWords"))[0].text == "Words"


async def test_a_process_that_was_killed_is_replaced_and_the_mail_is_read_whole(reader: Reader) -> None:
    await reader.start()
    assert reader._process
    os.kill(reader._process.pid, signal.SIGKILL)
    message, _, whole = await read(reader, HEAD + b"\nWords")
    assert (message.text, whole) == ("Words", True)


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["RLIMIT_CPU", "RLIMIT_DATA"])
async def test_a_mail_that_takes_too_much_is_read_by_its_beginning(
    reader: Reader, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy = {"RLIMIT_CPU": "while True: pass", "RLIMIT_DATA": "kept = [bytes(1 << 20) for _ in range(100_000)]"}
    monkeypatch.setattr(reader, "program", ["-c", _TOO_MUCH.format(greedy[limit])])
    message, files, whole = await read(reader, HEAD + b"\nWords")
    assert (message.text, message.subject, message.sender, whole) == ("Words", "Lamp", "email:ann@example.com", False)
    assert files == []


@pytest.mark.slow
async def test_one_mail_that_takes_too_much_costs_no_other_mail_its_words(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "program", ["-c", _TOO_MUCH.format("while b'greedy' in raw: pass")])
    texts = ["one", "two", "greedy", "four", "five", "six"]
    read_ones = await asyncio.gather(*(read(reader, HEAD + b"\n" + text.encode()) for text in texts))
    assert [(message.text, whole) for message, _, whole in read_ones] == [(text, text != "greedy") for text in texts]


async def test_a_sender_who_goes_away_takes_no_other_senders_answer(reader: Reader) -> None:
    await reader.start()
    texts = ["one", "two", "three", "four", "five"]
    all_of_them = [asyncio.ensure_future(read(reader, HEAD + b"\n" + text.encode())) for text in texts]
    await asyncio.sleep(0)
    all_of_them[1].cancel()
    found = await asyncio.gather(*all_of_them, return_exceptions=True)
    assert isinstance(found.pop(1), asyncio.CancelledError)
    assert [answer[0].text for answer in found if isinstance(answer, tuple)] == ["one", "three", "four", "five"]


async def test_a_large_mail_is_read_with_no_other_beside_it(reader: Reader) -> None:
    texts = ["one", "long " * 20_000, "three"]
    found = await asyncio.gather(*(read(reader, HEAD + b"\n" + text.encode()) for text in texts))
    assert [(message.text[:5], whole) for message, _, whole in found] == [
        ("one", True),
        ("long ", True),
        ("three", True),
    ]


_TOO_MUCH = """
from services.email.adapters import reader
from services.email.domain import mime
whole = mime.parse
def parse(raw):
    import inspect
    if inspect.stack()[1].function != "parse_beginning":
        {}
    return whole(raw)
mime.parse, reader.CPU = parse, 1
reader.main()
"""
