"""A call ends in the same state however late, often and disordered its webhooks come."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.phone.domain.call_events import (
    Attempted,
    AttemptEnded,
    Begun,
    CallbackAsked,
    CalledBack,
    CallEvent,
    LanguageChosen,
    MenuHeard,
    NotesWritten,
    NotRecorded,
    Over,
    Recorded,
    Stage,
    VoicemailBegun,
    Waiting,
)
from services.phone.domain.calls import Call, apply, fold, outcome
from services.phone.domain.messages import Kind, compose, due
from services.phone.domain.timers import timers
from shared.events import CallOutcome, CallState
from shared.kernel import ContactPoint

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MARGARET = ContactPoint("tel:+33612345678")


def at(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def begun(customer: ContactPoint = MARGARET, **more: object) -> Begun:
    return Begun(customer, "+33199001234", "fr", NOON, **more)  # type: ignore[arg-type]


def rings(request: str, seconds: int, stage: Stage = Stage.RINGING) -> Attempted:
    return Attempted(request, stage, at(seconds), at(seconds), "mina@example.org", at(seconds + 20))


def fails(request: str, seconds: int, why: CallOutcome = CallOutcome.AGENT_NO_ANSWER) -> AttemptEnded:
    return AttemptEnded(request, why, at(seconds), at(seconds), "mina@example.org", "nobody answered")


moments = st.integers(0, 600).map(at)
requests = st.sampled_from(["r1", "r2", "r3"])
facts = st.one_of(
    st.builds(begun),
    st.builds(lambda: begun(verified=True)),
    st.builds(MenuHeard, moments),
    st.builds(LanguageChosen, st.sampled_from(["en", "fr", "ko"]), st.integers(0, 3)),
    st.builds(Waiting, moments),
    st.builds(Attempted, requests, st.sampled_from(Stage), moments, moments, st.sampled_from(["", "a@x", "b@x"])),
    st.builds(
        AttemptEnded, requests, st.sampled_from(CallOutcome), moments, moments, st.just("a@x"), st.text(max_size=3)
    ),
    st.builds(CallbackAsked, moments),
    st.builds(VoicemailBegun, moments),
    st.builds(Recorded, st.sampled_from(["RE1", "RE2"]), st.just("u"), st.integers(1, 60)),
    st.builds(NotRecorded, moments),
    st.builds(Over, st.sampled_from(["completed", "no-answer", "failed"]), moments),
    st.builds(NotesWritten, moments),
    st.builds(CalledBack, moments),
)


@given(st.lists(facts, max_size=25), st.randoms(use_true_random=False))
def test_late_and_repeated_webhooks_in_any_order_end_in_the_same_state(
    heard: list[CallEvent], chance: random.Random
) -> None:
    again = [*heard, *chance.choices(heard, k=len(heard))] if heard else []
    chance.shuffle(again)
    first, second = fold("CA1", heard), fold("CA1", again)
    assert first == second
    assert first.state == second.state
    assert list(due(first)) == list(due(second))
    assert [outcome(first, a) for a in first.attempts.values()] == [
        outcome(second, second.attempts[name]) for name in first.attempts
    ]


@given(st.lists(facts, max_size=15), facts)
def test_a_webhook_that_is_repeated_later_changes_nothing(heard: list[CallEvent], fact: CallEvent) -> None:
    once = apply(fold("CA1", heard), fact)
    assert apply(once, fact) == once


@given(st.lists(facts, max_size=20))
def test_an_ended_call_never_comes_back_to_life(heard: list[CallEvent]) -> None:
    call = fold("CA1", [*heard, Over("completed", at(700))])
    alive = {
        CallState.GREETING,
        CallState.MENU,
        CallState.QUEUED,
        CallState.OFFERED,
        CallState.BRIDGING,
        CallState.CONNECTED,
    }
    assert call.state not in alive
    assert not call.waits


GREETED = [begun(), MenuHeard(NOON)]
WAITS = [*GREETED, Waiting(at(10))]
TABLE: list[tuple[str, list[CallEvent], CallState]] = [
    ("nothing known", [], CallState.GREETING),
    ("the menu is spoken", GREETED, CallState.MENU),
    ("in line", WAITS, CallState.QUEUED),
    ("shown to an agent", [*WAITS, rings("o", 12, Stage.OFFERED)], CallState.OFFERED),
    ("the agent's telephone rings", [*WAITS, rings("o", 12, Stage.OFFERED), rings("r", 15)], CallState.BRIDGING),
    (
        "the agent did not press 1",
        [*WAITS, rings("o", 12, Stage.OFFERED), rings("r", 15), fails("r", 15)],
        CallState.QUEUED,
    ),
    ("they speak", [*WAITS, rings("r", 15, Stage.CONNECTED)], CallState.CONNECTED),
    (
        "second agent takes it",
        [*WAITS, rings("r", 15), fails("r", 15), rings("s", 40, Stage.CONNECTED)],
        CallState.CONNECTED,
    ),
    ("they have spoken", [*WAITS, rings("r", 15, Stage.CONNECTED), Over("completed", at(90))], CallState.WRAP_UP),
    (
        "notes are written",
        [rings("r", 15, Stage.CONNECTED), Over("completed", at(90)), NotesWritten(at(99))],
        CallState.ENDED,
    ),
    ("hung up in line", [*WAITS, Over("completed", at(90))], CallState.ABANDONED),
    (
        "hung up while the agent's telephone rang",
        [*WAITS, rings("r", 15), Over("completed", at(20))],
        CallState.ABANDONED,
    ),
    ("asked for a callback", [*WAITS, CallbackAsked(at(30)), Over("completed", at(40))], CallState.CALLBACK_REQUESTED),
    ("leaving a message", [*GREETED, VoicemailBegun(at(9))], CallState.VOICEMAIL),
    ("recording still to come", [*GREETED, VoicemailBegun(at(9)), Over("completed", at(30))], CallState.VOICEMAIL),
    ("no recording", [VoicemailBegun(at(9)), Over("completed", at(30)), NotRecorded(at(99))], CallState.ABANDONED),
    (
        "it came after all",
        [VoicemailBegun(at(9)), Over("x", at(30)), NotRecorded(at(99)), Recorded("RE", "u", 9)],
        CallState.VOICEMAIL,
    ),
    ("called back", [*WAITS, Over("completed", at(90)), CalledBack(at(300))], CallState.ENDED),
    ("a callback rings", [begun(outgoing=True), rings("r", 0)], CallState.BRIDGING),
    ("a callback speaks", [begun(outgoing=True), rings("r", 0, Stage.CONNECTED)], CallState.CONNECTED),
    ("a callback in vain", [begun(outgoing=True), rings("r", 0), Over("no-answer", at(30))], CallState.ENDED),
]


@pytest.mark.parametrize(("what", "heard", "state"), TABLE, ids=[row[0] for row in TABLE])
def test_where_a_call_stands(what: str, heard: list[CallEvent], state: CallState) -> None:
    assert fold("CA1", heard).state is state


def test_an_agents_voicemail_never_counts_as_an_answer() -> None:
    call = fold("CA1", [*WAITS, rings("r", 15), fails("r", 15)])
    assert call.waits
    assert outcome(call, call.attempts["r"]) is CallOutcome.AGENT_NO_ANSWER
    assert call.connected_at is None


def test_an_agent_whose_caller_hung_up_meanwhile_is_told_so() -> None:
    call = fold("CA1", [*WAITS, rings("r", 15), Over("completed", at(20))])
    assert outcome(call, call.attempts["r"]) is CallOutcome.CALLER_GONE


def test_a_late_word_of_failure_does_not_undo_a_conversation() -> None:
    call = fold("CA1", [*WAITS, rings("r", 15, Stage.CONNECTED), fails("r", 15)])
    assert outcome(call, call.attempts["r"]) is CallOutcome.COMPLETED
    assert call.connected_at == at(15)


def test_an_abandoned_call_is_a_callback_to_make() -> None:
    call = fold("CA1", [*WAITS, Over("completed", at(90))])
    assert list(due(call)) == [Kind.WAITING, Kind.ABANDONED]
    message = compose(call, Kind.ABANDONED, at(91))
    assert message.call
    assert message.call.callback
    assert message.thread.conversation == "CA1"
    assert not message.live


def test_the_ticket_of_a_call_does_not_say_for_ever_that_somebody_is_calling_now() -> None:
    call = fold("CA1", [*WAITS, Over("completed", at(90))])
    assert {compose(call, kind, at(91)).subject for kind in due(call)} == {"Telephone call"}


def test_a_caller_who_only_misdialled_with_a_withheld_number_makes_no_ticket() -> None:
    nobody = begun(ContactPoint("call:CA1"))
    assert list(due(fold("CA1", [nobody, MenuHeard(NOON), Over("completed", at(3))]))) == []


def test_a_callback_keeps_the_callers_place() -> None:
    call = fold("CA1", [*WAITS, CallbackAsked(at(200))])
    told = compose(call, Kind.CALLBACK, at(200)).call
    assert told
    assert told.waiting_since == at(10)


def test_a_live_call_always_has_a_next_step() -> None:
    offered = fold("CA1", [*WAITS, rings("o", 12, Stage.OFFERED)])
    (lapse,) = timers(offered, timedelta(minutes=10))
    assert lapse.due == at(32)
    assert apply(offered, lapse.event).state is CallState.QUEUED
    stuck = fold("CA1", [*WAITS, rings("r", 12)])
    (lost,) = timers(stuck, timedelta(minutes=10))
    assert apply(stuck, lost.event).state is CallState.QUEUED


def test_after_the_last_timer_nothing_is_left_to_wait_for() -> None:
    call: Call = fold("CA1", [*WAITS, VoicemailBegun(at(20)), Over("completed", at(30))])
    for _ in range(5):
        for timer in timers(call, timedelta(minutes=10)):
            call = apply(call, timer.event)
    assert list(timers(call, timedelta(minutes=10))) == []
    assert call.state is CallState.ABANDONED


def test_of_a_call_that_nothing_is_known_of_nothing_is_said() -> None:
    with pytest.raises(ValueError, match="nothing is known of call CA1"):
        compose(Call("CA1"), Kind.WAITING, NOON)
