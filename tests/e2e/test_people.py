"""Agents join, look after their own account, and leave, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import Desk
from tests.e2e.test_looks import overflow

PASSWORD = "a staple of batteries"


@pytest.fixture
def boss(desk: Desk) -> str:
    return made(desk, "Boss", role="admin")


def made(desk: Desk, name: str, role: str = "agent") -> str:
    """Somebody new of this test."""
    email = f"{name.lower()}-{uuid4().hex[:8]}@example.org"
    desk._run(
        "create-agent", "--email", email, "--name", name, "--role", role, "--password-stdin", text=PASSWORD + "\n"
    )
    return email


@contextmanager
def at_desk(browser: Browser, desk: Desk, email: str, **options: object) -> Iterator[Page]:
    opened = signed_in(browser, desk, email=email, password=PASSWORD, **options)  # type: ignore[arg-type]
    yield next(opened)
    next(opened, None)


def test_an_admin_invites_somebody_who_joins_and_signs_in(
    browser: Browser, desk: Desk, boss: str, log: BrowserLog
) -> None:
    log.allow("responded with a status of 4")
    email = f"bo-{uuid4().hex[:8]}@example.org"
    with at_desk(browser, desk, boss) as page:
        page.get_by_role("link", name="People").click()
        page.get_by_label("Email").fill(email)
        page.get_by_label("Name").fill("Bo Kim")
        page.get_by_role("button", name="Create link").click()
        link = page.locator("#handed-link").inner_text()
        picture(page, "people-invited")
        expect(page.locator(".rows li", has_text="Bo Kim")).to_contain_text("Invited")

        new = browser.new_context().new_page()
        new.goto(link)
        assert findings(new) == []
        for password, problem in (("Password2026", "too common"), ("short", "at least 10")):
            new.get_by_label("New password").fill(password)
            new.get_by_label("Repeat the password").fill(password)
            new.get_by_role("button", name="Set password").click()
            expect(new.locator("#password-error")).to_contain_text(problem, ignore_case=True)
            expect(new.locator("#errors")).to_be_focused()
        assert findings(new) == []
        picture(new, "people-join")
        new.get_by_label("New password").fill(PASSWORD)
        new.get_by_label("Repeat the password").fill(PASSWORD)
        new.keyboard.press("Enter")
        expect(new.get_by_role("status")).to_contain_text("Your password is set")
        new.get_by_label("Email").fill(email)
        new.get_by_label("Password").fill(PASSWORD)
        new.keyboard.press("Enter")
        new.wait_for_url("**/inbox/**")
        assert new.goto(link).status == 410  # type: ignore[union-attr]
        assert new.goto(f"{desk.url}/people").status == 403  # type: ignore[union-attr]
        new.context.close()

        page.goto(f"{desk.url}/people")
        expect(page.locator(".rows li", has_text="Bo Kim")).not_to_contain_text("Invited")
        page.goto(f"{desk.url}/audit?who={email}")
        for told in ("Invited", "Joined", "Signed in", "Access denied"):
            expect(page.locator(".audit")).to_contain_text(told)
        assert findings(page) == []
        picture(page, "audit")


def test_whoever_is_disabled_sits_before_the_sign_in_at_once(
    browser: Browser, desk: Desk, boss: str, log: BrowserLog
) -> None:
    log.allow("status of 401")
    ann = made(desk, "Ann")
    with at_desk(browser, desk, boss) as page, at_desk(browser, desk, ann) as hers:
        expect(hers.locator("[data-state=live]")).to_be_visible()
        page.goto(f"{desk.url}/people")
        page.locator(".rows a", has_text=ann).click()
        assert findings(page) == []
        picture(page, "person")
        page.get_by_role("button", name="Disable").click()
        hers.wait_for_url("**/login", timeout=8_000)  # sooner than the stream looks by itself
        expect(page.get_by_role("button", name="Enable")).to_be_visible()


def test_somebody_signs_in_with_a_code_and_without_their_telephone(
    browser: Browser, desk: Desk, log: BrowserLog
) -> None:
    log.allow("responded with a status of 4")
    ann = made(desk, "Ann")
    with at_desk(browser, desk, ann) as page:
        page.locator(".rail .menu:not(.bell) summary").click()
        page.get_by_role("link", name="My account").click()
        page.get_by_role("link", name="Set up").click()
        assert page.locator(".qr").evaluate("image => image.complete && image.naturalWidth") > 100
        assert findings(page) == []
        picture(page, "second-step")
        key = page.locator(".key").inner_text()
        app = pyotp.TOTP(key.replace(" ", ""))
        page.get_by_label("Code").fill("000000")
        page.locator("#step-password").fill(PASSWORD)
        page.get_by_role("button", name="Turn on").click()
        expect(page.locator("#code-error")).to_contain_text("Wrong code")
        assert page.locator(".key").inner_text() == key, "what was scanned stays good"
        page.get_by_label("Code").fill(app.now())
        page.locator("#step-password").fill(PASSWORD)
        page.get_by_role("button", name="Turn on").click()
        codes = page.locator(".codes").inner_text().split()
        assert len(codes) == 8
        assert findings(page) == []
        picture(page, "recovery-codes")

        page.evaluate("localStorage.setItem('draft:1', 'Dear Mr Lee, your password is')")
        page.locator(".rail .menu:not(.bell) summary").click()
        page.locator(".menu-panel").get_by_role("button", name="Sign out").click()
        page.get_by_label("Email").fill(ann)
        assert page.evaluate("localStorage.length") == 0, "the next person at this browser finds nothing"
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_label("Code").fill(codes[0])
        assert findings(page) == []
        picture(page, "login-code")
        page.keyboard.press("Enter")
        page.wait_for_url("**/inbox/**")
        page.goto(f"{desk.url}/account")
        expect(page.locator("#main")).to_contain_text("Recovery codes left: 7")
        page.locator("#step-password").fill(PASSWORD)
        page.get_by_role("button", name="Turn off").click()
        expect(page.get_by_role("status").first).to_contain_text("Two-step verification is off")


def test_somebody_changes_their_password_and_ends_what_was_left_open(
    browser: Browser, desk: Desk, log: BrowserLog
) -> None:
    log.allow("responded with a status of 4")
    ann = made(desk, "Ann")
    with at_desk(browser, desk, ann) as page, at_desk(browser, desk, ann) as forgotten:
        page.goto(f"{desk.url}/account")
        expect(page.locator(".rows li")).to_have_count(2)
        expect(page.locator(".rows li").first).to_contain_text("Chrome, Linux")
        page.get_by_label("Current password").fill("something else")
        page.get_by_label("New password").fill("a battery of staples")
        page.get_by_label("Repeat the password").fill("a battery of staples")
        page.get_by_role("button", name="Change password").click()
        expect(page.locator("#old-error")).to_contain_text("Wrong password")
        assert findings(page) == []
        picture(page, "account-refused")
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("New password").fill("a battery of staples")
        page.get_by_label("Repeat the password").fill("a battery of staples")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_role("status").first).to_contain_text("Your password was changed")
        forgotten.wait_for_url("**/login")
        expect(page.locator(".rows li")).to_have_count(1)


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_people_are_looked_after_on_a_phone_in_the_dark_in_any_language(
    browser: Browser, desk: Desk, boss: str, language: str
) -> None:
    made(desk, "Maximiliane-Hadewych")
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}
    with at_desk(browser, desk, boss, language=language, **phone) as page:
        for path in ("account", "account?second-step=on", "people", "audit"):
            page.goto(f"{desk.url}/{path}")
            assert overflow(page) <= 0, path
            assert findings(page) == [], path
            picture(page, f"phone-{path.partition('?')[0]}{'-step' if '?' in path else ''}-{language}")
        page.goto(f"{desk.url}/people")
        page.locator(".rows a").first.click()
        expect(page.locator("#do-title")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-person-{language}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_a_supervisor_makes_a_team_and_says_what_work_its_people_get(
    browser: Browser, desk: Desk, language: str, log: BrowserLog
) -> None:
    log.allow("responded with a status of 422")
    supervisor, ann = made(desk, "Sue", role="supervisor"), made(desk, "Ann")
    team = f"night-{uuid4().hex[:8]}"
    phone = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "color_scheme": "dark"}
    with at_desk(browser, desk, supervisor, language=language, **phone) as page:
        page.locator(".rail a[href='/teams']").click()
        page.locator("[name=team]").fill(team)
        page.locator(".primary").click()
        page.locator("#agent").select_option(ann)
        assert (overflow(page) <= 0, findings(page)) == (True, [])
        page.locator("form[action='/teams/join'] button").click()
        picture(page, f"phone-team-{language}")
        page.locator(".person").click()
        page.locator("#skills").fill("billing:9")
        page.locator("#capacity-chat").fill("2")
        page.keyboard.press("Enter")
        expect(page.locator("#errors")).to_be_focused()
        expect(page.locator("#skills")).to_have_value("billing:9")
        assert (overflow(page) <= 0, findings(page)) == (True, [])
        page.locator("#skills").fill("billing:4, voice")
        page.locator("#hours").fill("mon-fri 09:00-17:00")
        page.locator("#timezone").fill("Europe/Paris")
        page.locator(".work-form .primary").click()
        expect(page.get_by_role("status").first).to_be_visible()
        expect(page.locator("#skills")).to_have_value("billing:4, voice:3")
        expect(page.locator("#capacity-chat")).to_have_value("2")
        picture(page, f"phone-work-{language}")
        page.goto(f"{desk.url}/teams")
        expect(page.locator(".rows li", has_text=team.partition("-")[2])).to_contain_text("Ann")
        assert (overflow(page) <= 0, findings(page)) == (True, [])


def test_nobody_s_pages_are_kept_by_a_browser_or_a_proxy(browser: Browser, desk: Desk, boss: str) -> None:
    with at_desk(browser, desk, boss) as page:
        kept = {cookie["name"]: cookie for cookie in page.context.cookies()}  # type: ignore[typeddict-item]
        assert kept["switchboard_session"]["httpOnly"]  # type: ignore[typeddict-item]
        cookies = {name: cookie["value"] for name, cookie in kept.items()}  # type: ignore[typeddict-item]
    with httpx.Client(base_url=desk.url, cookies=cookies) as client:
        for path in (
            "/inbox/all",
            "/account",
            "/people",
            "/audit",
            "/calls",
            "/wallboard",
            "/openapi.json",
            "/api/v1/tickets",
        ):
            assert client.get(path).headers["cache-control"] == "no-store", path
