"""An admin writes what customers are told automatically, and sees it as they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.events import RoutedMessage
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, Customer, Desk
from tests.e2e.test_looks import overflow
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows("DELETE FROM desk.autoreplies")
    desk.rows("DELETE FROM desk.autoreply_brake")
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


def written(desk: Desk, message: RoutedMessage) -> str:
    """Where its ticket is, once it is there."""
    desk.receive(message)
    ticket = message.decision.ticket_id
    eventually(lambda: desk.rows(f"SELECT 1 FROM desk.tickets WHERE id = '{ticket}'"), "the ticket to be there")
    return f"/c/{ticket}"


def test_an_admin_looks_at_the_texts_saves_them_and_a_customer_is_told(tab: Page, desk: Desk, log: BrowserLog) -> None:
    tab.goto(f"{desk.url}/people")
    tab.get_by_role("main").get_by_role("link", name="Automatic replies").click()
    expect(tab.get_by_text("Not saved yet")).to_be_visible()
    log.allow("422")
    tab.get_by_label("Opening hours", exact=True).fill("daily")
    tab.get_by_label("Within opening hours (English)").fill("Hello {nickname}")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("alert")).to_contain_text("Use only the variables")
    tab.get_by_label("Within opening hours (English)").fill("Hello {name|there}, we have it: {ticket}.")
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.locator("#hours-error")).to_contain_text("mon-fri 09:00-18:00")
    tab.get_by_label("Opening hours", exact=True).fill("mon-sun 00:00-24:00")
    tab.get_by_role("button", name="Preview").click()
    shown = tab.get_by_role("region", name="Preview")
    expect(shown).to_be_focused()
    expect(shown).to_contain_text("Hello Sam Okoro, we have it: #1042.")
    expect(shown).to_contain_text("Sam Okoro님, 안녕하세요.")
    assert findings(tab) == []
    picture(tab, "autoreplies-preview")
    tab.get_by_label("Send automatic replies").check()
    tab.get_by_role("button", name="Save", exact=True).click()
    expect(tab.get_by_role("status").filter(has_text="Saved.")).to_contain_text("Customers get this from now on.")
    assert findings(tab) == []
    ann = Customer("Ann Lee", "email:ann.autoreply@example.org")
    first = ann.says("The lamp is broken.", subject="Lamp")
    tab.goto(f"{desk.url}{written(desk, first)}")
    expect(tab.locator(".message.outbound")).to_contain_text("Hello Ann Lee, we have it: #")
    expect(tab.locator(".message.outbound h3")).to_have_text("Automatic reply")
    expect(tab.locator(".message.event").filter(has_text="Automatic reply sent")).to_be_visible()
    second = Customer("Ann Lee", "email:ann.autoreply@example.org").says("And the desk.", subject="Desk")
    tab.goto(f"{desk.url}{written(desk, second)}")
    expect(
        tab.locator(".message.event").filter(has_text="No automatic reply: one went to this address")
    ).to_be_visible()
    assert findings(tab) == []
    picture(tab, "autoreplies-timeline")


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light"), ("ko", "light")])
def test_the_page_fits_a_phone_and_says_when_all_are_paused(
    browser: Browser, desk: Desk, language: str, theme: str
) -> None:
    desk.rows("INSERT INTO desk.autoreply_brake (paused_at) VALUES (now()) ON CONFLICT DO NOTHING")
    phone = {"viewport": {"width": 390, "height": 2400}, "has_touch": True, "color_scheme": theme}
    for page in signed_in(browser, desk, language=language, **phone):
        page.goto(f"{desk.url}/automatic-replies")
        expect(page.get_by_role("alert")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-autoreplies-{language}")
        page.get_by_role("alert").get_by_role("button").click()
        expect(page.get_by_role("alert")).to_have_count(0)
