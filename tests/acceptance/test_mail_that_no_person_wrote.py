"""What programs send us about our answers is told to agents as what it is: nobody is woken by a
machine, and nothing that did not arrive looks as if it had."""

from __future__ import annotations

import asyncio
import smtplib
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

from shared.topics import DEAD_LETTERS
from tests.acceptance.test_a_message_and_its_answer import answer, subject
from tests.stack import Stack, mail_from
from tests.topic import records_on
from tests.unit.email.test_automatic import AWAY
from tests.waiting import eventually

INBOX = Path(__file__).parents[1] / "data" / "inbox"


def sent_by_a_program(system: Stack, raw: bytes, *, to: str = "support@example.org", sender: str = "") -> None:
    """With an empty MAIL FROM, as programs do."""
    smtp = system.run["smtp"]
    with smtplib.SMTP(smtp["host"], smtp["port"], timeout=20) as session:
        session.ehlo()
        assert session.mail(sender)[0] == 250
        assert session.rcpt(to)[0] == 250
        code, words = session.data(raw)
        assert code == 250, words


def case(number: str, **changes: str) -> bytes:
    """A mail of the folder, addressed to this system. Each has a Message-ID of its own, so that
    stories do not meet."""
    (path,) = INBOX.glob(f"{number}-*.eml")
    raw = path.read_bytes()
    for before, after in {"helpdesk.test": "example.org", **changes}.items():
        raw = raw.replace(before.encode(), after.encode())
    return raw


def answered(system: Stack, words: str, address: str) -> tuple[str, EmailMessage]:
    """A ticket whose customer was answered, which solved it; and our answer as it went out."""
    about = subject(words)
    system.send(mail_from(address, about, "My lamp is broken."))
    ticket = system.ticket_with(about)
    answer(system, ticket, "Please restart it.", status="solved")
    (ours,) = eventually(lambda: system.relay.to(address), what="our answer")
    own = ticket["row"]["id"]
    eventually(lambda: [m for m in system.ticket(own)["messages"] if m["delivery"] == "sent"], what="it to be sent")
    return own, ours


def reply_of(system: Stack, ticket: str) -> dict:
    return next(message for message in system.ticket(ticket)["messages"] if message["direction"] == "out")


def nothing_else_came(system: Stack, ticket: str, messages: int) -> None:
    """Once a mail that was sent after them has become a ticket."""
    about = subject("Later")
    system.send(mail_from(f"later.{uuid4().hex[:6]}@example.net", about, "Hello?"))
    system.ticket_with(about)
    assert len(system.ticket(ticket)["messages"]) == messages
    names = {row["customer_name"].lower() for row in system.tickets()}
    assert not [name for name in names if "mailer-daemon" in name or name == "support@example.org"]


def test_who_is_away_reopens_nothing_in_any_language(system: Stack) -> None:
    address = f"kim.{uuid4().hex[:6]}@example.net"
    ticket, ours = answered(system, "Away", address)
    own = str(ours["Message-ID"])
    for number in ("21", "22", "23"):
        raw = case(number, **{"<our-answer@helpdesk.test>": own, "<our-answer@example.org>": own})
        sent_by_a_program(system, raw)
    for _, headers, envelope, title, text in AWAY:
        raw = f"From: Kim <{address}>\nTo: {ours['Reply-To']}\nMessage-ID: <{uuid4()}@x>\nIn-Reply-To: {own}\nSubject: {title}\n{headers}\n\n{text}\n"
        sent_by_a_program(system, raw.encode(), sender="" if envelope in {"", "<>"} else address)
    read = case("24", **{"<our-answer@helpdesk.test>": own, "<our-answer@example.org>": own})
    sent_by_a_program(system, read)
    found = eventually(
        lambda: (found := system.ticket(ticket))["row"]["messages"] == 2 + 3 + len(AWAY) + 1 and found,
        what="all of them",
    )
    assert (found["row"]["status"], found["row"]["waiting_since"]) == ("solved", None)
    assert {message["automatic"] for message in found["messages"] if message["direction"] == "in"} <= {"reply", ""}
    assert not [event for event in found["events"] if event["kind"] == "ticket.reopened"]


def test_an_answer_that_came_back_has_failed_with_its_code_and_somebody_looks_again(system: Stack) -> None:
    address = f"bou.{uuid4().hex[:6]}@example.net"
    ticket, ours = answered(system, "Came back", address)
    to = str(ours["Reply-To"]).rpartition("<")[2].rstrip(">")
    token = to.partition("+t")[2].partition("@")[0]
    for _ in range(2):  # the other side did not hear our 250 and sends it again
        sent_by_a_program(system, case("25", **{"<TOKEN>": token, "bou@customer.test": address}), to=to)
    found = eventually(
        lambda: (found := system.ticket(ticket))["row"]["status"] == "open" and found,
        what="the ticket to be open again",
    )
    assert (reply_of(system, ticket)["delivery"], reply_of(system, ticket)["delivery_detail"]) == (
        "failed",
        "550 5.1.1 unknown user",
    )
    assert found["row"]["waiting_since"] is not None
    nothing_else_came(system, ticket, 2)


def test_a_returned_mail_that_names_our_message_id_is_about_that_answer(system: Stack) -> None:
    address = f"bov.{uuid4().hex[:6]}@example.net"
    ticket, ours = answered(system, "Came back with its headers", address)
    answer(system, system.ticket(ticket), "And a second answer.", status="solved")
    eventually(
        lambda: len([m for m in system.ticket(ticket)["messages"] if m["delivery"] == "sent"]) == 2, what="both sent"
    )
    own = str(ours["Message-ID"])
    sent_by_a_program(system, case("26", **{"<our-answer@example.org>": own, "bov@customer.test": address}))
    eventually(lambda: system.ticket(ticket)["row"]["status"] == "open", what="the ticket to be open again")
    states = {m["text"]: m["delivery"] for m in system.ticket(ticket)["messages"] if m["direction"] == "out"}
    assert states == {"Please restart it.": "failed", "And a second answer.": "sent"}
    nothing_else_came(system, ticket, 3)


