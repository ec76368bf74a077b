"""How long a customer waits for the right people, and who may help after that."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.desk.tickets.domain import Threads, Ticket, opened, place, took_in
from services.desk.tickets.escalation import Patience, asked, elsewhere, widened
from shared.events import Overflow, RoutedMessage
from tests.unit.desk.examples import NOON, routed

MINUTE = timedelta(minutes=1)
TO_SUPPORT = Overflow(team="support", after=600)


def message(minute: float = 0, **decided: Any) -> RoutedMessage:
    """Of this many minutes after noon, for technical; in French unless told otherwise."""
    found = routed(f"<{minute}@x>", received_at=NOON + minute * MINUTE)
    given = {"team": "technical", "skills": ("french",), "skill_timeouts": {"french": 600}, "overflow": TO_SUPPORT}
    return msgspec.structs.replace(found, decision=msgspec.structs.replace(found.decision, **(given | decided)))


def waiting(*messages: RoutedMessage) -> Ticket:
    first, *others = messages or (message(),)
    ticket = took_in(opened(first, place(first, "ann", Threads([]), timedelta()), "ann"), first)
    for other in others:
        ticket = took_in(ticket, other)
    return ticket


def wanted(ticket: Ticket, minute: float) -> tuple[str, ...]:
    return asked(ticket.skills, ticket.patience, NOON + minute * MINUTE)


def test_a_skill_is_asked_for_until_its_time_is_over() -> None:
    ticket = waiting(message(skills=("french", "voice")))
    assert wanted(ticket, 9.9) == ("french", "voice")
    assert wanted(ticket, 10) == ("voice",), "nobody without a telephone can help a caller, however long they wait"


def test_nothing_is_to_do_before_its_time_and_everything_once_after_it() -> None:
    patience = waiting(message(skill_timeouts={"french": 300})).patience
    assert patience.widens_at == NOON + 5 * MINUTE
    assert widened(patience, NOON + 4 * MINUTE).after == patience
    first = widened(patience, NOON + 5 * MINUTE)
    assert (first.skills, first.overflow, first.after.widens_at) == (("french",), None, NOON + 10 * MINUTE)
    second = widened(first.after, NOON + 60 * MINUTE)
    assert (second.skills, second.overflow, second.after.widens_at) == ((), TO_SUPPORT, None)
    both = widened(patience, NOON + 60 * MINUTE)
    assert (both.skills, both.overflow, both.after) == (("french",), TO_SUPPORT, second.after), (
        "after an hour without us"
    )


def test_who_asks_again_in_french_does_not_wait_for_french_anew() -> None:
    ticket = waiting(message(), message(8), message(11))
    assert wanted(ticket, 12) == ()
    assert ticket.patience.overflow_at == NOON + 10 * MINUTE


def test_what_becomes_urgent_waits_for_nobody_in_particular_for_long() -> None:
    calm = Overflow(team="support", after=4 * 3600)
    ticket = waiting(message(skill_timeouts={"french": 3600}, overflow=calm), message(5))
    assert wanted(ticket, 15) == ()
    assert ticket.patience.overflow_at == NOON + 15 * MINUTE


def test_who_goes_on_in_korean_is_answered_in_korean() -> None:
    ticket = waiting(
        message(skills=(), skill_timeouts={}), message(1, skills=("korean",), skill_timeouts={"korean": 60})
    )
    assert wanted(ticket, 1.5) == ("korean",)
    assert wanted(ticket, 2) == ()


def test_after_an_answer_everything_begins_anew() -> None:
    ticket = replace(waiting(), waiting_since=None)
    later = took_in(ticket, message(120))
    assert wanted(later, 125) == ("french",)
    assert (later.patience.overflow_at, later.patience.told) == (NOON + 130 * MINUTE, ())


def test_a_follow_up_that_looks_like_nothing_still_overflows_from_the_team_that_has_it() -> None:
    thanks = message(120, team="support", skills=(), skill_timeouts={}, overflow=None)
    later = took_in(replace(waiting(), waiting_since=None), thanks)
    assert (later.team, later.skills) == ("technical", ())
    assert (later.patience.overflow, later.patience.overflow_at) == (TO_SUPPORT, NOON + 130 * MINUTE)


def test_what_an_agent_gave_to_another_team_stays_there() -> None:
    patience = elsewhere(waiting().patience)
    assert widened(patience, NOON + 600 * MINUTE).overflow is None
    assert asked(("french",), patience, NOON + 600 * MINUTE) == ()


def test_an_automatic_answer_changes_nothing() -> None:
    ticket = waiting()
    away = message(5, skills=("korean",))
    away = msgspec.structs.replace(away, message=msgspec.structs.replace(away.message, automatic="reply"))
    after = took_in(ticket, away)
    assert (after.skills, after.patience) == (ticket.skills, ticket.patience)


_MOMENTS = st.integers(0, 90)
_TIMEOUTS = st.dictionaries(st.sampled_from(["french", "voice", "tact"]), st.integers(60, 7200), max_size=3)


@given(st.lists(st.tuples(_MOMENTS, _TIMEOUTS, st.none() | st.integers(60, 7200)), min_size=2, max_size=5), _MOMENTS)
def test_whatever_a_waiting_customer_adds_puts_nothing_off(
    told: list[tuple[int, dict[str, int], int | None]], minute: int
) -> None:
    now: datetime = NOON + minute * MINUTE
    before: Ticket | None = None
    for number, (at, timeouts, after) in enumerate(told):
        over = Overflow(team="support", after=after) if after else None
        found = message(at, skills=tuple(timeouts), skill_timeouts=timeouts, overflow=over)
        found = msgspec.structs.replace(found, message=msgspec.structs.replace(found.message, id=f"m{number}"))
        ticket = took_in(before, found) if before else waiting(found)
        if before:
            dropped = set(before.skills) - set(asked(before.skills, before.patience, now))
            assert not dropped & set(asked(ticket.skills, ticket.patience, now))
            assert widened(before.patience, now).overflow is None or widened(ticket.patience, now).overflow
        before = ticket


def test_patience_survives_the_database() -> None:
    patience = widened(waiting().patience, NOON + 10 * MINUTE).after
    assert msgspec.convert(msgspec.to_builtins(patience), Patience) == patience
    assert msgspec.convert({}, Patience) == Patience()
