"""The wallboard on a wall: it moves, it can be read by everybody, and a display needs no login."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.events import RoutedMessage
from shared.kernel import Level
from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import ROOT, Customer, Desk, people
from tests.e2e.test_answering import stranger
from tests.e2e.test_looks import overflow
from tests.waiting import eventually

# What was drawn: pixels of a canvas that are not transparent.
DRAWN = """(id) => {
  const canvas = document.querySelector(`#${id} .plot canvas`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let drawn = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i]) drawn++;
  return drawn;
}"""


def waiting(minutes_ago: float, within: int = 30, team: str = "billing", **more: object) -> RoutedMessage:
    """Somebody who wrote so many minutes ago, and is to have an answer within so many."""
    said = stranger(**{key: str(value) for key, value in more.items()}).says(
        "Where is my invoice?", subject="Invoice", at=utc_now() - timedelta(minutes=minutes_ago)
    )
    decision = msgspec.structs.replace(said.decision, team=team, reply_within=within * 60)
    return msgspec.structs.replace(said, decision=decision)


def number(page: Page, name: str) -> int:
    text = page.locator(f"#wall-{name} .big").inner_text().split()[0]
    return int(text.replace(",", ""))


@pytest.fixture
def wall(tab: Page, desk: Desk) -> Page:
    tab.goto(f"{desk.url}/wallboard")
    expect(tab.locator("#wall-said .live")).to_have_attribute("data-state", "live")
    return tab


def test_the_numbers_move_when_somebody_writes(wall: Page, desk: Desk) -> None:
    before, late = number(wall, "waiting"), number(wall, "late")
    desk.receive(waiting(40), waiting(1))
    expect(wall.locator("#wall-waiting .big")).to_have_text(str(before + 2))
    expect(wall.locator("#wall-late .big")).to_have_text(str(late + 1))
    expect(wall.locator("#wall-late .big")).to_have_class("big number danger")
    expect(wall.locator("#wall-late")).to_contain_text("1 billing")
    expect(wall.locator("#wall-queues tr", has_text="billing").locator("td").nth(2)).to_have_text("50%")
    expect(wall.locator("#wall-said")).to_contain_text("Last event")
    took = re.compile(r"^[\d.]+ m?s$")
    for column in (2, 3):  # half of them, and 95 of 100
        expect(wall.locator("#wall-pipeline tr", has_text="Desk").locator("td").nth(column)).to_have_text(took)
    expect(wall.locator("#wall-arrival-said")).to_contain_text("From receipt to the desk: 95th percentile")
    expect(wall.locator("#wall-paces tbody tr", has_text="Email").locator("td").nth(2)).to_have_text(took)

    wall.locator("#wall-late a").click()
    wall.wait_for_url("**/inbox/overdue")
    expect(wall.locator("#rows .row")).to_have_count(1)
    expect(wall.locator("#rows .chip.late")).to_have_text("Overdue 10 min")


def test_the_charts_begin_with_the_last_hour_and_grow(wall: Page, desk: Desk) -> None:
    desk.receive(*(waiting(minutes) for minutes in (2, 15, 15, 31)))
    expect(wall.locator("#wall-waiting .big")).to_have_text("4")

    def drawn() -> bool:
        wall.reload()
        points = "JSON.parse(document.getElementById('main').dataset.points).messages[0].reduce((a, b) => a + b)"
        return int(wall.evaluate(points)) >= 4

    eventually(drawn, "the last hour is in the chart")
    expect(wall.locator("#wall-messages canvas")).to_be_visible()
    assert wall.evaluate(DRAWN, "wall-messages") > 500
    wall.locator("#wall-messages summary").click()
    rows = wall.locator("#wall-messages tbody tr")
    expect(rows).to_have_count(12)
    expect(wall.locator("#wall-messages thead")).to_contain_text("Email")
    desk.receive(waiting(0))
    expect(wall.locator("#wall-messages-said")).to_contain_text("Most: Email")


def test_a_break_is_said_and_ends_by_itself(wall: Page, desk: Desk) -> None:
    before = number(wall, "waiting")
    desk.stop()
    try:
        expect(wall.locator("#wall-said")).to_contain_text("Reconnecting, last figures", timeout=30_000)
        assert number(wall, "waiting") == before, "the last figures stay"
        picture(wall, "wallboard-lost")
    finally:
        desk.start()
    desk.receive(waiting(1))
    expect(wall.locator("#wall-waiting .big")).to_have_text(str(before + 1), timeout=40_000)
    expect(wall.locator("#wall-said .live")).to_have_attribute("data-state", "live")


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[tuple[Page, str]]:
    """Somebody who chose this theme, or none and so gets the dark one."""
    for page in signed_in(browser, desk):
        if request.param == "light":
            page.context.add_cookies([{"name": "theme", "value": "light", "url": desk.url}])
        yield page, request.param


def test_axe_finds_nothing_on_the_wallboard_in_either_theme(themed: tuple[Page, str], desk: Desk) -> None:
    page, theme = themed
    desk.receive(waiting(45), waiting(50, team="support"), waiting(20), *busy())
    page.goto(f"{desk.url}/wallboard")
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    expect(page.locator("#wall-said .live")).to_have_attribute("data-state", "live")
    expect(page.locator("#wall-pipeline")).to_contain_text("Router")
    expect(page.locator("#wall-late .big")).to_have_text("2")
    picture(page, f"wallboard-{theme}")
    for summary in page.locator(".wallboard summary").all():
        summary.click()
    assert findings(page) == []
    picture(page, f"wallboard-open-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_nothing_overflows_on_a_phone(browser: Browser, desk: Desk, language: str) -> None:
    desk.receive(waiting(45), waiting(4000, team="a-team-with-a-rather-long-name"), *busy())
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 800}, language=language, has_touch=True):
        page.goto(f"{desk.url}/wallboard")
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("#wall-said .live")).to_have_attribute("data-state", "live")
        expect(page.locator("#wall-late .big")).to_have_text("2")
        assert overflow(page) <= 0
        wide = page.evaluate(
            "document.querySelector('.wallboard').scrollWidth - document.querySelector('.wallboard').clientWidth"
        )
        assert wide <= 0
        assert findings(page) == []
        picture(page, f"wallboard-phone-{language}")


def test_a_display_shows_it_without_a_login_and_goes_dark_when_its_link_is_revoked(
    browser: Browser, desk: Desk
) -> None:
    def command(*words: str) -> str:
        made = subprocess.run(
            [sys.executable, "-m", "services", "desk", "display-link", *words],
            cwd=ROOT, env=desk.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return made.stdout.strip()

    link = command("--name", "Office")
    assert link.startswith(f"{desk.url}/wallboard?display=")
    desk.receive(
        Customer("Ann Secret", "email:secret@example.org").says("Hello", subject="Private matter"),
        waiting(45),
        *(waiting(1, team=f"team-{number}") for number in range(12)),
    )
    context = browser.new_context(viewport={"width": 1600, "height": 900}, locale="en-GB")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(link)
    assert page.url == f"{desk.url}/wallboard"
    expect(page.locator("#wall-said .live")).to_have_attribute("data-state", "live")
    expect(page.locator("#wall-late .big")).not_to_have_text("0")
    body = page.content()
    assert "Secret" not in body
    assert "Private matter" not in body
    assert page.locator("a").count() == 0
    expect(page.locator("#wall-queues")).to_contain_text("Other queues")
    expect(page.locator("#wall-queues")).to_contain_text("Billing")
    assert page.evaluate("document.documentElement.scrollHeight") <= 900, "nobody scrolls a display"
    assert findings(page) == []
    picture(page, "wallboard-display")
    command("--revoke-all")
    page.wait_for_url("**/login", timeout=60_000)
    assert problems == []
    context.close()


def test_ten_wallboards_in_one_browser_share_one_connection(tab: Page, desk: Desk) -> None:
    pages = [tab.context.new_page() for _ in range(8)]
    for page in pages:
        page.goto(f"{desk.url}/wallboard")
    for page in pages:
        expect(page.locator("#wall-said .live")).to_have_attribute("data-state", "live")
        page.close()


def test_a_chip_in_the_list_says_when_an_answer_is_due_and_turns_red_by_itself(tab: Page, desk: Desk) -> None:
    ann = waiting(29.8)
    desk.receive(ann)
    chip = tab.locator("#rows .row", has_text=ann.message.sender_name).locator(".chip.due")
    expect(chip).to_have_text("Due in 0 min")
    expect(chip).to_have_class("chip due soon")
    expect(chip).to_have_text("Overdue 0 min", timeout=50_000)
    expect(chip).to_have_class("chip due late")


def busy() -> list[RoutedMessage]:
    """An hour's messages on three channels."""
    found = []
    for minute in range(1, 60):
        for channel, often in (("email", 2), ("chat", 3), ("x", 5)):
            if minute % often == 0:
                kind = {"x": "x", "chat": "chat", "email": "email"}[channel]
                writer = Customer(f"Writer {minute}", f"{kind}:w{minute}", channel=channel)
                found += [
                    writer.says("Hello", level=Level.NORMAL, at=utc_now() - timedelta(minutes=minute))
                    for _ in range(1 + minute % 3)
                ]
    return [*found, *people()]
