"""A file with a virus in it is never handed to an agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.email.adapters.clamd import Clamd
from services.email.domain.files import File
from services.email.ports import TooLarge
from services.email.scanning import Scanning
from services.email.settings import EmailSettings
from shared.errors import Unavailable
from tests.clamd import MARKER, NAME, serving

GOOD = File("invoice.pdf", "application/pdf", b"%PDF " + b"x" * 200_000)
BAD = File("invoice.exe", "application/octet-stream", b"MZ " + MARKER)
HUGE = File("film.mp4", "video/mp4", bytes(3 << 20))


async def test_an_infected_file_is_withheld_and_the_others_come_in() -> None:
    async with serving() as (where, clamd):
        kept, told = await Scanning(Clamd(where), wait=True).sort([GOOD, BAD, GOOD])
    assert [file.name for file in kept] == ["invoice.pdf", "invoice.pdf"]
    assert told == {"infected": f"invoice.exe ({NAME})"}
    assert clamd.scanned == [GOOD.data, BAD.data, GOOD.data]


async def test_clamd_is_reached_by_its_socket_too(tmp_path: Path) -> None:
    async with serving(tmp_path / "clamd.sock") as (where, _):
        assert (await Clamd(where).scan(GOOD.data), await Clamd(where).scan(BAD.data)) == ("", NAME)


@pytest.mark.parametrize("wait", [True, False])
async def test_a_file_that_clamd_never_takes_does_not_wait_for_ever(wait: bool) -> None:
    async with serving() as (where, _):
        kept, told = await Scanning(Clamd(where), wait=wait).sort([HUGE, BAD, GOOD])
    assert [file.name for file in kept] == ["film.mp4", "invoice.pdf"]
    assert told == {"infected": f"invoice.exe ({NAME})", "unscanned": "film.mp4"}


async def test_while_clamd_is_away_mails_say_that_nobody_looked_or_wait() -> None:
    away = Clamd("127.0.0.1:9")
    assert await Scanning(away, wait=False).sort([GOOD, BAD]) == (
        [GOOD, BAD],
        {"unscanned": "invoice.pdf, invoice.exe"},
    )
    with pytest.raises(Unavailable, match=r"clamd at 127\.0\.0\.1:9"):
        await Scanning(away, wait=True).sort([GOOD])
    assert await Scanning(away, wait=True).sort([]) == ([], {})


async def test_what_is_no_verdict_is_none() -> None:
    async with serving() as (where, clamd):
        clamd.words = b"INSTREAM size limit exceeded. ERROR"
        with pytest.raises(TooLarge):
            await Clamd(where).scan(GOOD.data)
        for words in (b"stream: Can't allocate memory ERROR", b"OK", b"x" * 100_000):
            clamd.words = words
            with pytest.raises((Unavailable, TooLarge)):
                await Clamd(where).scan(GOOD.data)
        clamd.mute = True
        with pytest.raises(Unavailable, match="no answer in time"):
            await Clamd(where, patience=0.2).scan(GOOD.data)


@pytest.mark.parametrize("where", ["clamd", "host:", "host:port"])
def test_where_clamd_is_has_to_be_a_place(where: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        EmailSettings(clamd=where)
