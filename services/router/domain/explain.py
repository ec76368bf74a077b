"""A decision in full: every signal, candidate and rule, also those that did not count, each with
its why. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.router.domain import teams
from services.router.domain.decide import wording
from services.router.domain.languages import read_as
from services.router.domain.mentions import mentions
from services.router.domain.policy import Policy
from services.router.domain.replay import Recorded
from services.router.domain.sentences import advice
from services.router.domain.words import normal
from shared.events import Decision, InboundMessage


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. `counted`: it had a part in the outcome."""

    counted: bool
    name: str
    why: str
    points: float = 0.0


@dataclass(frozen=True, slots=True)
class Explanation:
    """By part of the decision, in the order in which it is made."""

    outcome: str
    advice: str
    """How to answer the customer, in one sentence."""
    thread: tuple[Line, ...]
    priority: tuple[Line, ...]
    channels: tuple[Line, ...]
    routing: tuple[Line, ...]


def explain(recorded: Recorded, policy: Policy) -> Explanation:
    """Explains why the decision came out as it did. `policy`: the one that it was made under."""
    message, decision = recorded.routed.message, recorded.routed.decision
    hours = f", answer within {decision.reply_within / 3600:.1f} h" if decision.reply_within else ""
    outcome = (
        f"{decision.level.value} ({decision.score} of 100), team {decision.team}, "
        f"{', '.join(decision.skills) or 'no special skill'}{hours}; policy {decision.policy}"
    )
    channels = {channel.name: channel for channel in recorded.channels[0]}
    return Explanation(
        outcome,
        advice(message, recorded.profile, decision, policy, channels),
        _thread(message, decision),
        _priority(recorded, policy),
        _channels(decision),
        _routing(recorded, policy),
    )


def _thread(message: InboundMessage, decision: Decision) -> tuple[Line, ...]:
    clues = message.thread
    found = {
        "token": clues.ticket_id,
        "root": clues.root or next(iter(clues.references), ""),
        "conversation": clues.conversation,
        "open-ticket": "",
        "new": "",
    }
    rule = decision.thread.rule
    passed = list(found).index(rule) if rule in found else len(found)
    lines = []
    for place, (name, clue) in enumerate(found.items()):
        if name == rule:
            lines.append(Line(True, name, decision.thread.evidence))
        elif place < passed:
            lines.append(Line(False, name, "not decisive: " + clue if clue else "no such clue"))
        else:
            lines.append(Line(False, name, f"not looked at: {rule} came first"))
    return tuple(lines)


def _priority(recorded: Recorded, policy: Policy) -> tuple[Line, ...]:
    message, decision, profile = recorded.routed.message, recorded.routed.decision, recorded.profile
    counted = [Line(True, reason.code, reason.text, reason.weight) for reason in decision.reasons]
    codes = {reason.code for reason in decision.reasons}
    absent = {
        "live": "nobody is waiting on the line",
        **{f"severity.{name}": "none of its words" for name in policy.priority.severity},
        "judged": "nothing grave by its wording" if decision.judged else "no model was asked",
        "complaint": "nobody scores its complaints"
        if message.complaint is None and not decision.judged
        else "no complaint",
        "reach": "not public" if not message.public else "nobody follows the author",
        "tier": f"plan {message.tier or (profile.tier if profile else '') or 'unknown'} has no points",
        "repeated": "no earlier contact within the window" if profile else "nothing is known of the customer",
        "bad-csat": "no bad rating" if profile else "nothing is known of the customer",
        "missed-sla": "was answered in time" if profile else "nothing is known of the customer",
    }
    return (*counted, *(Line(False, code, why) for code, why in absent.items() if code not in codes))


def _channels(decision: Decision) -> tuple[Line, ...]:
    return tuple(
        Line(
            choice.available,
            f"{choice.channel} ({choice.confidence:.0%})",
            "; ".join(reason.text for reason in choice.reasons),
        )
        for choice in decision.channels
    )


def _routing(recorded: Recorded, policy: Policy) -> tuple[Line, ...]:
    message, profile = recorded.routed.message, recorded.profile
    language = read_as(message, profile)
    text = normal(wording(message))
    mentioned = mentions(text, language, policy)
    tier = message.tier or (profile.tier if profile else "")
    seen = teams.case(message, tier, language or policy.language, mentioned, policy)
    rules = teams.considered(seen, policy)
    return (*(Line(counted, name, why) for counted, name, why in rules), *_waiting(recorded.routed.decision))


def _waiting(decision: Decision) -> Iterator[Line]:
    for skill in decision.skills:
        after = decision.skill_timeouts.get(skill)
        until = f"dropped after {_span(after)}" if after else "waited for, however long it takes"
        yield Line(after is not None, f"skill {skill}", until)
    if over := decision.overflow:
        yield Line(True, "overflow", f"goes to team {over.team} after {_span(over.after)} without an answer")


def _span(seconds: int) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} min"
