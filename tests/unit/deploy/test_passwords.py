"""Secrets are made by a command, once, and never changed or shown by it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from deploy import passwords


def test_a_newcomer_gets_every_secret_in_a_file_that_only_they_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    assert passwords.main([str(file)]) == 0
    made = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert list(made) == passwords.names()
    assert len(set(made.values())) == len(made)
    assert all(len(value) >= 32 for value in made.values())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_update_adds_what_is_new_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# mine\nSWITCHBOARD_DOMAIN=example.org\nexport POSTGRES_PASSWORD='old'\nGRAFANA_PASSWORD=\n")
    passwords.main([str(file)])
    lines = file.read_text().splitlines()
    assert lines[:3] == ["# mine", "SWITCHBOARD_DOMAIN=example.org", "export POSTGRES_PASSWORD='old'"]
    assert [line.split("=")[0] for line in lines[3:]] == [
        name for name in passwords.names() if name != "POSTGRES_PASSWORD"
    ]
    before = file.read_text()
    passwords.main([str(file)])
    assert file.read_text() == before


def test_a_secret_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / ".env"
    passwords.main([str(file)])
    shown = capsys.readouterr().out
    assert "POSTGRES_PASSWORD" in shown
    assert not [value for value in (line.split("=")[1] for line in file.read_text().splitlines()) if value in shown]


def test_no_secret_needs_quotes_where_it_stands() -> None:
    """They stand in addresses, in JSON and in shells."""
    text, _ = passwords.completed("", [f"A{number}" for number in range(200)])
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=\n")
