"""What the console says of public posts: how they sound, what agents say they are, and groups of
them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from babel.numbers import format_decimal

from services.desk.mentions.domain import link
from services.desk.tickets.schemas import PostView
from services.desk.timeline import EventView
from services.desk.web.words import N_, Gettext
from shared.events.desk import PostLabelled, TicketGrouped, TicketUngrouped
from shared.i18n import locale

LABELS = {"complaint": N_("A complaint"), "question": N_("A question"), "other": N_("Not a complaint")}
_SAID = {
    "complaint": N_("%(who)s: this is a complaint"),
    "question": N_("%(who)s: this is a question"),
    "other": N_("%(who)s: this is not a complaint"),
    "": N_("%(who)s created a ticket from this"),
}
_SOUNDS = (
    (0.5, N_("Sounds like a complaint: %(score)s")),
    (0.2, N_("May be a complaint: %(score)s")),
    (0.0, N_("Does not sound like a complaint: %(score)s")),
)
"""From which score of 0 to 1 on."""
_QUESTION = N_("Sounds like a question")
_NO_WORDS = N_("judged by the full text")


class Post(Protocol):
    """A message or a mention."""

    @property
    def complaint(self) -> float | None:
        """0 to 1."""

    @property
    def post(self) -> PostView | None:
        """What its network tells."""


def sounds(post: Post, language: str, _: Gettext) -> list[str]:
    """`Sounds like a complaint: 0.91 — crashing, refund`, and whether it sounds like a question."""
    found = []
    if post.complaint is not None:
        text = next(text for least, text in _SOUNDS if post.complaint >= least or not least)
        score = format_decimal(post.complaint, "0.00", locale=locale(language))
        found.append(_with_words(_(text, score=score), post, "complaint", _))
    if post.post and post.post.sounds == "question":
        found.append(_with_words(_(_QUESTION), post, "question", _))
    return found


def where(post: Post) -> str:
    """Returns the post's own address, if it may be a link; else empty."""
    return link(post.post.url) if post.post else ""


def said(label: str, agent: str, names: Mapping[str, str], _: Gettext) -> str:
    """Describes who labelled a post as what."""
    return _(_SAID.get(label, _SAID[""]), who=names.get(agent, agent))


def event(change: EventView, agents: Mapping[str, str], _: Gettext) -> str:
    """Describes an event in one line of a ticket's timeline; empty for what is shown otherwise."""
    match change.change:
        case PostLabelled(label=label):
            return said(label, change.actor, agents, _)
        case TicketGrouped(leader=leader) if leader:
            return _("Grouped with similar tickets")
        case TicketUngrouped():
            return _("%(who)s removed this from its group", who=agents.get(change.actor, change.actor))
    return ""


def _with_words(text: str, post: Post, sounds: str, _: Gettext) -> str:
    if post.post is None or post.post.sounds != sounds:
        return text
    return f"{text} — {', '.join(post.post.words) or _(_NO_WORDS)}"
