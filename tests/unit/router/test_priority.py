"""What is urgent, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.router.domain.decide import decide
from services.router.domain.policy import Policy
from services.router.domain.priority import score, signals
from shared.events import InboundMessage, Profile, Reason
from shared.kernel import ContactPoint, Level
from tests.unit.router.makers import CHANNELS, NOW, POLICY, ann, codes, decided, mail, properties


def scored(
    message: InboundMessage, profile: Profile | None, words: dict[str, str], policy: Policy = POLICY
) -> tuple[int, tuple[Reason, ...]]:
    """The score and its reasons for a message in which these words were found."""
    tier = message.tier or (profile.tier if profile else "")
    return score(signals(message, profile, tier, words, policy.priority, NOW), policy.priority)


ORDER = [Level.LOW, Level.NORMAL, Level.HIGH, Level.URGENT]


@pytest.mark.parametrize(
    ("message", "profile", "level"),
    [
        (mail("How do I change my address?"), None, Level.NORMAL),
        (mail("Our whole shop is down!"), None, Level.URGENT),
        (mail("I cannot log in since this morning."), None, Level.HIGH),
        (mail("All my data is gone, everything is gone"), None, Level.URGENT),
        (mail("We were hacked last night"), None, Level.URGENT),
        (mail("You will hear from my lawyer"), None, Level.HIGH),
        (mail("You charged twice this month"), None, Level.HIGH),
        (mail("Hello?", channel="chat", live=True), None, Level.HIGH),
        (mail("I cannot log in", channel="chat", live=True), None, Level.URGENT),
        (mail("The site is down", channel="phone", live=True), None, Level.URGENT),
        (mail("I am out of the office. The site is down.", automatic="reply"), None, Level.LOW),
        (mail("Weekly newsletter", automatic="list"), None, Level.LOW),
        (mail("Could not be delivered", automatic="bounce"), None, Level.LOW),
        (mail("Terrible service", channel="x", public=True, reach=300, complaint=0.9), None, Level.HIGH),
        (mail("Terrible service", channel="x", public=True, reach=300, complaint=0.7), None, Level.NORMAL),
        (mail("Terrible service", channel="x", public=True, reach=900_000, complaint=0.95), None, Level.URGENT),
        (mail("Lovely service", channel="x", public=True, reach=300, complaint=0.0), None, Level.LOW),
        (mail("I want a refund"), ann(tier="Enterprise", last_csat=1, missed_sla=True), Level.URGENT),
    ],
)
def test_a_dispatcher_would_agree(message: InboundMessage, profile: Profile | None, level: Level) -> None:
    assert decided(message, profile).level is level


def test_every_signal_that_counted_is_a_reason_and_their_points_add_up() -> None:
    profile = ann(tier="pro", last_csat=2, missed_sla=True, recent_contacts=(NOW - timedelta(hours=1),))
    decision = decided(mail("My site is down", live=True, complaint=0.5, public=True, reach=1000), profile)
    expected = {"severity.outage", "live", "base", "complaint", "reach", "tier", "repeated", "bad-csat", "missed-sla"}
    assert set(codes(decision)) == expected
    assert sum(reason.weight for reason in decision.reasons) == pytest.approx(decision.score, abs=1)
    assert decision.reasons[0].code == "severity.outage"


def test_reasons_are_sentences_that_an_agent_understands() -> None:
    profile = ann(
        tier="pro", last_csat=1, missed_sla=True, recent_contacts=(NOW - timedelta(hours=1), NOW - timedelta(hours=3))
    )
    decision = decided(mail("The site is down", live=True, complaint=0.5, public=True, reach=12_000), profile)
    assert {reason.text for reason in decision.reasons} == {
        "something does not work at all: “is down”",
        "somebody is waiting right now",
        "a customer wrote to us",
        "sounds like a complaint (50%)",
        "public, up to 12,000 people may see it",
        "customer on the pro plan",
        "wrote 2 times before within 24 hours",
        "was not happy last time: rated us 1 of 5",
        "was answered too late before",
    }


def test_what_our_own_mail_server_calls_spam_is_low_whatever_it_says() -> None:
    message = mail("URGENT: your account was hacked, the site is down", spam="rspamd")
    decision = decided(message)
    first = decision.reasons[0]
    assert (decision.level, first.code, first.values) == (Level.LOW, "filtered", {"kind": "spam"})
    assert first.text == "your mail server calls it spam (rspamd)"
    assert decided(mail("URGENT: your account was hacked, the site is down")).level is Level.URGENT
    assert decided(mail("I am away.", spam="rspamd", automatic="reply")).reasons[0].code == "automatic"


def test_automatic_mail_says_that_no_person_wrote_it() -> None:
    first = decided(mail("The server is down", automatic="reply")).reasons[0]
    assert (first.code, first.text) == ("automatic", "an automatic reply, not written by a person")
    assert first.weight < 0


def test_a_kind_of_automatic_mail_that_the_policy_does_not_know_is_not_held_down() -> None:
    assert decided(mail("The server is down", automatic="something new")).level is Level.URGENT


def test_a_held_down_kind_without_words_of_its_own_is_still_explained() -> None:
    policy = replace(POLICY, priority=replace(POLICY.priority, ceilings={"digest": 3.0}))
    reasons = decide(mail(automatic="digest"), None, policy, CHANNELS, NOW).reasons
    assert reasons[0].text == "automatic mail, not written by a person"


def test_a_severity_of_an_operators_own_is_explained_by_its_name() -> None:
    policy = replace(POLICY, priority=replace(POLICY.priority, severity={"flood": 90.0}))
    assert scored(mail(), None, {"flood": "water"}, policy)[1][0].text == "flood: “water”"


def test_lines_typed_in_a_row_are_one_contact() -> None:
    burst = tuple(NOW - timedelta(minutes=60 + seconds / 60) for seconds in range(20))
    reason = next(reason for reason in decided(mail(), ann(recent_contacts=burst)).reasons if reason.code == "repeated")
    assert reason.text == "wrote 1 time before within 24 hours"


@pytest.mark.parametrize("ago", [timedelta(0), timedelta(minutes=5), timedelta(hours=25), timedelta(hours=-1)])
def test_what_was_just_now_or_long_ago_is_no_insisting(ago: timedelta) -> None:
    assert "repeated" not in codes(decided(mail(), ann(recent_contacts=(NOW - ago,))))


def test_a_public_post_without_readers_is_worth_no_more_than_a_private_one() -> None:
    assert decided(mail(public=True)).score == decided(mail()).score
    assert POLICY.priority.reach_points(0) == 0


TEXTS = st.sampled_from(
    [
        "hello",
        "the site is down",
        "I cannot log in",
        "data loss",
        "refund please",
        "my lawyer",
        "we were hacked",
        "",
        "안녕하세요",
        "환불해 주세요",
    ]
)
MESSAGES = st.builds(
    mail,
    st.lists(TEXTS, max_size=4).map(". ".join),
    language=st.sampled_from(["en", "ko", "", "nl", "xx"]),
    live=st.booleans(),
    public=st.booleans(),
    reach=st.integers(0, 10**8),
    complaint=st.none() | st.floats(0, 1),
    automatic=st.sampled_from(["", "", "reply", "list", "bounce"]),
    tier=st.sampled_from(["", "pro", "enterprise", "unheard of"]),
)
PROFILES = st.none() | st.builds(
    ann,
    tier=st.sampled_from(["", "business"]),
    last_csat=st.none() | st.integers(1, 5),
    missed_sla=st.booleans(),
    recent_contacts=st.lists(
        st.integers(0, 3000).map(lambda minutes: NOW - timedelta(minutes=minutes)), max_size=20
    ).map(tuple),
)


def replaced(message: InboundMessage, **changes: Any) -> InboundMessage:
    return msgspec.structs.replace(message, **changes)


def points(message: InboundMessage, profile: Profile | None) -> int:
    return decided(message, profile).score


@properties
@given(
    MESSAGES,
    PROFILES,
    st.sampled_from(["The whole site is down.", "We were hacked.", "데이터가 사라졌어요.", "I want a refund."]),
)
def test_more_severe_is_never_lower(message: InboundMessage, profile: Profile | None, more: str) -> None:
    worse = replaced(message, text=f"{message.text}. {more}")
    assert points(worse, profile) >= points(message, profile)


@properties
@given(MESSAGES, PROFILES)
def test_a_live_call_is_never_below_an_equal_mail(message: InboundMessage, profile: Profile | None) -> None:
    waiting, quiet = (replaced(message, live=live) for live in (True, False))
    assert points(waiting, profile) >= points(quiet, profile)


@properties
@given(MESSAGES, PROFILES)
def test_a_score_is_from_0_to_100_and_its_level_fits(message: InboundMessage, profile: Profile | None) -> None:
    decision = decided(message, profile)
    assert 0 <= decision.score <= 100
    lows = [0, POLICY.priority.normal, POLICY.priority.high, POLICY.priority.urgent]
    assert decision.score >= lows[ORDER.index(decision.level)]
    assert sum(reason.weight for reason in decision.reasons) == pytest.approx(decision.score, abs=1.1)


@properties
@given(MESSAGES, PROFILES, st.integers(0, 3000))
def test_one_contact_more_never_lowers(message: InboundMessage, profile: Profile | None, minutes: int) -> None:
    known = profile or ann()
    more = ann(
        tier=known.tier,
        last_csat=known.last_csat,
        missed_sla=known.missed_sla,
        recent_contacts=(*known.recent_contacts, NOW - timedelta(minutes=minutes)),
    )
    assert points(message, more) >= points(message, known)


SEVERITIES = st.dictionaries(st.sampled_from(sorted(POLICY.priority.severity)), st.just("word"))


@properties
@given(MESSAGES, PROFILES, SEVERITIES, st.randoms(use_true_random=False))
def test_the_order_of_signals_does_not_matter(
    message: InboundMessage, profile: Profile | None, found: dict[str, str], chance: Random
) -> None:
    shuffled = list(found.items())
    chance.shuffle(shuffled)
    assert scored(message, profile, dict(shuffled)) == scored(message, profile, found)


@properties
@given(MESSAGES, PROFILES, SEVERITIES, st.sampled_from(sorted(POLICY.priority.severity)))
def test_one_severity_more_never_lowers_and_a_graver_one_is_never_below(
    message: InboundMessage, profile: Profile | None, found: dict[str, str], more: str
) -> None:
    assume(more not in found)
    weights = POLICY.priority.severity
    before, after = (scored(message, profile, words)[0] for words in (found, {**found, more: "word"}))
    assert after >= before
    for other in weights.keys() - found.keys():
        if weights[other] >= weights[more]:
            assert scored(message, profile, {**found, other: "word"})[0] >= after


@properties
@given(MESSAGES, PROFILES, st.integers(0, 10**9))
def test_more_reach_never_lowers(message: InboundMessage, profile: Profile | None, more: int) -> None:
    wider = replaced(message, reach=message.reach + more)
    assert points(wider, profile) >= points(message, profile)
    assert points(replaced(message, public=True), profile) >= points(replaced(message, public=False), profile)


@properties
@given(MESSAGES, PROFILES, st.floats(0, 1))
def test_the_surer_it_is_a_complaint_the_higher(
    message: InboundMessage, profile: Profile | None, complaint: float
) -> None:
    calm = message.complaint or 0.0
    assert points(replaced(message, complaint=max(calm, complaint)), profile) >= points(message, profile)


@properties
@given(MESSAGES, PROFILES, st.sampled_from(["", "nl", "tlh", "no-such", "EN"]))
def test_an_unknown_language_falls_back_to_all_of_them_and_misses_nothing(
    message: InboundMessage, profile: Profile | None, unknown: str
) -> None:
    for language in POLICY.lexicon.languages:
        known = replaced(message, language=language)
        assert points(replaced(message, language=unknown), profile) >= points(known, profile)


@properties
@given(MESSAGES, PROFILES)
def test_mail_that_no_person_wrote_is_never_above_the_same_from_a_person(
    message: InboundMessage, profile: Profile | None
) -> None:
    by_hand = points(replaced(message, automatic=""), profile)
    for kind, ceiling in POLICY.priority.ceilings.items():
        assert points(replaced(message, automatic=kind), profile) <= min(ceiling, by_hand)


def test_the_order_of_sentences_does_not_matter() -> None:
    sentences = ["The site is down", "I want a refund", "We were hacked"]
    assert len({points(mail(". ".join(order)), None) for order in permutations(sentences)}) == 1


def test_the_sender_may_be_anyone() -> None:
    assert decided(mail(sender=ContactPoint("x:44196397"))).level is Level.NORMAL
