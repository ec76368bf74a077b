"""What a supervisor is told of a queue: what comes, how long it takes, and why nobody has it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.desk.steering.domain import (
    AHEAD,
    WEEK,
    Past,
    could,
    forecast,
    ranges,
    this_hour,
    weeks_known,
    why_waiting,
)

NINE = datetime(2026, 12, 1, 9, tzinfo=UTC)


def test_the_next_hours_are_as_the_same_hours_of_the_last_weeks() -> None:
    counted = {(1, 0): 10, (2, 0): 14, (3, 0): 12, (4, 0): 12, (1, 1): 4}
    found = forecast(Past(arrivals=counted, replies=20, seconds=300.0), weeks=4, waiting=12)
    assert found.arrivals == (12.0, 1.0, *[0.0] * (AHEAD - 2))
    assert (found.handling, found.needed) == (300.0, 2), "24 of 5 minutes each are two hours of work"


@pytest.mark.parametrize(
    ("weeks", "replies", "arrivals", "handling"),
    [(1, 50, None, 240.0), (0, 0, None, None), (2, 19, (3.0, *[0.0] * (AHEAD - 1)), None)],
)
def test_where_too_little_was_counted_nothing_is_foretold(
    weeks: int, replies: int, arrivals: tuple[float, ...] | None, handling: float | None
) -> None:
    found = forecast(Past(arrivals={(1, 0): 4, (2, 0): 2}, replies=replies, seconds=240.0), weeks, waiting=5)
    assert (found.arrivals, found.handling, found.needed) == (arrivals, handling, None)


def test_a_quiet_night_needs_nobody() -> None:
    assert forecast(Past(arrivals={}, replies=40, seconds=60.0), weeks=4, waiting=0).needed == 0


def test_only_weeks_in_which_the_desk_was_there_count() -> None:
    assert weeks_known(None, NINE) == 0
    assert weeks_known(NINE - WEEK + timedelta(seconds=1), NINE) == 0, "that Tuesday it began too late"
    assert weeks_known(NINE - 2 * WEEK, NINE) == 2
    assert weeks_known(NINE - 52 * WEEK, NINE) == 4
    assert ranges(NINE) == [(week, NINE - week * WEEK) for week in (1, 2, 3, 4)]
    assert this_hour(NINE + timedelta(minutes=59, microseconds=7)) == NINE


@pytest.mark.parametrize(
    ("verdicts", "pushed", "told"),
    [
        ({}, True, (("nobody", 0),)),
        ({"x": "team"}, True, (("nobody", 0),)),
        ({"a": "", "b": "away"}, False, (("pull", 2),)),
        ({"a": "", "b": "away", "x": "team"}, True, (("now", 1),)),
        ({"a": "away", "b": "full", "c": "away", "x": "team"}, True, (("away", 2), ("full", 1))),
    ],
)
def test_why_nobody_has_it_is_told_by_the_reasons_of_the_team(
    verdicts: dict[str, str], pushed: bool, told: tuple[tuple[str, int], ...]
) -> None:
    assert why_waiting(verdicts, pushed=pushed) == told


def test_who_could_get_it_is_named() -> None:
    assert could({"b": "", "a": "", "c": "full"}) == ("a", "b")
