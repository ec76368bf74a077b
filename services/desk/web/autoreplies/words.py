"""Texts to begin with, for an admin to look at. Nobody gets them before they are saved. `N_` marks
what the catalogue has to translate."""

from __future__ import annotations

from collections.abc import Sequence

from services.desk.autoreplies.domain import Rule, Texts
from services.desk.web.render import gettext
from services.desk.web.words import N_
from shared.i18n import LANGUAGES

RECEIVED = N_(
    "Hello {name|there},\n\nthank you for your message. We have received it, and somebody will answer you as soon as possible.\n\n"
    "Your number is {ticket}. To add something, just reply to this email.\n\nThis is an automatic reply."
)
CLOSED = N_(
    "Hello {name|there},\n\nthank you for your message. We have received it. Nobody is here right now; we open again: {opens|soon}.\n\n"
    "Your number is {ticket}. To add something, just reply to this email.\n\nThis is an automatic reply."
)


def to_begin_with(team: str, languages: Sequence[str]) -> Rule:
    """Returns a rule that is switched off, with our own texts in the languages that we know and
    customers write in; a team has the texts of everybody."""
    known = [code for code in LANGUAGES if code in languages]
    texts = {code: Texts(received=gettext(code)(RECEIVED), closed=gettext(code)(CLOSED)) for code in known}
    return Rule(team=team, language=(known or list(languages))[0], texts={} if team else texts)
