"""What a message would need for each level: told, and true."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.decide import read
from services.router.domain.judging import GRAVE, Judgement
from services.router.domain.policy import Priority
from services.router.domain.priority import Signals, score
from services.router.domain.trying import tried
from services.router.domain.what_if import needs
from shared.kernel import Level
from shared.trials import Need, Outcome, Trial
from tests.unit.router.makers import CHANNELS, NOW, POLICY, mail, properties

WEIGHTS = POLICY.priority
SHARE = st.sampled_from([0.0, 0.3, 0.6, 1.0])
JUDGED = st.builds(
    Judgement,
    version=st.just("urgency-1"),
    kind=st.sampled_from(["thanks", "outage"]),
    share=SHARE,
    grave=st.sampled_from([(), ((("outage", 0.9),),), ((("payment", 0.5), ("access", 0.5)),)]),
    complaint=SHARE,
)
SEEN = st.builds(
    Signals,
    channel=st.just("email"),
    live=st.booleans(),
    severities=st.lists(st.sampled_from([(name, "x") for name in GRAVE]), unique=True, max_size=2).map(tuple),
    complaint=st.none() | SHARE,
    reach=st.sampled_from([0, 500, 10**7]),
    automatic=st.just(""),
    tier=st.sampled_from(["", "pro", "enterprise", "other"]),
    known=st.booleans(),
    contacts=st.integers(0, 3),
    csat=st.none() | st.integers(1, 5),
    missed_sla=st.booleans(),
    judged=st.none() | JUDGED | st.just(Judgement("urgency-1", "thanks", 0.9, calm=True)),
)


def trial(text: str, language: str = "en", **more: object) -> Outcome:
    return tried(Trial(text=text, **more), language, POLICY, CHANNELS, NOW)  # type: ignore[arg-type]


def need(text: str, level: Level, **more: object) -> Need:
    return next(each for each in trial(text, **more).needs if each.level is level)  # type: ignore[arg-type]


def test_an_admin_reads_what_would_have_made_a_question_urgent() -> None:
    found = need("How do I change my address?", Level.URGENT)
    assert (found.begins, found.ends) == (65, 100)
    assert found.points == 65 - trial("How do I change my address?").decision.score
    assert set(found.adding) == {"severity.outage", "severity.security", "severity.data-loss"}
    assert found.without == ()
    assert need("How do I change my address?", Level.HIGH).adding[0] == "severity.payment", "the weakest first"


def test_an_admin_reads_what_keeps_an_outage_from_being_normal() -> None:
    found = need("Our whole shop is down!", Level.NORMAL)
    assert found.points < 0
    assert found.without == ("wording",), "words and model say the same, so that neither alone made it urgent"
    assert need("Our whole shop is down!", Level.URGENT).points == 0


def test_thanks_are_low_because_they_are_only_that() -> None:
    assert need("Thanks a lot!", Level.NORMAL).without == ("calm",)
    assert need("How do I change my address?", Level.LOW).adding == ("calm",)


def test_a_policy_without_a_model_needs_no_thanks() -> None:
    wordy = replace(WEIGHTS, model=None)
    seen = read(mail(), None, replace(POLICY, priority=wordy), NOW).seen
    assert not any("calm" in each.adding for each in needs(seen, wordy))


def test_a_level_without_a_score_is_left_out() -> None:
    weights = replace(WEIGHTS, normal=0.0)
    assert [each.level for each in needs(read(mail(), None, POLICY, NOW).seen, weights)][-1] is Level.NORMAL


def changed(seen: Signals, code: str, weights: Priority, *, added: bool) -> Signals:
    """The message with the signal of this code, or without it, by other means than the code's."""
    kind, _, name = code.partition(".")
    calm = Judgement("", "thanks", 1.0, calm=True)
    quiet = seen.judged._replace(calm=False, grave=()) if seen.judged else None
    if added:
        severities = (*seen.severities, (name, ""))
        more = {
            "live": {"live": True}, "severity": {"severities": severities}, "complaint": {"complaint": 1.0},
            "reach": {"reach": max(seen.reach, weights.reach_full)}, "tier": {"tier": name}, "repeated": {"contacts": 3},
            "bad-csat": {"csat": 2}, "missed-sla": {"missed_sla": True}, "calm": {"severities": (), "judged": calm},
        }  # fmt: skip
        return seen._replace(**more[kind])  # type: ignore[arg-type]
    without = tuple(each for each in seen.severities if each[0] != name)
    silent = seen.judged._replace(complaint=0.0) if seen.judged else None
    less = {
        "live": {"live": False}, "severity": {"severities": without}, "judged": {"judged": quiet}, "calm": {"judged": quiet},
        "wording": {"severities": (), "judged": quiet}, "complaint": {"complaint": None, "judged": silent}, "reach": {"reach": 0},
        "tier": {"tier": ""}, "repeated": {"contacts": 0}, "bad-csat": {"csat": None}, "missed-sla": {"missed_sla": False},
    }  # fmt: skip
    return seen._replace(**less[kind])  # type: ignore[arg-type]


@properties
@given(SEEN)
def test_what_is_told_would_do_it(seen: Signals) -> None:
    now = score(seen, WEIGHTS)[0]
    found = needs(seen, WEIGHTS)
    assert [each.level for each in found] == list(Level)
    assert [each.level for each in found if not each.points] == [WEIGHTS.level(now)]
    for each in found:
        assert WEIGHTS.level(now + each.points) is each.level, "so many points lead there"
        assert WEIGHTS.level(each.begins) is WEIGHTS.level(each.ends) is each.level
        for codes, added in ((each.adding, True), (each.without, False)):
            assert each.points or not codes
            for code in codes:
                points = score(changed(seen, code, WEIGHTS, added=added), WEIGHTS)[0]
                assert each.begins <= points <= each.ends, code


@pytest.mark.parametrize("text", ["", "😀", "안녕 Привет hello 你好 مرحبا", "\x00\ud83d", "x" * 200_000, "\n" * 1000])
def test_any_text_is_judged(text: str) -> None:
    outcome = trial(text, language="")
    assert outcome.decision.level is Level.NORMAL
    assert outcome.judgement
    assert not outcome.judgement.calm


def test_an_alarm_that_is_repeated_a_thousand_times_counts_once() -> None:
    once, often = trial("Our shop is down. "), trial("Our shop is down. " * 1000)
    assert (often.decision.score, often.judgement) == (once.decision.score, once.judgement)


def test_somebody_who_waits_on_a_chat_counts_as_waiting() -> None:
    waiting = trial("Hello?", channel="chat", live=True, tier="Enterprise")
    assert {"live", "tier"} <= {reason.code for reason in waiting.decision.reasons}
    assert need("Hello?", Level.NORMAL, channel="chat", live=True).without == ("live",)


def test_a_channel_that_nobody_announced_is_taken_as_it_is() -> None:
    assert trial("Hello", channel="pigeon").decision.channels[0].channel == "pigeon"
