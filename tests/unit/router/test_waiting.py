"""How long a customer waits for the right people before somebody else may help."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from services.router.adapters.policy_yaml import SHIPPED, parse
from services.router.domain.explain import explain
from services.router.domain.replay import Recorded, compare
from shared.events import Overflow, RoutedMessage
from shared.yaml_sections import YamlErrors
from tests.unit.router.makers import CHANNELS, NOW, POLICY, ann, decided, mail, under

OUTAGE = "Notre boutique est en panne"
EXCEPTION = "  tiers: {}               # such"


def test_who_writes_french_is_answered_by_anybody_once_nobody_who_speaks_it_came() -> None:
    assert decided(mail("Bonjour, une question", language="fr")).skill_timeouts == {"french": 60 * 60}


def test_an_outage_waits_for_nobody_in_particular_for_long() -> None:
    found = decided(mail(OUTAGE, language="fr"))
    assert found.skill_timeouts == {"french": 10 * 60}
    assert found.overflow == Overflow(team="support", after=10 * 60)


def test_a_caller_is_never_given_to_somebody_without_a_telephone() -> None:
    found = decided(mail("Bonjour", channel="phone", live=True, language="fr"))
    assert found.skills == ("french", "voice")
    assert found.skill_timeouts.keys() == {"french"}


def test_security_stays_with_those_who_know_and_a_question_has_nowhere_to_go() -> None:
    assert decided(mail("We were hacked")).overflow is None
    assert decided(mail()).overflow is None


def test_a_plan_overrules_what_holds_for_others() -> None:
    gold = under(
        EXCEPTION,
        "  tiers: {Gold: {skills: {french: 120}, overflow: {technical: {to: billing, after: 5}}}}  # such",
    )
    found = decided(mail(OUTAGE, language="fr"), ann(tier="gold"), policy=gold)
    assert (found.skill_timeouts, found.overflow) == ({"french": 120 * 60}, Overflow(team="billing", after=5 * 60))
    korean = decided(mail("서버 장애", language="ko", tier="gold"), policy=gold)
    assert korean.skill_timeouts == {"korean": 10 * 60}, "where the plan says nothing the level does"


def test_a_team_for_the_rest_may_be_one_that_no_rule_names() -> None:
    night = under(
        "technical: {after: 10}", "technical: {to: night, after: 10}", ("  rules:", "  teams: [night]\n  rules:")
    )
    assert decided(mail("My shop is down"), policy=night).overflow == Overflow(team="night", after=10 * 60)


def test_the_time_counts_only_while_somebody_is_there() -> None:
    weekdays = under("  open: always", "  open: mon-fri 09:00-18:00")  # NOW is a Sunday
    found = decided(mail("Bonjour", language="fr"), None, None, weekdays)
    assert f"{NOW + timedelta(seconds=found.skill_timeouts['french']):%A %H:%M}" == "Monday 10:00"


def test_without_that_part_of_the_policy_everything_is_waited_for() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    before, rest = text.split("\nwaiting:\n")
    patient = parse(before + "\n" + rest[rest.index("# On which channel") :], "test.yaml")
    found = decided(mail(OUTAGE, language="fr"), policy=patient)
    assert (found.skill_timeouts, found.overflow) == ({}, None)


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("skills: {french: 60", "skills: {frensh: 60", "waiting.skills.frensh: 'frensh' is not known; did you mean 'french'?"),
        ("skills: {french: 60", "skills: {french: soon", "waiting.skills.french: must be a number from 1 to 86400, not 'soon'"),
        ("technical: {after: 240}", "tecnical: {after: 240}", "waiting.overflow.tecnical: 'tecnical' is not known; did you mean 'technical'?"),
        ("technical: {after: 240}", "technical: {to: suport, after: 240}", "waiting.overflow.technical.to: 'suport' is not known; did you mean 'support'?"),
        ("technical: {after: 240}", "technical: {to: technical, after: 240}", "waiting.overflow.technical.to: must be another team"),
        ("technical: {after: 240}", "technical: {}", "waiting.overflow.technical.after: is missing"),
        (EXCEPTION, "  tiers: {gold: {skill: {}}}  # such", "waiting.tiers.gold.skill: unknown key; did you mean 'skills'?"),
        ("    urgent:\n", "    urgnt:\n", "waiting.levels.urgnt: unknown key; did you mean 'urgent'?"),
    ],
)  # fmt: skip
def test_a_slip_is_told_with_its_line_and_what_would_be_right(right: str, wrong: str, told: str) -> None:
    with pytest.raises(YamlErrors) as caught:
        under(right, wrong)
    first = SHIPPED.read_text(encoding="utf-8").split(right)[0].count("\n") + 1
    assert f"test.yaml:{first}: {told}" in str(caught.value)


def recorded(text: str, language: str) -> Recorded:
    message = mail(text, language=language)
    routed = RoutedMessage(message=message, decision=decided(message))
    return Recorded(at=NOW, routed=routed, channels=(tuple(CHANNELS.values()),))


def test_an_agent_reads_how_long_the_ticket_waits_for_whom() -> None:
    found = {line.name: line.why for line in explain(recorded(OUTAGE, "fr"), POLICY).routing}
    assert found["skill french"] == "dropped after 10 min"
    assert found["overflow"] == "goes to team support after 10 min without an answer"
    patient = msgspec.structs.replace(
        recorded("Bonjour", "fr"),
        routed=RoutedMessage(
            message=mail("Bonjour", language="fr"),
            decision=decided(mail("Bonjour", language="fr", channel="phone", live=True)),
        ),
    )
    found = {line.name: line.why for line in explain(patient, POLICY).routing}
    assert found["skill voice"] == "waited for, however long it takes"


def test_a_simulation_shows_who_would_wait_for_whom() -> None:
    other = under(
        "urgent:\n      skills: {french: 10",
        "urgent:\n      skills: {french: 30",
        ("technical: {after: 10}", "technical: {after: 180}"),
    )
    (change,) = compare([recorded(OUTAGE, "fr"), recorded("Hello", "en")], other).changes
    assert change.fields == ("skill_timeouts", "overflow")
