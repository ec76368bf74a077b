"""How soon an answer is promised, and that the promise counts only while somebody is there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.kernel import Level
from shared.yaml_sections import YamlErrors
from tests.unit.router.makers import ANN, NOW, ann, decided, mail, under

OUTAGE = "Our whole shop is down since this morning"


def test_an_outage_is_promised_an_answer_sooner_than_a_question() -> None:
    assert decided(mail(OUTAGE)).reply_within == 30 * 60
    assert decided(mail("How do I change the colour?")).reply_within == 480 * 60


def test_a_plan_that_promises_more_is_answered_sooner() -> None:
    found = decided(mail(OUTAGE, tier="Enterprise"))
    assert (found.level, found.reply_within) == (Level.URGENT, 15 * 60)
    assert decided(mail("How do I change the colour?", tier="enterprise")).reply_within == 480 * 60
    assert decided(mail(OUTAGE), ann(tier="enterprise", contact_point=ANN)).reply_within == 15 * 60


def test_the_desk_is_told_what_every_level_is_promised_for_an_agent_may_give_another() -> None:
    found = decided(mail(OUTAGE, tier="enterprise"))
    assert found.reply_targets == {"urgent": 900, "high": 3600, "normal": 28800, "low": 86400}
    assert found.reply_within == found.reply_targets["urgent"]


def test_who_writes_on_a_sunday_is_promised_monday_morning() -> None:
    weekdays = under("  open: always", "  open: mon-fri 09:00-18:00")
    found = decided(mail(OUTAGE), None, None, weekdays)
    due = NOW + timedelta(seconds=found.reply_within)
    assert f"{due:%A %H:%M}" == "Monday 09:30"


def test_without_targets_nothing_is_promised() -> None:
    nothing = under("answer_within:\n  urgent: 30\n  high: 120\n  normal: 480\n  low: 1440\n", "answer_within:\n")
    found = decided(mail(OUTAGE), None, None, nothing)
    assert (found.reply_within, found.reply_targets) == (0, {})


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("  open: always", "  open: mon-fry 9-18", "hours.open: 'mon-fry 9-18' is not an opening time"),
        ("  timezone: UTC ", "  timezone: Mars ", "'Mars' is not a time zone"),
        ("  closed_on: []", "  closed_on: [christmas]", "'christmas' is not a date"),
        ("  urgent: 30", "  urgent: 0", "answer_within.urgent: must be a number from 1"),
        ("  low: 1440", "  lowest: 1440", "answer_within.lowest: unknown key; did you mean 'low'?"),
        ("enterprise: {urgent: 15", "enterprise: {urgnt: 15", "answer_within.tiers.enterprise.urgnt: unknown key"),
    ],
)
def test_a_slip_in_the_hours_is_told(right: str, wrong: str, told: str) -> None:
    with pytest.raises(YamlErrors) as caught:
        under(right, wrong)
    assert told in str(caught.value)
