"""The wallboard's figures in words, rendered once for all who watch in the same language."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from babel.numbers import format_decimal, format_percent

from services.desk.wallboard.domain import worst
from services.desk.wallboard.schemas import History, Reading, Snapshot, Work
from services.desk.web import words
from services.desk.web.render import gettext, label_of, render
from services.desk.web.words import N_
from shared.events import Channel
from shared.i18n import locale

STAGES = {
    "received": N_("Received"),
    "router": N_("Router"),
    "desk": N_("Desk"),
    "delivery": N_("Delivery"),
    "reply": N_("First reply"),
}
"""The way of a message, in its order."""
_SPANS = (
    (86_400, 3600, N_("%(big)s d %(small)s h")),
    (3600, 60, N_("%(big)s h %(small)s min")),
    (60, 1, N_("%(big)s min %(small)s s")),
)
_SECONDS = N_("%(count)s s")
_MILLISECONDS = N_("%(count)s ms")
_FRESH = 5.0
"""Seconds after which figures are no longer called live."""
_FITTING = 5
"""Rows of queues that a display of 1600 by 900 shows without scrolling."""
_SERIES = 6
"""Colours that the charts have."""


def span(seconds: float, _: words.Gettext) -> str:
    """Formats a duration as `6 min 12 s`."""
    whole = max(0, int(seconds))
    for size, part, text in _SPANS:
        if whole >= size:
            return _(text, big=whole // size, small=whole % size // part)
    return _(_SECONDS, count=whole)


def clock(seconds: float) -> str:
    """Formats a duration as `6:12`, `1:02:09`; for columns, where words would be many."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def brief(seconds: float, _: words.Gettext, language: str) -> str:
    """Formats a short duration as `340 ms`, `1.2 s`, `1 min 30 s`."""
    if seconds < 1:
        return _(_MILLISECONDS, count=round(seconds * 1000))
    if seconds < 60:
        return _(_SECONDS, count=format_decimal(round(seconds, 1), locale=locale(language)))
    return span(seconds, _)


def stale(reading: Reading[Any], now: datetime) -> float | None:
    """Returns the age in seconds of figures that are no longer live; None if they are live."""
    if reading.at is None:
        return None
    age = (now - reading.at).total_seconds()
    return None if reading.ok and age < _FRESH * 4 else max(age, 0.0)


def channels_of(history: History, snapshot: Snapshot, announced: Mapping[str, Channel]) -> list[str]:
    """Lists which lines the chart of messages has: channels that are on, and those that
    something came on; in a fixed order."""
    now = snapshot.work.value.messages if snapshot.work.value else {}
    on = {name for name, channel in announced.items() if channel.enabled}
    used = {name for name, counts in history.messages.items() if any(counts)}
    known = list(words.CHANNELS)
    found = sorted(on | used | set(now), key=lambda name: (known.index(name) if name in known else len(known), name))
    return found[:_SERIES]


def parts(
    snapshot: Snapshot, language: str, announced: Mapping[str, Channel], *, links: bool, letters: bool = False
) -> str:
    """Renders everything that changes, as elements with ids. `links`: for somebody who may see
    the lists behind the numbers; `letters`: and dead letters too."""
    shown = context(snapshot, language, announced)
    return render("parts/wall-all.html", language, announced, **shown, links=links, letters=letters)


def context(snapshot: Snapshot, language: str, announced: Mapping[str, Channel]) -> dict[str, Any]:
    """Builds what the wallboard's templates need."""
    _, spoken = gettext(language), locale(language)
    now = snapshot.at

    def since(at: datetime | None) -> float:
        return (now - at).total_seconds() if at else 0.0

    def rate(value: float) -> str:
        return format_decimal(value, "#,##0.0" if round(value, 1) < 10 else "#,##0", locale=spoken)

    filters: dict[str, Callable[..., str]] = {
        "span": lambda seconds: span(seconds, _),
        "clock": clock,
        "brief": lambda seconds: brief(seconds, _, language),
        "count": lambda value: format_decimal(value, locale=spoken),
        "percent": lambda share: format_percent(share, locale=spoken),
        "rate": rate,
        "stage": lambda name: words.name(STAGES, name, _),
    }
    work = snapshot.work.value
    return {
        "board": snapshot,
        "work": work,
        "mood": snapshot.mood.value,
        "pipeline": snapshot.pipeline.value,
        "times": snapshot.times.value,
        "stages": tuple(STAGES),
        "work_age": stale(snapshot.work, now),
        "pipeline_age": stale(snapshot.pipeline, now),
        "since": since,
        "worst": lambda queues: worst(queues, _FITTING),
        "busiest": _busiest(work, announced, _),
        "format": filters,
    }


def _busiest(work: Work | None, announced: Mapping[str, Channel], _: words.Gettext) -> tuple[str, int]:
    """Returns the busiest channel and its messages; nothing if none came."""
    if work is None or not work.messages:
        return "", 0
    name = max(sorted(work.messages), key=lambda channel: work.messages[channel])
    return label_of(announced, _, name), work.messages[name]


def point(snapshot: Snapshot) -> dict[str, Any]:
    """Returns what the charts append: seconds since 1970, messages by channel, seconds to a
    first reply. What is not new is left out."""
    work = snapshot.work.value if snapshot.work.ok else None
    at = snapshot.work.at
    values: dict[str, Any] = {"now": snapshot.at.timestamp()}
    if work is not None and at is not None:
        values |= {"t": at.timestamp(), "messages": work.messages, "reply": work.first_reply}
        if work.last_event:
            values["event"] = work.last_event.timestamp()
    return values


def series(history: History, channels: list[str]) -> dict[str, Any]:
    """Returns what the charts begin with."""
    nothing = [0] * len(history.times)
    return {
        "times": [time.timestamp() for time in history.times],
        "messages": [history.messages.get(channel, nothing) for channel in channels],
        "reply": history.first_reply,
    }


def rows(history: History) -> list[int]:
    """Returns which points the tables show: every fifth, newest first."""
    return list(range(len(history.times) - 1, -1, -5))


def frame(snapshot: Snapshot, html: str) -> bytes:
    """Encodes a snapshot as one server-sent event."""
    body = {"seq": snapshot.seq, "topic": "wallboard", "html": html, "data": point(snapshot)}
    return f"id: {snapshot.seq}\ndata: {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()
