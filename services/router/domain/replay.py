"""Deciding again: what was recorded, the same or another policy, and what differs. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

import msgspec

from services.router.domain.decide import decide
from services.router.domain.judging import Model
from services.router.domain.policy import Policy
from shared.events import Channel, Decision, Profile, RoutedMessage
from shared.events.codec import encode
from shared.kernel import Level

FIELDS = ("level", "score", "team", "skills", "channel", "ticket", "reply_within", "skill_timeouts", "overflow", "ask")
"""What of a decision people ask about."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A message with the decision that was made on it, and what was known then."""

    at: datetime
    """When the decision was written."""
    routed: RoutedMessage
    profile: Profile | None = None
    profile_known: bool = True
    """False where Kafka no longer has the version of the profile that the decision was made with;
    then `profile` is the nearest one."""
    channels: tuple[tuple[Channel, ...], ...] = ((),)
    """How the channels stood. More than one where a channel announced itself within seconds of the
    decision: nobody can tell which of them the router had read by then."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Of deciding again under the policy that was in force."""

    message_id: str
    outcome: str
    """`same`, `different`, `unknown-policy`, `unknown-model` or `unknown-profile`."""
    fields: tuple[str, ...] = ()
    """Of `different`: which parts of the decision."""


@lru_cache(8)
def _judging(policy: Policy, model: Model | None) -> Policy:
    return replace(policy, priority=replace(policy.priority, model=model))


def as_decided(policy: Policy, decision: Decision, models: Callable[[str], Model | None]) -> Policy | None:
    """Returns the policy with the model that had a part in a decision, or with none; None where
    that model is not here. `models`: by version."""
    if decision.judged is None:
        return _judging(policy, None)
    model = models(decision.judged.model)
    return _judging(policy, model) if model else None


def again(recorded: Recorded, policy: Policy, channels: Sequence[Channel]) -> Decision:
    """Returns the decision under this policy, with the profile and the clock of that time."""
    message = recorded.routed.message
    return decide(message, recorded.profile, policy, {one.name: one for one in channels}, message.received_at)


def verify(recorded: Recorded, policies: Mapping[str, Policy], models: Callable[[str], Model | None]) -> Verdict:
    """Whether the recorded decision comes out again, byte for byte. `policies`: by label, such as
    `default@3`; `models`: by version."""
    message, decision = recorded.routed.message, recorded.routed.decision
    known = policies.get(decision.policy)
    if known is None:
        return Verdict(message_id=message.id, outcome="unknown-policy")
    policy = as_decided(known, decision, models)
    if policy is None:
        return Verdict(message_id=message.id, outcome="unknown-model")
    if not recorded.profile_known:
        return Verdict(message_id=message.id, outcome="unknown-profile")
    as_written = encode(decision)
    candidates = [again(recorded, policy, channels) for channels in recorded.channels]
    if decision.rejected is None:  # made before routers told what they rejected
        candidates = [msgspec.structs.replace(candidate, rejected=None) for candidate in candidates]
    if not decision.reply_targets:  # made before routers told the targets of all levels
        candidates = [msgspec.structs.replace(candidate, reply_targets={}) for candidate in candidates]
    if any(encode(candidate) == as_written for candidate in candidates):
        return Verdict(message_id=message.id, outcome="same")
    differing = [name for name in Decision.__struct_fields__ if getattr(candidates[0], name) != getattr(decision, name)]
    return Verdict(message_id=message.id, outcome="different", fields=tuple(differing))


@dataclass(frozen=True, slots=True)
class Change:
    """A message that another policy decides on differently."""

    recorded: Recorded
    after: Decision
    fields: tuple[str, ...]

    @property
    def size(self) -> int:
        """How much its priority moved: points, and a hundred for each level."""
        before, after = self.recorded.routed.decision, self.after
        levels = list(Level)
        return abs(after.score - before.score) + 100 * abs(levels.index(after.level) - levels.index(before.level))


@dataclass(slots=True)
class Comparison:
    """A period under two policies. Counts are of messages."""

    messages: int = 0
    nearest_profiles: int = 0
    """Decided with the nearest profile, because the one of that time is gone."""
    changed: Counter[str] = field(default_factory=Counter)
    """By field; a message may count under several."""
    before: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("level", "team", "channel")}
    )
    after: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("level", "team", "channel")}
    )
    changes: list[Change] = field(default_factory=list)


def compare(recording: Iterable[Recorded], policy: Policy) -> Comparison:
    """Decides on everything again under `policy`, and returns what differs."""
    found = Comparison()
    for recorded in recording:
        before, after = recorded.routed.decision, again(recorded, policy, recorded.channels[0])
        found.messages += 1
        found.nearest_profiles += not recorded.profile_known
        old, new = summary(before), summary(after)
        for name in ("level", "team", "channel"):
            found.before[name][str(old[name])] += 1
            found.after[name][str(new[name])] += 1
        fields = tuple(name for name in FIELDS if old[name] != new[name])
        if fields:
            found.changed.update(fields)
            found.changes.append(Change(recorded, after, fields))
    return found


def summary(decision: Decision) -> dict[str, object]:
    """Returns the parts of a decision that `FIELDS` names."""
    best = next((choice.channel for choice in decision.channels if choice.available), decision.channels[0].channel)
    return {
        "level": decision.level.value,
        "score": decision.score,
        "team": decision.team,
        "skills": decision.skills,
        "channel": best,
        "ticket": decision.ticket_id,
        "reply_within": decision.reply_within,
        "skill_timeouts": tuple(f"{skill} {after} s" for skill, after in decision.skill_timeouts.items()),
        "overflow": f"{decision.overflow.team} {decision.overflow.after} s" if decision.overflow else "",
        "ask": decision.ask_preference,
    }
