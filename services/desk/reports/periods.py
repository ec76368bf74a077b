"""Which time a report is about, and which it is compared with. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.errors import Rejected

TODAY, YESTERDAY, MONTH, LAST_MONTH, OWN = "today", "yesterday", "month", "last-month", "own"
LAST = {"7-days": 7, "28-days": 28, "90-days": 90}
NAMES = (TODAY, YESTERDAY, *LAST, MONTH, LAST_MONTH, OWN)
WEEKLY, MONTHLY = "weekly", "monthly"
_MAILED = time(7)
"""When reports are mailed, on a Monday or the first of a month."""
LONGEST = 366
"""Days of one report."""
_HOURLY, _DAILY = 2, 92
"""Days up to which there is a point for each hour, and for each day."""
_EARLIEST = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Times from `since` on and before `until`, in UTC; and the same of what it is compared
    with."""

    since: datetime
    until: datetime
    before_since: datetime
    before_until: datetime
    unit: str
    """Of its points: `hour`, `day` or `week`."""
    zone: str
    slots: tuple[datetime, ...]
    """When each point begins, in UTC. The first one may begin before the period."""


def period(name: str, now: datetime, zone: ZoneInfo, first: date | None = None, last: date | None = None) -> Period:
    """Returns the period of this name. `first`, `last`: the days of `own`, both included. A period
    that is not over yet is compared with as much of the one before. Rejected 422."""
    today = now.astimezone(zone).date()
    if name == TODAY:
        begins, ends, back = today, today, 1
    elif name == YESTERDAY:
        begins = ends = today - timedelta(days=1)
        back = 1
    elif name in LAST:
        begins, ends, back = today - timedelta(days=LAST[name] - 1), today, LAST[name]
    elif name == MONTH:
        return _month(today.replace(day=1), now, zone)
    elif name == LAST_MONTH:
        return _month((today.replace(day=1) - timedelta(days=1)).replace(day=1), now, zone)
    elif name == OWN:
        begins, ends = _own(first, last, today)
        back = (ends - begins).days + 1
    else:
        raise Rejected(422, "report-period", f"The period is one of {', '.join(NAMES)}.")
    since = _midnight(begins, zone)
    until = min(now.astimezone(UTC), _midnight(ends + timedelta(days=1), zone))
    return _made(since, until, _earlier(since, back, zone), _earlier(until, back, zone), zone)


def next_mail(every: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Returns when a `weekly` or `monthly` report is mailed next, in UTC."""
    today = now.astimezone(zone).date()
    days = (today + timedelta(days=number) for number in range(32))
    begins = (day for day in days if (day.weekday() == 0 if every == WEEKLY else day.day == 1))
    moments = (datetime.combine(day, _MAILED, zone).astimezone(UTC) for day in begins)
    return next((at for at in moments if at > now), now + timedelta(days=1))


def mailed_days(every: str, at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """Returns the first and the last day of the week, or month, before this moment's."""
    day = at.astimezone(zone).date()
    begins = day - timedelta(days=day.weekday()) if every == WEEKLY else day.replace(day=1)
    last = begins - timedelta(days=1)
    return (begins - timedelta(days=7) if every == WEEKLY else last.replace(day=1)), last


def _own(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    if first is None or last is None:
        raise Rejected(422, "report-days", "Give the first and the last day, such as 2026-11-01 and 2026-11-30.")
    if not _EARLIEST <= first <= last or first > today:
        raise Rejected(422, "report-days", "The last day is not before the first, and the first not in the future.")
    if (last - first).days >= LONGEST:
        raise Rejected(422, "report-long", f"A report covers at most {LONGEST} days.")
    return first, min(last, today)


def _month(begins: date, now: datetime, zone: ZoneInfo) -> Period:
    """Returns a month, to be compared with the one before: with all of it, or up to the same day
    and time."""
    following = (begins + timedelta(days=31)).replace(day=1)
    before = (begins - timedelta(days=1)).replace(day=1)
    since, end = _midnight(begins, zone), _midnight(following, zone)
    until = min(now.astimezone(UTC), end)
    same_day = since if until == end else min(since, _earlier(until, (begins - before).days, zone))
    return _made(since, until, _midnight(before, zone), same_day, zone)


def _made(since: datetime, until: datetime, before: datetime, before_until: datetime, zone: ZoneInfo) -> Period:
    days = (until.astimezone(zone) - timedelta(microseconds=1)).date() - since.astimezone(zone).date()
    unit = "hour" if days.days < _HOURLY else "day" if days.days < _DAILY else "week"
    return Period(
        since=since,
        until=until,
        before_since=before,
        before_until=before_until,
        unit=unit,
        zone=zone.key,
        slots=tuple(_slots(since, until, unit, zone)),
    )


def _slots(since: datetime, until: datetime, unit: str, zone: ZoneInfo) -> list[datetime]:
    """Lists when hours, days, or weeks from Monday on, begin in this zone."""
    local = since.astimezone(zone)
    if unit == "hour":
        hours = int((until - since).total_seconds() // 3600) + 1
        found = [since + timedelta(hours=number) for number in range(hours)]
    else:
        first = local.date() - timedelta(days=local.weekday() if unit == "week" else 0)
        step = 7 if unit == "week" else 1
        days = (until.astimezone(zone).date() - first).days
        found = [_midnight(first + timedelta(days=number), zone) for number in range(0, days + 1, step)]
    return [at for at in found if at < until]


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _earlier(at: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Returns the same time of the day, so many days before."""
    local = at.astimezone(zone)
    return datetime.combine(local.date() - timedelta(days=days), local.time(), zone).astimezone(UTC)
