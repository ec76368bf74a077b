"""A conversation of years ago is the same ticket in whatever order its mails are found, and nothing
that anybody has to do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.desk.customers.domain import learn
from services.desk.tickets.domain import Ticket, took_in
from services.desk.tickets.domain.history import begun, belongs_to, keys_of, thread_of, with_mail
from shared.events import ImportedMail, ThreadClues
from shared.kernel import ContactPoint, thread_key
from tests.unit.desk.examples import NOON, routed

ANN, BOB = ContactPoint("email:ann@example.org"), ContactPoint("email:bob@example.org")


def imported(hours: int, sender: str = ANN, *, sent: bool = False, **more: Any) -> ImportedMail:
    message = routed(f"<{hours}@x>", sender=sender, received_at=NOON + timedelta(hours=hours), **more).message
    return ImportedMail(message=message, run="r", customer=ContactPoint(ANN if sent else sender), sent=sent)


def ticket_of(*mails: ImportedMail) -> Ticket:
    ticket = begun(mails[0], "email:<1@x>", str(mails[0].customer))
    for mail in mails:
        ticket = with_mail(ticket, mail, str(mail.customer))
    return ticket


FIRST = imported(0, subject="Lamp", text="It is broken")
OURS = imported(1, "email:support@example.org", sent=True, subject="Re: Lamp", text="We send one")
THANKS = imported(2, subject="Re: Lamp", text="Thank you", language="en")
COLLEAGUE = imported(3, BOB, subject="Re: Lamp", text="And me?", language="fr")


def test_a_ticket_is_the_same_in_every_order_of_its_mails() -> None:
    found = [ticket_of(*order) for order in itertools.permutations((FIRST, OURS, THANKS, COLLEAGUE))]
    without = [replace(ticket, participants=()) for ticket in found]
    assert all(ticket == without[0] for ticket in without)
    assert {ticket.participants for ticket in found} == {(ANN,)}
    (ticket,) = set(map(repr, found))
    assert "status='closed'" in ticket
    first = found[0]
    assert (first.customer_id, first.subject, first.snippet, first.language) == (ANN, "Lamp", "And me?", "fr")
    assert (first.created_at, first.solved_at) == (NOON, NOON + timedelta(hours=3))
    assert (first.messages, first.last_inbound_at) == (4, NOON + timedelta(hours=3))
    assert first.waiting_since is first.due_at is None


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=6))
def test_it_began_with_its_first_and_ended_with_its_last(hours: list[int]) -> None:
    ticket = ticket_of(*map(imported, hours))
    assert ticket.created_at == NOON + timedelta(hours=min(hours))
    assert ticket.solved_at == ticket.last_message_at == NOON + timedelta(hours=max(hours))
    assert ticket.messages == len(hours)


def test_a_mail_without_subject_is_called_by_its_words() -> None:
    assert ticket_of(imported(0, subject="", text="Broken  lamp\n")).subject == "Broken lamp"


def test_what_somebody_works_on_only_shows_what_is_imported_into_it() -> None:
    live = took_in(
        ticket_of(FIRST), routed("<9@x>", received_at=NOON + timedelta(days=9), team="lamps", reply_within=60)
    )
    assert (live.status, live.team, live.imported) == ("open", "lamps", False)
    assert with_mail(live, imported(-5, BOB), BOB) == replace(live, messages=live.messages + 1)
    taken = replace(ticket_of(FIRST), status="pending")
    assert with_mail(taken, THANKS, ANN) == replace(taken, messages=2)


def test_a_team_that_has_a_ticket_keeps_it() -> None:
    first = took_in(ticket_of(FIRST), routed("<9@x>", team="lamps"))
    assert took_in(first, routed("<10@x>", team="chairs")).team == "lamps"


def test_a_ticket_that_somebody_took_from_its_team_is_not_given_back_by_what_the_customer_adds() -> None:
    nobody_s = replace(took_in(ticket_of(FIRST), routed("<9@x>", team="lamps")), team="")
    assert took_in(nobody_s, routed("<10@x>", team="lamps")).team == ""


def test_no_time_to_a_first_reply_is_measured_in_what_is_over() -> None:
    assert ticket_of(FIRST, OURS, THANKS).first_reply_at is not None


def test_a_thread_is_found_by_its_root_then_by_what_is_known_of_it() -> None:
    mail = FIRST.message
    answer = structs.replace(mail, thread=ThreadClues(root="<a@x>", references=("<a@x>", "<b@x>", "<c@x>")))
    assert keys_of(answer) == [thread_key("email", one) for one in ("<a@x>", "<c@x>", "<b@x>")]
    assert thread_of(answer, ()) == "email:<a@x>"
    assert thread_of(answer, {"email:<b@x>", "email:<c@x>"}) == "email:<c@x>"
    assert thread_of(answer, {"email:<b@x>", "email:<a@x>"}) == "email:<a@x>"
    assert thread_of(mail, ()) == "email:<0@x>"


def test_a_mail_belongs_to_the_ticket_that_was_not_over_yet() -> None:
    old, new = ticket_of(FIRST), replace(ticket_of(COLLEAGUE), generation=1)
    assert belongs_to(FIRST, []) is None
    assert belongs_to(FIRST, [old, new]) is old
    assert belongs_to(THANKS, [old, new]) is new
    assert belongs_to(imported(90), [old, new]) is new


def test_a_customer_writes_the_language_of_their_newest_mail() -> None:
    customer: dict[str, Any] = {
        "name": "", "facts": {}, "birth_year": None, "stated": None, "language": "", "observed": {}, "recent_contacts": [],
    }  # fmt: skip
    for mail in (COLLEAGUE, THANKS):
        learn(customer, mail.message)
    assert customer["language"] == "fr"
