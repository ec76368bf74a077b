"""The practice telephone of `make demo`: a newcomer calls the support line like an older customer,
and is answered by an agent."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.conftest import engine_folder
from tests.e2e.axe import findings
from tests.e2e.conftest import picture
from tests.practice import Practice, practising
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(400)
ADMIN, MARGARET, CHLOE = "admin@example.org", "+442079460071", "+33199005530"
EARS = """
window.said = [];
speechSynthesis.speak = (utterance) => window.said.push([utterance.lang, utterance.rate, utterance.text]);
"""


@pytest.fixture(scope="module")
def demo(browser: Browser) -> Iterator[Practice]:
    del browser  # asked for first: without it there is no need to start anything
    with engine_folder() as folder, practising(folder, "--minutes", "0", "--pace", "0.3") as found:
        yield found


@pytest.fixture(autouse=True)
def _empty_inbox() -> None:
    """The desk of the other browser tests is not needed here."""


@pytest.fixture(params=["light"])
def page(request: pytest.FixtureRequest, browser: Browser, demo: Practice) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 960}, color_scheme=request.param)
    context.set_default_timeout(20_000)
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    context.add_init_script(EARS)
    page = context.new_page()
    page.goto(f"{demo.street}/#call")
    expect(customer(page).get_by_role("button", name=re.compile("Call|Hang up"))).to_be_visible()
    yield page
    for phone in (customer(page), agent(page)):
        if phone.get_by_role("button", name="Hang up").is_visible():
            phone.get_by_role("button", name="Hang up").click()
            expect(phone.get_by_role("button", name="Hang up")).to_be_hidden()
    context.close()
    assert errors == []


def customer(page: Page) -> Locator:
    return page.get_by_role("article", name="A customer’s telephone")


def agent(page: Page) -> Locator:
    return page.get_by_role("article", name="The agent’s telephone")


def hears(phone: Locator, words: str) -> None:
    expect(phone.get_by_role("log")).to_contain_text(words, timeout=60_000)


def state(phone: Locator) -> Locator:
    return phone.get_by_role("status")


def call_as(page: Page, number: str) -> Locator:
    phone = customer(page)
    phone.get_by_label("Who calls").select_option(number)
    phone.get_by_role("button", name="Call", exact=True).click()
    return phone


def test_an_older_customer_hears_the_menu_presses_a_key_and_waits_in_line(page: Page) -> None:
    phone = call_as(page, MARGARET)
    hears(phone, "Welcome to Acme")
    hears(phone, "To talk to a person, press 0")
    phone.get_by_role("button", name="0", exact=True).click()
    hears(phone, "I will connect you to a person")
    hears(phone, "The wait is about")
    expect(state(phone)).to_contain_text("In line")
    assert findings(page) == []
    picture(page, "telephone-waiting-light")

    shown, said = phone.locator("li.line").all_inner_texts(), page.evaluate("window.said")
    assert [text for _, _, text in said[: len(shown)]] == shown, "each line is spoken, once, in order"
    assert {(language, round(rate, 2)) for language, rate, text in said if text.startswith("Hello")} == {
        ("en-US", 0.88)
    }

    phone.get_by_role("button", name="Hang up").click()
    expect(state(phone)).to_contain_text("Hung up")


def test_who_presses_nothing_is_put_in_line_for_a_person(page: Page) -> None:
    phone = call_as(page, MARGARET)
    hears(phone, "I will connect you to a person")
    expect(state(phone)).to_contain_text("In line", timeout=30_000)


def test_a_french_caller_is_greeted_in_french_and_can_choose_korean(page: Page) -> None:
    phone = call_as(page, CHLOE)
    hears(phone, "Bienvenue chez Acme")
    expect(phone.locator("li", has_text="Bienvenue")).to_have_attribute("lang", "fr-FR")
    hears(phone, "appuyez sur 0")  # before the menu nothing listens, as at Twilio
    page.keyboard.press("9")  # the keyboard works the keys as well
    hears(phone, "상담원과 통화하시려면")
    assert any(lang == "ko-KR" for lang, _, _ in page.evaluate("window.said"))


def test_the_agent_answers_and_both_are_connected_until_one_hangs_up(page: Page, demo: Practice) -> None:
    phone = call_as(page, MARGARET)
    hears(phone, "To talk to a person")
    phone.get_by_role("button", name="0", exact=True).click()
    expect(state(phone)).to_contain_text("In line", timeout=30_000)

    def waiting() -> str:
        found = [one for one in demo.desk("GET", "/calls")["waiting"] if one["customer"] == f"tel:{MARGARET}"]
        return str(found[0]["call_id"]) if found else ""

    call = eventually(waiting, "the call at the desk", 30)
    demo.desk("PUT", f"/agents/{ADMIN}/presence", {"presence": "ready"})
    page.get_by_role("link", name="Post", exact=True).click()
    demo.desk("POST", f"/calls/{call}/answer", {"agent": ADMIN})
    page.get_by_role("link", name="Go to it").click()

    other = agent(page)
    other.get_by_role("button", name="Pick up").click()
    hears(other, "To take it, press 1")
    picture(page, "telephone-answering-light")
    other.get_by_role("button", name="1", exact=True).click()
    expect(state(phone)).to_contain_text("You are connected")
    expect(state(other)).to_contain_text("You are connected")
    phone.get_by_label("Say").fill("Is that a real person?")
    page.keyboard.press("Enter")
    hears(other, "Is that a real person?")
    other.get_by_label("Say").fill("Yes. Good morning, Margaret.")
    page.keyboard.press("Enter")
    hears(phone, "Good morning, Margaret.")
    assert findings(page) == []
    picture(page, "telephone-connected-light")

    other.get_by_role("button", name="Hang up").click()
    hears(phone, "Thank you for your call. Goodbye.")
    expect(state(phone)).to_contain_text("Hung up")
    expect(state(other)).to_contain_text("Waits for a call")


@pytest.mark.parametrize("page", ["light", "dark"], indirect=True)
def test_the_whole_street_is_accessible_and_fits_a_phone(
    page: Page, demo: Practice, request: pytest.FixtureRequest
) -> None:
    theme = request.node.callspec.params["page"]
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in ("Call", "Text", "Post", "Mail", "Chat"):
        page.get_by_role("link", name=tab, exact=True).click()
        expect(page.locator(f"#{tab.lower()} h2")).to_be_visible()
        if tab == "Post":
            expect(page.locator("#posts > li").first).to_be_visible()
        assert findings(page) == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        picture(page, f"phone-street-{tab.lower()}-{theme}")
