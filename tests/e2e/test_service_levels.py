"""An admin promises by when customers are answered, and agents see where a conversation stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, Customer, Desk
from tests.e2e.test_autoreplies import written
from tests.e2e.test_looks import overflow


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    for table in ("sla_policies", "sla_calendars", "sla_standings", "sla_versions"):
        desk.rows(f"DELETE FROM desk.{table}")
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


def test_an_admin_writes_a_policy_and_an_agent_sees_what_is_due_and_missed(
    tab: Page, desk: Desk, log: BrowserLog
) -> None:
    tab.goto(f"{desk.url}/inbox/all")
    tab.locator("summary", has_text="Account menu").click()
    tab.get_by_role("link", name="Service levels").click()
    expect(tab.get_by_text("There are no policies yet.")).to_be_visible()
    log.allow("422")
    tab.get_by_role("link", name="Add a calendar").click()
    tab.get_by_label("Name").fill("Office")
    tab.get_by_label("Working hours").fill("daily")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#hours-error")).to_contain_text("mon-fri 09:00-12:00")
    tab.get_by_label("Working hours").fill("mon-sun 00:00-24:00")
    tab.get_by_label("Time zone").fill("Europe/Paris")
    assert findings(tab) == []
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_role("status").filter(has_text="Saved.")).to_be_visible()

    tab.get_by_role("link", name="Add a policy").click()
    tab.get_by_label("Name").fill("Everybody")
    tab.get_by_label("First reply").fill("soon")
    tab.get_by_label("Solution").fill("480")
    tab.get_by_label("Which minutes count").select_option(label="Office")
    tab.get_by_role("group", name="When a target is missed").get_by_label("Raise the priority to").select_option("high")
    tab.get_by_role("button", name="Save").click()
    expect(tab.locator("#first-error")).to_contain_text("whole minutes")
    expect(tab.get_by_label("First reply")).to_have_value("soon")
    tab.get_by_label("First reply").fill("30")
    assert findings(tab) == []
    picture(tab, "service-level-policy")
    tab.get_by_role("button", name="Save").click()
    tab.get_by_role("button", name="Show").click()
    shown = tab.get_by_role("region", name="Result")
    expect(shown).to_be_focused()
    expect(shown).to_contain_text("If it arrives now, this policy counts: Everybody")
    expect(shown.get_by_role("listitem")).to_contain_text(["First reply", "Solution"])
    assert findings(tab) == []
    picture(tab, "service-levels")

    message = Customer("Ann Lee", "email:ann.levels@example.org").says("The lamp is broken.", subject="Lamp")
    tab.goto(f"{desk.url}{written(desk, message)}")
    chip = tab.locator(".conversation-head a.due")
    expect(chip).to_contain_text("Due in")
    ticket = message.decision.ticket_id
    desk.rows(
        "UPDATE desk.sla_standings SET next_at = now(), targets = jsonb_set(targets, '{0,stretches,0,0}',"
        f" to_jsonb(now() - interval '31 minutes')) WHERE ticket_id = '{ticket}'"
    )
    expect(chip).to_contain_text("Overdue", timeout=15_000)
    expect(tab.locator(".message.event").filter(has_text="The first reply is overdue (Everybody)")).to_be_visible()
    expect(tab.locator(".message.event").filter(has_text="Priority Normal → High automatically")).to_be_visible()
    picture(tab, "service-level-conversation")
    chip.click()
    expect(tab.get_by_role("listitem").filter(has_text="First reply")).to_contain_text("Missed")
    expect(tab.get_by_role("listitem").filter(has_text="Solution")).to_contain_text("Running")
    assert findings(tab) == []
    picture(tab, "service-level")


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light"), ("ko", "light")])
def test_the_pages_fit_a_phone_and_say_that_a_feed_was_not_read(
    browser: Browser, desk: Desk, language: str, theme: str
) -> None:
    calendar = "6f0c9a53-54d4-4f0e-9a3c-0f6f4c1d2b7e"
    desk.rows(
        "INSERT INTO desk.sla_calendars (id, name, hours, zone, days_off, country, region, feed, feed_error, changed_by)"
        f" VALUES ('{calendar}', 'Office', 'mon-fri 09:00-12:00,13:00-18:00', 'Europe/Paris', '', 'FR', '',"
        " 'https://example.org/days.ics', 'it answers 500', 'ada@desk.example') ON CONFLICT DO NOTHING"
    )
    for number in (1, 2):
        desk.rows(
            "INSERT INTO desk.sla_policies (id, place, name, enabled, teams, channels, tiers, levels, first, next, solution,"
            " calendar, warn_share, warn_minutes, on_warning, on_breach, changed_by) VALUES"
            f" (gen_random_uuid(), {number}, 'Enterprise {number}', {number == 1}, '{{support}}', '{{email}}', '{{Enterprise}}',"
            f" '{{urgent,high}}', 30, 60, 480, '{calendar}', 75, 0, '{{}}', '{{}}', 'ada@desk.example') ON CONFLICT DO NOTHING"
        )
    phone = {"viewport": {"width": 390, "height": 2400}, "has_touch": True, "color_scheme": theme}
    for page in signed_in(browser, desk, language=language, **phone):
        for name, path in (
            ("levels", "/service-levels?preview=on&tier=enterprise&level=high"),
            ("policy", "/service-levels/policy"),
            ("calendar", f"/service-levels/calendar?calendar={calendar}"),
        ):
            page.goto(f"{desk.url}{path}")
            expect(page.get_by_role("main")).to_be_visible()
            assert overflow(page) <= 0
            assert findings(page) == []
            picture(page, f"phone-service-{name}-{language}")
        page.goto(f"{desk.url}/service-levels")
        page.locator(".moves").last.get_by_role("button").first.click()
        expect(page.locator("ol.rows strong").first).to_have_text("Enterprise 2")
