"""Trying a policy on what has happened, and proving that what was decided comes out again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router import commands, report
from services.router.adapters import policy_yaml, recorded
from services.router.adapters.urgency import Models
from services.router.domain.explain import explain
from services.router.domain.queueing import Job, staff, waits
from services.router.domain.replay import Recorded, compare, verify
from shared.errors import Misconfigured
from shared.events import InboundMessage, Observed, Profile, RoutedMessage, ThreadClues
from shared.events.codec import decode, encode
from shared.kernel import Level
from tests.unit.router.makers import ANN, ANNS_PHONE, CHANNELS, NOW, PHONE, POLICY, ann, decided, mail, under

POLICIES = {POLICY.label: POLICY}


def decision_on(message: InboundMessage, profile: Profile | None = None) -> Recorded:
    routed = RoutedMessage(message=message, decision=decided(message, profile))
    return Recorded(at=NOW, routed=routed, profile=profile, channels=(tuple(CHANNELS.values()),))


def a_day() -> list[Recorded]:
    texts = ["My shop is down", "Where is my refund?", "How do I change the colour?", "Thank you for the quick help"]
    return [
        decision_on(
            mail(
                f"{texts[n % 4]} ({n})",
                id=f"m{n}",
                provider_id=f"<{n}@example.org>",
                received_at=NOW + n * timedelta(minutes=3),
            )
        )
        for n in range(80)
    ]


def test_every_recorded_decision_comes_out_again() -> None:
    profile = ann(birth_year=1955, tier="pro")
    for one in (decision_on(mail("Our shop is down")), decision_on(mail("Hello"), profile)):
        assert verify(one, POLICIES, Models().of).outcome == "same"


def test_a_decision_with_everything_in_it_comes_out_again_after_its_way_through_kafka() -> None:
    hours = under(
        "  channels: {}          # such as",
        "  channels: {phone: sat-sun 09:00-18:00}  # such as",
        ("  timezone: UTC ", "  timezone: Europe/Paris "),
    )
    profile = ann(
        contact_points=(ANN, ANNS_PHONE),
        observed={
            "phone": Observed(messages=3, last_at=NOW, answer_seconds=0.5),
            "email": Observed(messages=3, last_at=NOW),
        },
    )
    message, channels = mail("Notre boutique est en panne", language="fr"), {**CHANNELS, "phone": PHONE}
    decision = decided(message, profile, channels, hours)
    assert decision.skill_timeouts
    assert decision.overflow
    assert decision.ask_reason
    assert any(choice.open_until for choice in decision.channels)
    routed = decode(RoutedMessage, encode(RoutedMessage(message=message, decision=decision)))
    one = Recorded(at=NOW, routed=routed, profile=profile, channels=(tuple(channels.values()),))
    assert verify(one, {hours.label: hours}, Models().of).outcome == "same"


def test_a_decision_that_was_tampered_with_is_found() -> None:
    one = decision_on(mail("Our shop is down"))
    forged = Recorded(
        at=one.at,
        routed=RoutedMessage(message=mail("Hello"), decision=one.routed.decision),
        channels=one.channels,
    )
    verdict = verify(forged, POLICIES, Models().of)
    assert verdict.outcome == "different"
    assert {"score", "level", "reasons"} <= set(verdict.fields)


def test_what_can_no_longer_be_known_is_said_and_not_guessed() -> None:
    one = decision_on(mail("Hello"), ann())
    assert verify(one, {}, Models().of).outcome == "unknown-policy"
    forgotten = Recorded(at=one.at, routed=one.routed, profile=None, profile_known=False, channels=one.channels)
    assert verify(forgotten, POLICIES, Models().of).outcome == "unknown-profile"


def test_a_channel_that_was_announced_at_that_very_moment_does_not_look_like_a_mistake() -> None:
    one = decision_on(mail("Hello"))
    both = Recorded(at=one.at, routed=one.routed, channels=((), *one.channels))
    assert verify(both, POLICIES, Models().of).outcome == "same"


def test_an_operator_sees_what_another_policy_would_change() -> None:
    other = under("    outage: 60", "    outage: 10")
    found = compare(a_day(), other)
    assert found.messages == 80
    assert {change.recorded.routed.message.text.split(" (")[0] for change in found.changes} == {"My shop is down"}
    assert found.before["level"]["urgent"] == 20
    assert found.after["level"]["urgent"] == 0
    assert found.changed["level"] == 20


def test_the_same_policy_changes_nothing() -> None:
    found = compare(a_day(), POLICY)
    assert (found.changes, found.before) == ([], found.after)


def test_the_report_tells_it_as_text_data_and_page() -> None:
    recording = a_day()
    other = under("    outage: 60", "    outage: 10")
    made = report.make(
        "my.yaml", NOW, NOW + timedelta(days=1), recording, compare(recording, other), staff((), agents=1, minutes=10)
    )
    text = report.as_text(made)
    assert "80 messages" in text
    assert "20 (25%) would be decided differently" in text
    assert report.as_data(made)["changed"] == 20
    page = report.as_page(made)
    assert "<svg" in page
    assert "What my.yaml would change" in page
    before, after = made.waits_before[Level.URGENT], made.waits_before[Level.NORMAL]
    assert before.median < after.median


def test_customers_words_do_not_become_markup_in_the_report() -> None:
    recording = [decision_on(mail("My shop is down", subject="<script>alert(1)</script>"))]
    other = under("    outage: 60", "    outage: 10")
    made = report.make("my.yaml", NOW, NOW, recording, compare(recording, other), staff(()))
    assert "<script>" not in report.as_page(made)


def test_recorded_decisions_survive_a_file(tmp_path: Path) -> None:
    file, day = tmp_path / "day.jsonl", a_day()
    assert recorded.save(day, file) == 80
    assert list(recorded.from_file(file)) == day
    file.write_text("{}\n")
    with pytest.raises(Misconfigured, match=r"day\.jsonl:1: not a recorded decision"):
        list(recorded.from_file(file))


def test_a_simulation_runs_from_a_file_without_kafka(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, policy = tmp_path / "day.jsonl", tmp_path / "new.yaml"
    recorded.save(a_day(), file)
    policy.write_text(
        policy_yaml.SHIPPED.read_text(encoding="utf-8").replace("outage: 60", "outage: 10"), encoding="utf-8"
    )
    outputs = ["--json", str(tmp_path / "out.json"), "--html", str(tmp_path / "out.html")]
    assert commands.main(["simulate", "--policy", str(policy), "--file", str(file), *outputs]) == 0
    assert "20 (25%) would be decided differently" in capsys.readouterr().out
    assert '"changed": 20' in (tmp_path / "out.json").read_text()


def test_an_agent_reads_also_why_a_rule_did_not_count() -> None:
    found = explain(decision_on(mail("I was charged twice, please refund me. My shop is down.", language="fr")), POLICY)
    by_name = {line.name: line for line in found.routing}
    assert by_name["outage"].counted
    assert not by_name["money"].counted
    assert "technical was chosen before" in by_name["money"].why
    assert by_name["French"].counted
    assert "does not hold: written in ko" in by_name["Korean"].why
    signals = {line.name: line for line in found.priority}
    assert signals["severity.outage"].counted
    assert not signals["live"].counted
    assert [line.name for line in found.thread if line.counted] == ["new"]


def test_of_the_clues_to_a_thread_those_after_the_decisive_one_were_not_looked_at() -> None:
    clues = ThreadClues(root="<first@example.org>", conversation="c1")
    found = {line.name: line for line in explain(decision_on(mail(thread=clues)), POLICY).thread}
    assert found["root"].counted
    assert found["root"].why == "<first@example.org>"
    assert found["token"].why == "no such clue"
    assert found["conversation"].why == "not looked at: root came first"
    own = explain(decision_on(mail(thread=ThreadClues(root="<m1@example.org>"))), POLICY).thread
    assert next(line.why for line in own if line.name == "root") == "not decisive: <m1@example.org>"


def test_the_explanation_agrees_with_the_decision_about_team_and_skills() -> None:
    for text in ("My shop is down", "lawyer", "an invoice please", "hello"):
        for language in ("en", "fr", "ko", "xx", ""):
            one = decision_on(mail(text, language=language))
            counted = [line for line in explain(one, POLICY).routing if line.counted]
            assert f"team {one.routed.decision.team}" in " ".join(line.why for line in counted)
            skills = [
                skill
                for skill in one.routed.decision.skills
                if f"skill {skill}" in " ".join(line.why for line in counted)
            ]
            assert tuple(skills) == one.routed.decision.skills


def jobs(levels: Sequence[Level], every: int) -> list[Job]:
    return [Job(NOW + n * timedelta(minutes=every), level, 50) for n, level in enumerate(levels)]


def test_the_urgent_are_served_first_and_the_others_wait_for_it() -> None:
    found = waits(jobs([Level.NORMAL, Level.URGENT] * 20, every=1), staff((), agents=1, minutes=5))
    assert found[Level.URGENT].median < found[Level.NORMAL].median


def test_with_an_agent_for_everybody_nobody_waits() -> None:
    found = waits(jobs([Level.NORMAL] * 30, every=1), staff((), agents=30, minutes=5))
    assert found[Level.NORMAL].worst_tenth == timedelta()


def test_who_writes_at_night_waits_for_the_morning_s_agents() -> None:
    morning = NOW + timedelta(hours=8)
    there = staff([(morning + n * timedelta(minutes=5), "ann@example.org") for n in range(6)])
    assert there.minutes == timedelta(minutes=5)
    found = waits([Job(NOW, Level.NORMAL, 20)], there)
    assert found[Level.NORMAL].median == timedelta(hours=8)


@given(
    st.lists(
        st.tuples(st.integers(0, 600), st.sampled_from(list(Level)), st.integers(0, 100)), min_size=1, max_size=60
    ),
    st.integers(1, 4),
)
def test_everybody_is_served_once_and_more_agents_never_serve_fewer(
    arrivals: list[tuple[int, Level, int]], agents: int
) -> None:
    coming = [Job(NOW + timedelta(minutes=minute), level, score) for minute, level, score in arrivals]
    found = waits(coming, staff((), agents=agents, minutes=7))
    assert sum(wait.tickets for wait in found.values()) == len(coming)
    assert all(wait.median >= timedelta() for wait in found.values())


def test_versions_of_a_profile_are_found_by_the_time() -> None:
    history: recorded.History[Profile] = recorded.History()
    times: list[datetime] = [NOW + n * timedelta(hours=1) for n in range(3)]
    for version, at in enumerate(times, 1):
        history.add(ANN, at, ann(version=version))
    assert history.at(ANN, NOW - timedelta(seconds=1)) is None
    assert [found.version for at in times if (found := history.at(ANN, at))] == [1, 2, 3]
