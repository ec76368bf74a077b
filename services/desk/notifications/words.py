"""What agents read of notifications, in the console and by mail. `N_` marks what the catalogue
has to translate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from services.desk.notifications.domain import (
    ASSIGNED,
    CALLED_IN,
    FAILED,
    MENTION,
    NEW_WORK,
    OFFERED,
    REPLY,
    SLA_BREACH,
    SLA_WARNING,
)
from services.desk.notifications.schemas import NotificationView
from shared.i18n import translations


def N_(text: str) -> str:  # noqa: N802 - the name by which every extractor knows it
    """Marks a text for the catalogue; returns it unchanged."""
    return text


BY_SOMEBODY = {
    MENTION: N_("%(who)s mentioned you"),
    ASSIGNED: N_("%(who)s assigned this to you"),
    CALLED_IN: N_("%(who)s asks you to come in"),
}
"""Where a colleague did it."""
SAID = {
    MENTION: N_("You were mentioned"),
    ASSIGNED: N_("Assigned to you"),
    OFFERED: N_("Offered to you"),
    REPLY: N_("The customer wrote"),
    FAILED: N_("A reply was not delivered"),
    SLA_WARNING: N_("An answer is due soon"),
    SLA_BREACH: N_("A service level was missed"),
    CALLED_IN: N_("You are asked to come in"),
    NEW_WORK: N_("New conversations in a queue of yours"),
}
_GREETING = N_("This happened while you were away:")
_MORE = N_("And %(count)s more.")
_FOOTER = N_("You get this email because you asked for it. Do not reply to it. Change it here: %(url)s")
_SUBJECT = N_("Unread notifications: %(count)s")


@dataclass(frozen=True, slots=True)
class Mail:
    """What is sent to somebody who was away."""

    subject: str
    text: str


def said(line: NotificationView, translate: Callable[[str], str]) -> str:
    """Says what happened."""
    if not line.what and line.kind in BY_SOMEBODY and line.actor_name:
        return translate(BY_SOMEBODY[line.kind]) % {"who": line.actor_name}
    return translate(SAID.get(line.what, SAID.get(line.kind, line.kind)))


def path(line: NotificationView) -> str:
    """Returns where in the console a line leads."""
    if line.kind == CALLED_IN:
        return "/calls"
    return f"/c/{line.ticket_id}" if line.ticket_id else f"/inbox/{quote(f'team:{line.team}', safe='')}"


def mail(lines: Sequence[NotificationView], count: int, language: str, url: str) -> Mail:
    """Writes the mail of what somebody has not read: what happened, whose it is, where it is read;
    nothing of what was written. lines: the newest, of `count`; url: of the console."""
    translate = translations(language).gettext
    parts = [translate(_GREETING)]
    for line in lines:
        times = f" (×{line.count})" if line.count > 1 else ""
        about = f"#{line.ticket_number} {line.customer_name}" if line.ticket_id else line.team
        parts.append(f"{said(line, translate)}{times}: {about.strip()}\n{url}{path(line)}")
    if count > len(lines):
        parts.append(translate(_MORE) % {"count": count - len(lines)})
    parts.append(translate(_FOOTER) % {"url": f"{url}/me/notifications"})
    return Mail(translate(_SUBJECT) % {"count": count}, "\n\n".join(parts) + "\n")
