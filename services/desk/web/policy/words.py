"""What a preview of the routing policy says. `N_` marks what the catalogue has to translate."""

from __future__ import annotations

from services.desk.web import words
from services.desk.web.conversation import reasons
from services.desk.web.words import N_, Gettext, name

FIELDS = {
    "level": N_("Priority"),
    "score": N_("Score"),
    "team": N_("Team"),
    "skills": N_("Skills"),
    "channel": N_("Channel for the answer"),
    "ticket": N_("Conversation"),
    "reply_within": N_("Promised answer"),
    "skill_timeouts": N_("How long skills are waited for"),
    "overflow": N_("Overflow"),
    "ask": N_("Asks for the preferred channel"),
}
"""What of a decision may differ."""
FAILED = {
    "away": N_("The router is temporarily unavailable."),
    "too-slow": N_("Reading last week’s messages took too long."),
    "wrong": N_("This draft has errors. Check it first."),
}


def field(code: str, _: Gettext) -> str:
    """Names what of a decision differs."""
    return name(FIELDS, code, _)


def failed(code: str, _: Gettext) -> str:
    """Says why there is no preview."""
    return _(FAILED.get(code, FAILED["away"]))


def value(field: str, text: str, _: Gettext) -> str:
    """Formats a value of a decision's field; a dash where there is none."""
    told = {
        "level": lambda: name(words.LEVELS, text, _),
        "team": lambda: words.team(text),
        "channel": lambda: name(words.CHANNELS, text, _),
        "skills": lambda: ", ".join(name(reasons.SKILLS, skill, _) for skill in text.split(", ")),
        "ticket": lambda: text[:8],
    }
    return told.get(field, lambda: text)() if text else "–"
