"""Each service is killed in the middle of the day. Nothing that was accepted is lost, nothing takes
effect twice."""

from __future__ import annotations

import smtplib
import threading
import time
from collections import Counter
from uuid import uuid4

import httpx
import pytest

from tests.chat import Visitor
from tests.stack import Stack, mail_from
from tests.waiting import eventually

MAILS, CHATS, REPLIES = 45, 45, 8
SENDING_SECONDS = 24.0
"""Long enough for four services to be killed and to come back while customers write."""


def test_each_service_killed_while_customers_write_and_agents_answer(system: Stack) -> None:
    run = uuid4().hex[:8]
    pace = SENDING_SECONDS / MAILS
    failures: list[BaseException] = []

    def guarded(work) -> threading.Thread:
        def run_it() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - whatever it was, the test shows it
                failures.append(error)

        thread = threading.Thread(target=run_it)
        thread.start()
        return thread

    def write_mails() -> None:
        for number in range(MAILS):
            address = f"writer{number % 9}.{run}@example.net"
            system.send_until_taken(mail_from(address, f"mail {run} {number}", f"Message number {number} of {run}."))
            time.sleep(pace)

    def write_chats() -> None:
        visitors = [Visitor(system.url("dashboard"), system.site) for _ in range(5)]
        for number in range(CHATS):
            visitors[number % 5].say_until_taken(f"chat {run} {number}")
            time.sleep(pace)

    for number in range(REPLIES):
        system.send_until_taken(
            mail_from(f"asker{number}.{run}@example.net", f"ask {run} {number}", f"Question {number} of {run}.")
        )
    asked = [system.ticket_with(f"ask {run} {number}") for number in range(REPLIES)]

    def answer_them() -> None:
        for number, ticket in enumerate(asked):
            key = uuid4().hex

            def reply(ticket=ticket, number=number, key=key) -> bool:
                response = system.api.post(
                    f"/tickets/{ticket['row']['id']}/replies",
                    json={"text": f"answer {run} {number}"},
                    headers={"Idempotency-Key": key},
                )
                assert response.status_code < 500, response.text
                assert response.status_code < 300 or pytest.fail(response.text)
                return True

            eventually(reply, "the answer to be taken", 90)
            time.sleep(SENDING_SECONDS / REPLIES)

    threads = [guarded(work) for work in (write_mails, write_chats, answer_them)]
    for service in ("router", "desk", "email", "dashboard"):
        system.wait_restarted(service, system.kill(service))
    for thread in threads:
        thread.join(240)
    assert not failures, failures

    def all_there() -> Counter[str] | None:
        rows = [row for row in system.tickets(order="newest") if run in row["subject"] or run in row["snippet"]]
        texts = Counter(
            message["text"]
            for row in rows
            for message in system.ticket(row["id"])["messages"]
            if message["direction"] == "in"
        )
        return texts if sum(texts.values()) >= MAILS + CHATS + REPLIES else None

    found = eventually(all_there, "every accepted message at the desk", 120)
    assert found is not None
    assert {text: count for text, count in found.items() if count > 1} == {}
    for number in range(CHATS):
        assert found[f"chat {run} {number}"] == 1, f"chat {number} is missing"
    for number in range(MAILS):
        assert found[f"Message number {number} of {run}."] == 1, f"mail {number} is missing"

    def all_answered() -> bool:
        states = [
            [
                message["delivery"]
                for message in system.ticket(ticket["row"]["id"])["messages"]
                if message["direction"] == "out"
            ]
            for ticket in asked
        ]
        assert all(len(state) == 1 for state in states), states
        return all(state[0] in {"sent", "delivered", "uncertain"} for state in states)

    eventually(all_answered, "every answer to be sent, or shown as uncertain", 90)
    for number in range(REPLIES):
        arrived = system.relay.to(f"asker{number}.{run}@")
        messages = system.ticket(asked[number]["row"]["id"])["messages"]
        state = next(message["delivery"] for message in messages if message["direction"] == "out")
        assert len(arrived) <= 1, "an answer was sent twice"
        assert arrived or state == "uncertain", "an answer is called sent and never was"


def test_while_kafka_is_away_a_sender_is_asked_to_come_back_and_a_visitor_too(system: Stack) -> None:
    run = uuid4().hex[:8]
    visitor = Visitor(system.url("dashboard"), system.site)
    visitor.say_until_taken(f"before {run}")
    with system.kafka_away():
        with pytest.raises((smtplib.SMTPException, OSError)):
            system.send(mail_from("early@example.net", f"early {run}", "Is anybody there?"))
        with pytest.raises((httpx.HTTPError, AssertionError)):
            visitor.say(f"during {run}", key="during")
    system.send_until_taken(mail_from("early@example.net", f"early {run}", "Is anybody there?"))
    visitor.say_until_taken(f"during {run}", key="during")
    system.ticket_with(f"early {run}")
    row = eventually(
        lambda: [row for row in system.tickets(order="newest") if f"during {run}" in row["snippet"]],
        what="the chat message",
    )[0]
    texts = [message["text"] for message in system.ticket(row["id"])["messages"]]
    assert texts == [f"before {run}", f"during {run}"]


def test_after_all_that_the_books_balance(system: Stack) -> None:
    """Every message of every story so far, from the door to the desk's database, and every
    answer."""
    balance = system.balance()
    assert balance["received"] >= MAILS + CHATS
    assert balance["applied"] == balance["routed"] == balance["received"]
    assert balance["settled"] == balance["requested"] >= REPLIES
