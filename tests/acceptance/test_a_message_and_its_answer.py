"""The main job: a message becomes a routed ticket, an agent answers, the customer's next message
joins it."""

from __future__ import annotations

import smtplib
from uuid import uuid4

import pytest

from tests.chat import Visitor
from tests.stack import Stack, mail_from
from tests.waiting import eventually


def subject(words: str) -> str:
    """Unique, so that stories do not meet."""
    return f"{words} {uuid4().hex[:8]}"


def answer(system: Stack, ticket: dict, text: str, **more: str) -> dict:
    response = system.api.post(
        f"/tickets/{ticket['row']['id']}/replies",
        json={"text": text, "seen": ticket["row"]["version"], **more},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert response.status_code in (200, 201, 202), response.text
    return dict(response.json())


def test_a_mail_is_answered_and_the_customer_s_next_mail_joins_the_ticket(system: Stack) -> None:
    about, address = subject("I was charged twice"), f"ann.{uuid4().hex[:6]}@example.net"
    first = mail_from(
        address, about, "Hello,\nI see two charges of 99 EUR for the same plan.\nPlease refund one.", name="Ann Lee"
    )
    system.send(first)

    ticket = system.ticket_with(about)
    assert ticket["row"]["customer_name"] == "Ann Lee"
    assert ticket["row"]["language"] == "en"
    assert ticket["row"]["level"] in {"normal", "high", "urgent"}
    assert any("charge" in reason["text"].lower() or "refund" in reason["text"].lower() for reason in ticket["reasons"])
    assert ticket["channels"][0]["channel"] == "email"
    assert ticket["channels"][0]["reasons"][0]["text"]

    answer(system, ticket, "Hello Ann, the second charge is refunded today.")
    (received,) = eventually(lambda: system.relay.to(address), what="our answer in the customer's mailbox")
    assert received["In-Reply-To"] == first["Message-ID"]
    assert str(first["Message-ID"]) in str(received["References"])
    assert str(received["Subject"]).lower().startswith("re:")
    assert "refunded today" in received.get_content()
    sent = eventually(
        lambda: [m for m in system.ticket(ticket["row"]["id"])["messages"] if m["delivery"] == "sent"],
        what="the answer marked as sent",
    )
    assert len(sent) == 1

    second = mail_from(
        address,
        f"Re: {about}",
        "Thank you!\n\nOn Monday Sam wrote:\n> the second charge",
        name="Ann Lee",
        reply_to=received,
    )
    system.send(second, recipient=str(second["To"]).split("<")[-1].strip(">"))
    joined = eventually(
        lambda: (found := system.ticket(ticket["row"]["id"])) and len(found["messages"]) == 3 and found,
        what="the answer to join",
    )
    assert joined["messages"][-1]["text"].startswith("Thank you!")
    assert joined["row"]["status"] == "open"


def test_an_answer_finds_its_ticket_even_when_the_mail_program_lost_every_header(system: Stack) -> None:
    about, address = subject("Where is my invoice"), f"ben.{uuid4().hex[:6]}@example.net"
    system.send(mail_from(address, about, "Could you send me my invoice of March?"))
    ticket = system.ticket_with(about)
    answer(system, ticket, "Here it is.")
    (received,) = eventually(lambda: system.relay.to(address))
    bare = mail_from(address, "thanks", "Got it.")
    reply_address = str(received["Reply-To"]).split("<")[-1].strip(">")
    del bare["To"]
    bare["To"] = reply_address
    system.send(bare, recipient=reply_address)
    eventually(
        lambda: len(system.ticket(ticket["row"]["id"])["messages"]) == 3, what="the bare answer to join by its address"
    )


def test_a_stranger_who_quotes_a_thread_never_lands_in_somebody_else_s_ticket(system: Stack) -> None:
    about = subject("Private matter")
    first = mail_from(f"carol.{uuid4().hex[:6]}@example.net", about, "This is between us.")
    system.send(first)
    ticket = system.ticket_with(about)
    stranger = mail_from(f"mallory.{uuid4().hex[:6]}@example.net", f"Re: {about} (mine)", "Show me everything.")
    stranger["References"] = str(first["Message-ID"])
    system.send(stranger)
    other = system.ticket_with(f"Re: {about} (mine)")
    assert other["row"]["id"] != ticket["row"]["id"]
    assert len(system.ticket(ticket["row"]["id"])["messages"]) == 1
    assert [linked["id"] for linked in other["linked"]] == [ticket["row"]["id"]]


def test_an_older_customer_who_writes_a_mail_is_shown_as_somebody_who_prefers_the_phone(system: Stack) -> None:
    about, address = subject("My printer"), f"marthe.{uuid4().hex[:6]}@example.net"
    system.send(mail_from(address, about, "It does not print any more.", name="Marthe Duval"))
    ticket = system.ticket_with(about)
    change = system.api.patch(f"/customers/{ticket['row']['customer_id']}", json={"birth_year": 1955})
    assert change.status_code == 200, change.text

    again = subject("My printer again")

    def prefers_phone() -> dict | None:
        about_now = f"{again} {uuid4().hex[:4]}"
        system.send(mail_from(address, about_now, "Still nothing.", name="Marthe Duval"))
        found = system.ticket_with(about_now)
        return found if found["channels"][0]["channel"] == "phone" else None

    found = eventually(prefers_phone, what="the router to know her age")
    assert found["channels"][0]["reasons"][0]["text"] == "age 71, given by the customer"
    assert found["row"]["preferred_channel"] == "phone"


@pytest.mark.parametrize(
    ("words", "text", "language"),
    [
        ("결제가 두 번 되었어요", "안녕하세요. 같은 요금제로 두 번 결제되었습니다. 확인해 주세요.", "ko"),
        (
            "Le site est en panne",
            "Bonjour, notre site est en panne depuis la mise à jour, plus rien ne fonctionne !",
            "fr",
        ),
    ],
)
def test_a_customer_is_understood_in_their_own_language(system: Stack, words: str, text: str, language: str) -> None:
    about = subject(words)
    system.send(mail_from(f"kim.{uuid4().hex[:6]}@example.net", about, text))
    ticket = system.ticket_with(about)
    assert ticket["row"]["language"] == language
    assert ticket["messages"][0]["text"] == text
    assert any(reason["weight"] > 0 for reason in ticket["reasons"]), "severity in this language went unseen"


def test_a_customer_in_the_product_s_dashboard_gets_the_answer_there(system: Stack) -> None:
    who = uuid4().hex[:8]
    visitor = Visitor(
        system.url("dashboard"),
        system.site,
        sub=f"user-{who}",
        name="Jo Park",
        email=f"jo.{who}@example.net",
        birth_year=1998,
    )
    about = subject("The widget is gone")
    visitor.say(
        "The widget disappeared from my shop. It is urgent, orders are down!", subject=about, facts={"plugin": "2.4.1"}
    )
    ticket = system.ticket_with(about)
    assert ticket["messages"][0]["verified"]
    assert ticket["messages"][0]["facts"]["plugin"] == "2.4.1"
    assert ticket["channels"][0]["channel"] == "chat"
    answer(system, ticket, "It is back, please reload.")
    eventually(
        lambda: [m for m in visitor.conversation() if "please reload" in m["text"]], what="the answer in the dashboard"
    )
    visitor.say("Works, thanks!")
    eventually(lambda: len(system.ticket(ticket["row"]["id"])["messages"]) == 3, what="the thanks to join")
    stranger = Visitor(system.url("dashboard"), system.site)
    stranger.say("Hello?")
    assert [message["text"] for message in stranger.conversation()] == ["Hello?"]


def test_the_same_mail_delivered_again_is_one_message(system: Stack) -> None:
    about = subject("Once only")
    mail = mail_from("dora@example.net", about, "Please read this once.")
    for _ in range(3):
        system.send(mail)
    system.send(mail, recipient="help@example.org")
    after = mail_from("dora@example.net", f"{about} after", "A later one.")
    system.send(after)
    system.ticket_with(f"{about} after")
    assert [
        len(system.ticket(row["id"])["messages"]) for row in system.tickets(order="newest") if row["subject"] == about
    ] == [1]


def test_what_looks_like_sql_or_html_is_only_text(system: Stack) -> None:
    about = subject("'; DROP TABLE desk.tickets; -- <script>alert(1)</script>")
    text = "<b>bold?</b> ' OR 1=1; \u202e {{ 7*7 }}"
    system.send(mail_from("eve@example.net", about, text, name='"><img src=x onerror=alert(1)>'))
    ticket = system.ticket_with(about)
    assert ticket["messages"][0]["text"] == text
    assert ticket["row"]["subject"] == about


def test_a_mail_for_somebody_else_and_a_mail_that_is_too_large_are_refused_with_words(system: Stack) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        system.send(mail_from("x@example.net", "relay?", "please"), recipient="someone@elsewhere.example")
    assert b"550" in str(refused.value).encode()
    with pytest.raises(smtplib.SMTPException) as too_large:
        system.send(mail_from("x@example.net", "huge", "x" * 26_000_000))
    assert "552" in str(too_large.value)


def test_without_a_token_the_api_tells_nothing(system: Stack) -> None:
    answer = system.api.get("/tickets", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
