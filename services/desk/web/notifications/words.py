"""Words of the page on which agents choose what they are told, and how."""

from __future__ import annotations

from services.desk.notifications.domain import (
    ASSIGNED,
    BELL,
    CALLED_IN,
    DESKTOP,
    FAILED,
    MAIL,
    MENTION,
    NEW_WORK,
    REPLY,
    SLA_BREACH,
    SLA_WARNING,
    SOUND,
)
from services.desk.web.words import N_

KINDS = {
    MENTION: N_("A colleague mentions me in a note"),
    ASSIGNED: N_("A conversation is assigned or offered to me"),
    REPLY: N_("A customer writes in a conversation of mine"),
    FAILED: N_("A reply in a conversation of mine is not delivered"),
    SLA_WARNING: N_("A conversation’s answer is due soon"),
    SLA_BREACH: N_("A conversation’s service level is missed"),
    CALLED_IN: N_("Somebody asks me to come in"),
    NEW_WORK: N_("New conversations arrive in a team of mine"),
}
WAYS = {BELL: N_("In the console"), DESKTOP: N_("Desktop"), SOUND: N_("Sound"), MAIL: N_("Email when away")}
DAYS = {
    "mon": N_("Monday"),
    "tue": N_("Tuesday"),
    "wed": N_("Wednesday"),
    "thu": N_("Thursday"),
    "fri": N_("Friday"),
    "sat": N_("Saturday"),
    "sun": N_("Sunday"),
}
