"""A supervisor's morning: the policy is changed with a preview, published and rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, NAME, Customer, Desk, beside
from tests.e2e.test_looks import overflow
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows("DELETE FROM desk.policy_drafts")
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


@pytest.fixture(scope="module")
def router(desk: Desk) -> Iterator[None]:
    """A router that follows a policy of its own, on the port where the desk looks for it."""
    name = uuid4().hex[:8]
    with beside(desk, "router", "DESK_ROUTER_URL", {"ROUTER_GROUP": f"router-{name}", "ROUTER_POLICY": f"e2e-{name}"}):
        yield


def test_while_the_router_is_away_a_draft_is_kept_and_the_page_says_so(tab: Page, desk: Desk, log: BrowserLog) -> None:
    desk.rows(
        "INSERT INTO desk.policy_drafts (id, author, base, text, revision, changed_at)"
        f" VALUES (gen_random_uuid(), '{EMAIL}', 0, 'name: mine', 1, now())"
    )
    log.allow("503")
    tab.goto(f"{desk.url}/policy")
    expect(tab.get_by_role("alert")).to_contain_text("nothing is lost")
    tab.get_by_label("Policy (YAML)").fill("name: mine\nlanguage: en")
    tab.get_by_role("button", name="Save and check").click()
    expect(tab.get_by_role("alert").first).to_contain_text("nothing is lost")
    expect(tab.get_by_label("Policy (YAML)")).to_have_value("name: mine\nlanguage: en")
    assert findings(tab) == []


def test_the_policy_is_changed_with_preview_published_and_rolled_back(
    tab: Page, browser: Browser, desk: Desk, router: None, log: BrowserLog
) -> None:
    ann = Customer("Ann Lee", f"email:ann.{uuid4().hex[:6]}@example.org")
    asked = ann.says("When do you open on Saturdays?", subject="Opening hours", at=utc_now() - timedelta(hours=3))
    desk.receive(asked)
    ticket = asked.decision.ticket_id
    eventually(lambda: desk.rows(f"SELECT 1 FROM desk.tickets WHERE id = '{ticket}'"), "the ticket to be there")
    tab.goto(f"{desk.url}/inbox/all")
    tab.get_by_role("link", name="Settings").focus()
    tab.keyboard.press("Enter")
    tab.get_by_label("Find a setting").fill("priorit")
    tab.get_by_role("main").get_by_role("link", name="Routing policy").click()
    expect(tab.get_by_role("heading", name="In force: Version 0")).to_be_visible()
    editor = tab.get_by_label("Policy (YAML)")
    shipped = editor.input_value()
    expect(tab.locator(".gutter")).to_contain_text("120")

    log.allow("422", "409")
    line = shipped.split("\n").index("    - {name: French, when: {languages: [fr]}, skills: [french]}") + 1
    editor.fill(shipped.replace("[fr]}, skills: [french]", "[fr]}, skills: [frnech]"))
    tab.get_by_role("button", name="Publish").click()
    errors = tab.get_by_role("alert")
    expect(errors).to_contain_text(f"Line {line}")
    expect(errors).to_contain_text("'frnech' is not known; did you mean 'french'?")
    tab.get_by_role("link", name=f"Line {line}").click()
    expect(editor).to_be_focused()
    assert tab.evaluate("getSelection().toString()").strip().startswith("- {name: French")
    assert findings(tab) == []
    picture(tab, "policy-wrong")

    lowered = shipped.replace("  urgent: 65", "  urgent: 19").replace("  high: 45", "  high: 18")
    editor.fill(lowered)
    tab.get_by_role("button", name="Preview on last week’s messages").click()
    preview = tab.get_by_role("region", name="On last week’s messages")
    expect(preview).to_contain_text("This would change", timeout=60_000)
    expect(tab.locator("#announce")).to_contain_text("This would change")
    expect(preview).to_contain_text("Priority: Normal → Urgent")
    expect(preview.get_by_role("listitem").first).to_be_visible()
    expect(tab.get_by_role("region", name="Differences from version 0").last).to_contain_text("urgent: 19")
    assert findings(tab) == []
    preview.scroll_into_view_if_needed()
    picture(tab, "policy-preview")

    tab.get_by_role("button", name="Publish").click()
    expect(tab.get_by_role("status").filter(has_text="Version 1 is published")).to_be_visible()
    expect(tab.get_by_role("heading", name="In force: Version 1")).to_be_visible()

    editor.fill(lowered.replace("  base: 20 ", "  base: 21 "))
    tab.get_by_role("button", name="Save and check").click()
    expect(tab.get_by_role("status").filter(has_text="no errors")).to_be_visible()
    desk.rows("UPDATE desk.policy_drafts SET base = 0")  # as if it had begun before version 1
    tab.goto(f"{desk.url}/policy")
    expect(tab.get_by_role("heading", name="Your draft began from version 0")).to_be_visible()
    tab.get_by_role("button", name="Publish").click()
    expect(tab.get_by_role("alert")).to_contain_text("Another version came into force")
    assert findings(tab) == []
    picture(tab, "policy-overtaken")
    tab.get_by_role("button", name="Go on from version 1 with my text").click()
    tab.get_by_role("button", name="Publish").click()
    expect(tab.get_by_role("heading", name="In force: Version 2")).to_be_visible()

    tab.get_by_role("button", name="Bring back version 0").click()
    expect(tab.get_by_role("status").filter(has_text="in force again, as version 3")).to_be_visible()
    tab.get_by_role("link", name="Version 1").click()
    expect(tab.get_by_role("region", name="What bringing it back would change").last).to_contain_text("urgent: 19")
    assert findings(tab) == []
    tab.go_back()
    tab.get_by_role("link", name="Version 3").click()
    expect(tab.get_by_role("region", name="Differences from version 2").last).to_contain_text("urgent: 65")
    assert findings(tab) == []

    def logged() -> list[str]:
        rows = desk.rows(
            f"SELECT kind FROM desk.audit_log WHERE actor = '{EMAIL}' AND kind LIKE 'policy.%' ORDER BY id"
        )
        return [row["kind"] for row in rows]

    eventually(lambda: "policy.rolled-back" in logged(), "the publications to be in the audit log")
    assert logged().count("policy.published") == 2
    _looks(browser, desk, NAME)


def _looks(browser: Browser, desk: Desk, name: str) -> None:
    """The same pages on a telephone, dark, in three languages."""
    for language in ("en", "fr", "ko"):
        phone = {"viewport": {"width": 390, "height": 1400}, "color_scheme": "dark", "has_touch": True}
        for page in signed_in(browser, desk, language, **phone):
            for path in ("settings", "policy", "policy/versions/1"):
                page.goto(f"{desk.url}/{path}")
                expect(page.locator("main h1")).to_be_visible()
                assert overflow(page) <= 0, path
                assert findings(page) == [], path
                picture(page, f"phone-{path.replace('/', '-')}-{language}")
            page.goto(f"{desk.url}/policy")
            expect(page.locator("main").get_by_text(name).first).to_be_visible()


def test_a_colleague_looks_at_a_draft_and_publishes_it(tab: Page, desk: Desk, router: None, tmp_path: Path) -> None:
    tab.goto(f"{desk.url}/policy")
    text = tab.get_by_label("Policy (YAML)").input_value()
    desk.rows(
        "INSERT INTO desk.policy_drafts (id, author, base, text, revision, changed_at)"
        f" VALUES (gen_random_uuid(), 'bo@example.org', 3, $${text.replace('  base: 20 ', '  base: 22 ')}$$, 1, now())"
    )
    tab.goto(f"{desk.url}/policy")
    tab.get_by_role("link", name="bo@example.org").click()
    expect(tab.get_by_role("region", name="Differences from version 3").last).to_contain_text("base: 22")
    assert findings(tab) == []
    picture(tab, "policy-draft")
    tab.get_by_role("button", name="Publish").click()
    expect(tab.get_by_role("status").filter(has_text="Version 4 is published")).to_be_visible()
    assert desk.rows("SELECT 1 FROM desk.policy_drafts") == []
    desk._run("settings", "export", str(tmp_path))
    assert "  base: 22 " in (tmp_path / "policy.yaml").read_text("utf-8")
    desk._run("settings", "apply", str(tmp_path))  # changes nothing
    tab.reload()
    expect(tab.get_by_role("heading", name="In force: Version 4")).to_be_visible()
    desk.rows(f"UPDATE desk.agents SET role = 'supervisor' WHERE email = '{EMAIL}'")
    tab.reload()
    expect(tab.get_by_role("heading", name="In force: Version 4")).to_be_visible()
    expect(tab.get_by_role("button", name="Publish")).to_have_count(0)
    expect(tab.get_by_role("button", name="Bring back version 0")).to_have_count(0)
    tab.get_by_text("Text", exact=True).click()
    expect(tab.get_by_role("region", name="Text")).to_contain_text("base: 22")
    assert findings(tab) == []
