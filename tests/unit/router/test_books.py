"""The books: nothing that a customer sent may be missing at the end of the day without being
told."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router.domain.books import Books
from services.router.reconciling import as_text
from tests.unit.router.makers import NOW

END = NOW + timedelta(hours=1)


def a_clean_day() -> Books:
    books = Books()
    for number in ("a", "b", "c"):
        books.received[number] = NOW
        books.routed.add(number)
        books.applied[number] = {f"ticket of {number}"}
    books.requested["r"] = NOW
    books.settled.add("r")
    return books


def test_a_day_on_which_everything_arrived_is_clean() -> None:
    balance = a_clean_day().balance(END)
    assert balance.clean
    assert (balance.received, balance.routed, balance.applied, balance.settled) == (3, 3, 3, 1)
    assert as_text(balance, NOW).endswith("nothing is missing")


def test_a_message_that_nobody_decided_on_is_listed() -> None:
    books = a_clean_day()
    books.routed.discard("b")
    assert books.balance(END).not_routed == ("b",)


def test_a_message_that_the_desk_never_wrote_down_is_listed() -> None:
    books = a_clean_day()
    del books.applied["b"]
    balance = books.balance(END)
    assert (balance.not_routed, balance.not_applied) == ((), ("b",))
    assert "1 decided on and not at the desk:\n  b" in as_text(balance, NOW)


def test_what_was_set_aside_is_accounted_for() -> None:
    books = a_clean_day()
    books.routed.discard("b")
    del books.applied["b"]
    books.set_aside["b"] = {7}
    balance = books.balance(END)
    assert balance.clean
    assert balance.set_aside == 1


def test_what_was_replayed_from_dead_letters_counts_as_written_down() -> None:
    books = a_clean_day()
    books.set_aside["b"] = {7}
    assert books.balance(END).set_aside == 0


def test_what_was_replayed_and_did_not_arrive_is_missing_again() -> None:
    books = a_clean_day()
    books.routed.discard("b")
    books.set_aside["b"] = {7}
    books.replayed.add(7)
    assert books.balance(END).not_routed == ("b",)


def test_a_record_that_nobody_can_read_is_accounted_for_once_it_is_in_dead_letters() -> None:
    books = a_clean_day()
    books.garbled["messages-received", 2, 17] = NOW
    balance = books.balance(END)
    assert not balance.clean
    assert (
        "unreadable at the door and not in dead-letters (topic, partition, offset):\n  messages-received 2 17"
        in as_text(balance, NOW)
    )
    books.buried["messages-received", 2, 17] = {7}
    books.unreadable.add(7)
    balance = books.balance(END)
    assert balance.clean
    assert "1 records in dead-letters that hold no message that can be read" in as_text(balance, NOW)
    books.replayed.add(7)
    assert books.balance(END).unreadable == 0


def test_a_message_whose_letter_was_cut_is_known_by_where_it_came_from() -> None:
    books = a_clean_day()
    books.routed.discard("b")
    del books.applied["b"]
    books.places["messages-received", 0, 3] = "b"
    books.buried["messages-received", 0, 3] = {7}
    balance = books.balance(END)
    assert balance.clean
    assert balance.set_aside == 1


def test_a_message_in_two_tickets_is_told() -> None:
    books = a_clean_day()
    books.applied["a"] = {"one", "another"}
    assert books.balance(END).applied_twice == ("a",)


def test_an_answer_without_a_report_is_told() -> None:
    books = a_clean_day()
    books.settled.clear()
    assert books.balance(END).not_settled == ("r",)


@pytest.mark.parametrize("number", ["new", "newer"])
def test_what_came_a_moment_ago_is_not_called_missing(number: str) -> None:
    books = a_clean_day()
    books.received[number] = END
    assert books.balance(END).clean
