"""Why the router decided as it did, in the agent's words. `N_` marks what the catalogue has to
translate."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from services.desk.tickets.schemas import ReasonView
from services.desk.web.words import CHANNELS, N_, Gettext, name, person
from shared.events import Reason

RULES = {
    "token": N_("Signed token in the reply address or Message-ID"),
    "root": N_("First email of the thread"),
    "conversation": N_("Same conversation on the channel"),
    "open-ticket": N_("Open ticket from the same person"),
    "new": N_("No match: new conversation"),
}
SEVERITIES = {
    "outage": N_("an outage"),
    "access": N_("no access"),
    "data-loss": N_("lost data"),
    "security": N_("a security problem"),
    "legal": N_("legal action"),
    "payment": N_("a payment"),
}
KINDS = SEVERITIES | {
    "complaint": N_("a complaint"),
    "question": N_("a question"),
    "request": N_("a request"),
    "order": N_("an order"),
    "thanks": N_("thanks"),
    "goodbye": N_("a goodbye"),
    "spam": N_("spam"),
    "automatic": N_("an automatic mail"),
    "other": N_("nothing in particular"),
}
"""What a message may sound like."""
SIGNALS = SEVERITIES | {
    "live": N_("somebody waiting"),
    "complaint": N_("a complaint"),
    "judged": N_("something grave by its wording"),
    "reach": N_("a public audience"),
    "tier": N_("the plan"),
    "repeated": N_("writing again"),
    "bad-csat": N_("a bad rating"),
    "missed-sla": N_("a late answer before"),
}
"""What priority looks at, where it did not count."""
REJECTED = {
    "signal.absent": N_("Not the case"),
    "signal.no-words": N_("None of its words"),
    "signal.unknown": N_("Not known"),
    "channel.no-address": N_("No address known for"),
    "rule.severity": N_("Rules about other problems"),
    "rule.words": N_("Rules about other words"),
    "rule.language": N_("Rules for other languages"),
    "rule.channel": N_("Rules for other channels"),
    "rule.live": N_("Rules by whether somebody waits"),
    "rule.tier": N_("Rules for other plans"),
    "rule.recipient": N_("Rules for other mailboxes, numbers or sites"),
    "rule.fact": N_("Rules for other site data"),
    "rule.not-needed": N_("Rules with nothing more to add"),
}
"""Why something had no part in a decision, by the keys of `Decision.rejected`, in the order in
which it is shown."""
SKILLS = {
    "french": N_("French"),
    "korean": N_("Korean"),
    "german": N_("German"),
    "spanish": N_("Spanish"),
    "portuguese": N_("Portuguese"),
    "italian": N_("Italian"),
    "japanese": N_("Japanese"),
    "voice": N_("telephone"),
}
"""Of the policy that comes with the router; others are shown as they are written."""
_REASONS = {
    "base": N_("a customer wrote to us"),
    "live": N_("somebody is waiting right now"),
    "severity": N_("mentions %(severity)s: “%(words)s”"),
    "complaint": N_("sounds like a complaint"),
    "judged": N_("sounds like %(kind)s"),
    "calm": N_("sounds like %(kind)s and nothing else"),
    "filtered": N_("your mail server calls it spam"),
    "reach": N_("public, up to %(people)s people may see it"),
    "tier": N_("customer on the %(tier)s plan"),
    "bad-csat": N_("was not happy last time: rated us %(rating)s of 5"),
    "missed-sla": N_("was answered too late before"),
    "repeated": N_("wrote before within %(hours)s hours, times: %(contacts)s"),
    "automatic": N_("not written by a person"),
    "preference.stated": N_("asked for it: %(channel)s (%(date)s)"),
    "preference.observed": N_("%(messages)s of %(all)s messages came by: %(channel)s"),
    "preference.observed.minutes": N_(
        "%(messages)s of %(all)s messages came by: %(channel)s; usually answered within %(minutes)s min"
    ),
    "preference.observed.hours": N_(
        "%(messages)s of %(all)s messages came by: %(channel)s; usually answered within %(hours)s h"
    ),
    "preference.age": N_("age %(age)s, given by the customer"),
    "preference.used": N_("this message came by: %(channel)s"),
    "preference.reachable": N_("can also be reached by: %(channel)s"),
    "unavailable.opted-out": N_("opted out at %(address)s"),
    "unavailable.not-summoned": N_("by %(channel)s only those who mentioned or quoted us may be answered"),
    "unavailable.closed": N_("closed now, open again: %(opens)s"),
    "unavailable.off": N_("switched off: %(channel)s"),
    "unavailable.missing": N_("not set up yet: %(channel)s"),
    "unavailable.answers-only": N_("only answers are possible by: %(channel)s"),
    "unavailable.unknown-address": N_("we do not know yet where to reach them by: %(channel)s"),
    "call.prefers-phone": N_("prefers the phone, so it counts as waiting %(minutes)s minutes longer"),
    "ask.nothing-known": N_("Ask which channel they prefer: not known yet"),
    "ask.weak": N_("Ask which channel they prefer: low confidence (%(sure)s%%)"),
    "call.dropped-skill": N_("after %(minutes)s min also offered to agents without: %(skill)s"),
    "call.no-skill": N_("nobody on duty has all skills for it: %(skills)s"),
    "group": N_("as urgent as #%(number)s, which is about the same"),
    "team.rule": N_("team %(team)s, by the rule “%(rule)s”"),
    "skill.rule": N_("skills %(skills)s, by the rule “%(rule)s”"),
    "language.customer": N_("language unclear: taken for %(language)s, as this customer wrote before"),
    "language.policy": N_("language unclear, and the customer’s not known: taken for %(language)s, the policy’s"),
    "team.default": N_("%(team)s takes what no rule sends elsewhere"),
}
_OWN = ("ask", "call.dropped-skill", "unavailable.opted-out")
"""Reasons, or kinds of them, that are said in our words in English too."""


def reason(found: ReasonView | Reason, _: Gettext) -> str:
    """Translates a routing reason. English is the router's own text; other languages have the
    frequent ones, by code."""
    kind = _kind(found)
    if kind not in _REASONS:
        return found.text
    template = _(_REASONS[kind])
    if template == _REASONS[kind] and not kind.startswith(_OWN):
        return found.text
    try:
        return template % _in_words(found.values, _)
    except (KeyError, ValueError):
        return found.text


def _kind(found: ReasonView | Reason) -> str:
    if found.code == "preference.observed" and "answer_seconds" in found.values:
        return f"{found.code}.{'hours' if float(found.values['answer_seconds']) > _MINUTES_UNTIL else 'minutes'}"
    return found.code if found.code in _REASONS else found.code.partition(".")[0]


_MINUTES_UNTIL = 2 * 3600.0
"""Seconds up to which a time is told in minutes."""


def _in_words(given: Mapping[str, str], _: Gettext) -> dict[str, str]:
    values = dict(given)
    for key, table in (("severity", SEVERITIES), ("kind", KINDS), ("channel", CHANNELS), ("skill", SKILLS)):
        if key in values:
            values[key] = name(table, values[key], _)
    if "address" in values:
        values["address"] = person(values["address"])
    if "answer_seconds" in values:
        seconds = float(values["answer_seconds"])
        values |= {"minutes": str(max(1, ceil(seconds / 60))), "hours": str(ceil(seconds / 3600))}
    if "confidence" in values:
        values["sure"] = f"{100 * float(values['confidence']):.0f}"
    return values
