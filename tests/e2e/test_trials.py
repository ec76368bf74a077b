"""An admin types a text and sees how it would be judged, by the router itself."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from services.router.adapters import policy_yaml
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, Desk, beside
from tests.e2e.test_looks import overflow


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


@pytest.fixture(scope="module")
def router(desk: Desk) -> Iterator[None]:
    """A router process with the desk's secret, on the port where the desk looks for it."""
    own = {"ROUTER_GROUP": f"router-{uuid4().hex[:8]}"}
    with beside(desk, "router", "DESK_ROUTER_URL", own):
        yield


def test_while_the_router_is_away_the_page_says_so_and_keeps_the_text(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("503")
    tab.goto(f"{desk.url}/routing/test")
    tab.get_by_label("Message").fill("The shop is down\nplease help")
    tab.get_by_role("button", name="Test", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("temporarily unavailable")
    expect(tab.get_by_label("Message")).to_have_value("The shop is down\nplease help")
    assert findings(tab) == []
    tab.get_by_role("link", name="About the urgency model").click()
    expect(tab.get_by_role("alert")).to_contain_text("temporarily unavailable")
    assert findings(tab) == []


def test_an_admin_tests_a_message_by_keyboard_and_compares_another_policy(
    tab: Page, desk: Desk, router: None, log: BrowserLog
) -> None:
    tab.goto(f"{desk.url}/people")
    tab.get_by_role("main").get_by_role("link", name="Test a message").click()
    tab.get_by_label("Message").focus()
    tab.keyboard.type("Someone stole my card and is buying things <b>now</b>")
    for _ in range(6):  # channel, language, plan, waiting, comparison, button
        tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    result = tab.get_by_role("region", name="Current policy")
    expect(result).to_contain_text("a security problem (")
    expect(result).to_contain_text("urgency-")
    expect(result.locator("h2 .chip")).to_contain_text("Urgent")
    expect(result.locator(".levels .own")).to_contain_text("This message")
    expect(result.get_by_role("row", name="Normal").first).to_contain_text("Points fewer: ")
    expect(result.locator(".points tfoot")).to_contain_text("Score")
    picture(tab, "trial")
    tab.get_by_label("Message").fill("When do you open on Saturdays?")
    tab.get_by_text("Compare with another routing policy").click()
    shipped = policy_yaml.SHIPPED.read_text("utf-8")
    tab.get_by_label("Policy (YAML)").fill(shipped.replace("urgent: 65", "urgent: 19").replace("high: 45", "high: 18"))
    tab.get_by_role("button", name="Test", exact=True).click()
    expect(tab.get_by_role("region", name="The other policy").locator("h2 .chip")).to_contain_text("Urgent")
    expect(result.locator("h2 .chip")).to_contain_text("Normal")
    urgent = result.get_by_role("row", name="Urgent").first
    expect(urgent).to_contain_text("With any one of: lost data; ")
    expect(tab.locator("#result")).to_be_focused()
    tab.get_by_label("Policy (YAML)").fill(shipped.replace("live: 45", "live: 450"))
    tab.get_by_role("button", name="Test", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("signals.live")
    log.allow("422")
    tab.get_by_label("Message").fill("x" * 200_001)
    tab.get_by_label("Policy (YAML)").fill("")
    tab.get_by_role("button", name="Test", exact=True).click()
    expect(tab.locator("#text-error")).to_contain_text("at most 200,000 characters")
    expect(tab.get_by_label("Message")).to_be_focused()
    assert findings(tab) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_a_judgement_and_on_the_model_s_card(
    browser: Browser, desk: Desk, router: None, theme: str
) -> None:
    for page in signed_in(browser, desk, color_scheme=theme):
        page.goto(f"{desk.url}/routing/test")
        page.get_by_label("Message").fill("감사합니다! 덕분에 해결됐어요.")
        page.get_by_role("button", name="Test", exact=True).click()
        expect(page.get_by_role("region", name="Current policy")).to_contain_text("thanks")
        assert findings(page) == []
        picture(page, f"trial-{theme}")
        page.get_by_role("link", name="About the urgency model").click()
        card = page.get_by_role("article", name="Model card")
        expect(card.get_by_role("table").first).to_be_visible()
        expect(card).to_contain_text("macro F1")
        assert findings(page) == []
        picture(page, f"model-card-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_a_judgement_fits_a_phone_in_any_language(browser: Browser, desk: Desk, router: None, language: str) -> None:
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 1800}, language=language, has_touch=True):
        page.goto(f"{desk.url}/routing/test")
        page.locator("#text").fill("The shop is down " + "x" * 300)
        page.locator("[name=live]").check()
        page.locator(".trial-page form .button.primary").click()
        expect(page.locator(".outcome h2 .chip")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        page.locator("#result").scroll_into_view_if_needed()
        picture(page, f"phone-trial-{language}")
        page.goto(f"{desk.url}/routing/model")
        expect(page.locator(".model-card table").first).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-model-card-{language}")
