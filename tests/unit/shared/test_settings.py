"""An operator gives a secret as a variable or as a file, and is told what is wrong with either."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.desk.settings import DeskSettings
from services.phone.settings import PhoneSettings
from shared import settings
from shared.bus.client import options, parsed, shown
from shared.errors import Misconfigured
from shared.settings import KafkaSettings, Settings, load, single


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "SECRETS", tmp_path)
    monkeypatch.delenv("PHONE_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("DESK_DATABASE", raising=False)
    return tmp_path


def test_a_secret_may_be_a_file_with_the_variable_s_name(secrets: Path) -> None:
    (secrets / "phone_auth_token").write_text("from a file\n")
    (secrets / "desk_database").write_text("postgresql://desk@db/switchboard\n")
    assert load(PhoneSettings).auth_token.get_secret_value() == "from a file"
    assert single("DESK_DATABASE") == "postgresql://desk@db/switchboard"


def test_a_variable_wins_over_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("phone_auth_token", "desk_database"):
        (secrets / name).write_text("from a file")
        monkeypatch.setenv(name.upper(), "from the environment")
    assert load(PhoneSettings).auth_token.get_secret_value() == "from the environment"
    assert single("DESK_DATABASE") == "from the environment"


def test_without_either_nothing_is_set(secrets: Path) -> None:
    assert load(PhoneSettings).auth_token.get_secret_value() == ""
    assert single("DESK_DATABASE") == ""


def test_a_secret_that_is_too_short_is_told_in_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", "short")
    monkeypatch.setenv("PHONE_NUMBER", "12345")
    with pytest.raises(
        Misconfigured, match="SWITCHBOARD_SECRET: value should have at least 32 characters, not 5"
    ) as told:
        load(settings.Settings)
    assert "short" not in str(told.value), "a secret is never shown"
    with pytest.raises(Misconfigured, match=r"PHONE_NUMBER: write it in E\.164"):
        load(PhoneSettings)


def test_a_secret_s_file_that_cannot_be_read_is_told_in_one_line(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compose mounts a file with the owner and mode that it has on the host; root, as which tests
    may run, reads it anyhow."""
    (secrets / "phone_auth_token").write_text("secret")

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(secrets / "phone_auth_token"))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(Misconfigured, match=r"phone_auth_token.*Let the user that this runs as read it"):
        load(PhoneSettings)


@pytest.mark.parametrize("written", ["en,fr", "en, fr", " en ,fr,", "EN, fr, en"])
def test_languages_are_the_same_however_they_are_spaced(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", "s" * 32)
    monkeypatch.setenv("SWITCHBOARD_LANGUAGES", written)
    assert load(Settings).languages == ("en", "fr")


@pytest.mark.parametrize("written", ["en;fr", "english", ",", "en fr"])
def test_languages_that_are_none_are_named_before_a_customer_writes(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", "s" * 32)
    monkeypatch.setenv("SWITCHBOARD_LANGUAGES", written)
    with pytest.raises(Misconfigured, match=r"SWITCHBOARD_LANGUAGES.* as in en, fr, ko"):
        load(Settings)


def test_a_command_finds_the_kafka_of_the_run_beside_it_and_the_password_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWITCHBOARD_KAFKA", raising=False)
    monkeypatch.setenv("SWITCHBOARD_HOME", str(tmp_path))
    assert load(KafkaSettings).kafka == "127.0.0.1:8092"
    (tmp_path / "run.json").write_text('{"kafka": "operator:secret@127.0.0.1:9092"}')
    assert load(KafkaSettings).kafka == "operator:secret@127.0.0.1:9092"
    monkeypatch.setenv("SWITCHBOARD_KAFKA", "kafka:9092")
    assert load(KafkaSettings).kafka == "kafka:9092"


def test_an_address_of_kafka_is_shown_without_its_password() -> None:
    assert parsed("desk:a%40b:c@one:9092,two:9092") == ("one:9092,two:9092", "desk", "a@b:c")
    assert parsed("one:9092") == ("one:9092", "", "")
    assert shown("desk:secret@one:9092") == "one:9092"
    assert options("one:9092") == {"bootstrap_servers": "one:9092"}
    assert options("desk:secret@one:9092")["sasl_plain_password"] == "secret"


@pytest.mark.parametrize("wrong", [{"HOURS": "whenever"}, {"ZONE": "Mars/X"}, {"HOLIDAYS": "soon"}])
def test_what_is_wrong_with_several_settings_together_names_them(
    wrong: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_DATABASE", "postgresql://desk@db/switchboard")
    for name, value in wrong.items():
        monkeypatch.setenv(f"DESK_BUSINESS_{name}", value)
    with pytest.raises(Misconfigured, match=r"\n  DESK_BUSINESS_HOURS, DESK_BUSINESS_ZONE or DESK_BUSINESS_HOLIDAYS: "):
        load(DeskSettings)
