"""Who should answer, and what they should be able to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.router.domain.decide import decide
from services.router.domain.policy import RoutingRule
from services.router.domain.words import phrase
from shared.events import Decision, InboundMessage
from tests.unit.router.makers import CHANNELS, NOW, POLICY, ann, decided, mail


def under(*rules: RoutingRule, message: InboundMessage | None = None) -> Decision:
    return decide(message or mail(), ann(tier="Pro"), replace(POLICY, rules=rules), CHANNELS, NOW)


@pytest.mark.parametrize(
    ("text", "language", "team", "skills"),
    [
        ("How are you?", "en", "support", ()),
        ("The site is down", "en", "technical", ()),
        ("Please send the invoice again", "en", "billing", ()),
        ("I want a refund, the site is down", "en", "technical", ()),
        ("Pouvez-vous m’envoyer la facture ?", "fr", "billing", ("french",)),
        ("환불해 주세요", "ko", "billing", ("korean",)),
        ("My lawyer will call", "en", "escalations", ()),
    ],
)
def test_a_message_reaches_those_who_can_help(text: str, language: str, team: str, skills: tuple[str, ...]) -> None:
    decision = decided(mail(text, language=language))
    assert (decision.team, decision.skills) == (team, skills)


def test_the_reasons_say_which_rule_sent_it_there() -> None:
    reasons = decided(mail("Je veux être remboursé", language="fr")).routing_reasons
    assert [reason.text for reason in reasons] == ["team billing: mentions “rembourse”", "skill french: written in fr"]
    assert reasons[0].values["rule"] == "money"
    assert [reason.code for reason in reasons] == ["team.rule", "skill.rule"]


def test_where_no_rule_holds_the_reason_says_so() -> None:
    (reason,) = decided(mail()).routing_reasons
    assert (reason.code, reason.text) == ("team.default", "support takes what no rule sends elsewhere")


def test_a_rule_asks_for_all_of_its_conditions() -> None:
    every = RoutingRule(
        "all", "gold", ("tact",), languages=("en",), channels=("email",), tiers=("pro",), severities=("payment",),
        words=(phrase("please"),), live=False,
        recipients=("help@example.org",), facts={"Product": ("shop", "blog")},
    )  # fmt: skip
    message = mail("A refund please", recipient="Help@example.org", facts={"Product": "Shop"})
    decision = under(every, message=message)
    assert decision.team == "gold"
    assert decision.routing_reasons[0].text == (
        "team gold and skill tact: written in en; came by email; nobody is waiting on the line; customer on the pro plan; "
        "came to Help@example.org; Product is Shop; mentions “refund”; mentions “please”"
    )
    other = replace(every, languages=("fr",)), replace(every, channels=("chat",)), replace(every, tiers=("enterprise",)), replace(
        every, severities=("outage",)), replace(every, words=(phrase("never"),)), replace(every, live=True), replace(every, recipients=("sales@example.org",)), replace(
        every, facts={"Product": ("shop",), "Site": ("x",)}), replace(every, facts={"Product": ("blog",)})  # fmt: skip
    for rule in other:
        assert under(rule, message=message).team == "support"


def test_the_first_team_wins_and_skills_add_up() -> None:
    decision = under(
        RoutingRule("one", skills=("tact",), languages=("en",)),
        RoutingRule("two", "first", channels=("email",)),
        RoutingRule("three", "second", channels=("email",)),
        RoutingRule("four", "third", skills=("patience", "tact"), channels=("email",)),
    )
    assert (decision.team, decision.skills) == ("first", ("tact", "patience"))
    assert [reason.values["rule"] for reason in decision.routing_reasons] == ["one", "two", "four"]


def test_a_call_needs_somebody_who_speaks() -> None:
    assert "voice" in decided(mail(channel="phone", live=True)).skills
    assert (
        under(RoutingRule("calls", "voice", live=True), message=mail(live=True)).routing_reasons[0].text
        == "team voice: somebody is waiting"
    )
