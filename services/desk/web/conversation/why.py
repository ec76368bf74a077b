"""The router's decision about a message, laid out so that it can be checked by eye. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.desk.web.conversation.reasons import REJECTED, RULES
from shared.events import ChannelChoice, Decision, Reason

_IMPOSSIBLE = "unavailable."
"""Begins the codes of reasons why a channel cannot be used."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A reason as a piece of the score: where it begins and how long it is, in points of 100."""

    reason: Reason
    start: float
    length: float
    lowers: bool


def bars(decision: Decision) -> list[Bar]:
    """Computes the bars of a decision, each of which begins where the one before ended, so that
    the last one ends at the score. What lowers it comes last."""
    found, end = [], 0.0
    for reason in sorted(decision.reasons, key=lambda each: each.weight < 0):
        before, end = end, end + reason.weight
        left, right = sorted((_within(before), _within(end)))
        found.append(Bar(reason, round(left, 1), round(right - left, 1), reason.weight < 0))
    return found


def passed_over(decision: Decision) -> Sequence[str]:
    """Rules of threading that come before the one that decided; none where that one is not known
    here."""
    rules = list(RULES)
    return rules[: rules.index(decision.thread.rule)] if decision.thread.rule in rules else []


def for_it(choice: ChannelChoice) -> list[Reason]:
    """Lists the reasons for choosing this channel."""
    return [reason for reason in choice.reasons if not reason.code.startswith(_IMPOSSIBLE)]


def against_it(choice: ChannelChoice) -> list[Reason]:
    """Lists the reasons why this channel is not possible now."""
    return [reason for reason in choice.reasons if reason.code.startswith(_IMPOSSIBLE)]


def due(decision: Decision, at: datetime) -> datetime | None:
    """Returns until when a message of this time is to be answered; None if the policy has no
    target."""
    return at + timedelta(seconds=decision.reply_within) if decision.reply_within > 0 else None


def rejected(decision: Decision) -> list[tuple[str, tuple[str, ...]]]:
    """Lists what had no part in the decision, by the reason why not: known reasons in their
    order, then those of a newer router."""
    found = decision.rejected or {}
    return [
        (why, found[why])
        for why in (*(why for why in REJECTED if why in found), *sorted(found.keys() - REJECTED.keys()))
    ]


def command(decision: Decision) -> str:
    """Returns the command that makes the decision again and shows each of its steps in full."""
    return f"python -m services router explain {decision.message_id}"


def _within(points: float) -> float:
    return min(100.0, max(0.0, points))
