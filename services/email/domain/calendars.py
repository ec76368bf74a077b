"""Invitations and answers to them (RFC 5545, 5546) → the words of a person: who says what to which
event, and when it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

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
_PARTSTAT = re.compile(r"PARTSTAT=\"?([A-Z-]+)", re.IGNORECASE)
_MAILTO = re.compile(r"mailto:([^\s;>\"]+)", re.IGNORECASE)
_LONGEST = 200_000
"""Bytes. The file itself is kept whole."""
_MOST_EVENTS = 20
_FALLBACK = re.compile(r"^(?:SUMMARY|LOCATION|DESCRIPTION)(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE)


def words(data: bytes, charset: str = "", hint: str = "") -> str:
    """Returns what an agent reads of a calendar file; empty where it says nothing. Never raises."""
    text = charsets.decode(_FOLD.sub(b"", data[:_LONGEST]), charset, hint)
    try:
        calendar = Calendar.from_ical(_ENDLESS.sub(b"X-LEFT-OUT:", text.encode()).decode())
        events = [part for name in ("VEVENT", "VTODO") for part in calendar.walk(name)][:_MOST_EVENTS]
        found = [_event(event, str(calendar.get("METHOD", "")).upper()) for event in events]
    except Exception:  # noqa: BLE001 - odd calendars trip the library in many ways; their words are in there all the same
        found = [_plain(match[1]) for match in _FALLBACK.finditer(_without_alarms(text))]
    return "\n\n".join(dict.fromkeys(part for part in found if part)).strip()


def _without_alarms(text: str) -> str:
    parts = text.split("BEGIN:VALARM")
    return parts[0] + "".join(part.partition("END:VALARM")[2] for part in parts[1:])


def _event(event: Any, method: str) -> str:
    what, when = one_line(str(event.get("SUMMARY", ""))), _moment(event.get("DTSTART"))
    title = ", ".join(part for part in (what, when) if part)
    if method in {"REPLY", "COUNTER"} and (answers := list(_answers(event, method, title))):
        lines = [*answers, _of(event, "COMMENT")]
    elif method in _NEWS:
        lines = [f"{_NEWS[method]}: {title}", _of(event, "COMMENT")]
    else:
        until = _moment(event.get("DTEND"))
        lines = [what, f"{when} to {until}" if until else when, _of(event, "LOCATION"), _of(event, "DESCRIPTION")]
    return "\n".join(dict.fromkeys(line for line in lines if line))


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
    """Formats a moment with its time zone, and in UTC too: its reader may be anywhere."""
    if value is None:
        return ""
    moment, zone = value.dt, str(value.params.get("TZID", ""))
    if not isinstance(moment, datetime):
        return _day(moment) if isinstance(moment, date) else ""
    said = f"{_day(moment)} {moment:%H:%M}"
    if moment.tzinfo is None:
        return f"{said} {one_line(zone, 60)}".strip()
    there = moment.astimezone(UTC)
    if not zone or zone.upper() in {"UTC", "ETC/UTC", "GMT"}:
        return f"{_day(there)} {there:%H:%M} UTC"
    utc = f"{there:%H:%M}" if there.date() == moment.date() else f"{_day(there)} {there:%H:%M}"
    return f"{said} {one_line(zone, 60)} ({utc} UTC)"


def _day(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
