"""What a browser is told of its agent's notifications."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from services.desk.notifications import words as told
from services.desk.notifications.domain import DESKTOP, OFFERED, SOUND
from services.desk.notifications.schemas import NotificationView
from services.desk.notifications.service import Fresh
from services.desk.web import words

NEWS = timedelta(minutes=10)
"""What is older makes no sound and pops up nowhere: it waits in the list."""


def frame(fresh: Fresh, translate: Callable[[str], str], now: datetime) -> dict[str, Any]:
    """Returns the number of what is unread, and what is to be heard or shown on the desktop: the
    customer's name and what happened, with the subject only where the agent wants it."""
    quiet = fresh.preferences.quiet.at(now)
    lines = [line for line in fresh.items if now - line.at <= NEWS and not quiet]
    return {
        "unread": fresh.unread,
        "lines": [_line(line, translate, details=fresh.preferences.details) for line in reversed(lines)],
    }


def _line(line: NotificationView, translate: Callable[[str], str], *, details: bool) -> dict[str, Any]:
    text = told.said(line, translate)
    return {
        "id": line.id,
        "seq": line.seq,
        "ticket": line.ticket_id,
        "title": words.person(line.customer_name) or words.team(line.team),
        "text": f"{text}\n{line.subject}" if details and line.subject else text,
        "url": told.path(line),
        "sound": SOUND in line.ways and line.what != OFFERED,
        "desktop": DESKTOP in line.ways,
    }
