"""A supervisor reads reports, narrows them down and takes them along; an agent sees their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import EMAIL, Desk
from tests.e2e.test_answering import open_ticket, stranger
from tests.e2e.test_looks import overflow
from tests.waiting import eventually


@pytest.fixture
def supervisor(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'supervisor' WHERE email = '{EMAIL}'")
    yield
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


def solved(tab: Page, desk: Desk) -> str:
    """Somebody is answered by Sam, and that is counted. Returns the conversation's id."""
    ann = stranger()
    asked = ann.says("The lamp is broken.", subject="Lamp")
    desk.receive(asked)
    open_ticket(tab, ann)
    tab.locator("textarea[name=text]").fill("We send you another one.")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".message.outbound")).to_be_visible()
    ticket = asked.decision.ticket_id
    first = f"SELECT 1 FROM desk.report_facts WHERE kind = 'first' AND ticket_id = '{ticket}'"
    eventually(lambda: desk.rows(first), "the reply to be counted")
    return ticket


def counted(page: Page) -> None:
    expect(page.locator("#report[aria-busy]")).to_have_count(0)
    expect(page.locator("#report .wall-number").first).to_be_visible()


def test_a_supervisor_narrows_a_report_down_reads_what_is_behind_it_and_takes_it_along(
    tab: Page, desk: Desk, supervisor: None
) -> None:
    ticket = solved(tab, desk)
    tab.goto(f"{desk.url}/inbox/all")
    tab.get_by_role("navigation", name="Main").get_by_role("link", name="Reports").click()
    counted(tab)
    expect(tab.get_by_role("heading", name="Reports")).to_be_visible()
    expect(tab.locator("#report-work .uplot")).to_be_visible()
    tab.locator("#report-reply summary").click()
    expect(tab.locator("#report-reply table")).to_contain_text(" s")
    assert findings(tab) == []
    picture(tab, "reports")
    tab.get_by_label("Period", exact=True).select_option("own")
    expect(tab.get_by_label("From", exact=True)).to_be_visible()
    tab.get_by_label("Period", exact=True).select_option("today")
    expect(tab.get_by_label("From", exact=True)).to_be_hidden()
    tab.get_by_label("Compare by").select_option("agent")
    tab.get_by_text("Filters", exact=True).click()
    tab.get_by_label("Channel").select_option(label="Email")
    tab.get_by_role("button", name="Show", exact=True).click()
    counted(tab)
    expect(tab.get_by_label("Channel")).to_have_value("email")
    tab.locator(".report-lines").get_by_role("link", name="Sam Okoro").click()
    counted(tab)
    tab.locator("#report-first-reply-title a").click()
    expect(tab.get_by_role("heading", name="First reply")).to_be_visible()
    assert findings(tab) == []
    picture(tab, "reports-behind")
    with tab.expect_download() as taken:
        tab.get_by_role("link", name="Download CSV").click()
    assert ticket in taken.value.path().read_text()
    tab.locator(f'a[href="/c/{ticket}"]').click()
    expect(tab.locator(".message.outbound")).to_contain_text("We send you another one.")
    tab.goto(f"{desk.url}/reports?by=channel")
    tab.get_by_text("Get this by email").click()
    tab.get_by_label("When").select_option("weekly")
    tab.locator("#mail").get_by_role("button", name="Save").click()
    expect(tab.locator("#mail summary")).to_contain_text("On Mondays")
    expect(tab.locator("#mail").get_by_role("status")).to_contain_text("Saved.")
    assert findings(tab) == []
    picture(tab, "reports-mail")
    tab.goto(f"{desk.url}/reports?period=own&first=2001-01-01&last=2001-01-31")
    counted(tab)
    expect(tab.locator("#report")).to_contain_text("Nothing happened in this period.")
    tab.goto(f"{desk.url}/reports?period=own&first=2020-01-01&last=2026-01-31")
    expect(tab.get_by_role("alert")).to_contain_text("at most 366 days")
    assert findings(tab) == []


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light"), ("ko", "dark")])
def test_an_agent_reads_their_own_figures_on_a_telephone(
    browser: Browser, desk: Desk, language: str, theme: str
) -> None:
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": theme}
    for page in signed_in(browser, desk, language=language, **phone):
        page.goto(f"{desk.url}/reports?by=agent&agent=someone-else@example.org")
        counted(page)
        assert page.locator("#report-agent").count() == 0
        expect(page.locator(".report-lines")).not_to_contain_text("someone-else")
        assert overflow(page) <= 0
        assert page.evaluate("main.scrollWidth - main.clientWidth") <= 0
        assert findings(page) == []
        picture(page, f"phone-reports-{language}-{theme}")
        page.locator(".report-lines").scroll_into_view_if_needed()
        picture(page, f"phone-reports-{language}-{theme}-lines")
