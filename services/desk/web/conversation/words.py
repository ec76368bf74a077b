"""What agents read in a conversation and of its customer. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Mapping

from services.desk.timeline import EventView
from services.desk.web.conversation.reasons import SKILLS
from services.desk.web.words import N_, STATUSES, Gettext, address, name, team

FACTS = {"Account": N_("Account")}
"""What channels tell of a customer; what a customer's site tells is shown as it is written."""
SOURCES = {
    "customer": N_("Stated by the customer"),
    "survey": N_("From a survey"),
    "phone": N_("Stated on the phone"),
    "agent": N_("Set by an agent"),
}
DELIVERIES = {
    "requested": N_("Sending"),
    "sent": N_("Sent"),
    "delayed": N_("Delayed, retrying"),
    "delivered": N_("Delivered"),
    "failed": N_("Not delivered"),
    "uncertain": N_("May not have been sent"),
}
UNDELIVERED = {"failed": N_("Reply not delivered"), "uncertain": N_("Reply may not have arrived")}
AUTOMATIC = {
    "reply": N_("Automatic reply"),
    "bounce": N_("Bounced email"),
    "list": N_("Mailing list"),
    "files": N_("Added later"),
}
_WIDENED = N_("After %(minutes)s min without a reply, also available to agents without: %(skill)s")
_OVERFLOWED = N_("After %(minutes)s min without a reply, moved from %(before)s to %(team)s")
_REOPENED = N_("Reopened by a new message")
_NOT_DELIVERED = N_("Reopened: a reply was not delivered")


def closed(channel: str, point: str, _: Gettext) -> str:
    """Why nothing is sent to this contact point any more."""
    return _("%(channel)s unavailable: %(who)s opted out.", channel=channel, who=address(point))


def event(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:
    """One line about a change of a ticket; empty for what the timeline shows otherwise."""
    actor, data = agents.get(change.actor, change.actor), change.data
    line = ""
    match change.kind:
        case "ticket.reopened":
            line = _(_NOT_DELIVERED if data.get("why", "").startswith("delivery") else _REOPENED)
        case "ticket.status" if change.actor not in agents and data.get("to") == "open":
            line = _(_REOPENED)
        case "ticket.status":
            line = _("%(who)s: %(status)s", who=actor, status=name(STATUSES, data.get("to", ""), _))
        case "ticket.widened":
            skill = name(SKILLS, data.get("skill", ""), _)
            line = _(_WIDENED, minutes=_minutes(data), skill=skill)
        case "ticket.overflowed":
            line = _(
                _OVERFLOWED, minutes=_minutes(data), before=team(data.get("from", "")), team=team(data.get("team", ""))
            )
        case "ticket.assigned" if data.get("disabled"):
            line = _("Unassigned: %(who)s was disabled", who=data["disabled"])
        case "ticket.assigned" if not data.get("assignee"):
            line = _("%(who)s unassigned this", who=actor)
        case "ticket.assigned" if data["assignee"] == change.actor:
            line = _("%(who)s assigned this to themselves", who=actor)
        case "ticket.assigned":
            assignee = agents.get(data["assignee"], data["assignee"])
            line = _("%(who)s assigned this to %(assignee)s", who=actor, assignee=assignee)
    return line


def _minutes(data: Mapping[str, str]) -> str:
    after = data.get("after", "")
    return f"{int(after) / 60:.0f}" if after.isdecimal() else "?"
