"""A report is about whole days of the business's own time zone, compared with the same before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.desk.reports.periods import MONTHLY, NAMES, WEEKLY, Period, mailed_days, next_mail, period
from shared.errors import Rejected

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 18, 14, 30, tzinfo=PARIS)  # a Wednesday


def local(found: Period) -> list[str]:
    times = (found.since, found.until, found.before_since, found.before_until)
    return [at.astimezone(PARIS).strftime("%m-%d %H:%M") for at in times]


@pytest.mark.parametrize(
    ("name", "times", "unit", "points"),
    [
        ("today", ["11-18 00:00", "11-18 14:30", "11-17 00:00", "11-17 14:30"], "hour", 15),
        ("yesterday", ["11-17 00:00", "11-18 00:00", "11-16 00:00", "11-17 00:00"], "hour", 24),
        ("7-days", ["11-12 00:00", "11-18 14:30", "11-05 00:00", "11-11 14:30"], "day", 7),
        ("28-days", ["10-22 00:00", "11-18 14:30", "09-24 00:00", "10-21 14:30"], "day", 28),
        ("90-days", ["08-21 00:00", "11-18 14:30", "05-23 00:00", "08-20 14:30"], "day", 90),
        ("month", ["11-01 00:00", "11-18 14:30", "10-01 00:00", "10-18 14:30"], "day", 18),
        ("last-month", ["10-01 00:00", "11-01 00:00", "09-01 00:00", "10-01 00:00"], "day", 31),
    ],
)
def test_a_period_begins_at_midnight_and_is_compared_with_as_much_of_the_one_before(
    name: str, times: list[str], unit: str, points: int
) -> None:
    found = period(name, NOW, PARIS)
    assert (local(found), found.unit, len(found.slots)) == (times, unit, points)
    assert found.slots[0] == found.since


def test_days_of_one_s_own_are_both_included_and_end_now() -> None:
    found = period("own", NOW, PARIS, date(2026, 11, 2), date(2026, 11, 3))
    assert local(found) == ["11-02 00:00", "11-04 00:00", "10-31 00:00", "11-02 00:00"]
    assert local(period("own", NOW, PARIS, date(2026, 11, 18), date(2027, 1, 1)))[:2] == ["11-18 00:00", "11-18 14:30"]


def test_a_year_has_a_point_a_week_from_monday_on() -> None:
    found = period("own", NOW, PARIS, date(2025, 11, 19), date(2026, 11, 18))
    assert (found.unit, len(found.slots)) == ("week", 53)
    assert {at.astimezone(PARIS).strftime("%a %H:%M") for at in found.slots} == {"Mon 00:00"}


def test_a_day_on_which_the_clocks_change_has_its_own_hours() -> None:
    assert len(period("yesterday", datetime(2026, 3, 30, 12, tzinfo=PARIS), PARIS).slots) == 23
    assert len(period("yesterday", datetime(2026, 10, 26, 12, tzinfo=PARIS), PARIS).slots) == 25


def test_the_31st_is_compared_with_all_of_a_shorter_month() -> None:
    found = period("month", datetime(2026, 3, 31, 12, tzinfo=PARIS), PARIS)
    assert local(found)[2:] == ["02-01 00:00", "03-01 00:00"]


def test_a_day_has_just_begun() -> None:
    midnight = datetime(2026, 11, 18, tzinfo=PARIS)
    found = period("today", midnight, PARIS)
    assert (found.since, found.until, found.slots) == (midnight, midnight, ())


@pytest.mark.parametrize(
    ("first", "last", "code"),
    [
        (None, date(2026, 1, 1), "report-days"),
        (date(2026, 1, 2), date(2026, 1, 1), "report-days"),
        (date(2026, 11, 19), date(2026, 11, 20), "report-days"),
        (date(1, 1, 1), date(2026, 1, 1), "report-days"),
        (date(2025, 1, 1), date(2026, 3, 1), "report-long"),
    ],
)
def test_days_that_make_no_report_are_refused(first: date | None, last: date, code: str) -> None:
    with pytest.raises(Rejected) as caught:
        period("own", NOW, PARIS, first, last)
    assert caught.value.code == code
    with pytest.raises(Rejected):
        period("always", NOW, PARIS)


def test_every_period_is_as_long_as_it_says() -> None:
    for name in NAMES:
        found = period(name, NOW, PARIS, date(2026, 1, 1), date(2026, 2, 1))
        assert found.since <= found.until <= NOW.astimezone(UTC) + timedelta(0)
        assert found.before_until <= found.since or name in ("today", "month")


@pytest.mark.parametrize(
    ("every", "now", "at", "days"),
    [
        (WEEKLY, "2026-11-18T14:30", "11-23 07:00", ("2026-11-16", "2026-11-22")),
        (WEEKLY, "2026-11-23T06:59", "11-23 07:00", ("2026-11-16", "2026-11-22")),
        (WEEKLY, "2026-11-23T07:00", "11-30 07:00", ("2026-11-23", "2026-11-29")),
        (WEEKLY, "2026-03-28T12:00", "03-30 07:00", ("2026-03-23", "2026-03-29")),  # the clocks change
        (MONTHLY, "2026-11-18T14:30", "12-01 07:00", ("2026-11-01", "2026-11-30")),
        (MONTHLY, "2026-12-01T06:00", "12-01 07:00", ("2026-11-01", "2026-11-30")),
        (MONTHLY, "2026-12-01T08:00", "01-01 07:00", ("2026-12-01", "2026-12-31")),
    ],
)
def test_a_report_is_mailed_in_the_morning_after_its_week_or_month(
    every: str, now: str, at: str, days: tuple[str, str]
) -> None:
    found = next_mail(every, datetime.fromisoformat(now).replace(tzinfo=PARIS), PARIS)
    assert found.astimezone(PARIS).strftime("%m-%d %H:%M") == at
    first, last = mailed_days(every, found, PARIS)
    assert (first.isoformat(), last.isoformat()) == days
    assert mailed_days(every, found + timedelta(days=1), PARIS) == (first, last), "a day late it is of the same days"
