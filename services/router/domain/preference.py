"""On which channel this customer would rather be answered: what they said beats what they do beats
their age."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache

from services.router.domain.policy import KnownChannel, Policy, Preference
from shared.events import Channel, ChannelChoice, InboundMessage, Observed, Profile, Reason, Stated
from shared.kernel import ContactPoint, address_of, kind_of

_STATED_TEXT = {
    "customer": "the customer asked for {label} on {date}",
    "survey": "the customer chose {label} in a survey on {date}",
    "phone": "the customer asked for {label} on the phone on {date}",
    "agent": "prefers {label}, as an agent noted on {date}",
}
_NOT_SUMMONED = "not-summoned"
"""`InboundMessage.closed`."""
_AGES = range(5, 121)
"""Years. Anything else in a form is a slip or a joke."""

_TELLING = frozenset({"preference.stated", "preference.observed", "preference.age"})
"""What says more than where the message came from."""
_STATED, _OBSERVED, _AGE, _USED, _REACHABLE = range(5)
"""Kinds of evidence, the strongest first."""


@dataclass(slots=True)
class _Candidate:
    rank: int
    """That of the strongest evidence for it, which comes first."""
    confidence: float
    reasons: list[Reason]


def prefer(
    message: InboundMessage,
    profile: Profile | None,
    whole: Policy,
    channels: Mapping[str, Channel],
    now: datetime,
) -> tuple[ChannelChoice, ...]:
    """Returns the channels for this customer, the preferred one first. The channel that was used is
    always among them.

    A channel stays in its place when it cannot be used right now, with the reason, so that an agent
    may still call by hand; only what the customer does not want goes to the end.
    """
    policy = whole.preference
    candidates: dict[str, _Candidate] = {}
    for rank, channel, confidence, reason in _evidence(message, profile, policy, channels, now):
        if candidate := candidates.get(channel):
            candidate.confidence = 1 - (1 - candidate.confidence) * (1 - confidence)
            candidate.reasons.append(reason)
        else:
            candidates[channel] = _Candidate(rank, confidence, [reason])
    points = _points(message, profile)
    for name in channels:
        if name not in candidates and _address(name, points, policy, channels):
            candidates[name] = _Candidate(_REACHABLE, 0.0, [_reachable(name, label_of(name, policy, channels))])
    ranked = sorted(candidates.items(), key=lambda item: (item[1].rank, -item[1].confidence, item[0]))
    choices = [_choice(name, found, points, message, profile, whole, channels, now) for name, found in ranked]
    if profile and profile.opted_out:
        choices.sort(key=lambda choice: choice.reasons[-1].code == "unavailable.opted-out")
    return tuple(choices)


def ask(message: InboundMessage, choices: tuple[ChannelChoice, ...], policy: Preference) -> Reason | None:
    """Returns the reason why this customer should be asked which channel they prefer; None where
    that is known well enough, or where asking would reach nobody."""
    best = choices[0]
    if best.confidence >= policy.ask_below or message.automatic or not any(choice.available for choice in choices):
        return None
    return _question(best.confidence, told=any(reason.code in _TELLING for reason in best.reasons))


@lru_cache(256)
def _question(confidence: float, *, told: bool) -> Reason:
    text = f"only weak signs of it ({confidence:.0%})" if told else "nothing is known of it yet"
    values = {"confidence": f"{confidence:.2f}"}
    return Reason(
        code="ask.weak" if told else "ask.nothing-known", text=f"which channel they prefer: {text}", values=values
    )


def _evidence(
    message: InboundMessage, profile: Profile | None, policy: Preference, channels: Mapping[str, Channel], now: datetime
) -> Iterator[tuple[int, str, float, Reason]]:
    """Yields everything that speaks for a channel: its kind, the channel, confidence, reason."""
    wish = Stated(channel=message.wish, source="customer", at=message.received_at) if message.wish else None
    if stated := wish or (profile.stated if profile else None):
        day = _day(stated.at.date())
        label = label_of(stated.channel, policy, channels)
        text = _STATED_TEXT.get(stated.source, "prefers {label}, known since {date}").format(label=label, date=day)
        values = {"channel": stated.channel, "date": stated.at.date().isoformat(), "source": stated.source}
        confidence = policy.stated.get(stated.source, min(policy.stated.values(), default=0.0))
        yield _STATED, stated.channel, confidence, Reason(code="preference.stated", text=text, values=values)
    yield from _habits(profile, policy, channels, now)
    born = message.birth_year or (profile.birth_year if profile else None)
    age = now.year - born if born else 0
    if age in _AGES:
        for prior in policy.ages:
            if prior.at_least <= age < prior.below:
                yield _AGE, prior.channel, policy.age, _aged(prior.channel, age)
    yield _USED, message.channel, policy.used, _used(message.channel, label_of(message.channel, policy, channels))


@cache
def _aged(channel: str, age: int) -> Reason:
    values = {"channel": channel, "age": str(age)}
    return Reason(code="preference.age", text=f"age {age}, given by the customer", values=values)


@lru_cache(64)
def _used(channel: str, label: str) -> Reason:
    return Reason(code="preference.used", text=f"this message came by {label}", values={"channel": channel})


@lru_cache(64)
def _reachable(channel: str, label: str) -> Reason:
    return Reason(code="preference.reachable", text=f"can also be reached by {label}", values={"channel": channel})


def _habits(
    profile: Profile | None, policy: Preference, channels: Mapping[str, Channel], now: datetime
) -> Iterator[tuple[int, str, float, Reason]]:
    """Yields what the customer does, where that is enough to call it a habit. Old messages count
    less and less."""
    if profile is None or not profile.observed:
        return
    aged = {
        name: seen.messages * 0.5 ** (max(0.0, (now - seen.last_at).total_seconds()) / policy.half_life.total_seconds())
        for name, seen in sorted(profile.observed.items())
    }
    weights = {name: weight * _quickness(profile.observed[name], policy) for name, weight in aged.items()}
    total, all_messages = sum(weights.values()), sum(seen.messages for seen in profile.observed.values())
    for name, weight in weights.items():
        if weight > 0 and aged[name] >= policy.observed_at_least:
            reason = _habit(name, profile.observed[name], all_messages, label_of(name, policy, channels))
            yield _OBSERVED, name, policy.observed * weight / total, reason


def _quickness(seen: Observed, policy: Preference) -> float:
    """Returns 1 for a customer who answers at once, a half at `policy.slow`. Where it is not
    known it speaks neither for nor against: 1."""
    slow = policy.slow.total_seconds()
    return slow / (slow + max(0.0, seen.answer_seconds)) if seen.answer_seconds is not None else 1.0


def _habit(name: str, seen: Observed, all_messages: int, label: str) -> Reason:
    text = f"{seen.messages} of {all_messages} messages came by {label}, the last on {_day(seen.last_at.date())}"
    values = {
        "channel": name,
        "messages": str(seen.messages),
        "all": str(all_messages),
        "last": seen.last_at.date().isoformat(),
    }
    if seen.answer_seconds is not None:
        text += f", usually answered within {_span(seen.answer_seconds)}"
        values["answer_seconds"] = f"{seen.answer_seconds:.0f}"
    return Reason(code="preference.observed", text=text, values=values)


def _span(seconds: float) -> str:
    """Formats a time in words, never less than it was."""
    for size, name in ((86_400, "day"), (3600, "hour")):
        if seconds > size:
            return f"{math.ceil(seconds / size)} {name}s"
    minutes = max(1, math.ceil(seconds / 60))
    return f"{minutes} minute{'s' if minutes > 1 else ''}"


def _choice(
    name: str,
    found: _Candidate,
    points: _Points,
    message: InboundMessage,
    profile: Profile | None,
    policy: Policy,
    channels: Mapping[str, Channel],
    now: datetime,
) -> ChannelChoice:
    """Returns a candidate with where to reach the customer, or with the reason why that is
    impossible now."""
    used = name == message.channel
    point = message.sender if used else _address(name, points, policy.preference, channels)
    problem = _problem(name, point, message, profile, policy.preference, channels, used=used)
    if problem is None and not used:
        problem = _closed(name, policy, channels, now)
    closes = None
    if problem is None and name in channels and channels[name].live:
        hours = policy.service.hours_of(name)
        if moment := hours.closes(now):
            closes = moment.astimezone(hours.zone)
    return ChannelChoice(
        channel=name,
        reasons=(*found.reasons, problem) if problem else tuple(found.reasons),
        contact_point=point,
        confidence=round(found.confidence, 2),
        available=problem is None,
        open_until=closes,
    )


def _problem(
    name: str,
    point: ContactPoint | None,
    message: InboundMessage,
    profile: Profile | None,
    policy: Preference,
    channels: Mapping[str, Channel],
    *,
    used: bool,
) -> Reason | None:
    """Returns the reason why the channel cannot be used now, the most final one first; None
    where it can."""
    announced, unwanted = channels.get(name), profile and point in profile.opted_out
    closed = used and message.closed == _NOT_SUMMONED
    if (
        announced
        and announced.enabled
        and not unwanted
        and not closed
        and (used or (announced.can_start and point is not None))
    ):
        return None
    label, values = label_of(name, policy, channels), {"channel": name}
    if unwanted and point:
        text = f"the customer opted out at {address_of(point)}"
        return Reason(code="unavailable.opted-out", text=text, values={**values, "address": address_of(point)})
    if announced and not announced.enabled:
        text = f"{label} is switched off" + (f": {announced.why_off}" if announced.why_off else "")
        return Reason(code="unavailable.off", text=text, values={**values, "why": announced.why_off})
    if closed:
        text = f"{label} lets us answer only those who mentioned or quoted us"
        return Reason(code="unavailable.not-summoned", text=text, values=values)
    if used:
        return None  # it reached us: an answer reaches them
    if announced is None:
        known = policy.channels.get(name)
        code, text = "unavailable.missing", known.missing if known else f"{label} is not set up yet"
    elif not announced.can_start:
        code, text = "unavailable.answers-only", f"by {label} we can only answer"
    else:
        code, text = "unavailable.unknown-address", f"we do not know yet where to reach them by {label}: ask"
    return Reason(code=code, text=text, values=values)


def _closed(name: str, policy: Policy, channels: Mapping[str, Channel], now: datetime) -> Reason | None:
    """Returns the reason why the channel is closed now, if it is. Only channels on which
    somebody has to be there at the same time close: a mail may wait until the morning."""
    announced = channels.get(name)
    if announced is None or not announced.live:
        return None
    hours = policy.service.hours_of(name)
    if hours.open_at(now):
        return None
    opens = hours.next_opening(now)
    local = opens.astimezone(hours.zone) if opens else None
    when = f"from {local:%A %H:%M}" if local else "no more"
    text = f"{label_of(name, policy.preference, channels)} is closed now, open {when}"
    values = {"channel": name, "opens": f"{local:%Y-%m-%d %H:%M}" if local else ""}
    return Reason(code="unavailable.closed", text=text, values=values)


_Points = Sequence[tuple[str, ContactPoint]]
"""Contact points with their kind."""


def _points(message: InboundMessage, profile: Profile | None) -> _Points:
    """Returns every contact point of this customer, the ones that the desk has confirmed first."""
    confirmed = profile.contact_points if profile else ()
    return [(kind_of(point), point) for point in (*confirmed, message.sender, *message.also)]


def _address(name: str, points: _Points, policy: Preference, channels: Mapping[str, Channel]) -> ContactPoint | None:
    """Returns the first contact point of a kind that the channel reaches; None where there is
    none."""
    described: Channel | KnownChannel | None = channels.get(name) or policy.channels.get(name)
    if described:
        for kind, point in points:
            if kind in described.reaches:
                return point
    return None


def label_of(name: str, policy: Preference, channels: Mapping[str, Channel]) -> str:
    """Returns the channel's label, or its name where it is not known."""
    described: Channel | KnownChannel | None = channels.get(name) or policy.channels.get(name)
    return described.label if described else name


@lru_cache(1000)
def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
