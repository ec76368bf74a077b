"""What agents and admins read of service levels. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.timeline import EventView
from services.desk.web.words import N_, Gettext, name
from shared.events.desk import SlaBreached, SlaWarned

TARGETS = {
    "first-reply": N_("First reply"),
    "next-reply": N_("Next reply"),
    "solution": N_("Solution"),
}
STATES = {
    "running": N_("Running"),
    "paused": N_("Paused"),
    "met": N_("Met"),
    "breached": N_("Missed"),
}
CHIPS = {"met": "ok", "breached": "late", "paused": "", "running": ""}
"""How a state looks."""
LISTENERS = {
    "assignee": N_("The assigned agent"),
    "team": N_("The team"),
    "supervisors": N_("Supervisors"),
}
_WARNED = {
    "first-reply": N_("The first reply is due soon"),
    "next-reply": N_("The next reply is due soon"),
    "solution": N_("The solution is due soon"),
}
_BREACHED = {
    "first-reply": N_("The first reply is overdue"),
    "next-reply": N_("The next reply is overdue"),
    "solution": N_("The solution is overdue"),
}


def event(change: EventView, _: Gettext) -> str:
    """Describes what became true of a target in one line; empty for another change."""
    match change.change:
        case SlaWarned(target=target, policy=policy):
            line = name(_WARNED, target, _)
        case SlaBreached(target=target, policy=policy):
            line = name(_BREACHED, target, _)
        case _:
            return ""
    return f"{line} ({policy})" if policy else line
