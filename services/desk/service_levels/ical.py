"""Days off in an iCalendar file (RFC 5545): whole-day events, also those that come back each year.
Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from icalendar import Calendar

_MOST_EVENTS = 5_000
_DAY = timedelta(days=1)
_UNREADABLE = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)
"""What is raised for what somebody else wrote, who may mean harm."""


def days_off(data: bytes, years: range) -> tuple[date, ...]:
    """Returns the days of these years that whole-day events cover, sorted. Appointments with a time
    are none, nor is what was cancelled. ValueError for what is no calendar."""
    try:
        return tuple(sorted(_days(Calendar.from_ical(data).walk("VEVENT"), years)))
    except _UNREADABLE as error:
        raise ValueError(f"this is no iCalendar file: {error}"[:300]) from error


def _days(events: Sequence[Any], years: range) -> set[date]:
    if len(events) > _MOST_EVENTS:
        raise ValueError(f"the calendar has more than {_MOST_EVENTS:,} events")
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    found = set[date]()
    for event in events:
        for begins, ends in _times(event, years):
            day = max(begins, first)
            while day < ends and day <= last:
                found.add(day)
                day += _DAY
    return found


def _times(event: Any, years: range) -> Iterator[tuple[date, date]]:
    """Yields the first day of an event, and the one after its last."""
    begins = _date(event, "DTSTART")
    if begins is None or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    ends = _date(event, "DTEND") or begins + _DAY
    yield begins, ends
    rule = event.get("RRULE")
    if not isinstance(rule, dict) or _one(rule, "FREQ") != "YEARLY" or set(rule) & {"BYDAY", "BYWEEKNO", "BYYEARDAY"}:
        return
    every, count, until = int(_one(rule, "INTERVAL") or 1), _one(rule, "COUNT"), _one(rule, "UNTIL")
    until = until.date() if isinstance(until, datetime) else until
    for year in years:
        again, rest = divmod(year - begins.year, max(1, every))
        day = _same_day(begins, year)
        if again <= 0 or rest or day is None or (until and day > until) or (count and again >= int(count)):
            continue
        yield day, day + (ends - begins)


def _date(event: Any, name: str) -> date | None:
    """Returns a date; None for a moment, or where there is none."""
    found = getattr(event.get(name), "dt", None)
    return found if isinstance(found, date) and not isinstance(found, datetime) else None


def _one(rule: Any, name: str) -> Any:
    found = rule.get(name)
    return found[0] if isinstance(found, list) and found else found


def _same_day(day: date, year: int) -> date | None:
    try:
        return day.replace(year=year)
    except ValueError:  # 29 February
        return None
