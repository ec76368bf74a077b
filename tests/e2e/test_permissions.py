"""Nobody sees what they may not do, and an admin gives each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.events import Post
from shared.kernel import Level
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture
from tests.e2e.desk import Customer, Desk
from tests.e2e.test_looks import overflow
from tests.e2e.test_people import at_desk, made

_REFUSED = """async () => {
  const shown = [...document.querySelectorAll("form[method=post]")].filter((form) =>
    !form.closest("[data-needs]") || form.checkVisibility() || form.querySelector(":scope button")?.checkVisibility());
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  const refused = [];
  for (const form of shown) {
    const path = new URL(form.action).pathname;
    if (path === "/logout") continue;
    const answer = await fetch(path, {method: "POST", headers, body: new FormData(form), redirect: "manual"});
    if (answer.status === 403) refused.push(path);
  }
  return [shown.length, refused];
}"""
"""Sends every form that can be seen; returns how many, and those that were refused."""


@pytest.fixture
def said(desk: Desk) -> str:
    """A ticket with everything at which an agent would do something."""
    ann = Customer("Ann Lee", "tel:+33612345678")
    post = ann.says("Down again!", subject="Down", level=Level.HIGH, public=True, post=Post(sounds="complaint"))
    desk.receive(post)
    return f"/c/{post.decision.ticket_id}"


@pytest.fixture
def reader(browser: Browser, desk: Desk) -> Iterator[Page]:
    with at_desk(browser, desk, made(desk, "Rita", role="read-only")) as page:
        yield page


def test_a_reader_sees_no_control_that_would_be_refused(reader: Page, desk: Desk, said: str) -> None:
    expect(reader.locator("#rows .row")).to_have_count(1)
    for path in ("/inbox/all", said, "/calls", "/mentions", "/wallboard"):
        reader.goto(desk.url + path)
        expect(reader.locator("main, .conversation-pane").first).to_be_visible()
        count, refused = reader.evaluate(_REFUSED)
        assert count, "settings at least"
        assert refused == [], path
        assert findings(reader) == []
    reader.goto(desk.url + said)
    for name in ("Solve", "Assign to me", "Send", "Save", "Call now"):
        expect(reader.get_by_role("button", name=name)).to_have_count(0)
    expect(reader.get_by_text("You have read-only access")).to_be_visible()
    expect(reader.locator(".conversation-head .chip.assignee")).to_have_text("Assigned to Unassigned")
    picture(reader, "reader")


def test_what_comes_live_shows_a_reader_no_control_either(reader: Page, desk: Desk, said: str) -> None:
    reader.goto(desk.url + said)
    expect(reader.locator(".conversation-head")).to_be_visible()
    ticket = said.rpartition("/")[2]
    with_other = desk.rows(f"SELECT version FROM desk.tickets WHERE id = '{ticket}'")
    assert with_other
    ann = Customer("Ann Lee", "tel:+33612345678")
    desk.receive(ann.says("Me too", subject="Other"))
    expect(reader.locator("#rows .row, #fresh:visible").first).to_be_visible()
    assert reader.evaluate(_REFUSED)[1] == []


def test_a_reader_s_keys_do_nothing_that_would_be_refused(reader: Page, desk: Desk, said: str, log: BrowserLog) -> None:
    reader.goto(desk.url + said)
    expect(reader.locator(".conversation-head")).to_be_visible()
    for key in ("e", "a", "r", "n"):
        reader.keyboard.press(key)
    reader.locator("#rows .row > a").first.focus()
    for key in ("e", "a", "r", "n"):
        reader.keyboard.press(key)
    reader.keyboard.press("?")
    expect(reader.locator("#keys")).to_be_visible()
    expect(reader.locator("#keys dd:visible", has_text="Solve or reopen")).to_have_count(0)
    expect(reader.locator("#keys dd:visible", has_text="Search")).to_have_count(1)
    expect(reader.locator(".toast")).to_have_count(0)
    assert log.unexpected() == []


def test_an_agent_still_sees_them(tab: Page, desk: Desk, said: str) -> None:
    tab.goto(desk.url + said)
    for name in ("Solve", "Assign to me", "Send and solve", "Call now"):
        expect(tab.get_by_role("button", name=name).first).to_be_visible()
    expect(tab.get_by_text("You have read-only access")).to_be_hidden()
    expect(tab.locator(".conversation-head .chip.assignee")).to_be_hidden()


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_an_admin_chooses_among_all_roles_and_reads_what_each_may(browser: Browser, desk: Desk, language: str) -> None:
    boss, other = made(desk, "Boss", role="admin"), made(desk, "Bo")
    person = desk.rows(f"SELECT id FROM desk.agents WHERE email = '{other}'")[0]["id"]
    with at_desk(browser, desk, boss, language=language, viewport={"width": 390, "height": 1000}) as page:
        page.goto(f"{desk.url}/people")
        expect(page.locator(".roles [name=role]")).to_have_count(4)
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"roles-invite-{language}")
        for role in ("supervisor", "read-only", "admin", "agent"):
            page.goto(f"{desk.url}/people/{person}")
            choices = page.locator(".roles label")
            expect(choices).to_have_count(4)
            for choice in choices.all():
                expect(choice.locator(".meta")).not_to_be_empty()
            page.locator(f".roles [value={role}]").focus()
            page.keyboard.press("Space")
            page.locator("form:has(.roles) .button").click()
            expect(page.locator(f".roles [value={role}]")).to_be_checked()
            assert desk.rows(f"SELECT role FROM desk.agents WHERE id = '{person}'")[0]["role"] == role
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"roles-{language}")