def test_an_answer_that_is_still_tried_is_told_apart_and_a_returned_mail_is_found_by_its_address(system: Stack) -> None:
    address = f"slow.{uuid4().hex[:6]}@example.net"
    ticket, _ = answered(system, "Slow", address)
    first = case(
        "26", **{"Action: failed": "Action: delayed", "Status: 5.1.1": "Status: 4.4.1", "bov@customer.test": address}
    )
    sent_by_a_program(system, first.replace(b"550 5.1.1 unknown user", b"451 4.4.1 no answer yet"))
    eventually(lambda: reply_of(system, ticket)["delivery"] == "delayed", what="the answer to be delayed")
    assert reply_of(system, ticket)["delivery_detail"] == "451 4.4.1 no answer yet"
    assert system.ticket(ticket)["row"]["status"] == "solved"
    sent_by_a_program(system, case("26", **{"bov@customer.test": address}))
    eventually(lambda: reply_of(system, ticket)["delivery"] == "failed", what="the answer to have failed")
    nothing_else_came(system, ticket, 2)


def test_a_returned_mail_about_nothing_of_ours_is_no_ticket_and_is_not_lost(system: Stack) -> None:
    stranger = f"stranger.{uuid4().hex[:6]}@example.net"
    sent_by_a_program(system, case("26", **{"bov@customer.test": stranger}))

    def set_aside() -> bool:
        letters = asyncio.run(records_on(str(system.run["kafka"]), DEAD_LETTERS))
        return any(stranger in dict(letter.headers)["error"].decode() for letter in letters)

    eventually(set_aside, what="a dead letter that names it")


def test_our_own_mail_that_comes_back_opens_nothing_and_makes_us_nobody_s_customer(system: Stack) -> None:
    address = f"loop.{uuid4().hex[:6]}@example.net"
    ticket, ours = answered(system, "Loop", address)
    whole = ours.as_bytes()
    rewritten = whole.replace(str(ours["Message-ID"]).encode(), b"<0100@relay.example>")
    assert rewritten != whole
    for raw in (whole, rewritten):
        sent_by_a_program(system, raw, sender=address)
    nothing_else_came(system, ticket, 2)


def test_two_people_with_one_message_id_are_two_messages_of_two_customers(system: Stack) -> None:
    mark = uuid4().hex[:8]
    for number, name in (("28", "va"), ("29", "vb")):
        raw = case(number, **{"20261130050000": mark, "customer.test": f"{mark}.test", "Call me": f"Call me {mark}"})
        sent_by_a_program(system, raw, sender=f"{name}@{mark}.test")
    rows = eventually(
        lambda: (rows := [row for row in system.tickets() if row["subject"] == f"Call me {mark}"])[1:] and rows,
        what="both",
    )
    assert {row["customer_name"] for row in rows} == {"Visitor va", "Visitor vb"}
    assert [system.ticket(row["id"])["linked"] for row in rows] == [[], []]


def test_an_agent_gets_each_mail_as_it_came_in_also_where_it_is_only_text(system: Stack) -> None:
    about = subject("As it came")
    mail = mail_from("raw@example.net", about, "Only text.\n\n> kept as it was")
    system.send(mail)
    (message,) = system.ticket_with(about)["messages"]
    got = system.api.get(f"/messages/{message['id']}/original")
    assert (got.status_code, got.headers["x-content-type-options"]) == (200, "nosniff")
    assert got.content.splitlines() == mail.as_bytes().splitlines()


def test_a_mail_that_an_agent_forwards_is_the_customer_s_who_wrote_it(system: Stack) -> None:
    mark = uuid4().hex[:8]
    raw = case(
        "30", **{"Subject: Fwd: Broken": f"Subject: Fwd: Broken {mark}", "fwk@": f"fwk.{mark}@", "<fwa@": f"<{mark}@"}
    )
    sent_by_a_program(system, raw, sender="admin@example.org")
    ticket = system.ticket_with(f"Fwd: Broken {mark}")
    assert (ticket["row"]["customer_name"], ticket["messages"][0]["author"]) == (
        "Kim Doe",
        f"email:fwk.{mark}@customer.test",
    )
    answer(system, ticket, "We send a new one.")
    (ours,) = eventually(lambda: system.relay.to(f"fwk.{mark}@customer.test"), what="the answer at the customer's")
    assert "admin@example.org" not in str(ours["To"])


def test_mail_through_a_group_is_the_person_s_and_a_postmaster_is_a_person(system: Stack) -> None:
    mark = uuid4().hex[:8]
    group = case("04", **{"Subject: Parcel": f"Subject: Parcel {mark}", "e01@": f"e01.{mark}@"})
    sent_by_a_program(system, group, sender="support+bnc@example.org")
    sent_by_a_program(
        system, case("12", **{"Your mails to us": f"Your mails {mark}"}), sender="postmaster@customer-d01.test"
    )
    parcel, mails = system.ticket_with(f"Parcel {mark}"), system.ticket_with(f"Your mails {mark}")
    assert (parcel["messages"][0]["author"], parcel["messages"][0]["automatic"]) == (
        f"email:e01.{mark}@customer.test",
        "",
    )
    assert (mails["messages"][0]["automatic"], mails["row"]["status"]) == ("", "open")
