"""Two agents at work: what one does that concerns the other is told there, and nowhere else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, PASSWORD, ROOT, Customer, Desk
from tests.e2e.test_autoreplies import written
from tests.e2e.test_looks import overflow
from tests.waiting import eventually

BO = "bo.notify@example.org"
SPY = """
window.shown = [];
class Spied { constructor(title, options) { window.shown.push({ title, ...options }); this.tag = options.tag; window.last = this; } close() {} }
Spied.permission = "default";
Spied.requestPermission = async () => (Spied.permission = "granted");
window.Notification = Spied;
"""
"""A browser without a desktop says on which it would have shown what."""


@pytest.fixture(autouse=True)
def _nothing_is_left(desk: Desk) -> Iterator[None]:
    yield
    desk.rows("DELETE FROM desk.notifications")
    desk.rows("DELETE FROM desk.notification_settings")


@pytest.fixture
def bo(browser: Browser, desk: Desk) -> Iterator[Page]:
    """Another agent, in a browser of their own."""
    make = [sys.executable, "-m", "services", "desk", "create-agent", "--email", BO, "--name", "Bo Ito"]
    if not desk.rows(f"SELECT 1 FROM desk.agents WHERE email = '{BO}'"):
        line = [*make, "--password-stdin"]
        subprocess.run(line, cwd=ROOT, env=desk.environment, input=f"{PASSWORD}\n".encode(), check=True)
    yield from signed_in(browser, desk, email=BO)


def note(page: Page, text: str) -> None:
    page.get_by_text("Internal note", exact=True).click()
    page.locator("#text").fill(text)
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".message.note").filter(has_text=text)).to_be_visible()


def test_an_assignment_a_mention_and_an_answer_reach_the_agent_they_concern(tab: Page, bo: Page, desk: Desk) -> None:
    ann = Customer("Ann Lee", "email:ann.notify@example.org")
    where = written(desk, ann.says("The lamp is broken.", subject="Lamp"))
    tab.context.add_init_script(SPY)
    tab.goto(f"{desk.url}/me/notifications")
    tab.get_by_role("button", name="Allow", exact=True).click()
    expect(tab.get_by_text("This browser shows desktop notifications.")).to_be_visible()
    tab.get_by_role("button", name="Try it").click()
    assert tab.evaluate("window.shown.pop().title") == "Sam Okoro"
    bo.goto(f"{desk.url}{where}")
    bo.locator(".conversation-head .assign").click()
    dialog = bo.locator("#hand-over")
    dialog.get_by_role("radio", name="Sam Okoro").check()
    dialog.get_by_role("button", name="Hand over").click()
    badge = tab.locator("#bell-count")
    expect(badge).to_contain_text("1")
    expect(tab).to_have_title("(1) Notification settings · Switchboard")
    eventually(lambda: shown(tab), "the desktop to show it")
    told = tab.evaluate("window.shown[0]")
    assert (told["title"], told["body"]) == ("Ann Lee", "Bo Ito assigned this to you"), "no subject unless allowed"
    bo.get_by_text("Internal note", exact=True).click()
    bo.locator("#text").press_sequentially("@sa")
    expect(bo.get_by_role("option", name="Sam Okoro")).to_have_attribute("aria-selected", "true")
    assert findings(bo) == []
    picture(bo, "notifications-mentioning")
    bo.keyboard.press("Enter")
    expect(bo.locator("#text")).to_have_value("@sam ")
    note(bo, "@sam can you take this?")
    expect(badge).to_contain_text("2")
    for number in range(3):
        desk.receive(ann.says(f"And {number}?"))
    expect(badge).to_contain_text("3")
    tab.keyboard.press("g")
    tab.keyboard.press("n")
    panel = tab.get_by_role("region", name="Notifications")
    expect(panel.get_by_role("link").first).to_be_focused()
    expect(panel).to_contain_text("The customer wrote ×3")
    expect(panel).to_contain_text("Bo Ito mentioned you")
    assert findings(tab) == []
    picture(tab, "notifications-bell")
    tab.keyboard.press("ArrowDown")
    expect(panel.get_by_role("link").nth(1)).to_be_focused()
    tab.keyboard.press("Enter")
    tab.wait_for_url(f"**{where}")
    expect(badge).to_be_hidden()
    expect(tab).to_have_title("Lamp · Switchboard")
    tab.bring_to_front()
    desk.receive(ann.says("One more."))
    expect(tab.locator(".message.inbound").filter(has_text="One more.")).to_be_visible()
    read = "SELECT 1 FROM desk.notifications WHERE kind = 'reply' AND read_at IS NOT NULL OFFSET 1"
    eventually(lambda: desk.rows(read), "what is read where it came to be read in the list, too")
    expect(badge).to_be_hidden()
    expect(bo.locator("#bell-count")).to_be_hidden()
    tab.goto(f"{desk.url}/notifications")
    expect(tab.get_by_role("main").get_by_role("listitem")).not_to_have_count(0)
    assert findings(tab) == []
    picture(tab, "notifications-page")


def shown(*pages: Page) -> int:
    return sum(len(page.evaluate("window.shown")) for page in pages)


def test_two_tabs_tell_once_and_all_is_marked_as_read_at_once(tab: Page, bo: Page, desk: Desk) -> None:
    context = tab.context
    context.add_init_script(SPY.replace('"default"', '"granted"'))
    second = context.new_page()
    for page in (tab, second):
        page.goto(f"{desk.url}/inbox/mine")
        expect(page.locator("#live[data-state=live]")).to_be_visible()
    bo.goto(f"{desk.url}{written(desk, Customer('Ed Roe', 'email:ed.notify@example.org').says('Hi', subject='Hi'))}")
    note(bo, "@sam look")
    for page in (tab, second):
        expect(page.locator("#bell-count")).to_contain_text("1")
    eventually(lambda: shown(tab, second), "one of them to tell")
    second.get_by_title("Notifications").click()
    second.get_by_role("button", name="Mark all as read").click()
    for page in (tab, second):
        expect(page.locator("#bell-count")).to_be_hidden()
    expect(second.get_by_role("button", name="Mark all as read")).to_be_hidden()
    assert shown(tab, second) == 1


def test_whoever_reads_the_newest_is_told_what_came_just_before(tab: Page, desk: Desk) -> None:
    tab.context.add_init_script(SPY.replace('"default"', '"granted"'))
    where = written(desk, Customer("Eve Roe", "email:eve.notify@example.org").says("Hi", subject="Hi"))
    tab.goto(f"{desk.url}{where}")
    tab.bring_to_front()
    expect(tab.locator("#live[data-state=live]")).to_be_visible()
    lines = [
        {"id": "1", "seq": 10**9, "ticket": "", "title": "Elsewhere", "text": "", "url": "/", "desktop": True},
        {
            "id": "2",
            "seq": 10**9 + 1,
            "ticket": where.removeprefix("/c/"),
            "title": "Here",
            "text": "",
            "url": where,
            "desktop": True,
        },
    ]
    tab.evaluate(
        "detail => document.dispatchEvent(new CustomEvent('desk:bell', { detail }))", {"unread": 2, "lines": lines}
    )
    eventually(lambda: shown(tab), "it to be told")
    assert tab.evaluate("window.shown.map(({ title }) => title)") == ["Elsewhere"]


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light"), ("ko", "light")])
def test_the_settings_fit_a_phone_and_say_what_is_wrong(
    browser: Browser, desk: Desk, log: BrowserLog, language: str, theme: str
) -> None:
    phone = {"viewport": {"width": 390, "height": 1700}, "has_touch": True, "color_scheme": theme}
    log.allow("422")
    own = desk.rows(f"SELECT id FROM desk.agents WHERE email = '{EMAIL}'")[0]["id"]
    ticket = desk.rows("SELECT id FROM desk.tickets LIMIT 1")
    about = f"'{ticket[0]['id']}'" if ticket else "NULL"
    desk.rows(
        "INSERT INTO desk.notifications (id, agent_id, kind, about, ticket_id, actor, what, count, first_at, at, seq, ways)"
        f" VALUES (gen_random_uuid(), '{own}', 'reply', 'x', {about}, 'desk', '', 12, now(), now(), 1, '{{bell}}')"
    )
    for page in signed_in(browser, desk, language=language, **phone):
        page.goto(f"{desk.url}/me/notifications")
        page.locator("#zone").fill("Mars")
        page.locator(".notify-form .button.primary").click()
        expect(page.locator("#zone-error")).to_be_visible()
        page.locator("#zone").fill("Asia/Seoul")
        page.locator("#begins").fill("20:00")
        page.locator("#ends").fill("08:00")
        page.locator("[name='day.sun']").check()
        page.locator("[name='new-work.bell']").check()
        page.locator(".notify-form .button.primary").click()
        expect(page.get_by_role("status").filter(visible=True).first).to_be_visible()
        expect(page.locator("#begins")).to_have_value("20:00")
        expect(page.locator("[name='new-work.bell']")).to_be_checked()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"notification-settings-{language}-{theme}")
        page.locator("#bell > summary").click()
        expect(page.locator("#bell-list a")).to_be_visible()
        assert findings(page) == []
        picture(page, f"notifications-phone-{language}-{theme}")
    (kept,) = desk.rows("SELECT preferences FROM desk.notification_settings")
    assert '"zone": "Asia/Seoul"' in kept["preferences"]
