"""What a run on one machine is told by its settings."""

from __future__ import annotations

from pathlib import Path

from deploy.local.plan import find_services, misspelt

_ROOT = Path(__file__).parents[3]
_EXAMPLE = (_ROOT / ".env.example").read_text()


def test_a_misspelt_setting_is_told_with_what_may_be_meant() -> None:
    names = ("DESK_REOPNE_DAYS", "EMAIL_COLOUR_OF_THE_SKY", "DESK_REOPEN_DAYS", "SWITCHBOARD_HOME", "PATH")
    assert misspelt(names, find_services(_ROOT), _EXAMPLE) == {
        "DESK_REOPNE_DAYS": "DESK_REOPEN_DAYS",
        "EMAIL_COLOUR_OF_THE_SKY": "",
    }
