"""The decision about one message: thread, priority, channels, team, each with its reasons."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from services.router.domain import teams
from services.router.domain.judging import Judgement
from services.router.domain.languages import answered_in, read_as
from services.router.domain.mentions import Mentions, mentions
from services.router.domain.policy import Policy
from services.router.domain.preference import ask, prefer
from services.router.domain.priority import Signals, absent, score, signals
from services.router.domain.threads import thread
from services.router.domain.words import normal
from shared.events import Channel, Decision, InboundMessage, Judged, Profile


def wording(message: InboundMessage) -> str:
    """Returns what a customer wrote, subject and all."""
    return f"{message.subject}. {message.text}" if message.subject else message.text


def is_judged(message: InboundMessage) -> bool:
    """Whether a person wrote the words: those of calls are ours."""
    return not (message.automatic or message.call)


class Read(NamedTuple):
    """What a message says, with what is known of who wrote it."""

    language: str
    """The message's own, or the customer's; empty where neither is known."""
    tier: str
    mentioned: Mentions
    judged: Judgement | None
    seen: Signals


def read(message: InboundMessage, profile: Profile | None, policy: Policy, now: datetime) -> Read:
    """Reads a message as `decide` does: what it mentions, what the model says, what counts."""
    language = read_as(message, profile)
    words = wording(message)
    mentioned = mentions(normal(words), language, policy)
    tier = message.tier or (profile.tier if profile else "")
    model = policy.priority.model if is_judged(message) else None
    judged = model.judge(words) if model else None
    seen = signals(message, profile, tier, mentioned.severities, policy.priority, now, judged)
    return Read(language, tier, mentioned, judged, seen)


def decide(
    message: InboundMessage, profile: Profile | None, policy: Policy, channels: Mapping[str, Channel], now: datetime
) -> Decision:
    """Decides what to do with a message. The same arguments give the same decision, byte for byte.

    profile: of the customer who wrote, where the desk knows one; channels: by name, as they
    announced themselves; now: the router passes the message's own `received_at`, so that a replay
    decides as it was decided then.
    """
    language, tier, mentioned, judged, seen = read(message, profile, policy, now)
    match, ticket = thread(message, profile, policy, now)
    points, reasons = score(seen, policy.priority)
    level = policy.priority.level(points)
    language, taken = answered_in(language, message, policy)
    case = teams.case(message, tier, language, mentioned, policy)
    team, skills, routing_reasons, rules = teams.route(case, policy)
    targets = policy.service.reply_targets(tier, now)
    timeouts, overflow = teams.waiting(team, skills, level, tier, policy.service, now)
    choices = prefer(message, profile, policy, channels, now)
    question = ask(message, choices, policy.preference)
    rejected = {**absent(seen, policy.priority), **rules}
    if unreachable := channels.keys() - {choice.channel for choice in choices}:
        rejected["channel.no-address"] = tuple(sorted(unreachable))
    return Decision(
        message_id=message.id,
        ticket_id=ticket,
        thread=match,
        score=points,
        level=level,
        reasons=reasons,
        channels=choices,
        team=team,
        skills=skills,
        language=language,
        routing_reasons=(*routing_reasons, *taken),
        policy=policy.label,
        profile_version=profile.version if profile else 0,
        reply_within=targets.get(level, 0),
        reply_targets=targets,
        skill_timeouts=timeouts,
        overflow=overflow,
        judged=Judged(model=judged.version, kind=judged.kind, share=judged.share) if judged else None,
        rejected=rejected,
        ask_preference=question is not None,
        ask_reason=question,
    )
