"""The command line that every service has."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.dashboard.settings import DashboardSettings
from services.desk.settings import DeskSettings
from services.email.settings import EmailSettings
from services.phone.settings import PhoneSettings
from services.social.settings import SocialSettings
from shared.errors import Unavailable
from shared.service import Command, Program, Service
from shared.settings import ServiceSettings, Settings


class PigeonSettings(ServiceSettings):
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


@pytest.mark.parametrize("kind", [DashboardSettings, DeskSettings, EmailSettings, PhoneSettings, SocialSettings])
def test_no_log_of_a_services_settings_has_the_databases_password(kind: type[ServiceSettings]) -> None:
    settings = kind(database=SecretStr("postgresql://somebody:hidden@127.0.0.1/none"))
    assert settings.database.get_secret_value() == "postgresql://somebody:hidden@127.0.0.1/none"
    assert "hidden" not in f"{settings!r} {settings}"
