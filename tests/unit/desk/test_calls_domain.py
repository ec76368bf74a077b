"""Who is served next on the telephone line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.calls.domain import (
    Agent,
    Caller,
    expected_wait,
    may_call_back,
    next_offers,
    order,
    outcome_moves,
    prefers_phone,
    reasons,
    talked,
    usual_talk,
)
from services.desk.calls.repository import agent as agent_of
from shared.events import CallOutcome
from shared.kernel import Level

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEAD_START = timedelta(minutes=5)
PAUSE = timedelta(seconds=20)
SKILLS = st.frozensets(st.sampled_from(["voice", "french", "korean"]))
EMAILS = [f"a{i}@desk" for i in range(6)]
MOMENTS = st.integers(-3600, 0).map(lambda seconds: NOON + timedelta(seconds=seconds))


@st.composite
def lines(draw: st.DrawFn) -> list[Caller]:
    """People who wait."""
    return [
        Caller(
            call_id=f"CA{number}",
            waiting_since=draw(MOMENTS),
            level=draw(st.sampled_from([level.value for level in Level])),
            prefers_phone=draw(st.booleans()),
            skills=draw(SKILLS),
            asked=draw(st.dictionaries(st.sampled_from(EMAILS), MOMENTS, max_size=6)),
            offered=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@st.composite
def teams(draw: st.DrawFn) -> list[Agent]:
    """People who may answer."""
    return [
        Agent(
            email=email,
            presence=draw(st.sampled_from(["ready", "ready", "busy", "wrap-up", "away"])),
            since=draw(MOMENTS),
            skills=draw(SKILLS),
            occupied=draw(st.booleans()),
        )
        for email in EMAILS[: draw(st.integers(0, 6))]
    ]


def offers(callers: list[Caller], agents: list[Agent]) -> list[tuple[str, str]]:
    found = next_offers(callers, agents, NOON, head_start=HEAD_START, pause=PAUSE)
    return [(offer.call_id, offer.agent) for offer in found]


def ready(email: str, *skills: str, idle: int = 0, presence: str = "ready", occupied: bool = False) -> Agent:
    since = NOON - timedelta(seconds=idle)
    return Agent(email=email, presence=presence, since=since, skills=frozenset(skills), occupied=occupied)


def waiting(call: str, seconds: int = 0, **more: object) -> Caller:
    return Caller(call_id=call, waiting_since=NOON - timedelta(seconds=seconds), **more)  # type: ignore[arg-type]


@given(lines(), st.randoms())
def test_the_order_is_the_same_however_the_callers_are_listed(callers: list[Caller], random: object) -> None:
    shuffled = callers.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert order(shuffled, HEAD_START) == order(callers, HEAD_START)
    assert sorted(c.call_id for c in order(callers, HEAD_START)) == sorted(c.call_id for c in callers)


@given(lines(), lines())
def test_nobodys_place_among_the_others_changes_when_somebody_joins_or_leaves(
    one: list[Caller], two: list[Caller]
) -> None:
    both = {caller.call_id: caller for caller in [*two, *one]}.values()
    staying = [caller for caller in order(both, HEAD_START) if caller in one]
    assert staying == order([caller for caller in both if caller in one], HEAD_START)


@given(lines())
def test_nobody_starves_behind_those_who_prefer_the_phone(callers: list[Caller]) -> None:
    """Within a level nobody is served before somebody who came more than the head start earlier."""
    line = order(callers, HEAD_START)
    for place, caller in enumerate(line):
        for later in line[place + 1 :]:
            if later.level == caller.level:
                assert caller.waiting_since - later.waiting_since <= HEAD_START


@given(lines(), teams())
def test_nobody_is_offered_two_calls_and_no_call_to_two(callers: list[Caller], agents: list[Agent]) -> None:
    found = next_offers(callers, agents, NOON, head_start=HEAD_START, pause=PAUSE)
    assert len({offer.agent for offer in found}) == len(found)
    assert len({offer.call_id for offer in found}) == len(found)
    by_email, by_id = {agent.email: agent for agent in agents}, {caller.call_id: caller for caller in callers}
    on_duty = [agent for agent in agents if agent.presence != "away"]
    for offer in found:
        agent, caller = by_email[offer.agent], by_id[offer.call_id]
        assert agent.presence == "ready"
        assert not agent.occupied
        assert not caller.offered
        assert offer.agent not in caller.asked or caller.asked[offer.agent] + PAUSE <= NOON
        assert not offer.missing or all(one.lacks(caller.skills) for one in on_duty)


@pytest.mark.parametrize(("more", "there"), [({}, "busy"), ({"paused": ["voice"]}, "away"), ({"phone": ""}, "away")])
def test_no_caller_waits_for_the_skills_of_somebody_who_takes_no_calls_after_this_work(
    more: dict[str, Any], there: str
) -> None:
    row = {
        "email": "a@desk",
        "presence": "busy",
        "presence_since": NOON,
        "skills": ["french"],
        "paused": [],
        "phone": "+33611111111",
    }
    hours = {"hours": "", "timezone": "UTC", "time_off": ""}
    busy = agent_of(SimpleNamespace(**row | hours | more), NOON)
    caller = Caller(call_id="CA1", waiting_since=NOON, level="normal", skills=frozenset({"french"}))
    free = Agent(email="b@desk", presence="ready", since=NOON, skills=frozenset({"voice"}))
    assert busy.presence == there
    offered = next_offers([caller], [busy, free], NOON, head_start=HEAD_START, pause=PAUSE)
    assert [offer.agent for offer in offered] == ([] if there == "busy" else ["b@desk"])


@given(lines(), teams())
def test_nobody_waits_while_somebody_who_can_help_is_idle(callers: list[Caller], agents: list[Agent]) -> None:
    found = dict(offers(callers, agents))
    idle = [a for a in agents if a.presence == "ready" and not a.occupied and a.email not in found.values()]
    for caller in callers:
        if not caller.offered and caller.call_id not in found:
            asked = {email for email, at in caller.asked.items() if at + PAUSE > NOON}
            on_duty = [agent for agent in agents if agent.presence != "away"]
            missing = all(agent.lacks(caller.skills) for agent in on_duty)
            assert not [a for a in idle if a.email not in asked and (missing or not a.lacks(caller.skills))]


def test_an_older_caller_who_prefers_the_phone_stands_before_one_who_came_a_little_earlier() -> None:
    line = order([waiting("mail", 60), waiting("older", 10, prefers_phone=True), waiting("long", 400)], HEAD_START)
    assert [caller.call_id for caller in line] == ["long", "older", "mail"]
    assert [
        caller.call_id for caller in order([waiting("mail", 60), waiting("older", prefers_phone=True)], timedelta(0))
    ] == [
        "mail",
        "older",
    ]


def test_urgent_callers_come_first() -> None:
    line = order([waiting("normal", 900, prefers_phone=True), waiting("urgent", 1, level="urgent")], HEAD_START)
    assert [caller.call_id for caller in line] == ["urgent", "normal"]


def test_who_is_idle_longest_is_asked_first() -> None:
    agents = [ready("bo", idle=10), ready("ann", idle=90), ready("cy", idle=500, occupied=True)]
    assert offers([waiting("one", 5), waiting("two")], agents) == [("one", "ann"), ("two", "bo")]


def test_who_declined_is_asked_again_only_after_all_others_and_a_pause() -> None:
    agents = [ready("ann", idle=90), ready("bo", idle=10)]
    just_now, before = NOON - timedelta(seconds=5), NOON - timedelta(seconds=60)
    assert offers([waiting("one", asked={"ann": just_now})], agents) == [("one", "bo")]
    assert offers([waiting("one", asked={"ann": before})], agents) == [("one", "bo")]
    assert offers([waiting("one", asked={"ann": just_now, "bo": just_now})], agents) == []
    assert offers([waiting("one", asked={"ann": before, "bo": just_now})], agents) == [("one", "ann")]


def test_a_caller_waits_for_the_language_while_somebody_on_duty_speaks_it() -> None:
    french = waiting("one", skills=frozenset({"french", "voice"}))
    assert offers([french], [ready("ann", "voice"), ready("claire", "french", "voice", presence="busy")]) == []
    assert offers([french], [ready("ann", "voice"), ready("claire", "french", "voice", presence="away")]) == [
        ("one", "ann")
    ]
    assert offers([french], [ready("all", idle=1), ready("ann", "voice", idle=99)]) == [("one", "all")]


def test_where_nobody_has_all_skills_whoever_has_most_is_asked() -> None:
    agents = [ready("ann", "sales"), ready("bo", "voice")]
    (offer,) = next_offers(
        [waiting("one", skills=frozenset({"french", "voice"}))], agents, NOON, head_start=HEAD_START, pause=PAUSE
    )
    assert (offer.agent, offer.missing) == ("bo", {"french"})


def test_a_callback_is_for_who_takes_calls_and_has_its_skills() -> None:
    ann, bo, cy = ready("ann", "voice"), ready("bo", "chat"), ready("cy")
    assert [agent.email for agent in (ann, bo, cy) if may_call_back(agent, (), (ann, bo, cy))] == ["ann", "cy"]
    assert not may_call_back(ann, ("french",), (ann, bo, cy))
    assert may_call_back(bo, ("french",), (ann, bo))


def test_the_wait_is_told_from_how_long_calls_take_and_how_many_agents_are_there() -> None:
    assert usual_talk([60, 600, 120]) == 120
    assert usual_talk([]) == 240
    assert expected_wait(1, 240, 2) == 120
    assert expected_wait(3, 100, 4) == 75
    assert expected_wait(0, 100, 1) == 100
    assert expected_wait(5, 240, 0) == 0


def test_of_two_words_about_a_request_the_more_final_one_counts() -> None:
    assert outcome_moves("", CallOutcome.ACCEPTED)
    assert outcome_moves("accepted", CallOutcome.CONNECTED)
    assert not outcome_moves("completed", CallOutcome.CONNECTED)
    assert not outcome_moves("connected", CallOutcome.CONNECTED)


def test_a_place_has_its_reasons() -> None:
    asked = waiting("one", prefers_phone=True, asked={"bo": NOON, "ann": NOON})
    found = reasons(asked, HEAD_START)
    assert [reason.code for reason in found] == ["call.level", "call.prefers-phone", "call.asked"]
    assert found[1].text == "prefers the phone: counts as 5 minutes longer in line"
    assert found[2].values == {"agents": "ann, bo"}


def test_having_called_is_no_preference_for_the_phone() -> None:
    used, age = {"code": "preference.used"}, {"code": "preference.age"}
    assert prefers_phone([{"channel": "phone", "reasons": [used, age]}])
    assert not prefers_phone([{"channel": "phone", "reasons": [used]}])
    assert not prefers_phone([{"channel": "email", "reasons": [age]}])
    assert not prefers_phone([{"channel": "phone"}])
    assert not prefers_phone([])


def test_how_long_a_call_took_is_said_in_round_numbers() -> None:
    assert [talked(seconds) for seconds in (-1, 0.4, 59, 61, 250)] == ["0 s", "0 s", "59 s", "1 min", "4 min"]
