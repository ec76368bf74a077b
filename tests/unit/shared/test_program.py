"""The command line that every service has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from shared.errors import Unavailable
from shared.service import Command, Program, Service, dsn_of
from shared.settings import Settings


class PigeonSettings(BaseSettings):
    port: int = 1
    database: SecretStr = SecretStr("postgresql://pigeon@127.0.0.1/none")


def create(_common: Settings, _settings: PigeonSettings) -> Service:
    raise AssertionError("commands need no service")


async def count(settings: PigeonSettings) -> None:
    print(f"counted with {settings.port}")


async def feed(_settings: PigeonSettings, grain: str) -> None:
    print(f"fed {grain}")


async def fly(_settings: PigeonSettings) -> None:
    raise Unavailable("fog")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs of this process stay as they are."""
    monkeypatch.setattr("shared.logs.configure", lambda *_: None)


MAIN = Program(
    "pigeon",
    PigeonSettings,
    create,
    Path(),
    {"count": Command(count), "feed": Command(feed, "<grain>"), "fly": Command(fly)},
).main


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["count"], 0, "counted with 1\n", ""),
        (["feed", "corn"], 0, "fed corn\n", ""),
        (["fly"], 1, "", "pigeon: fog\n"),
        (["feed"], 2, "", "usage: python -m services pigeon [migrate | count | feed <grain> | fly]\n"),
        (["count", "more"], 2, "", "usage: python -m services pigeon [migrate | count | feed <grain> | fly]\n"),
        (["nonsense"], 2, "", "usage: python -m services pigeon [migrate | count | feed <grain> | fly]\n"),
    ],
)
def test_a_command_does_its_work_and_the_exit_code_says_how_it_went(
    arguments: list[str], code: int, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert MAIN(arguments) == code
    assert capsys.readouterr() == (out, err)


def test_the_database_may_be_a_secret() -> None:
    assert dsn_of(PigeonSettings()) == "postgresql://pigeon@127.0.0.1/none"
