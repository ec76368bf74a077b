"""When people answer: opening hours of the week and holidays, and time that counts only while
somebody is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FARTHEST = 400
"""Days to look ahead: a calendar that is closed for longer than a year is a slip."""
_MINUTE = timedelta(minutes=1)
_WHOLE_DAY = ((0, 24 * 60),)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_RULE = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+(?P<spans>[\d:,\s-]+)")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """`week`: for each day from Monday on, its spans of minutes after midnight, local time. Without
    any: always open."""

    zone: ZoneInfo
    week: tuple[tuple[tuple[int, int], ...], ...] = ()
    holidays: frozenset[date] = frozenset()

    @property
    def always(self) -> bool:
        """Whether somebody is there day and night, all the year."""
        return not self.week and not self.holidays

    def open_at(self, moment: datetime) -> bool:
        """Whether somebody answers at this moment (aware)."""
        local = moment.astimezone(self.zone)
        if local.date() in self.holidays:
            return False
        if not self.week:
            return True
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.week[local.weekday()])

    def after(self, start: datetime, work: timedelta) -> datetime:
        """Returns when `work` will have passed from `start` on (aware), counting opening hours
        only, of ten years at most. In UTC."""
        start, left = start.astimezone(UTC), work
        if self.always:
            return start + work
        for begins, ends in self._spans(start, 10 * 366):
            counted = max(begins, start)
            if ends - counted >= left:
                return counted + left
            left -= max(ends - counted, timedelta())
        return start + work

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Returns how much of the time from `start` to `end` (aware) somebody is there."""
        start, end, counted = start.astimezone(UTC), end.astimezone(UTC), timedelta()
        for begins, ends in self._spans(start, (end - start).days + 3):
            if begins >= end:
                break
            counted += max(min(ends, end) - max(begins, start), timedelta())
        return counted

    def next_opening(self, moment: datetime) -> datetime | None:
        """Returns the next opening in UTC: the moment itself while it is open, None where it
        never opens."""
        moment = moment.astimezone(UTC)
        return next((max(begins, moment) for begins, ends in self._spans(moment) if ends > moment), None)

    def closes(self, moment: datetime) -> datetime | None:
        """Returns the next closing in UTC; None while it is closed, and where it stays open for
        more than another day."""
        if self.always:
            return None
        moment = moment.astimezone(UTC)
        end = moment
        for begins, ends in self._spans(moment):
            if begins > end or end - moment > timedelta(days=1):
                break
            end = max(end, ends)
        return end if moment < end <= moment + timedelta(days=1) else None

    def _spans(self, start: datetime, most: int = _FARTHEST) -> Iterator[tuple[datetime, datetime]]:
        """Yields opening times from the day of `start` on, of at most so many days, in UTC. Across
        a change of the clocks they keep their local time."""
        first = start.astimezone(self.zone).date()
        for days in range(most if self.week or self.holidays else 0):
            day = first + timedelta(days=days)
            if day not in self.holidays:
                yield from _utc(self.zone, day, self.week[day.weekday()] if self.week else _WHOLE_DAY)
        if self.always:
            yield start, datetime.max.replace(tzinfo=UTC)


@lru_cache(1000)
def _utc(zone: ZoneInfo, day: date, spans: tuple[tuple[int, int], ...]) -> list[tuple[datetime, datetime]]:
    """Spans of minutes after midnight as moments: whenever a clock on the wall shows such a time,
    whether the clocks skip it on that day or show it twice. Remembered: every message asks for the
    same few days."""
    found = []
    for since, until, offset in _of_one_offset(zone, day):
        midnight = datetime.combine(day, time(), UTC) - offset
        for first, last in _joined(spans):
            begins = max(since, midnight + timedelta(minutes=first))
            ends = min(until, midnight + timedelta(minutes=last))
            if begins < ends:
                found.append((begins, ends))
    return found


def _of_one_offset(zone: ZoneInfo, day: date) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yields the parts of a local day within which the clocks are not changed, in UTC, and how far
    local time is ahead."""
    begins, ends = (datetime.combine(each, time(), zone).astimezone(UTC) for each in (day, day + timedelta(days=1)))
    before, after = _offset(zone, begins), _offset(zone, ends)
    low, high = begins, ends
    while before != after and high - low > _MINUTE:
        middle = low + (high - low) // _MINUTE // 2 * _MINUTE
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    yield begins, high, before
    if high < ends:
        yield high, ends, after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _joined(spans: tuple[tuple[int, int], ...]) -> list[tuple[int, int]]:
    """Joins spans that overlap or touch: nobody is there twice."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def parse(hours: str, zone: str, holidays: str) -> Hours:
    """Parses opening hours. `hours`: `mon-fri 09:00-12:00,13:00-18:00; sat 10:00-13:00`, empty for
    always; `holidays`: `2026-12-25,2027-01-01`.

    Raises ValueError saying what is wrong.
    """
    try:
        where = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: `America` is a folder
        raise ValueError(f"{zone[:60]!r} is not a time zone; write one such as Europe/Paris") from error
    week: list[list[tuple[int, int]]] = [[] for _ in _DAYS]
    for rule in filter(None, (part.strip().lower() for part in hours.split(";"))):
        days, spans = _rule(rule)
        for day in days:
            week[day].extend(spans)
    days_off = frozenset(_day(text.strip()) for text in holidays.split(",") if text.strip())
    return Hours(where, tuple(tuple(sorted(day)) for day in week) if hours.strip() else (), days_off)


def _rule(rule: str) -> tuple[list[int], list[tuple[int, int]]]:
    found = _RULE.fullmatch(rule)
    if not found or found["first"] not in _DAYS or (found["last"] or "mon") not in _DAYS:
        raise ValueError(f"{rule!r} is not an opening time; write `mon-fri 09:00-12:00,13:00-18:00`")
    first = _DAYS.index(found["first"])
    last = _DAYS.index(found["last"]) if found["last"] else first
    days = [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]
    return days, [_span(text.strip()) for text in found["spans"].split(",")]


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a time span; write `09:00-18:00`")
    start, end = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if start >= end:
        raise ValueError(f"{text!r} ends before it begins; write a night as two spans, one on each day")
    return start, end


def _minutes(hour: str, minute: str) -> int:
    if (int(hour), int(minute)) == (24, 0):
        return 24 * 60
    moment = time(int(hour), int(minute))
    return moment.hour * 60 + moment.minute


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date; write 2026-12-25") from error
