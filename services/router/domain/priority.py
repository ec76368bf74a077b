"""How urgent a message is: a score of 0 to 100 from signals, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from services.router.domain.judging import Judgement, gravest, harm
from services.router.domain.policy import REMEMBERED, Priority, Repeated
from shared.events import InboundMessage, Profile, Reason

_SEVERITY_TEXT = {
    "outage": "something does not work at all",
    "access": "the customer cannot get in",
    "data-loss": "data may be lost",
    "security": "a security problem",
    "legal": "legal action is mentioned",
    "payment": "it is about money",
}
_KIND_TEXT = {
    "outage": "an outage",
    "access": "no access",
    "data-loss": "lost data",
    "security": "a security problem",
    "legal": "legal action",
    "payment": "trouble with a payment",
    "complaint": "a complaint",
    "thanks": "thanks",
    "goodbye": "a goodbye",
    "spam": "spam",
    "automatic": "an automatic mail",
}
_FEWEST = 10.0
"""Points below which what the model expects is no signal: most messages sound a little like many
things."""
_AUTOMATIC_TEXT = {"reply": "an automatic reply", "bounce": "a returned mail", "list": "a mailing list"}


class Signals(NamedTuple):
    """What the priority looks at. Messages that are alike in this score alike."""

    channel: str
    live: bool
    severities: tuple[tuple[str, str], ...]
    """With the words that told."""
    complaint: float | None
    reach: int
    """Of a public post."""
    automatic: str
    tier: str
    known: bool
    """Whether the desk knows the customer."""
    contacts: int
    csat: int | None
    missed_sla: bool
    judged: Judgement | None = None
    filtered: str = ""
    """Which spam filter of our own mail server calls it spam."""

    def complains(self, weight: float) -> float:
        """Returns how probably it complains, 0 to 1, by the channel or by the model, which counts
        as much as `weight`."""
        by_model = self.judged.complaint * weight if self.judged else 0.0
        return min(max(self.complaint or 0.0, by_model), 1.0)


def signals(
    message: InboundMessage,
    profile: Profile | None,
    tier: str,
    severities: Mapping[str, str],
    weights: Priority,
    now: datetime,
    judged: Judgement | None = None,
) -> Signals:
    """Returns what counts for or against this message."""
    return Signals(
        message.channel,
        message.live,
        tuple(severities.items()),
        message.complaint,
        message.reach if message.public else 0,
        message.automatic,
        tier,
        profile is not None,
        _contacts(profile.recent_contacts, weights.repeated, now) if profile and profile.recent_contacts else 0,
        profile.last_csat if profile else None,
        profile.missed_sla if profile else False,
        gravest(judged, weights.severity) if judged else None,
        message.spam,
    )


@lru_cache(REMEMBERED)
def score(seen: Signals, weights: Priority) -> tuple[int, tuple[Reason, ...]]:
    """Returns the score and its reasons, heaviest first; the reasons' weights add up to the score
    (rounded).

    Each signal takes its share of what is left to 100: two signals of 50 make 75. So no signal ever
    lowers a score, the order of signals does not matter, and a pile of small ones does not overtake
    one that is grave. Only what no person wrote, is calm, or is spam to our own mail server is held
    down, by a ceiling.
    """
    counted = sorted((each for each in _weighed(seen, weights) if each[0] > 0), key=lambda each: (-each[0], each[1]))
    left, reasons = 100.0, []
    for points, code, text, values in counted:
        share = left * min(points, 100.0) / 100.0
        left -= share
        reasons.append(Reason(code=code, text=text, weight=round(share, 1), values=values))
    total = 100.0 - left
    code, kind, text = _held(seen)
    ceiling = weights.ceilings.get(kind, 100.0)
    if total > ceiling:
        held = Reason(
            code=code,
            text=text,
            weight=round(ceiling - total, 1),
            values={"kind": kind},
        )
        reasons, total = [held, *reasons], ceiling
    return round(total), tuple(reasons)


def _held(seen: Signals) -> tuple[str, str, str]:
    """Returns why a message is held down: the reason's code, the ceiling, and words. No person
    wrote it, our own mail server calls it spam, or it is calm and mentions nothing grave."""
    if seen.automatic:
        return (
            "automatic",
            seen.automatic,
            f"{_AUTOMATIC_TEXT.get(seen.automatic, 'automatic mail')}, not written by a person",
        )
    if seen.filtered:
        return "filtered", "spam", f"your mail server calls it spam ({seen.filtered})"
    judged = seen.judged
    if judged and judged.calm and not seen.severities:
        return "calm", judged.kind, f"sounds like {_KIND_TEXT[judged.kind]} and nothing else ({judged.share:.0%})"
    return "", "", ""


@lru_cache(REMEMBERED)
def absent(seen: Signals, weights: Priority) -> Mapping[str, tuple[str, ...]]:
    """Signals that did not count, as `Decision.rejected` has them: because it is not so, or because
    nobody can know."""
    told = {code for points, code, *_ in _weighed(seen, weights) if points > 0}
    unknown = [] if seen.complaint is not None or seen.judged else ["complaint"]
    if not seen.judged:
        unknown.append("judged")
    if not seen.tier:
        unknown.append("tier")
    if not seen.known:
        unknown += _OF_PROFILES
    absent = [code for code in _SIGNALS if code not in told and code not in unknown]
    silent = [name for name in weights.severity if name not in dict(seen.severities)]
    found = {"signal.absent": absent, "signal.no-words": silent, "signal.unknown": unknown}
    return {why: tuple(names) for why, names in found.items() if names}


_OF_PROFILES = ("repeated", "bad-csat", "missed-sla")
_SIGNALS = ("live", "judged", "complaint", "reach", "tier", *_OF_PROFILES)
"""Beside severities, and what counts for every message."""
_Signal = tuple[float, str, str, dict[str, str]]
"""Points, code, text, values."""


def _weighed(seen: Signals, weights: Priority) -> Iterator[_Signal]:
    yield weights.base, "base", "a customer wrote to us", {}
    if seen.live:
        yield weights.live, "live", "somebody is waiting right now", {"channel": seen.channel}
    for severity, words in seen.severities:
        text = f"{_SEVERITY_TEXT.get(severity, severity)}: “{words}”"
        yield weights.severity[severity], f"severity.{severity}", text, {"severity": severity, "words": words}
    if seen.judged:
        points, kind, share = harm(seen.judged, weights.severity)
        words = seen.judged.words if kind == seen.judged.kind else ""
        text = f"sounds like {_KIND_TEXT.get(kind, kind)} ({share:.0%}){f': “{words}”' if words else ''}"
        values = {"kind": kind, "share": f"{share:.2f}", "words": words}
        yield _beyond(points * weights.model_weight, seen, weights), "judged", text, values
    complaint = seen.complains(weights.model_weight)
    if complaint:
        text = f"sounds like a complaint ({complaint:.0%})"
        yield weights.complaint * complaint, "complaint", text, {"score": f"{complaint:.2f}"}
    if seen.reach > 0:
        text = f"public, up to {seen.reach:,} people may see it"
        yield weights.reach_points(seen.reach), "reach", text, {"people": str(seen.reach)}
    tier = seen.tier
    yield weights.tiers.get(tier.lower(), 0.0), "tier", f"customer on the {tier} plan", {"tier": tier}
    if seen.contacts:
        hours = round(weights.repeated.within.total_seconds() / 3600)
        text = f"wrote {seen.contacts} {'time' if seen.contacts == 1 else 'times'} before within {hours} hours"
        points = 100 * (1 - (1 - weights.repeated.points / 100) ** seen.contacts)
        yield points, "repeated", text, {"contacts": str(seen.contacts), "hours": str(hours)}
    if seen.csat is not None and seen.csat <= weights.bad_csat_at_most:
        text = f"was not happy last time: rated us {seen.csat} of 5"
        yield weights.bad_csat, "bad-csat", text, {"rating": str(seen.csat)}
    if seen.missed_sla:
        yield weights.missed_sla, "missed-sla", "was answered too late before", {}


def _beyond(points: float, seen: Signals, weights: Priority) -> float:
    """Returns what the model expects beyond the words: together they are worth as much as the
    graver of the two."""
    left = math.prod(1 - min(weights.severity[severity], 100.0) / 100 for severity, _ in seen.severities)
    if not left:
        return 0.0
    beyond = 100 - (100 - min(points, 100.0)) / left
    return beyond if beyond >= _FEWEST else 0.0


def _contacts(times: tuple[datetime, ...], rule: Repeated, now: datetime) -> int:
    """Returns how often this customer came before, counted from now backwards; what is close
    together counts once."""
    counted, last = 0, now
    for time in sorted(times, reverse=True):
        if time < now and now - time <= rule.within and last - time >= rule.apart and counted < rule.at_most:
            counted, last = counted + 1, time
    return counted
