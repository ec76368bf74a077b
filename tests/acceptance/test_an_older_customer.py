"""The older customer's story: she writes and is called back; she calls and reaches a person. With
Twilio's own client on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import stack
from tests.chat import Visitor
from tests.conftest import engine_folder
from tests.e2e.conftest import BrowserLog, chromium, signed_in
from tests.exchange import Exchange, exchange
from tests.providers.twilio_calls import Person
from tests.stack import Stack, mail_from
from tests.waiting import eventually

AGENT, AGENTS_PHONE = "admin@example.org", "+33199001201"
_PATIENT = {"PHONE_WAIT_LIMIT": "3600"}
"""A service that was killed is back within seconds, which are minutes at the pace of these
stories."""
TALKS = 10_000.0
"""Seconds until somebody hangs up by themselves: never, at the pace of these stories."""


def presses_one(heard: str) -> str:
    """An agent who picks up and confirms, in whatever language they are asked."""
    return "1" if "1" in heard else ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@dataclass(frozen=True)
class DeskAt:
    url: str


@pytest.fixture
def console(browser: Browser, place: tuple[Stack, Exchange]) -> Iterator[Page]:
    """The agent's browser, signed in at the desk."""
    system, _ = place
    password = (system.home / "admin-password").read_text().strip()
    log = BrowserLog()
    log.allow("Failed to load resource")  # services are killed in these stories
    for page in signed_in(browser, DeskAt(system.url("desk")), email=AGENT, password=password):
        log.watch(page.context)
        yield page
    assert log.unexpected() == []


@pytest.fixture(scope="module")
def place() -> Iterator[tuple[Stack, Exchange]]:
    base = stack.free_ports()
    with engine_folder() as folder, exchange(base + 98) as telephones:
        settings = (
            telephones.settings | _PATIENT | {"DASHBOARD_RATE_PER_ADDRESS": "0", "DASHBOARD_RATE_PER_VISITOR": "0"}
        )
        with stack.running(folder / "home", settings, base=base) as system:
            telephones.network.webhooks = system.url("phone")
            telephones.network.people[AGENTS_PHONE] = Person(keys=presses_one, talks=TALKS)
            answer = system.api.put(f"/agents/{AGENT}/phone", json={"number": AGENTS_PHONE})
            assert answer.status_code == 200, answer.text
            yield system, telephones


def margaret(system: Stack) -> tuple[str, str]:
    """A customer of 71, as her shop's signed page introduced her once: her mail address and her
    number."""
    who = uuid4().hex[:8]
    address, number = f"margaret.{who}@example.net", f"+3362{int(who, 16) % 10**7:07d}"
    visitor = Visitor(
        system.url("dashboard"),
        system.site,
        sub=f"user-{who}",
        name="Margaret Hall",
        email=address,
        phone=number,
        birth_year=1955,
    )
    subject = f"Which lamp fits {who}"
    visitor.say("Which lamp fits the old socket?", subject=subject)
    ticket = system.ticket_with(subject)
    status = system.api.patch(f"/tickets/{ticket['row']['id']}", json={"status": "solved"})
    assert status.status_code == 200, status.text
    return address, number


def presence(system: Stack, value: str) -> None:
    answer = system.api.put(f"/agents/{AGENT}/presence", json={"presence": value})
    assert answer.status_code == 200, answer.text


def calls(system: Stack) -> dict[str, Any]:
    answer = system.api.get("/calls")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_customer_of_71_who_writes_is_called_back(place: tuple[Stack, Exchange], console: Page) -> None:
    system, telephones = place
    address, number = margaret(system)
    subject = f"The lamp flickers {uuid4().hex[:8]}"
    system.send(mail_from(address, subject, "Good morning, my lamp flickers. Can you help me?", name="Margaret Hall"))

    ticket = system.ticket_with(subject)
    best = ticket["channels"][0]
    assert (best["channel"], best["contact_point"], best["available"]) == ("phone", f"tel:{number}", True)
    assert best["reasons"][0]["text"] == "age 71, given by the customer"

    def waiting() -> dict[str, Any] | None:
        found = system.api.get("/callbacks", params={"agent": AGENT}).json()
        return next((one for one in found if one["ticket"]["id"] == ticket["row"]["id"]), None)

    callback = eventually(waiting, "a callback to make", 30)
    assert callback
    assert (callback["why"], callback["number"]) == ("prefers", f"tel:{number}")
    assert callback["reason"]["text"] == "age 71, given by the customer"

    her, agent = Person(talks=TALKS), telephones.network.people[AGENTS_PHONE]
    telephones.network.people[number] = her
    before = len(agent.connected_to)
    console.goto(f"{system.url('desk')}/c/{ticket['row']['id']}")
    expect(console.locator(".conversation-head")).to_contain_text("Call back")
    console.locator(".conversation-head .call-form button").click()
    eventually(lambda: agent.connected_to[before:] == [number] and her.connected_to, "both to be connected", 30)
    call = eventually(
        lambda: next(c for c in calls(system)["ongoing"] if c["state"] == "connected"), "a connected call", 30
    )
    assert call["customer"] == f"tel:{number}"
    assert waiting() is None

    expect(console.locator("#my-call")).to_contain_text("On a call")
    console.locator("#my-call").get_by_role("button", name="Hang up").click()
    expect(console.locator("#my-call")).to_contain_text("Add your notes")
    console.locator(".call-notes textarea").fill("The bulb was loose. It shines again.")
    console.locator("#call-done").click()
    eventually(lambda: not calls(system)["ongoing"], "the call to be over", 30)
    after = system.ticket(ticket["row"]["id"])
    assert after["row"]["waiting_since"] is None
    assert "The bulb was loose. It shines again." in [message["text"] for message in after["messages"]]


