"""Older customers call: the telephone at the desk, in a real browser, on a real desk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.events import CallChanged, CallOutcome, CallState, Channel, ChannelChoice, PhoneCall, Reason, RoutedMessage
from shared.kernel import ContactPoint, Level
from shared.topics import CALLS_CHANGED, CHANNELS_ANNOUNCED, MESSAGES_ROUTED, MESSAGES_ROUTED_LIVE
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import CHANNELS, EMAIL, Customer, Desk
from tests.e2e.test_looks import overflow
from tests.waiting import eventually

OWN = "+33612345678"
PHONE = Channel(name="phone", label="Phone", icon="phone", reaches=("tel",), live=True)


@dataclass
class Caller:
    """Somebody on the telephone, and what the phone service and the router tell of them."""

    desk: Desk
    name: str = "Marie Lefèvre"
    number: str = field(default_factory=lambda: f"+3319900{uuid4().int % 10_000:04d}")
    language: str = "fr"
    call: str = field(default_factory=lambda: f"CA{uuid4().hex}")
    version: int = 0
    since: datetime = field(default_factory=lambda: utc_now() - timedelta(seconds=75))

    def waits(self, *, level: Level = Level.HIGH) -> None:
        """In line, with the message that the router decided on."""
        person = Customer(self.name, f"tel:{self.number}", self.language, "phone", conversation=self.call)
        routed = person.says("Calling now, and waiting for a person.", level=level, live=True, birth_year=1954)
        message = msgspec.structs.replace(
            routed.message, provider_id=self.call, call=PhoneCall(id=self.call, kind="waiting")
        )
        message = msgspec.structs.replace(
            message, thread=msgspec.structs.replace(message.thread, conversation=self.call)
        )
        decision = msgspec.structs.replace(routed.decision, channels=prefers_phone(self.number))
        self.desk.publish((MESSAGES_ROUTED_LIVE, decision.ticket_id, RoutedMessage(message=message, decision=decision)))
        self.tells(CallState.QUEUED, message_id=message.id)

    def tells(self, state: CallState, **more: object) -> None:
        """The phone service says where the call stands."""
        self.version += 1
        values = {
            "id": str(uuid4()),
            "call_id": self.call,
            "version": self.version,
            "state": state,
            "at": utc_now(),
            "customer": ContactPoint(f"tel:{self.number}"),
            "language": self.language,
            "waiting_since": self.since,
        }
        self.desk.publish((CALLS_CHANGED, self.call, CallChanged(**(values | more))))  # type: ignore[arg-type]


def prefers_phone(number: str) -> tuple[ChannelChoice, ...]:
    """As the router would say of somebody of 71."""
    age = Reason(code="preference.age", text="age 71, given by the customer", values={"age": "71", "channel": "phone"})
    return (ChannelChoice(channel="phone", contact_point=ContactPoint(f"tel:{number}"), reasons=(age,)),)


def writes(desk: Desk, name: str) -> str:
    """A mail of somebody of 71 whose number is known. Returns the number."""
    number = f"+3319900{uuid4().int % 10_000:04d}"
    person = Customer(name, f"email:{uuid4().hex[:8]}@example.org", "fr")
    points = (ContactPoint(f"tel:{number}"),)
    routed = person.says("Pouvez-vous m’appeler ?", subject="Ma carte est refusée", also=points, sender_verified=True)
    decision = msgspec.structs.replace(routed.decision, channels=(*prefers_phone(number), *routed.decision.channels))
    desk.publish((MESSAGES_ROUTED, decision.ticket_id, msgspec.structs.replace(routed, decision=decision)))
    return number


def nobody_calls(desk: Desk) -> None:
    desk.rows("UPDATE desk.calls SET state = 'ended', offered_to = '', answered_by = ''")
    desk.rows("UPDATE desk.agents SET presence = 'away', presence_reason = '', presence_after = '', phone = ''")


@pytest.fixture(autouse=True)
def line(desk: Desk) -> Iterator[None]:
    """The telephone is on, nobody is on it, and nobody is ready."""
    desk.publish((CHANNELS_ANNOUNCED, "phone", PHONE))
    nobody_calls(desk)
    yield
    nobody_calls(desk)
    desk.publish((CHANNELS_ANNOUNCED, "phone", next(channel for channel in CHANNELS if channel.name == "phone")))


def becomes_ready(page: Page, desk: Desk) -> None:
    page.goto(f"{desk.url}/calls")
    page.get_by_label("Your phone number").fill(OWN)
    page.locator(".number-form .button").click()
    page.locator(".presence-form [value=ready]").click()
    expect(page.locator("#my-presence .line strong")).to_have_text("Ready for work")


def other_tab(page: Page, url: str) -> Page:
    second = page.context.new_page()
    second.goto(url)
    expect(second.locator("#live")).to_have_attribute("data-state", "live")
    return second


def test_an_agent_needs_a_telephone_for_calls_and_none_to_be_ready(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 422")
    tab.goto(f"{desk.url}/inbox/all")
    tab.keyboard.press("g")
    tab.keyboard.press("c")
    tab.wait_for_url("**/calls")
    expect(tab.locator(".presence-form [value=ready]")).to_be_enabled()
    expect(tab.locator("#my-presence")).to_contain_text("Set your phone number to take calls")
    tab.get_by_label("Your phone number").fill("twelve")
    tab.locator(".number-form .button").click()
    expect(tab.locator("#own-number-error")).to_contain_text("+33 6 12 34 56 78")
    expect(tab.get_by_label("Your phone number")).to_have_value("twelve")
    tab.get_by_label("Your phone number").fill(OWN)
    tab.locator(".number-form .button").click()
    expect(tab.get_by_label("Your phone number")).to_have_value("+33 6 12 34 56 78")
    tab.locator(".presence-form [value=ready]").click()
    expect(tab.locator("#my-presence .line strong")).to_have_text("Ready for work")
    expect(tab.locator("#my-state")).to_have_class(re.compile("ready"))
    expect(tab.locator(".team")).to_contain_text("Sam Okoro")
    tab.locator("#why-away").select_option("lunch")
    tab.locator(".presence-form [value=away]").click()
    expect(tab.locator("#my-presence .line")).to_contain_text("Lunch")


def test_a_call_rings_in_every_tab_and_stops_in_every_tab_when_one_answers(tab: Page, desk: Desk) -> None:
    becomes_ready(tab, desk)
    second = other_tab(tab, f"{desk.url}/inbox/all")
    second.locator("#search").fill("half a sen")
    marie = Caller(desk)
    marie.waits()
    for page in (tab, second):
        expect(page.locator("#ring")).to_be_visible()
        expect(page.locator("#ring-title")).to_have_text("Marie Lefèvre is calling")
        expect(page.locator("#ring-title")).to_be_focused()
        expect(page).to_have_title("Marie Lefèvre is calling · Switchboard")
        expect(page.locator("#ring")).to_contain_text("prefers the phone")
    expect(tab.locator("#calls-count")).to_contain_text("1")
    expect(tab.locator("#calls-board .call").first).to_contain_text("age 71, given by the customer")
    expect(tab.locator("#calls-board .call").first).to_contain_text("Offered to Sam Okoro")
    picture(second, "call-rings")
    assert findings(second) == []

    second.wait_for_timeout(800)  # an Enter that was on its way into the search must not answer
    second.keyboard.press("Enter")
    for page in (tab, second):
        expect(page.locator("#ring")).to_have_count(0)
        expect(page.locator("#my-call")).to_contain_text(
            "Your phone +33 6 12 34 56 78 is ringing: pick up and press 1."
        )
    second.wait_for_url("**/c/*")
    expect(second.locator(".customer h2")).to_have_text("Marie Lefèvre")
    assert "/calls" in tab.url, "only the tab where somebody answered opens the conversation"
    assert "is calling" not in tab.title()

    request = desk.rows("SELECT id FROM desk.call_requests WHERE action = 'connect' ORDER BY requested_at DESC")[0][
        "id"
    ]
    marie.tells(
        CallState.CONNECTED, agent=EMAIL, request_id=request, outcome=CallOutcome.CONNECTED, connected_at=utc_now()
    )
    expect(second.locator("#my-call")).to_contain_text("On a call")
    expect(tab.locator("#calls-board")).to_contain_text("On the phone now")
    second.locator(".call-notes textarea").fill("Card was blocked by her bank.")
    picture(second, "call-talking")
    assert findings(second) == []
    marie.tells(
        CallState.WRAP_UP,
        agent=EMAIL,
        request_id=request,
        outcome=CallOutcome.COMPLETED,
        connected_at=utc_now() - timedelta(minutes=4, seconds=12),
        ended_at=utc_now(),
    )
    expect(second.locator("#my-call")).to_contain_text("Add your notes, then press Done")
    expect(second.locator(".call-notes textarea")).to_have_value("Card was blocked by her bank.")
    expect(tab.locator("#my-presence .line strong")).to_have_text("After-call work")
    expect(second.locator(".call-item")).to_contain_text(re.compile(r"Call from the customer, Sam Okoro:.*4:12"))
    picture(second, "call-wrap-up")
    second.locator("#call-done").click()
    expect(second.locator(".message.note")).to_contain_text("Card was blocked by her bank.")
    expect(second.locator(".message.note")).to_have_count(1)
    for page in (tab, second):
        expect(page.locator(".call-bar")).to_have_count(0)
    expect(tab.locator("#my-presence .line strong")).to_have_text("Ready for work")


def test_a_declined_call_goes_away_and_the_next_is_not_lost(tab: Page, desk: Desk) -> None:
    becomes_ready(tab, desk)
    second = other_tab(tab, f"{desk.url}/inbox/all")
    Caller(desk).waits()
    expect(second.locator("#ring")).to_be_visible()
    tab.locator("#ring").get_by_role("button", name="Decline").click()
    for page in (tab, second):
        expect(page.locator("#ring")).to_have_count(0)
    expect(tab.locator("#calls-board")).to_contain_text("offered before to")
    expect(tab.locator("#my-presence .line strong")).to_have_text("Ready for work")


def test_an_offer_that_nobody_answers_makes_the_agent_away_and_says_why(tab: Page, desk: Desk) -> None:
    becomes_ready(tab, desk)
    Caller(desk).waits()
    expect(tab.locator("#ring")).to_be_visible()
    expect(tab.locator("[data-countdown]")).to_contain_text(re.compile(r"1?\d s left to answer"))
    tab.keyboard.press("Escape")
    expect(tab.locator("#ring")).to_be_hidden()
    expect(tab.locator(".call-bar").get_by_role("button", name="Answer")).to_be_visible()
    desk.rows("UPDATE desk.calls SET offered_until = now() WHERE offered_to <> ''")
    expect(tab.locator(".call-bar.missed")).to_contain_text("You missed a call.")
    expect(tab.locator("#my-presence .line")).to_contain_text("Missed a call")
    picture(tab, "call-missed")
    assert findings(tab) == []
    tab.get_by_role("button", name="I am ready").click()
    expect(tab.locator("#my-presence .line strong")).to_have_text("Ready for work")


def test_a_caller_who_hangs_up_rings_no_more(tab: Page, desk: Desk) -> None:
    becomes_ready(tab, desk)
    marie = Caller(desk)
    marie.waits()
    expect(tab.locator("#ring")).to_be_visible()
    marie.tells(CallState.ABANDONED, ended_at=utc_now())
    expect(tab.locator("#ring")).to_have_count(0)
    expect(tab.locator(".call-bar")).to_have_count(0)


def test_an_older_customer_who_wrote_is_called_back(tab: Page, desk: Desk) -> None:
    becomes_ready(tab, desk)
    number = writes(desk, "Odile Marchand")
    todo = tab.locator("#callbacks .call", has_text="Odile Marchand")
    expect(todo).to_contain_text("Prefers a call: age 71, given by the customer")
    second = other_tab(tab, f"{desk.url}/inbox/all")
    expect(second.locator("#callbacks-count")).to_have_text("1")
    row = second.locator("#rows .row", has_text="Odile Marchand")
    expect(row).to_contain_text("Call back")
    row.locator("a").click()
    expect(second.locator(".composer .hint")).to_contain_text("Prefers a call: age 71")
    expect(second.locator(".actions .call-form")).to_contain_text("Call back")
    expect(second.locator(".customer .call-number")).to_be_visible()
    picture(second, "call-back-conversation")
    assert findings(second) == []

    todo.get_by_role("button", name="Call now").click()
    tab.wait_for_url("**/c/*")
    expect(tab.locator("#my-call")).to_contain_text("pick up and press 1. Then we call the customer.")
    expect(second.locator(".actions")).to_contain_text("Ringing the agent’s phone")
    expect(second.locator(".call-item")).to_contain_text("Call to the customer, Sam Okoro")
    asked = desk.rows(
        "SELECT call_id, id FROM desk.call_requests WHERE action = 'call-back' ORDER BY requested_at DESC"
    )[0]
    back = Caller(desk, "Odile Marchand", number, call=asked["call_id"])
    back.tells(
        CallState.ENDED,
        direction="out",
        agent=EMAIL,
        request_id=asked["id"],
        outcome=CallOutcome.CUSTOMER_NO_ANSWER,
        ended_at=utc_now(),
    )
    expect(second.locator(".call-item")).to_contain_text("The customer did not answer")
    expect(tab.locator(".call-bar")).to_have_count(0)


def test_who_texts_stop_is_offered_to_no_agent_for_a_call(tab: Page, desk: Desk) -> None:
    number = writes(desk, "Odile Marchand")
    tab.locator("#rows .row", has_text="Odile Marchand").locator("a").click()
    expect(tab.locator(".actions .call-form")).to_contain_text("Call back")
    her = Customer("", f"tel:{number}", "fr", "sms")
    desk.receive(her.says("STOP", automatic="consent", consent="stop"))
    expect(tab.locator(".customer .facts")).to_contain_text("Opted out of texts and calls here.")
    expect(tab.locator(".actions .call-form")).to_have_count(0)
    expect(tab.locator(".composer .hint .button")).to_be_hidden()
    expect(tab.locator(".customer .call-number")).to_have_count(0)
    expect(tab.locator("#callbacks-count")).to_have_text("0")
    picture(tab, "opted-out")


def test_a_customer_who_was_reached_otherwise_is_off_the_list(tab: Page, desk: Desk) -> None:
    tab.goto(f"{desk.url}/calls")
    writes(desk, "Odile Marchand")
    todo = tab.locator("#callbacks .call", has_text="Odile Marchand")
    todo.get_by_role("button", name="Reached another way").click()
    expect(todo).to_have_count(0)
    expect(tab.locator("#callbacks")).to_contain_text("No callbacks.")


def test_what_cannot_be_done_is_said_in_words(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 422")
    tab.goto(f"{desk.url}/calls")
    writes(desk, "Odile Marchand")
    tab.locator("#callbacks .call", has_text="Odile Marchand").get_by_role("button", name="Call now").click()
    expect(tab.locator(".toast")).to_contain_text("Set your phone number under Calls first.")


def test_calls_work_without_javascript(browser: Browser, desk: Desk) -> None:
    writes(desk, "Odile Marchand")
    eventually(lambda: desk.rows("SELECT 1 FROM desk.customers WHERE name = 'Odile Marchand'"), "she is known")
    for page in signed_in(browser, desk, java_script_enabled=False):
        page.goto(f"{desk.url}/calls")
        page.get_by_label("Your phone number").fill(OWN)
        page.locator(".number-form .button").click()
        page.locator(".presence-form [value=ready]").click()
        expect(page.locator("#my-presence .line strong")).to_have_text("Ready for work")
        Caller(desk).waits()
        eventually(lambda: desk.rows("SELECT 1 FROM desk.calls WHERE offered_to <> ''"), "it is offered")
        page.goto(f"{desk.url}/inbox/all")
        page.locator(".call-bar").get_by_role("button", name="Answer").click()
        page.wait_for_url("**/c/*")
        expect(page.locator(".call-bar")).to_contain_text("pick up and press 1")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_page_of_calls(browser: Browser, desk: Desk, theme: str) -> None:
    for page in signed_in(browser, desk, color_scheme=theme):
        page.goto(f"{desk.url}/calls")
        assert findings(page) == []
        picture(page, f"calls-empty-{theme}")
        writes(desk, "Odile Marchand")
        Caller(desk).waits()
        Caller(desk, "Tom Becker", language="en").waits(level=Level.NORMAL)
        expect(page.locator("#calls-board .call", has_text="Tom Becker")).to_be_visible()
        expect(page.locator("#callbacks .call", has_text="Odile Marchand")).to_be_visible()
        assert findings(page) == []
        picture(page, f"calls-{theme}")
        becomes_ready(page, desk)
        expect(page.locator("#ring")).to_be_visible()
        assert findings(page) == []
        picture(page, f"calls-ring-{theme}")
        page.locator("#ring").get_by_role("button", name="Answer").click()
        expect(page.locator(".call-bar.bridging")).to_be_visible()
        page.goto(f"{desk.url}/styleguide")
        assert findings(page) == []
        page.locator("h2", has_text="The agent’s own call").scroll_into_view_if_needed()
        picture(page, f"styleguide-calls-{theme}")


@pytest.mark.parametrize(("language", "ready"), [("en", "Ready for work"), ("fr", "Disponible"), ("ko", "응대 가능")])
def test_the_telephone_fits_on_a_phone_in_any_language(browser: Browser, desk: Desk, language: str, ready: str) -> None:
    desk.rows(f"UPDATE desk.agents SET phone = '{OWN}'")
    writes(desk, "Odile Marchand")
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 800}, language=language, has_touch=True):
        page.goto(f"{desk.url}/calls")
        page.locator(".presence-form [value=ready]").click()
        expect(page.locator("#my-presence .line strong")).to_have_text(ready)
        assert overflow(page) <= 0
        picture(page, f"phone-calls-{language}")
        Caller(desk).waits()
        expect(page.locator("#ring")).to_be_visible()
        for button in page.locator("#ring .button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["height"] >= 43.9
        picture(page, f"phone-ring-{language}")
        page.locator("#ring form.answer button").click()
        page.wait_for_url("**/c/*")
        expect(page.locator(".call-bar")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-call-{language}")
