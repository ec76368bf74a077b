"""An agent says how urgent a conversation really is, and an admin sees what was learned of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.events import ModelLearned, Rejudged
from shared.events.learning import in_use
from shared.kernel import Level
from shared.topics import MODELS_LEARNED
from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import EMAIL, Desk
from tests.e2e.test_answering import open_ticket, stranger
from tests.e2e.test_looks import overflow

BASE = "urgency-ecb1b418"


@pytest.fixture
def admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


def learned(desk: Desk, ticket: str, message: str, state: str = "waits", why: str = "large-shift") -> str:
    """A router has learned a model that judges this message differently; its version."""
    version, now = f"{BASE}+{uuid4().hex[:8]}", utc_now()
    moved = Rejudged(
        ticket_id=ticket, message_id=message, wanted="question", before="security", after="question", right_after=True
    )
    gone = Rejudged(ticket_id=str(uuid4()), message_id=str(uuid4()), wanted="low", before="other", after="thanks")
    event = ModelLearned(
        version=version,
        base=BASE,
        at=now,
        state=state,
        why=why,
        replaces=BASE,
        corrections=120,
        agents=4,
        held_back=25,
        right_before=11,
        right_after=19,
        general_before=0.671,
        general_after=0.669,
        moved=0.062,
        examples=(moved, gone),
    )
    pointer = ModelLearned(version=BASE, base=BASE, at=now - timedelta(hours=1), state="back", reviewed=BASE)
    desk.publish((MODELS_LEARNED, version, event), (MODELS_LEARNED, in_use("default"), pointer))
    return version


def test_an_agent_says_by_keyboard_that_it_is_not_urgent_and_takes_it_back(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("How do I order another card for the stolen one?", subject="Stolen card", level=Level.URGENT))
    open_ticket(tab, ann)
    menu = tab.locator(".priority")
    menu.locator("summary").focus()
    tab.keyboard.press("Enter")
    tab.get_by_label("Priority", exact=True).select_option("normal")
    tab.get_by_label("What is it really about?").select_option("question")
    assert findings(tab) == []
    picture(tab, "priority")
    menu.get_by_role("button", name="Save").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".toast").first).to_contain_text("Priority: Normal")
    expect(menu.locator("summary")).to_contain_text("Normal")
    expect(tab.locator(".timeline")).to_contain_text("Sam Okoro: priority Urgent → Normal (really about: a question)")
    tab.get_by_role("button", name="Undo").first.click()
    expect(menu.locator("summary")).to_contain_text("Urgent")


@pytest.mark.parametrize(("language", "about"), [("en", "a question"), ("fr", "une question"), ("ko", "질문")])
def test_an_admin_sees_what_was_learned_and_how_to_take_it_back(
    browser: Browser, desk: Desk, admin: None, language: str, about: str
) -> None:
    ann = stranger()
    said = ann.says("How do I order another card for the stolen one?", subject="Stolen card")
    desk.receive(said)
    version = learned(desk, said.decision.ticket_id, said.message.id)
    for theme, size in (("dark", {"width": 390, "height": 800}), ("light", {"width": 1440, "height": 860})):
        for page in signed_in(browser, desk, language=language, color_scheme=theme, viewport=size):
            open_page(page, desk, version)
            expect(page.locator("table")).to_contain_text("Stolen card. How do I order another card")
            expect(page.locator("table")).to_contain_text(about)
            expect(page.locator("#roll-back")).to_have_text("python -m services router model roll-back")
            expect(page.locator("#take")).to_have_text(f"python -m services router model take {version}")
            assert findings(page) == []
            assert overflow(page) <= 0
            picture(page, f"learning-{language}-{theme}")


def open_page(page: Page, desk: Desk, version: str) -> None:
    """From the page of people, until the desk has read of this model."""
    page.goto(f"{desk.url}/people")
    page.locator('a[href="/learning"]').click()
    page.wait_for_url("**/learning")
    for _ in range(50):
        page.goto(f"{desk.url}/learning?version={version.replace('+', '%2B')}")
        if page.locator("#shown", has_text=version).count():
            return
    raise AssertionError("the desk never heard of the model")


def test_who_is_no_admin_does_not_see_it(tab: Page, desk: Desk, log: object) -> None:
    log.allow("status of 403")  # type: ignore[attr-defined]
    tab.goto(f"{desk.url}/learning")
    expect(tab.locator("body")).to_contain_text("You do not have permission")
