"""Which team should answer, which skills it takes, and how long both are waited for, from the
policy's rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from services.router.domain.mentions import Mentions
from services.router.domain.policy import REMEMBERED, Policy, RoutingRule, Service
from shared.events import InboundMessage, Overflow, Reason
from shared.kernel import Level

Routed = tuple[str, tuple[str, ...], tuple[Reason, ...], dict[str, tuple[str, ...]]]
"""Team, skills, the reasons for both, and the rules that were rejected, as `Decision.rejected` has
them."""


class Case(NamedTuple):
    """What the rules look at. Messages that are alike in this are routed alike."""

    channel: str
    live: bool
    tier: str
    """In lower case."""
    language: str
    recipient: str
    """Empty where no rule asks for it, as facts are left out for which none does."""
    facts: tuple[tuple[str, str], ...]
    severities: tuple[tuple[str, str], ...]
    """With the words that told."""
    words: tuple[tuple[int, str], ...]
    """Those that a rule looks for, by the rule's place."""


def case(message: InboundMessage, tier: str, language: str, mentioned: Mentions, policy: Policy) -> Case:
    """Returns what the policy's rules see of a message."""
    asked = _asked(policy)
    return Case(
        message.channel,
        message.live,
        tier.lower(),
        language,
        message.recipient if asked.recipients else "",
        tuple((name, message.facts.get(name, "")) for name in asked.facts) if message.facts else (),
        tuple(mentioned.severities.items()),
        tuple(mentioned.rules.items()),
    )


@lru_cache(REMEMBERED)
def route(seen: Case, policy: Policy) -> Routed:
    """Routes a message: the first rule that holds and names a team wins; skills add up."""
    team, skills, reasons = "", dict[str, None](), []
    rejected: dict[str, list[str]] = {}
    for place, rule in enumerate(policy.rules):
        adds = (rule.team and not team) or not skills.keys() >= set(rule.skills)
        failed, why = _test(place, rule, seen) if adds else ("not-needed", [])
        if failed:
            rejected.setdefault(failed, []).append(rule.name)
            continue
        wins = rule.team if not team else ""
        skills |= dict.fromkeys(rule.skills)
        reasons.append(_reason(rule, wins, why))
        team = team or rule.team
    if not team:
        team = policy.team
        reasons.append(
            Reason(code="team.default", text=f"{team} takes what no rule sends elsewhere", values={"team": team})
        )
    return team, tuple(skills), tuple(reasons), {f"rule.{why}": tuple(names) for why, names in rejected.items()}


def waiting(
    team: str, skills: tuple[str, ...], level: Level, tier: str, service: Service, now: datetime
) -> tuple[dict[str, int], Overflow | None]:
    """Returns after how many seconds each skill is dropped, where it is, and where the ticket
    goes that the team does not get to."""

    def seconds(open_for: timedelta) -> int:
        return round(service.by_the_clock(open_for, now).total_seconds())

    patience = service.waiting
    dropped = {skill: seconds(after) for skill in skills if (after := patience.skill(skill, level, tier))}
    other = patience.overflow(team, level, tier)
    return dropped, Overflow(team=other.team, after=seconds(other.after)) if other else None


def considered(seen: Case, policy: Policy) -> Iterator[tuple[bool, str, str]]:
    """Yields every rule in order: whether it counted, its name, and why or why not."""
    team, skills = "", set[str]()
    for place, rule in enumerate(policy.rules):
        failed, pieces = _test(place, rule, seen)
        if failed:
            yield False, rule.name, f"does not hold: {_wish(rule)}"
        elif (not rule.team or team) and skills >= set(rule.skills):
            yield False, rule.name, f"holds ({'; '.join(pieces)}), but team {team} was chosen before"
        else:
            outcome = [f"team {rule.team}"] if rule.team and not team else []
            outcome += [f"skill {skill}" for skill in rule.skills if skill not in skills]
            yield True, rule.name, f"{' and '.join(outcome)}: {'; '.join(pieces)}"
            team, skills = team or rule.team, skills | set(rule.skills)
    if not team:
        yield True, "default", f"team {policy.team}: no rule names another"


def _wish(rule: RoutingRule) -> str:
    """Returns what the rule asks for, in words."""
    wishes = {
        "written in": rule.languages,
        "by": rule.channels,
        "about": rule.severities,
        "plan": rule.tiers,
        "to": rule.recipients,
        **{f"{name} is": values for name, values in rule.facts.items()},
        "words such as": tuple(phrase.text for phrase in rule.words[:5]),
    }
    told = [f"{name} {' or '.join(values)}" for name, values in wishes.items() if values]
    if rule.live is not None:
        told.append("somebody is waiting" if rule.live else "nobody is waiting")
    return ", ".join(told)


def _reason(rule: RoutingRule, team: str, why: list[str]) -> Reason:
    skills = ", ".join(rule.skills)
    outcome = " and ".join(
        part for part in (f"team {team}" if team else "", f"skill {skills}" if skills else "") if part
    )
    values = {"rule": rule.name, "team": team, "skills": skills, "why": "; ".join(why)}
    return Reason(code="team.rule" if team else "skill.rule", text=f"{outcome}: {'; '.join(why)}", values=values)


def _test(place: int, rule: RoutingRule, seen: Case) -> tuple[str, list[str]]:
    """Returns the first condition that does not hold, empty where all do; and why the others
    hold, a piece for each."""
    why: list[str] = []
    for condition, piece in _conditions(place, rule, seen):
        if not piece:
            return condition, why
        why.append(piece)
    return "", why


def _conditions(place: int, rule: RoutingRule, seen: Case) -> Iterator[tuple[str, str]]:
    """Yields each condition that the rule has, with a piece of why it holds; empty where it does
    not."""
    if rule.languages:
        yield "language", f"written in {seen.language}" if seen.language in rule.languages else ""
    if rule.channels:
        yield "channel", f"came by {seen.channel}" if seen.channel in rule.channels else ""
    if rule.live is not None:
        waiting = "somebody is waiting" if rule.live else "nobody is waiting on the line"
        yield "live", waiting if seen.live == rule.live else ""
    if rule.tiers:
        yield "tier", f"customer on the {seen.tier} plan" if seen.tier in rule.tiers else ""
    if rule.recipients:
        yield "recipient", f"came to {seen.recipient}" if seen.recipient.lower() in rule.recipients else ""
    facts, severities = dict(seen.facts), dict(seen.severities)
    for name, values in rule.facts.items():
        told = facts.get(name, "")
        yield "fact", f"{name} is {told}" if told.lower() in values else ""
    if rule.severities:
        told = next((severities[severity] for severity in rule.severities if severity in severities), "")
        yield "severity", f"mentions “{told}”" if told else ""
    if rule.words:
        told = dict(seen.words).get(place, "")
        yield "words", f"mentions “{told}”" if told else ""


class _Asked(NamedTuple):
    """What the rules of a policy ask for."""

    facts: tuple[str, ...]
    recipients: bool


@lru_cache(8)
def _asked(policy: Policy) -> _Asked:
    facts = dict.fromkeys(name for rule in policy.rules for name in rule.facts)
    return _Asked(tuple(facts), any(rule.recipients for rule in policy.rules))
