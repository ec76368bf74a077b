"""What a mailed report says. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from services.desk.reports.schemas import Figures, ReportView
from shared.i18n import locale, translations


def N_(text: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Marks a text for the catalogue; returns it unchanged."""
    return text


_SUBJECT = N_("Report, %(first)s to %(last)s")
_LINE = N_("%(name)s: %(now)s (before: %(before)s)")
_MEDIAN = N_("%(name)s, median")
_FOOTER = N_("You get this email because you asked for it. Do not reply to it. Change it here: %(url)s")
_UNITS = ((86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent."""

    subject: str
    text: str


def mail(report: ReportView, first: date, last: date, language: str, url: str) -> Mail:
    """Writes the mail of a report. url: of its page."""
    translate, spoken = translations(language).gettext, locale(language)

    def count(value: int | None) -> str:
        return "–" if value is None else format_decimal(value, locale=spoken)

    def share(value: float | None) -> str:
        return "–" if value is None else format_percent(value, locale=spoken)

    def half(name: str) -> str:
        return translate(_MEDIAN) % {"name": translate(name)}

    lines: list[tuple[str, Callable[[Figures], str]]] = [
        (translate(N_("New conversations")), lambda each: count(each.new)),
        (translate(N_("Replies sent")), lambda each: count(each.replies)),
        (half(N_("First reply")), lambda each: took(each.first_reply.half, language)),
        (half(N_("Next reply")), lambda each: took(each.next_reply.half, language)),
        (translate(N_("Solved")), lambda each: count(each.resolution.count)),
        (half(N_("Time to solve")), lambda each: took(each.resolution.half, language)),
        (translate(N_("Reopened")), lambda each: share(each.reopen_rate)),
        (translate(N_("Answered in time")), lambda each: share(each.kept)),
        (translate(N_("Unsolved")), lambda each: count(each.backlog)),
    ]
    told = [
        translate(_LINE) % {"name": name, "now": value(report.figures), "before": value(report.before)}
        for name, value in lines
    ]
    days = {name: format_date(day, "medium", locale=spoken) for name, day in (("first", first), ("last", last))}
    text = "\n\n".join(("\n".join(told), url, translate(_FOOTER) % {"url": f"{url}#mail"}))
    return Mail(translate(_SUBJECT) % days, f"{text}\n")


def took(seconds: int | None, language: str) -> str:
    """Formats a duration by its two largest units, rounded down."""
    if seconds is None:
        return "–"
    largest = next((place for place, (length, _) in enumerate(_UNITS) if seconds >= length), len(_UNITS) - 1)
    parts, left = list[str](), seconds
    for length, unit in _UNITS[largest : largest + 2]:
        number, left = divmod(left, length)
        if number or not parts:
            parts.append(format_unit(number, f"duration-{unit}", "short", locale=locale(language)))
    return " ".join(parts)
