"""An agent searches, is told what a search finds, and what is wrong with a filter."""

from __future__ import annotations

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import Customer, Desk
from tests.e2e.test_looks import overflow
from tests.waiting import eventually


def test_an_agent_learns_what_a_search_finds_and_finds_it(desk: Desk, tab: Page) -> None:
    run = uuid4().hex[:8]
    desk.receive(
        Customer("Zoë Martin", f"email:{run}@shop.example").says(f"La somme {run} a été prélevée", subject="Débit")
    )
    eventually(lambda: desk.rows(f"SELECT 1 FROM desk.messages WHERE text LIKE '%{run}%'"))
    tab.goto(f"{desk.url}/inbox/all")
    tab.get_by_text("Search help").click()
    expect(tab.get_by_text("status:open")).to_be_visible()
    assert findings(tab) == []
    picture(tab, "search-help")
    box = tab.get_by_role("searchbox", name="Search")
    box.fill(f"{run} prelevee from:zoe status:open")
    box.press("Enter")
    expect(tab.locator("#rows .row")).to_have_count(1)
    expect(tab.locator("#search-said")).to_have_text("Found: 1")
    box.fill("status:lost")
    box.press("Enter")
    expect(tab.locator("#search-said")).to_contain_text("A search filter has an invalid value")
    assert findings(tab) == []


@pytest.mark.parametrize("language", ["fr", "ko"])
def test_the_help_fits_on_a_phone_in_the_dark(desk: Desk, browser: Browser, language: str) -> None:
    options = {"viewport": {"width": 390, "height": 780}, "color_scheme": "dark"}
    for page in signed_in(browser, desk, language, **options):
        page.goto(f"{desk.url}/inbox/all?q=status:lost")
        page.locator("#search-help summary").click()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"search-phone-{language}")
