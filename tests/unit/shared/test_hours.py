"""Opening hours: a promise counts only the time in which somebody is there to keep it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hours import parse

OFFICE = parse("mon-fri 09:00-12:00,13:00-18:00; sat 10:00-13:00", "Europe/Paris", "2026-12-25")
ALWAYS = parse("", "UTC", "")


def paris(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=OFFICE.zone)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("2026-11-23T09:30", 2, "2026-11-23T11:30"),
        ("2026-11-23T11:30", 2, "2026-11-23T14:30"),  # over lunch
        ("2026-11-23T17:00", 2, "2026-11-24T10:00"),  # over night
        ("2026-11-21T12:30", 1, "2026-11-23T09:30"),  # Saturday to Monday
        ("2026-12-24T17:30", 1, "2026-12-26T10:30"),  # over Christmas
        ("2026-03-27T17:00", 2, "2026-03-28T11:00"),
        ("2026-03-28T12:00", 2, "2026-03-30T10:00"),  # over the change of the clocks
    ],
)
def test_a_promise_of_hours_stands_still_while_nobody_is_there(asked: str, hours: int, due: str) -> None:
    assert OFFICE.after(paris(asked), timedelta(hours=hours)) == paris(due)


def test_who_is_there_an_hour_a_week_keeps_a_promise_of_two_hundred_hours_after_four_years() -> None:
    hours = parse("mon 09:00-10:00", "Europe/Paris", "")
    assert hours.after(paris("2026-11-23T09:00"), timedelta(hours=200)) == paris("2030-09-16T10:00")


def test_who_never_closes_answers_by_the_clock() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert ALWAYS.after(now, timedelta(days=3)) == now + timedelta(days=3)
    assert ALWAYS.next_opening(now) == now


def test_a_day_off_is_skipped_also_by_those_who_never_close() -> None:
    hours = parse("", "UTC", "2026-12-25")
    assert hours.after(datetime(2026, 12, 24, 23, tzinfo=UTC), timedelta(hours=2)) == datetime(
        2026, 12, 26, 1, tzinfo=UTC
    )


def test_the_next_opening_is_told_on_a_sunday() -> None:
    assert OFFICE.next_opening(paris("2026-11-22T15:00")) == paris("2026-11-23T09:00")
    assert OFFICE.next_opening(paris("2026-11-23T10:00")) == paris("2026-11-23T10:00")


@pytest.mark.parametrize(
    ("now", "closes"),
    [
        ("2026-11-23T10:00", "2026-11-23T12:00"),
        ("2026-11-23T13:00", "2026-11-23T18:00"),
        ("2026-11-23T12:00", None),  # lunch begins
        ("2026-11-22T10:00", None),  # Sunday
        ("2026-12-25T10:00", None),
    ],
)
def test_until_when_somebody_is_there_is_told_while_they_are(now: str, closes: str | None) -> None:
    assert OFFICE.closes(paris(now)) == (paris(closes) if closes else None)


def test_a_night_in_two_spans_is_one_and_who_never_closes_says_nothing() -> None:
    night = parse("mon-sun 00:00-06:00,20:00-24:00", "UTC", "")
    assert night.closes(datetime(2026, 11, 23, 22, tzinfo=UTC)) == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert ALWAYS.closes(datetime(2026, 11, 23, tzinfo=UTC)) is None
    before_christmas = parse("", "UTC", "2026-12-25")
    assert before_christmas.closes(datetime(2026, 12, 20, tzinfo=UTC)) is None
    assert before_christmas.closes(datetime(2026, 12, 24, 20, tzinfo=UTC)) == datetime(2026, 12, 25, tzinfo=UTC)


@given(st.integers(0, 365 * 24 * 60), st.integers(0, 5000), st.integers(0, 5000))
def test_more_work_is_never_due_earlier_and_is_due_while_open(minute: int, less: int, more: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    first = OFFICE.after(start, timedelta(minutes=less))
    assert first >= start + timedelta(minutes=less)
    assert OFFICE.after(start, timedelta(minutes=less + more)) >= first
    assert OFFICE.after(first, timedelta(minutes=more)) == OFFICE.after(start, timedelta(minutes=less + more))


CLOCKS = [
    ("Europe/Paris", "2026-03-28T20:00", "00:00-02:30,03:30-04:00,22:00-24:00"),
    ("Europe/Paris", "2026-10-24T20:00", "00:00-02:30,02:45-03:10"),
    ("America/New_York", "2026-03-07T20:00", "02:00-03:00,03:00-05:00"),
    ("America/New_York", "2026-10-31T20:00", "00:30-01:30"),
    ("Africa/Cairo", "2026-04-23T20:00", "00:00-06:00"),  # there is no midnight
    ("Africa/Cairo", "2026-10-29T18:00", "22:30-24:00"),  # an hour before midnight comes twice
    ("Australia/Lord_Howe", "2026-04-04T20:00", "01:15-02:15"),  # half an hour
    ("Asia/Kolkata", "2026-04-04T20:00", "09:00-12:00,11:00-13:00"),  # overlapping
]


@pytest.mark.parametrize(("zone", "begins", "spans"), CLOCKS)
@pytest.mark.parametrize("off", ["", "off"])
def test_working_time_is_each_minute_at_which_the_clock_on_the_wall_shows_one(
    zone: str, begins: str, spans: str, off: str
) -> None:
    start = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    hours = parse(f"mon-sun {spans}", zone, str(start.date() + timedelta(days=2)) if off else "")
    minutes = [start + timedelta(minutes=each) for each in range(60 * 72)]
    working = [each for each in minutes if hours.open_at(each)]
    assert hours.between(start, minutes[-1] + timedelta(minutes=1)) == timedelta(minutes=len(working))
    for done in range(1, len(working), 13):
        assert hours.after(start, timedelta(minutes=done)) == working[done - 1] + timedelta(minutes=1)
        assert hours.between(start, working[done]) == timedelta(minutes=done)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2026-11-23T09:30", "2026-11-23T11:30", 120),
        ("2026-11-23T11:30", "2026-11-23T13:30", 60),  # over lunch
        ("2026-11-23T19:00", "2026-11-24T08:00", 0),  # a night
        ("2026-12-24T17:00", "2026-12-26T11:00", 120),  # over Christmas
        ("2026-03-28T12:00", "2026-03-30T10:00", 120),  # over the change of the clocks
        ("2026-11-23T11:30", "2026-11-23T09:30", 0),  # a clock that is behind
    ],
)
def test_time_between_two_moments_counts_while_somebody_is_there(start: str, end: str, minutes: int) -> None:
    assert OFFICE.between(paris(start), paris(end)) == timedelta(minutes=minutes)


def test_all_time_counts_for_who_never_closes() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert ALWAYS.between(now, now + timedelta(days=900)) == timedelta(days=900)
    assert ALWAYS.between(now, now - timedelta(days=1)) == timedelta()


def test_years_are_counted_to_their_end() -> None:
    start = paris("2023-01-02T00:00")
    assert OFFICE.between(start, start + timedelta(weeks=150)) == 150 * timedelta(hours=43)


@given(st.integers(0, 80_000), st.integers(0, 3000))
def test_when_work_has_passed_that_much_work_lies_between(after: int, minutes: int) -> None:
    start, work = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=after), timedelta(minutes=minutes)
    assert OFFICE.between(start, OFFICE.after(start, work)) == work
