"""The telephone line in the agent's words. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from services.desk.calls.schemas import CallbackView, CallView
from services.desk.tickets.schemas import ReasonView
from services.desk.web.conversation.reasons import reason
from services.desk.web.words import N_, Gettext, name
from shared.clock import utc_now

PRESENCES = {
    "ready": N_("Ready for work"),
    "busy": N_("Busy"),
    "wrap-up": N_("After-call work"),
    "away": N_("Away"),
}
WHY_AWAY = {
    "break": N_("Break"),
    "lunch": N_("Lunch"),
    "meeting": N_("Meeting"),
    "done": N_("Done for today"),
}
"""What an agent may give as the reason for being away."""
WHY_SET = WHY_AWAY | {
    "missed a call": N_("Missed a call"),
    "did not answer the telephone": N_("Did not pick up"),
    "no telephone number": N_("No phone number"),
    "missed a chat": N_("Missed a chat"),
    "connection lost": N_("Connection lost"),
    "idle": N_("Did nothing for a while"),
    "signed out": N_("Signed out"),
}
"""Reasons of a presence, also those that the desk gives; any other is shown as it was written."""
MISSED = {
    "missed a chat": N_("You did not accept a chat in time. New work goes to your colleagues."),
    "missed a call": N_("You missed a call. New calls go to your colleagues."),
    "did not answer the telephone": N_("Your phone rang and nobody pressed 1. New calls go to your colleagues."),
}
"""Reasons with which the desk sets somebody away who was asked and did not come."""
STATES = {
    "greeting": N_("In the greeting"),
    "menu": N_("In the menu"),
    "queued": N_("Waiting in the queue"),
    "offered": N_("Offered to an agent"),
    "bridging": N_("Ringing the agent’s phone"),
    "connected": N_("On a call"),
    "wrap-up": N_("After-call work"),
    "voicemail": N_("Left a voicemail"),
    "callback-requested": N_("Requested a callback"),
    "abandoned": N_("Hung up before an answer"),
    "ended": N_("Ended"),
}
OUTCOMES = {
    "agent-no-answer": N_("The agent did not answer"),
    "customer-no-answer": N_("The customer did not answer"),
    "caller-gone": N_("The caller had hung up"),
    "too-late": N_("It was too late"),
    "failed": N_("The call did not go through"),
    "uncertain": N_("Call outcome unknown"),
}
"""What became of an answer or a callback, where it did not go well."""
WHY_CALL = {
    "asked": N_("Requested a callback"),
    "voicemail": N_("Left a voicemail"),
    "abandoned": N_("Hung up before an answer"),
    "prefers": N_("Prefers a call"),
}
_ASKED = N_("offered before to %(agents)s, keeps its place")
_PREFERS = N_("prefers the phone: %(why)s; counts as waiting %(minutes)s minutes longer")
_BECAUSE = N_("Prefers a call: %(why)s")


def presence(code: str, _: Gettext) -> str:
    """Translates an agent's presence."""
    return name(PRESENCES, code, _)


def why_set(text: str, _: Gettext) -> str:
    """Translates why somebody has their presence."""
    return name(WHY_SET, text, _)


def state(call: CallView, _: Gettext) -> str:
    """Describes how far a call is; for an ended one what became of it."""
    if call.state == "ended" and not call.connected_at and call.outcome in OUTCOMES:
        return _(OUTCOMES[call.outcome])
    if call.state == "ended" and call.connected_at:
        return _("Answered")
    return name(STATES, call.state, _)


def why_call(found: CallbackView, _: Gettext) -> str:
    """Describes why somebody is to be called."""
    if found.reason is not None:
        return _(_BECAUSE, why=reason(found.reason, _))
    return name(WHY_CALL, found.why, _)


def place(call: CallView, names: Mapping[str, str], _: Gettext) -> list[str]:
    """Lists why a caller has their place in the line. The level is shown beside the name.
    `names`: of agents, by mail address."""
    why = next((found for found in call.reasons if found.code.startswith("preference.")), None)
    shown = (found for found in call.reasons if found.code != "call.level" and found is not why)
    return [_place(found, why, names, _) for found in shown]


def _place(found: ReasonView, why: ReasonView | None, names: Mapping[str, str], _: Gettext) -> str:
    if found.code == "call.prefers-phone" and why is not None:
        return _(_PREFERS, why=reason(why, _), minutes=found.values.get("minutes", ""))
    if found.code == "call.asked":
        agents = found.values.get("agents", "").split(", ")
        return _(_ASKED, agents=", ".join(names.get(agent, agent) for agent in agents))
    return reason(found, _)


def clock(since: datetime, until: datetime | None = None) -> str:
    """Formats a duration as `3:07`, or `1:02:45` from an hour on."""
    seconds = max(0, int(((until or utc_now()) - since).total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
