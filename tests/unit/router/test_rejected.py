"""What had no part in a decision is told with it, so that whoever reads a ticket need not ask the
router."""

from __future__ import annotations

from itertools import chain, product

import msgspec

from services.router.adapters.urgency import Models
from services.router.domain.explain import explain
from services.router.domain.replay import Recorded, verify
from shared.events import Decision, InboundMessage, Profile, RoutedMessage
from shared.events.codec import decode, encode
from tests.unit.router.makers import CHANNELS, NOW, PHONE, POLICY, ann, decided, mail, under


def recorded(message: InboundMessage, profile: Profile | None = None) -> Recorded:
    routed = RoutedMessage(message=message, decision=decided(message, profile))
    return Recorded(at=NOW, routed=routed, profile=profile, channels=(tuple(CHANNELS.values()),))


def rejected(decision: Decision) -> dict[str, tuple[str, ...]]:
    assert decision.rejected is not None
    return decision.rejected


def test_an_agent_reads_which_rules_did_not_hold_and_which_came_too_late() -> None:
    found = rejected(decided(mail("Notre boutique est en panne. Je veux être remboursé.", language="fr")))
    assert found["rule.severity"] == ("security",)
    assert found["rule.not-needed"] == ("money", "invoices", "access")
    assert found["rule.channel"] == ("on the phone",)
    assert "Korean" in found["rule.language"]


def test_what_is_not_so_is_told_apart_from_what_nobody_can_know() -> None:
    stranger = rejected(decided(mail()))
    assert stranger["signal.unknown"] == ("tier", "repeated", "bad-csat", "missed-sla")
    assert stranger["signal.absent"] == ("live", "judged", "complaint", "reach")
    assert rejected(decided(mail(), policy=under("    use: newest ", "    use: off ")))["signal.unknown"] == (
        ("complaint", "judged", "tier", "repeated", "bad-csat", "missed-sla")
    )
    known = rejected(decided(mail("It is down", complaint=0.0), ann(tier="free")))
    assert "signal.unknown" not in known
    assert known["signal.absent"] == (
        "live",
        "judged",
        "complaint",
        "reach",
        "tier",
        "repeated",
        "bad-csat",
        "missed-sla",
    )
    assert "outage" not in known["signal.no-words"]
    assert "payment" in known["signal.no-words"]


def test_a_channel_on_which_nobody_knows_where_to_reach_the_customer_is_named() -> None:
    assert rejected(decided(mail(), channels={**CHANNELS, "phone": PHONE}))["channel.no-address"] == ("chat", "phone")
    assert "channel.no-address" not in rejected(decided(mail(), channels={"email": CHANNELS["email"]}))


def test_each_condition_of_a_rule_has_its_own_why_not() -> None:
    conditions = {
        "language": "languages: [ko]",
        "channel": "channels: [chat]",
        "live": "live: true",
        "tier": "tiers: [gold]",
        "recipient": "recipients: [sales@example.org]",
        "fact": "facts: {Product: [shop]}",
        "severity": "severities: [outage]",
        "words": "words: [unicorn]",
    }
    for why, condition in conditions.items():
        odd = f"  rules:\n    - {{name: odd, when: {{{condition}}}, team: billing}}"
        assert "odd" in rejected(decided(mail(), policy=under("  rules:", odd)))[f"rule.{why}"]


def test_the_ticket_and_the_command_name_the_same() -> None:
    """`explain` makes the decision again and says why in its own words; what it rejects is what the
    decision recorded."""
    texts = ("Our shop is down", "lawyer", "an invoice please", "hello")
    for text, language, live, known in product(texts, ("en", "fr", "xx", ""), (True, False), (None, ann(tier="pro"))):
        one = recorded(mail(text, language=language, live=live, channel="phone" if live else "email"), known)
        found, told = explain(one, POLICY), rejected(one.routed.decision)
        signals = {line.name.removeprefix("severity.") for line in found.priority if not line.counted}
        assert signals == {name for why, names in told.items() if why.startswith("signal.") for name in names}
        rules = [line.name for line in found.routing if not line.counted and not line.name.startswith("skill ")]
        own = chain.from_iterable(names for why, names in told.items() if why.startswith("rule."))
        assert sorted(rules) == sorted(own)


def test_a_decision_from_before_rejections_and_targets_were_recorded_is_still_proved_the_same() -> None:
    one = recorded(mail("Our shop is down"))
    bare = msgspec.structs.replace(one.routed.decision, rejected=None, reply_targets={})
    assert b"rejected" not in encode(bare)
    assert b"targets" not in encode(bare)
    routed = decode(RoutedMessage, encode(RoutedMessage(message=one.routed.message, decision=bare)))
    assert verify(msgspec.structs.replace(one, routed=routed), {POLICY.label: POLICY}, Models().of).outcome == "same"
    forged = msgspec.structs.replace(one.routed.decision, rejected={"rule.words": ("all",)})
    found = verify(
        msgspec.structs.replace(one, routed=RoutedMessage(message=one.routed.message, decision=forged)),
        {POLICY.label: POLICY},
        Models().of,
    )
    assert (found.outcome, found.fields) == ("different", ("rejected",))
