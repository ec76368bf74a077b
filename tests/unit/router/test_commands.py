"""What an operator may mistype, and what they are told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from services.router import commands
from services.router.adapters import policy_yaml, recorded
from services.router.domain.replay import Recorded
from shared.errors import Misconfigured
from shared.events import RoutedMessage
from tests.unit.router.makers import NOW, decided, mail

HOUR = timedelta(hours=1)


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """Three mails, an hour apart."""
    file = tmp_path / "day.jsonl"
    mails = [mail("The shop is down", id=f"m{hour}") for hour in range(3)]
    recorded.save(
        [
            Recorded(at=NOW + hour * HOUR, routed=RoutedMessage(message=message, decision=decided(message)))
            for hour, message in enumerate(mails)
        ],
        file,
    )
    return file


def simulate(day: Path, *more: str) -> int:
    policy = day.with_name("new.yaml")
    text = policy_yaml.SHIPPED.read_text(encoding="utf-8")
    policy.write_text(text.replace("outage: 60", "outage: 10"), encoding="utf-8")
    return commands.main(["simulate", "--policy", str(policy), "--file", str(day), *more])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["simulate", "--policy", "x", "--from", "tomorrow"], "write 2026-11-21 or 2026-11-21T09:30"),
        (["simulate", "--policy", "x", "--from", "1969-12-31"], "is before 1970"),
        (["reconcile", "--since", "0001-01-01"], "is before 1970"),
        (["reconcile", "--grace", "-1"], "is no number from 0 to 86,400"),
        (["explain", "m1", "--days", "nan"], "is no number from 0 to 3,650"),
        (["explain", "m1", "--days", "a week"], "is no number from 0 to 3,650"),
        (["simulate", "--policy", "x", "--agents", "-2"], "is no whole number from 0 to 10,000"),
        (["dead-letters", "show", "1", "--bytes", "-5"], "is no whole number from 0 to"),
    ],
)
def test_a_slip_on_the_command_line_is_told_with_what_would_be_right(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        commands.main(arguments)
    assert told in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told_after_the_work_was_shown(
    day: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Misconfigured, match=r"report\.html cannot be written: No such file or directory"):
        simulate(day, "--html", str(day.parent / "nowhere" / "report.html"))
    assert "3 messages" in capsys.readouterr().out


def test_a_part_of_a_file_can_be_asked_for(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(day, "--from", "2026-05-03T12:30", "--to", "2026-05-03T13:30") == 0
    assert "1 messages from 2026-05-03 13:00" in capsys.readouterr().out


def test_a_period_in_which_nothing_happened_says_so(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(day, "--from", "2026-05-04", "--to", "2026-05-05") == 0
    assert capsys.readouterr().out == (
        "nothing was decided from 2026-05-04 00:00 to 2026-05-05 00:00 UTC: there is nothing to compare\n"
    )


def test_times_in_a_report_are_told_as_people_tell_them(day: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(day)
    told = capsys.readouterr().out
    assert "reply_within 30 min → 8.0 h" in told
    assert "overflow support 10 min → support 4.0 h" in told
