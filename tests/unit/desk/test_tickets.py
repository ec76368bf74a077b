"""Where a message lands and what it does to a ticket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.desk.tickets.domain import (
    Threads,
    Ticket,
    is_late,
    may_be_an_answer,
    opened,
    place,
    rank,
    snippet,
    stranger_key,
    took_in,
)
from shared.events import DeliveryState, RoutedMessage
from shared.kernel import Level, ticket_id
from tests.unit.desk.examples import NOON, routed

FORTNIGHT = timedelta(days=14)
ANN, BOB = "customer-ann", "customer-bob"
KEY = "email:<1@example.org>"


def first(message: RoutedMessage | None = None, **changes: object) -> Ticket:
    """Ann's ticket after her first message."""
    message = message or routed()
    ticket = opened(message, place(message, ANN, Threads([]), FORTNIGHT), ANN)
    return replace(took_in(ticket, message), **changes)  # type: ignore[arg-type]


def test_only_the_customer_s_own_message_to_a_ticket_that_we_answered_may_be_an_answer() -> None:
    answered = first(waiting_since=None)
    assert may_be_an_answer(routed("<2@x>").message, answered, ANN)
    assert not may_be_an_answer(routed("<2@x>").message, first(), ANN), "they wait still"
    assert not may_be_an_answer(routed("<2@x>").message, answered, BOB)
    assert not may_be_an_answer(routed("<2@x>", automatic="reply").message, answered, ANN)


def test_a_new_thread_opens_the_ticket_that_the_router_named() -> None:
    found = place(routed(), ANN, Threads([]), FORTNIGHT)
    assert (found.id, found.thread_key, found.generation, found.ticket) == (ticket_id(KEY), KEY, 0, None)


def test_a_follow_up_joins() -> None:
    ticket = first()
    found = place(routed("<2@x>", rule="root"), ANN, Threads([ticket]), FORTNIGHT)
    assert (found.ticket, found.other_address) == (ticket, False)


@pytest.mark.parametrize("rule", ["root", "open-ticket", "new"])
def test_a_stranger_never_lands_in_somebody_elses_ticket(rule: str) -> None:
    quoting = routed("<2@x>", sender="email:bob@example.org", rule=rule)
    found = place(quoting, BOB, Threads([first()]), FORTNIGHT)
    key = stranger_key(KEY, "email:bob@example.org")
    linked = (
        None if rule == "new" else ticket_id(KEY)
    )  # whose mails only have one Message-ID know nothing of each other
    assert (found.id, found.ticket, found.linked_to, found.why) == (ticket_id(key), None, linked, "stranger")


def test_the_strangers_next_message_joins_the_strangers_own_ticket() -> None:
    threads = Threads([first()])
    message = routed("<2@x>", sender="email:bob@example.org", rule="root")
    threads.put(took_in(opened(message, own := place(message, BOB, threads, FORTNIGHT), BOB), message))
    found = place(routed("<3@x>", sender="email:bob@example.org", rule="root"), BOB, threads, FORTNIGHT)
    assert found.ticket is not None
    assert (found.id, found.other_address) == (own.id, False)


def test_who_holds_the_token_joins_and_is_marked() -> None:
    found = place(routed("<2@x>", sender="email:bob@example.org", rule="token"), BOB, Threads([first()]), FORTNIGHT)
    assert found.ticket is not None
    assert found.other_address


def test_who_was_let_in_once_may_answer_without_the_token() -> None:
    ticket = first(participants=("email:ann@example.org", "email:bob@example.org"))
    found = place(routed("<3@x>", sender="email:bob@example.org", rule="root"), BOB, Threads([ticket]), FORTNIGHT)
    assert found.ticket is ticket


@pytest.mark.parametrize(
    ("visitor_verified", "proven", "public", "joins", "takes_over"),
    [
        (False, True, False, True, True),  # the visitor signed in: the chat is theirs
        (False, False, False, True, False),
        (True, False, False, False, False),  # without a signature nobody writes in a verified conversation
        (True, True, False, True, False),
        (False, True, True, False, False),  # below a public post anybody writes
    ],
)
def test_a_conversation_admits_its_own_session_only(
    visitor_verified: bool, proven: bool, public: bool, joins: bool, takes_over: bool
) -> None:
    chat: dict[str, Any] = {"channel": "chat", "thread": "chat:7", "rule": "conversation"}
    ticket = first(routed("1", sender="chat:visitor", **chat), verified=visitor_verified)
    found = place(
        routed("2", sender="chat:user", sender_verified=proven, public=public, **chat),
        BOB,
        Threads([ticket]),
        FORTNIGHT,
    )
    assert ((found.ticket is not None), found.takes_over) == (joins, takes_over)


@pytest.mark.parametrize("status", ["solved", "closed"])
@pytest.mark.parametrize(("days", "generation"), [(14, 0), (15, 1)])
def test_a_settled_ticket_is_taken_up_again_within_the_window_and_followed_after_it(
    status: str, days: int, generation: int
) -> None:
    ticket = first(status=status, solved_at=NOON)
    found = place(
        routed("<2@x>", rule="root", received_at=NOON + timedelta(days=days)), ANN, Threads([ticket]), FORTNIGHT
    )
    assert found.generation == generation
    assert found.id == ticket_id(KEY, generation)
    assert found.linked_to == (ticket.id if generation else None)


