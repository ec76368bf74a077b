"""Conversations come to agents by themselves, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.topics import CHANNELS_ANNOUNCED
from tests.e2e.axe import findings
from tests.e2e.conftest import picture
from tests.e2e.desk import CHANNELS, Customer, Desk
from tests.e2e.test_looks import overflow
from tests.e2e.test_people import at_desk, made

CHAT = next(channel for channel in CHANNELS if channel.name == "chat")
PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture
def team() -> str:
    return f"night-{uuid4().hex[:8]}"


@pytest.fixture(autouse=True)
def chat(desk: Desk) -> Iterator[None]:
    """Whoever chats sits in front of it."""
    desk.publish((CHANNELS_ANNOUNCED, "chat", msgspec.structs.replace(CHAT, live=True)))
    yield
    desk.publish((CHANNELS_ANNOUNCED, "chat", CHAT))


def gives(page: Page, desk: Desk, team: str, *people: str) -> None:
    """A supervisor makes the team, and sets it to be given its work."""
    page.goto(f"{desk.url}/teams")
    page.locator("[name=team]").fill(team)
    page.locator(".primary").click()
    for email in people:
        page.locator("#agent").select_option(email)
        page.locator("form[action='/teams/join'] button").click()
        expect(page.locator(".rows li", has_text=email)).to_be_visible()
    page.locator("[value=push]").check()
    page.locator("form[action='/teams/work'] button").click()
    expect(page.get_by_role("status").first).to_be_visible()
    expect(page.locator("[value=push]")).to_be_checked()


def ready(page: Page, desk: Desk, email: str) -> None:
    """They say so on the page; and an hour ago, as new ones get little at first."""
    page.goto(f"{desk.url}/calls")
    page.locator(".presence-form [value=ready]").click()
    expect(page.locator(".presence-form [value=ready]")).to_have_attribute("aria-pressed", "true")
    desk.rows(f"UPDATE desk.agents SET presence_since = now() - interval '1 hour' WHERE email = '{email}'")


def come(desk: Desk, team: str, text: str, name: str = "Ana Ruiz", channel: str = "chat") -> str:
    """A customer writes. Returns the ticket."""
    message = Customer(name, f"{channel}:{uuid4().hex[:8]}", channel=channel, team=team).says(text)
    desk.receive(message)
    return message.decision.ticket_id


def offered(page: Page) -> Locator:
    return page.locator("[data-offer]")


def of(page: Page, name: str) -> Locator:
    return page.locator(".rows li", has_text=name)


@pytest.mark.parametrize("language", ["fr", "ko"])
def test_a_chat_is_offered_on_a_phone_in_the_dark(browser: Browser, desk: Desk, team: str, language: str) -> None:
    sue = made(desk, "Sue", role="supervisor")
    with at_desk(browser, desk, sue, language=language, **PHONE) as page:
        gives(page, desk, team, sue)
        assert (overflow(page) <= 0, findings(page)) == (True, [])
        page.locator("#work-title").scroll_into_view_if_needed()
        picture(page, f"phone-team-work-{language}")
        ready(page, desk, sue)
        waiting = come(desk, team, "Where do I find the export button? I looked under Settings and under Reports.")
        for path, name in (("inbox/all", "list"), (f"c/{waiting}", "open"), (f"c/{waiting}/assignment", "why")):
            page.goto(f"{desk.url}/{path}")
            expect(offered(page).get_by_role("button").last).to_be_in_viewport()
            assert (overflow(page) <= 0, findings(page)) == (True, []), path
            picture(page, f"phone-offered-{name}-{language}")
        expect(of(page, "Sue").locator(".chip.ok")).to_be_visible()
        offered(page).get_by_role("button").last.click()
        page.wait_for_url(f"**/c/{waiting}")
        expect(offered(page)).to_have_count(0)
        page.goto(f"{desk.url}/c/{waiting}/assignment")
        expect(of(page, "Sue")).to_contain_text({"fr": "Lui a été confiée", "ko": "이 사람에게 배정됨"}[language])
        picture(page, f"phone-assignment-{language}")
