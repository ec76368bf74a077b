"""The router's decision, laid out for people; and a dead letter, safe to show."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.dead_letters.schemas import SHOWN_BYTES, details, moment, view
from services.desk.web import render
from services.desk.web.conversation import samples, why
from shared.bus.dead_letters import NoWayBack, parsed
from shared.clock import utc_now
from shared.events import ChannelChoice, Decision, Reason, ThreadMatch
from shared.kernel import Level

USED = ChannelChoice(channel="email", reasons=(Reason(code="preference.used", text="came by email"),))


def decided(*weights: float, rule: str = "new", **more: object) -> Decision:
    """A decision for these weights, in the order in which the router gives them."""
    facts: dict[str, object] = {
        "message_id": "m-1",
        "ticket_id": "t-1",
        "thread": ThreadMatch(key="k", generation=0, rule=rule, evidence=""),
        "score": max(0, min(100, round(sum(weights)))),
        "level": Level.NORMAL,
        "reasons": tuple(Reason(code=f"r{n}", text=f"reason {n}", weight=weight) for n, weight in enumerate(weights)),
        "channels": (USED,),
        "team": "support",
        "skills": (),
        "language": "en",
    }
    return Decision(**(facts | more))  # type: ignore[arg-type]


@given(st.lists(st.floats(0.1, 30, allow_nan=False), min_size=1, max_size=3), st.floats(0, 20, allow_nan=False))
def test_the_bars_of_a_decision_add_up_to_its_score(weights: list[float], held: float) -> None:
    lowered = min(held, sum(weights))
    found = why.bars(decided(-lowered, *weights) if lowered else decided(*weights))
    end = 0.0
    for bar in found:
        assert bar.start == pytest.approx(end - bar.length if bar.lowers else end, abs=0.3)
        end += -bar.length if bar.lowers else bar.length
    assert end == pytest.approx(sum(weights) - lowered, abs=0.5)
    assert [bar.lowers for bar in found] == sorted(bar.lowers for bar in found), "what lowers it comes last"


def test_rules_that_came_before_are_named_and_those_after_are_not() -> None:
    assert why.passed_over(decided(10, rule="token")) == []
    assert why.passed_over(decided(10, rule="conversation")) == ["token", "root"]
    assert why.passed_over(decided(10, rule="of a newer router")) == []


def test_an_answer_is_due_as_long_after_the_message_as_the_policy_says() -> None:
    now = utc_now()
    assert why.due(decided(10, reply_within=3600), now) == now + timedelta(hours=1)
    assert why.due(decided(10), now) is None


def test_reasons_for_and_against_a_channel_are_told_apart() -> None:
    off = Reason(code="unavailable.off", text="switched off")
    choice = ChannelChoice(channel="phone", reasons=(Reason(code="preference.age", text="age 71"), off))
    assert [reason.text for reason in why.for_it(choice)] == ["age 71"]
    assert why.against_it(choice) == [off]


@pytest.mark.parametrize(
    ("language", "seconds", "said"),
    [("en", 4 * 3600, "4 hr"), ("en", 5400, "1 hr 30 min"), ("en", 5, "1 min"), ("ko", 5400, "1시간 30분")],
)
def test_a_time_to_answer_is_said_in_words(language: str, seconds: int, said: str) -> None:
    assert render.lasting(seconds, language) == said


def test_every_message_of_a_customer_explains_its_decision() -> None:
    message = next(each for each in samples.messages() if each.decision)
    html = render.render(
        "parts/changed.html", "en", samples.CHANNELS, row=samples.rows()[0], message=message, change=None, viewer=None
    )
    assert "python -m services router explain sample-1" in html
    assert html.count("<rect") == 4, "three reasons and their sum"


def test_what_was_rejected_is_told_in_its_order_and_what_a_newer_router_rejects_last() -> None:
    told = {"rule.words": ("invoices",), "of a newer router": ("x",), "signal.absent": ("live",)}
    assert [why for why, _ in why.rejected(decided(10, rejected=told))] == [
        "signal.absent",
        "rule.words",
        "of a newer router",
    ]
    assert why.rejected(decided(10)) == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            (
                "Rules for other languages",
                "somebody waiting",
                "open until",
                "Korean: 10 min",
                "low confidence (35%)",
            ),
        ),
        ("fr", ("Règles pour d’autres langues", "quelqu’un qui attend", "ouvert jusqu’à", "coréen : 10")),
        ("ko", ("다른 언어에 대한 규칙", "기다리는 사람", "운영 종료:", "한국어: 10분")),
    ],
)
def test_an_agent_reads_what_was_rejected_how_long_is_waited_and_until_when_a_channel_is_open(
    language: str, said: tuple[str, ...]
) -> None:
    message = next(each for each in samples.messages() if each.decision)
    context = {"row": samples.rows()[0], "message": message, "change": None, "viewer": None}
    html = render.render("parts/changed.html", language, samples.CHANNELS, **context)
    for text in (*said, '<time class="number" datetime="2026-10-12T16:00:00+00:00"'):
        assert text in html, text


@given(
    st.lists(st.tuples(st.text(), st.binary())), st.none() | st.binary(max_size=5000), st.text(), st.sampled_from("ab")
)
def test_whatever_was_set_aside_can_be_shown(
    headers: list[tuple[str, bytes]], value: bytes | None, error: str, group: str
) -> None:
    told = [("error", error.encode("utf-8", "surrogatepass")), ("group", group.encode()), *headers]
    found = details(parsed(1, value, told), value, None)
    for text in (found.letter.error, found.letter.key, *(name + data for name, data in found.headers)):
        assert text.isprintable()
    assert found.left == max(0, len(value or b"") - SHOWN_BYTES)
    assert (found.raw is None) == (value is None)


def test_a_huge_stack_shows_its_end_where_the_cause_is() -> None:
    letter = parsed(1, b"x", [("stack", b"x" * 100_000 + b"the cause"), ("source_key", b"k" * 5000)])
    found = details(letter, b"x", NoWayBack("door", "set aside at the door"))
    assert found.stack.endswith("the cause")
    assert len(found.stack) < 21_000
    assert len(found.letter.key) < 600
    assert (found.stays, found.why) == ("door", "set aside at the door")


@pytest.mark.parametrize("at", ["", "soon", "2026-11-22T09:30:00"])
def test_a_time_that_nobody_can_place_is_none(at: str) -> None:
    assert moment(at) is None
    assert view(parsed(1, b"", [("ce_time", at.encode())])).at is None