def test_the_newest_generation_is_the_one_that_is_joined() -> None:
    old = first(status="closed", solved_at=NOON)
    new = replace(old, id=ticket_id(KEY, 1), generation=1, status="open", solved_at=None)
    found = place(
        routed("<9@x>", rule="root", received_at=NOON + timedelta(days=60)), ANN, Threads([new, old]), FORTNIGHT
    )
    assert found.ticket is new


def test_an_out_of_office_answer_wakes_nobody() -> None:
    solved = first(status="solved", solved_at=NOON, waiting_since=None)
    away = routed(
        "<2@x>", rule="root", automatic="reply", score=99, level=Level.URGENT, received_at=NOON + timedelta(days=90)
    )
    assert place(away, ANN, Threads([solved]), FORTNIGHT).ticket is solved
    after = took_in(solved, away)
    assert (after.status, after.level, after.waiting_since, after.solved_at) == ("solved", "normal", None, NOON)
    assert after.messages == solved.messages + 1


def test_mail_from_a_list_was_written_by_a_person() -> None:
    after = took_in(first(status="solved", solved_at=NOON), routed("<2@x>", automatic="list"))
    assert after.status == "open"


def test_a_polite_follow_up_does_not_make_an_outage_less_urgent() -> None:
    outage = first(routed(level=Level.URGENT, score=95))
    after = took_in(outage, routed("<2@x>", score=10, level=Level.LOW, received_at=NOON + timedelta(hours=1)))
    assert (after.level, after.score, after.reasons) == ("urgent", 95, outage.reasons)
    assert (after.waiting_since, after.queue_at) == (NOON, NOON)


def test_what_was_answered_no_longer_counts() -> None:
    answered = first(routed(level=Level.URGENT, score=95), waiting_since=None, status="pending")
    after = took_in(answered, routed("<2@x>", score=10, level=Level.LOW, received_at=NOON + timedelta(hours=1)))
    assert (after.level, after.score, after.status) == ("low", 10, "open")
    assert after.waiting_since == NOON + timedelta(hours=1)


def test_urgent_work_comes_before_high_work_whatever_its_score() -> None:
    order = [
        rank("urgent", 0),
        rank("high", 100),
        rank("high", 99),
        rank("normal", 100),
        rank("low", 100),
        rank("low", 0),
    ]
    assert order == sorted(set(order))


def test_a_snippet_is_one_line() -> None:
    assert snippet("  Hello,\r\n\n my\tinvoice  ") == "Hello, my invoice"
    assert len(snippet("x" * 10_000)) == 200


@pytest.mark.parametrize(
    ("before", "after", "moves"),
    [
        ("requested", DeliveryState.SENT, True),
        ("sent", DeliveryState.SENT, False),
        ("delivered", DeliveryState.SENT, False),
        ("uncertain", DeliveryState.SENT, True),
        ("sent", DeliveryState.FAILED, True),  # a bounce
        ("failed", DeliveryState.SENT, False),
        ("failed", DeliveryState.DELIVERED, True),  # the network was wrong: the handset has it
        ("delivered", DeliveryState.FAILED, False),
    ],
)
def test_reports_in_any_order_lead_to_the_same_state(before: str, after: DeliveryState, moves: bool) -> None:
    assert after.supersedes(before, "sms") is moves


def test_a_mail_that_a_server_took_may_still_come_back() -> None:
    assert DeliveryState.FAILED.supersedes("delivered", "email")
    assert not DeliveryState.DELIVERED.supersedes("failed", "email")
    assert DeliveryState.DELIVERED.supersedes("delayed", "email")


class TestDue:
    """When a customer is to have an answer."""

    def test_it_counts_from_the_message_with_which_the_customer_began_to_wait(self) -> None:
        assert first(routed(reply_within=1800)).due_at == NOON + timedelta(minutes=30)
        assert first(routed()).due_at is None

    def test_a_more_urgent_message_brings_it_forward_and_nothing_puts_it_off(self) -> None:
        ticket = first(routed(reply_within=7200))
        urgent = took_in(ticket, routed("<2@x>", received_at=NOON + timedelta(minutes=5), reply_within=900))
        assert urgent.due_at == NOON + timedelta(minutes=20)
        for within in (0, 86_400):
            later = took_in(urgent, routed("<3@x>", received_at=NOON + timedelta(minutes=6), reply_within=within))
            assert later.due_at == urgent.due_at

    def test_after_an_answer_it_counts_anew(self) -> None:
        answered = first(routed(reply_within=1800), waiting_since=None, due_at=None, status="pending")
        later = NOON + timedelta(days=1)
        assert took_in(answered, routed("<2@x>", received_at=later, reply_within=3600)).due_at == later + timedelta(
            hours=1
        )

    @pytest.mark.parametrize(("seconds", "late"), [(-1, False), (0, True), (1, True)])
    def test_whoever_the_list_of_overdue_tickets_shows_is_answered_too_late(self, seconds: int, late: bool) -> None:
        assert is_late(NOON, NOON + timedelta(seconds=seconds)) is late

    def test_without_a_promise_no_answer_is_late(self) -> None:
        assert not is_late(None, NOON)

    def test_an_out_of_office_answer_sets_no_time(self) -> None:
        answered = first(routed(reply_within=1800), waiting_since=None, due_at=None, status="pending")
        assert took_in(answered, routed("<2@x>", automatic="reply", reply_within=60)).due_at is None
