"""Two desks that tell each other's customers that a message is in do not do so for ever."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from uuid import uuid4

import pytest

from tests import stack
from tests.acceptance.test_an_operators_commands import command
from tests.conftest import engine_folder
from tests.stack import Stack, mail_from
from tests.waiting import eventually

OURS, THEIRS = "support@example.org", "help@other.example"
KEPT = ("From", "To", "Subject", "Date", "Message-ID")
# No program knows these words for what they are: only what was sent before tells.
RULE = {
    "enabled": True,
    "texts": {"en": {"received": "Hello {name|there}, is it still so? We look at {ticket} tomorrow."}},
}


def bare(mail: EmailMessage) -> EmailMessage:
    """The mail without every header by which it could be known as what it is."""
    stripped = EmailMessage()
    for name in KEPT:
        stripped[name] = str(mail[name])
    stripped.set_content(mail.get_content())
    return stripped


def answer_automatically(desk: Stack, rule: dict) -> None:
    """As an admin sets it."""
    made = command(desk.home, "desk", "create-token", "--name", "admin", "--scopes", "admin")
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    desk.api.put("/automatic-replies", json=rule, headers=headers).raise_for_status()


@pytest.fixture(scope="module")
def desks(system: Stack) -> Iterator[tuple[Stack, Stack]]:
    """Two whole systems, each with an engine of its own, whose relays bring mail to the other."""

    def to(other: Stack, address: str):
        def bring(mail: EmailMessage, recipient: str) -> None:
            if recipient == address:
                other.send(bare(mail), recipient=address)

        return bring

    with engine_folder() as folder, stack.running(folder / "other", {"EMAIL_MAILBOXES": THEIRS}) as other:
        system.relay.pass_on, other.relay.pass_on = to(other, THEIRS), to(system, OURS)
        for each in (system, other):
            answer_automatically(each, RULE)
        yield system, other
        system.relay.pass_on = None
        answer_automatically(system, {})


def exchanged(desks: tuple[Stack, Stack]) -> list[EmailMessage]:
    return [*desks[0].relay.to(THEIRS), *desks[1].relay.to(OURS)]


def messages(desk: Stack, mark: str) -> list[dict]:
    tickets = [desk.ticket(row["id"]) for row in desk.tickets(order="newest") if mark in row["subject"]]
    return [message for ticket in tickets for message in ticket["messages"]]


def at_rest(desks: tuple[Stack, Stack], mark: str) -> bool:
    """Whatever one sent, the other has, with what it made of it; whatever either wrote is sent."""
    before = len(exchanged(desks))
    all_of = [messages(desk, mark) for desk in desks]
    came = [sum(message["direction"] == "in" for message in found) for found in all_of]
    wrote = [[message["delivery"] for message in found if message["direction"] == "out"] for found in all_of]
    sent = [len(desks[1].relay.to(OURS)) + 1, len(desks[0].relay.to(THEIRS))]
    return (came, [set(states) <= {"sent"} for states in wrote], len(exchanged(desks))) == (
        sent, [True, True], before
    )  # fmt: skip


def test_they_exchange_two_mails_at_most_though_nothing_in_them_tells_that_no_person_wrote(
    desks: tuple[Stack, Stack],
) -> None:
    mark = f"Lamp {uuid4().hex[:8]}"
    desks[0].send(mail_from(THEIRS, mark, "Our lamp does not work. Can you help us?"))
    eventually(lambda: exchanged(desks), "the first automatic reply", 60)
    eventually(lambda: at_rest(desks, mark), "both to have nothing more to say", 60)
    assert len(exchanged(desks)) == 2
    told = [event["data"]["why"] for row in desks[0].tickets() if mark in row["subject"]
            for event in desks[0].ticket(row["id"])["events"] if event["kind"] == "ticket.autoreplied"]  # fmt: skip
    assert sorted(told) == ["echo", "sent"]


def test_a_customer_who_answers_it_is_in_the_same_ticket_and_still_waits(desks: tuple[Stack, Stack]) -> None:
    system, mark = desks[0], uuid4().hex[:8]
    address = f"ann.{mark}@example.net"
    system.send(mail_from(address, f"Parcel {mark}", "My parcel has not arrived.", name="Ann Lee"))
    (told,) = eventually(lambda: system.relay.to(address), "the automatic reply", 60)
    assert (told["Auto-Submitted"], told["Cc"]) == ("auto-replied", None)
    assert told.get_content().startswith("Hello Ann Lee, is it still so? We look at #")
    first = system.ticket_with(f"Parcel {mark}")
    system.send(mail_from(address, "Re: your mail", "It is the blue one.", reply_to=told))

    def both() -> dict | None:
        found = system.ticket(first["row"]["id"])
        return found if len(found["messages"]) == 3 else None

    found = eventually(both, "what they add to be in the same ticket", 60)
    assert (found["row"]["waiting_since"], found["row"]["status"]) == (first["row"]["waiting_since"], "open")
    assert len(system.relay.to(address)) == 1


def test_the_desk_is_killed_while_customers_write_and_each_is_told_once(desks: tuple[Stack, Stack]) -> None:
    system, mark = desks[0], uuid4().hex[:8]
    addresses = [f"kim{number}.{mark}@example.net" for number in range(8)]
    for number, address in enumerate(addresses):
        system.send(mail_from(address, f"Order {number} {mark}", "Where is my order?"))
        if number == 3:
            killed = system.kill("desk")
    system.wait_restarted("desk", killed)
    eventually(lambda: all(map(system.relay.to, addresses)), "everybody to be told", 60)
    system.balance()
    assert [len(system.relay.to(address)) for address in addresses] == [1] * 8
