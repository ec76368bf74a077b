"""How urgent a message is: a score of 0 to 100 from signals, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from services.router.domain.policy import Policy, Priority, Repeated
from shared.events import InboundMessage, Profile, Reason

_SEVERITY_TEXT = {
    "outage": "something does not work at all",
    "access": "the customer cannot get in",
    "data-loss": "data may be lost",
    "security": "a security problem",
    "legal": "legal action is mentioned",
    "payment": "it is about money",
}
_AUTOMATIC_TEXT = {"reply": "an automatic reply", "bounce": "a returned mail", "list": "a mailing list"}


def score(
    message: InboundMessage, profile: Profile | None, severities: Mapping[str, str], policy: Policy, now: datetime
) -> tuple[int, tuple[Reason, ...]]:
    """The score and its reasons, heaviest first; the reasons' weights add up to the score (rounded).

    Each signal takes its share of what is left to 100: two signals of 50 make 75. So no signal ever lowers a score,
    the order of signals does not matter, and a pile of small ones does not overtake one that is grave. Only mail that
    no person wrote is held down, by a ceiling.
    """
    found = [*_of_message(message, severities, policy.priority), *_of_customer(message, profile, policy.priority, now)]
    signals = sorted((signal for signal in found if signal[0] > 0), key=lambda signal: (-signal[0], signal[1]))
    left, reasons = 100.0, []
    for points, code, text, values in signals:
        share = left * min(points, 100.0) / 100.0
        left -= share
        reasons.append(Reason(code=code, text=text, weight=round(share, 1), values=values))
    total = 100.0 - left
    ceiling = policy.priority.ceilings.get(message.automatic, 100.0) if message.automatic else 100.0
    if total > ceiling:
        text = f"{_AUTOMATIC_TEXT.get(message.automatic, 'automatic mail')}, not written by a person"
        values = {"kind": message.automatic}
        held = Reason(code="automatic", text=text, weight=round(ceiling - total, 1), values=values)
        reasons, total = [held, *reasons], ceiling
    return round(total), tuple(reasons)


def absent(
    message: InboundMessage,
    profile: Profile | None,
    severities: Mapping[str, str],
    counted: tuple[Reason, ...],
    policy: Policy,
) -> dict[str, tuple[str, ...]]:
    """Signals that did not count, as `Decision.rejected` has them: because it is not so, or because nobody can know."""
    told = {reason.code for reason in counted}
    unknown = [] if message.complaint is not None else ["complaint"]
    if not (message.tier or (profile and profile.tier)):
        unknown.append("tier")
    if profile is None:
        unknown += _OF_PROFILES
    absent = [code for code in _SIGNALS if code not in told and code not in unknown]
    silent = [name for name in policy.priority.severity if name not in severities]
    found = {"signal.absent": absent, "signal.no-words": silent, "signal.unknown": unknown}
    return {why: tuple(names) for why, names in found.items() if names}


_OF_PROFILES = ("repeated", "bad-csat", "missed-sla")
_SIGNALS = ("live", "complaint", "reach", "tier", *_OF_PROFILES)
"""Beside severities, and what counts for every message."""
_Signal = tuple[float, str, str, dict[str, str]]
"""Points, code, text, values."""


def _of_message(message: InboundMessage, severities: Mapping[str, str], weights: Priority) -> Iterator[_Signal]:
    yield weights.base, "base", "a customer wrote to us", {}
    if message.live:
        yield weights.live, "live", "somebody is waiting right now", {"channel": message.channel}
    for severity, words in severities.items():
        text = f"{_SEVERITY_TEXT.get(severity, severity)}: “{words}”"
        yield weights.severity[severity], f"severity.{severity}", text, {"severity": severity, "words": words}
    if message.complaint is not None and message.complaint > 0:
        share = min(message.complaint, 1.0)
        yield (
            weights.complaint * share,
            "complaint",
            f"sounds like a complaint ({share:.0%})",
            {"score": f"{share:.2f}"},
        )
    if message.public and message.reach > 0:
        text = f"public, up to {message.reach:,} people may see it"
        yield weights.reach_points(message.reach), "reach", text, {"people": str(message.reach)}


def _of_customer(
    message: InboundMessage, profile: Profile | None, weights: Priority, now: datetime
) -> Iterator[_Signal]:
    tier = message.tier or (profile.tier if profile else "")
    yield weights.tiers.get(tier.lower(), 0.0), "tier", f"customer on the {tier} plan", {"tier": tier}
    if profile is None:
        return
    if contacts := _contacts(profile.recent_contacts, weights.repeated, now):
        hours = round(weights.repeated.within.total_seconds() / 3600)
        text = f"wrote {contacts} {'time' if contacts == 1 else 'times'} before within {hours} hours"
        points = 100 * (1 - (1 - weights.repeated.points / 100) ** contacts)
        yield points, "repeated", text, {"contacts": str(contacts), "hours": str(hours)}
    if profile.last_csat is not None and profile.last_csat <= weights.bad_csat_at_most:
        text = f"was not happy last time: rated us {profile.last_csat} of 5"
        yield weights.bad_csat, "bad-csat", text, {"rating": str(profile.last_csat)}
    if profile.missed_sla:
        yield weights.missed_sla, "missed-sla", "was answered too late before", {}


def _contacts(times: tuple[datetime, ...], rule: Repeated, now: datetime) -> int:
    """How often this customer came before, counted from now backwards; what is close together counts once."""
    counted, last = 0, now
    for time in sorted(times, reverse=True):
        if time < now and now - time <= rule.within and last - time >= rule.apart and counted < rule.at_most:
            counted, last = counted + 1, time
    return counted
