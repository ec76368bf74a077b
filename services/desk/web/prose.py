"""What people wrote, as a page shows it: addresses as links, and moments that a channel wrote in
UTC as times, which the browser shows in the reader's own zone."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from markupsafe import Markup, escape

from shared import links

_MONTHS = {name: number for number, name in enumerate(calendar.month_name) if name}
_MOMENT = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_MONTHS)}) (\d{{4}}) (\d\d):(\d\d) UTC\b")
"""As `email` writes an invitation's times (`services/email/domain/calendars.py`)."""
_TIME = Markup('<time class="number" datetime="{}" data-as="moment">{}</time>')


def linked(text: str) -> Markup:
    """Returns the text, escaped, with its links and times."""
    return Markup().join(
        links.as_html(part) if address else Markup().join(_timed(part)) for part, address in links.parts(text)
    )


def _timed(text: str) -> Iterator[Markup]:
    end = 0
    for match in _MOMENT.finditer(text):
        day, month, year, hour, minute = match.groups()
        try:
            at = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), tzinfo=UTC)
        except ValueError:  # 31 February
            continue
        yield escape(text[end : match.start()])
        yield _TIME.format(at.isoformat(), match[0])
        end = match.end()
    yield escape(text[end:])
