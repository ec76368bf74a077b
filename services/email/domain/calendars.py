"""Invitations and answers to them (RFC 5545, 5546) → the words of a person: who says what to which
event, and when it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from icalendar import Calendar

from services.email.domain import charsets
from services.email.domain.headers import one_line

_FOLD = re.compile(rb"(?:\r\n|\n|\r)[ \t]")
"""RFC 5545, 3.1 folds between bytes: a line is put together before it is decoded, or a letter of
several bytes breaks."""
_ENDLESS = re.compile(
    rb"^(?:RRULE(?!:FREQ=YEARLY;(?![^\r\n]*BY(?:HOUR|MINUTE|SECOND|YEARDAY|WEEKNO)))|EXRULE|RDATE)[^\r\n]*",
    re.MULTILINE | re.IGNORECASE,
)
"""Repetitions that a time zone does not need: the library counts all of them."""
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_ANSWERS = {
    "ACCEPTED": "Accepted",
    "DECLINED": "Declined",
    "TENTATIVE": "Tentatively accepted",
    "DELEGATED": "Delegated",
}
_NEWS = {"CANCEL": "Cancelled", "COUNTER": "Another time proposed", "DECLINECOUNTER": "The other time was declined"}
_INVITATION = "Invitation"
_ITIP = frozenset({"REQUEST", "REPLY", *_NEWS})
"""Methods of a calendar that is the mail itself (RFC 5546), not a file that comes along."""
_PARTSTAT = re.compile(r"PARTSTAT=\"?([A-Z-]+)", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:([^\s;>\"]+)", re.IGNORECASE)
_LONGEST = 200_000
"""Bytes. The file itself is kept whole."""
_MOST_EVENTS = 20
_FALLBACK = re.compile(r"^(?:SUMMARY|LOCATION|DESCRIPTION)(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE)


class Words(NamedTuple):
    """`whole`: all that a calendar file says; `brief`: what goes above a mail's own words: who says
    what to which event, and when that is."""

    whole: str
    brief: str


NOTHING = Words("", "")


def words(data: bytes, charset: str = "", hint: str = "") -> Words:
    """Returns what an agent reads of a calendar file; empty where it says nothing. Never raises."""
    text = charsets.decode(_FOLD.sub(b"", data[:_LONGEST]), charset, hint)
    try:
        calendar = Calendar.from_ical(_ENDLESS.sub(b"X-LEFT-OUT:", text.encode()).decode())
        events = [part for name in ("VEVENT", "VTODO") for part in calendar.walk(name)][:_MOST_EVENTS]
        method = str(calendar.get("METHOD", "")).upper()
        found = [_event(event, method) for event in events]
        brief = [_event(event, method, brief=True) for event in events] if method in _ITIP else []
    except Exception:  # noqa: BLE001 - odd calendars trip the library in many ways; their words are in there all the same
        found = [_plain(match[1]) for match in _FALLBACK.finditer(_without_alarms(text))]
        brief = []
    return Words(_joined(found), _joined(brief))


def _joined(parts: list[str]) -> str:
    return "\n\n".join(dict.fromkeys(part for part in parts if part)).strip()


def _without_alarms(text: str) -> str:
    parts = text.split("BEGIN:VALARM")
    return parts[0] + "".join(part.partition("END:VALARM")[2] for part in parts[1:])


def _event(event: Any, method: str, *, brief: bool = False) -> str:
    what, when = one_line(str(event.get("SUMMARY", ""))), _moment(event.get("DTSTART"))
    title = ", ".join(part for part in (what, when) if part)
    if method in {"REPLY", "COUNTER"} and (answers := list(_answers(event, method, title))):
        lines = [*answers, _of(event, "COMMENT")]
    elif method in _NEWS:
        lines = [f"{_NEWS[method]}: {title}", _of(event, "COMMENT")]
    else:
        until = _moment(event.get("DTEND")) or _end(event)
        lines = [what, f"{when} to {until}" if until else when, _of(event, "LOCATION"), _of(event, "DESCRIPTION")]
        if brief:
            lines = [f"{_INVITATION}: {title}", lines[2]]
    return "\n".join(dict.fromkeys(line for line in lines if line))


def _end(event: Any) -> str:
    """Returns the end that a length gives: in UTC, because the library adds hours to the wall
    clock (RFC 5545, 3.3.6 counts them exactly)."""
    start, length = event.get("DTSTART"), event.get("DURATION")
    if length is None or not isinstance(getattr(start, "dt", None), datetime) or start.dt.tzinfo is None:
        return ""
    there = start.dt.astimezone(UTC) + length.dt
    return f"{_day(there)} {there:%H:%M} UTC"


def _answers(event: Any, method: str, title: str) -> Iterator[str]:
    attendees = event.get("ATTENDEE", [])
    for attendee in attendees if isinstance(attendees, list) else [attendees]:
        whole = ";".join([*(f"{name}={value}" for name, value in attendee.params.items()), str(attendee)])
        status, address = _PARTSTAT.search(whole), _MAILTO.search(whole)
        name = one_line(str(attendee.params.get("CN", "")), 200)
        who = f"{name} <{address[1]}>" if name and address and name != address[1] else address[1] if address else name
        answer = _NEWS[method] if method in _NEWS else _ANSWERS.get(status[1].upper() if status else "", "Answered")
        yield f"{answer}: {title} ({who})" if who else f"{answer}: {title}"


def _of(event: Any, name: str) -> str:
    value = event.get(name, "")
    return "\n".join(map(_plain, value if isinstance(value, list) else [value]))


def _plain(value: object) -> str:
    return str(value).replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";").strip()


def _moment(value: Any) -> str:
    """Formats a moment with its time zone, and in UTC too: its reader may be anywhere, and the desk
    shows each `1 December 2026 09:00 UTC` in its reader's own zone."""
    if value is None:
        return ""
    moment, zone = value.dt, str(value.params.get("TZID", ""))
    if not isinstance(moment, datetime):
        return _day(moment) if isinstance(moment, date) else ""
    said = f"{_day(moment)} {moment:%H:%M}"
    if moment.tzinfo is None:
        return f"{said} {one_line(zone, 60)}".strip()
    there = moment.astimezone(UTC)
    utc = f"{_day(there)} {there:%H:%M} UTC"
    return utc if not zone or zone.upper() in {"UTC", "ETC/UTC", "GMT"} else f"{said} {one_line(zone, 60)} ({utc})"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