def test_she_calls_and_stands_before_a_caller_who_prefers_mail(place: tuple[Stack, Exchange], console: Page) -> None:
    system, telephones = place
    presence(system, "away")
    _, number = margaret(system)
    other = f"+3361{int(uuid4().hex[:6], 16) % 10**7:07d}"
    callers = {}
    for caller in (other, number):  # she calls second
        callers[caller] = telephones.call(caller, Person(talks=TALKS))
        eventually(
            lambda caller=caller: caller in [c["customer"].removeprefix("tel:") for c in calls(system)["waiting"]],
            f"{caller} to wait",
            30,
        )
        if caller == other:
            first = eventually(lambda: next(c for c in calls(system)["waiting"] if c["customer_id"]), "the ticket", 30)
            told = system.api.patch(
                f"/customers/{first['customer_id']}", json={"preferred_channel": "email", "source": "customer"}
            )
            assert told.status_code == 200, told.text
    line = eventually(
        lambda: [c for c in calls(system)["waiting"] if c["prefers_phone"]] and calls(system)["waiting"], "the line", 30
    )
    assert line[0]["level"] == line[1]["level"]
    assert [one["customer"] for one in line] == [f"tel:{number}", f"tel:{other}"]
    assert "age 71, given by the customer" in " ".join(reason["text"] for reason in line[0]["reasons"])

    agent = telephones.network.people[AGENTS_PHONE]
    before = len(agent.connected_to)
    console.goto(f"{system.url('desk')}/calls")
    console.locator(".presence-form [value=ready]").click()
    expect(console.locator("#ring")).to_contain_text("Margaret Hall")
    offered = next(c for c in calls(system)["waiting"] if c["offered_to"] == AGENT)
    assert offered["customer"] == f"tel:{number}"
    console.locator("#ring").get_by_role("button", name="Answer").click()
    eventually(lambda: agent.connected_to[before:] == [number], "her and the agent to be connected", 30)
    second = system.api.post(f"/calls/{offered['call_id']}/answer", json={"agent": "somebody@example.org"})
    assert second.status_code in (404, 409, 422)
    for caller in callers.values():
        telephones.hang_up(caller)
    eventually(lambda: not calls(system)["waiting"], "the line to be empty", 30)


def test_a_caller_is_not_lost_when_the_phone_service_is_killed(place: tuple[Stack, Exchange]) -> None:
    """While she waits; and again while an agent takes her call."""
    system, telephones = place
    presence(system, "away")
    _, number = margaret(system)
    her = Person(talks=TALKS)
    line = telephones.call(number, her)
    waits = lambda: next(c for c in calls(system)["waiting"] if c["customer"] == f"tel:{number}")  # noqa: E731
    eventually(waits, "her to wait", 30)
    system.kill("phone")
    presence(system, "ready")
    offered = eventually(lambda: (c := waits()) and c["offered_to"] and c, "an offer")
    agent = telephones.network.people[AGENTS_PHONE]
    before = len(agent.connected_to)
    system.api.post(f"/calls/{offered['call_id']}/answer", json={"agent": AGENT}).raise_for_status()
    system.kill("phone")
    eventually(lambda: number in agent.connected_to[before:], "her and the agent to be connected", 90)
    assert agent.connected_to[before:].count(number) == 1
    telephones.hang_up(line)
    eventually(lambda: not calls(system)["waiting"], "the line to be empty", 30)
    tickets = [
        t
        for t in system.tickets(channel="phone")
        if number in t["customer_name"] or t["customer_name"] == "Margaret Hall"
    ]
    assert tickets


def test_texts_are_not_lost_or_answered_twice_when_the_phone_service_is_killed(place: tuple[Stack, Exchange]) -> None:
    system, telephones = place
    number = f"+3365{int(uuid4().hex[:6], 16) % 10**7:07d}"
    for count in range(6):
        if count in (2, 4):
            system.kill("phone")
        assert telephones.text(number, f"Text number {count}: is my lamp on its way?") == 200
    ticket = eventually(
        lambda: next(
            t
            for row in system.tickets(channel="sms")
            if len((t := system.ticket(row["id"]))["messages"]) == 6 and number in str(t["participants"])
        ),
        "all six texts in one ticket",
    )
    system.kill("phone")
    answered = system.api.post(
        f"/tickets/{ticket['row']['id']}/replies",
        json={"text": "It is on its way.", "seen": ticket["row"]["version"]},
        headers={"Idempotency-Key": uuid4().hex},
    )
    assert answered.status_code in (200, 201, 202), answered.text
    system.kill("phone")
    eventually(
        lambda: [m for m in system.ticket(ticket["row"]["id"])["messages"] if m["delivery"] == "delivered"],
        "the answer to be delivered",
        90,
    )
    sent = [m for m in telephones.network.messages.values() if m.to == number]
    assert [message.body for message in sent] == ["It is on its way."]
    books = system.balance()
    assert books["applied"] == books["received"]
