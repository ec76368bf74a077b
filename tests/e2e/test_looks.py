"""How the console looks, to everybody: dark, small, in three languages, by screen reader, and with
hostile mail."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, Customer, Desk, people
from tests.e2e.test_answering import open_ticket, stranger

HOSTILE = """<p>Dear team</p><script>parent.document.title = "owned"; fetch("/c/1")</script>
<img src="http://127.0.0.1:9/pixel.gif" onerror="document.title='owned'"><form action="/logout" method="post"><button>Win</button></form>
<iframe src="/"></iframe><a href="javascript:alert(1)">click</a><style>body{background:red}</style><b>bold words</b>
<svg onload="document.title='owned'"></svg><meta http-equiv="refresh" content="0;url=/logout">"""


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[tuple[Page, str]]:
    """A browser whose system asks for this theme."""
    for page in signed_in(browser, desk, color_scheme=request.param):
        yield page, request.param


def test_axe_finds_nothing_on_any_page_in_either_theme(themed: tuple[Page, str], desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 404 (Not Found)", "status of 422")
    page, theme = themed
    desk.receive(*people())
    expect(page.locator("#rows .row", has_text="Omar Haddad").first).to_be_visible()
    assert findings(page) == []
    picture(page, f"inbox-{theme}")

    page.locator("#rows .row > a", has_text="Marie").first.click()
    expect(page.locator(".conversation")).to_be_visible()
    for details in page.locator(".message details, .customer details").all():
        details.locator("summary").click()
    assert findings(page) == []
    picture(page, f"conversation-{theme}")

    page.keyboard.press("n")
    page.keyboard.type("a note")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.note").first).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.locator(".toast").first).to_be_visible()
    desk.receive(stranger().says("while axe looks"))
    expect(page.locator(".conversation-head")).to_contain_text("Solved")
    assert findings(page) == [], "after live swaps"
    page.get_by_role("button", name="Undo").first.click()

    page.goto(f"{desk.url}/styleguide")
    assert findings(page) == []
    picture(page, f"styleguide-{theme}")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    page.locator(".rail .menu:not(.bell) summary").click()
    assert findings(page) == []

    page.goto(f"{desk.url}/nothing-here")
    assert findings(page) == []
    picture(page, f"no-such-page-{theme}")
    page.context.clear_cookies(name="switchboard_session")
    page.goto(f"{desk.url}/login")
    page.locator(".login-form .button").click()
    expect(page.locator("#errors")).to_be_focused()
    assert findings(page) == []
    picture(page, f"login-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_nothing_overflows_on_a_phone_in_any_language(browser: Browser, desk: Desk, language: str) -> None:
    desk.receive(*people())
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 800}, language=language, has_touch=True):
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("#rows .row").first).to_be_visible()
        assert overflow(page) <= 0
        picture(page, f"phone-inbox-{language}")
        page.locator("#rows .row > a", has_text="Marie").first.click()
        expect(page.locator(".composer")).to_be_visible()
        expect(page.locator(".list-pane")).to_be_hidden()
        assert overflow(page) <= 0
        for button in page.locator(".actions .button:visible, .composer .button:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            assert box["height"] >= 43.9
        picture(page, f"phone-conversation-{language}")
        page.locator("[data-toggle]").click()
        expect(page.locator(".customer")).to_be_visible()
        page.locator("[data-toggle]").first.click()
        page.locator(".back").click()
        expect(page.locator("#rows .row").first).to_be_visible()


@pytest.mark.parametrize(("language", "resolve"), [("fr", "Résoudre"), ("ko", "해결")])
def test_an_agent_works_in_their_own_language(browser: Browser, desk: Desk, language: str, resolve: str) -> None:
    ann = stranger()
    desk.receive(ann.says("Hello", subject="In English"))
    for page in signed_in(browser, desk, language=language):
        open_ticket(page, ann)
        expect(page.locator("[data-key=e]")).to_contain_text(resolve)
        expect(page.locator("h2.title")).to_have_attribute("lang", "en")
        desk.receive(ann.says("Pushed as well"))
        expect(page.locator(".message.inbound")).to_have_count(2)
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"conversation-{language}")


def test_theme_and_language_are_chosen_once_and_stay(tab: Page, desk: Desk) -> None:
    tab.locator(".rail .menu:not(.bell) summary").click()
    tab.get_by_role("button", name="Dark", exact=True).click()
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    tab.locator(".rail .menu:not(.bell) summary").click()
    tab.get_by_role("button", name="한국어").click()
    expect(tab.locator("html")).to_have_attribute("lang", "ko")
    tab.goto(f"{desk.url}/inbox/all")
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert desk.rows(f"SELECT language FROM desk.agents WHERE email = '{EMAIL}'")[0]["language"] == "ko"
    tab.locator(".rail .menu:not(.bell) summary").click()
    tab.get_by_role("button", name="English").click()


def test_hostile_mail_shows_its_words_and_does_nothing(tab: Page, desk: Desk) -> None:
    asked: list[str] = []
    tab.context.on("request", lambda request: asked.append(request.url))
    eve = stranger("Eve <b>x</b>")
    file = desk.file(b"<script>alert(1)</script>", 'x"\r\nSet-Cookie: a=b.html', "text/html")
    text = "<script>document.title='owned'</script> {{ 7 * 7 }}"
    desk.receive(eve.says(text, subject="<img src=x onerror=alert(1)>", html=HOSTILE, attachments=(file,)))
    open_ticket(tab, eve)
    expect(tab.locator(".timeline")).to_contain_text("{{ 7 * 7 }}")
    tab.get_by_text("Show original formatting").click()
    frame = tab.frame_locator(".original")
    expect(frame.locator("b")).to_have_text("bold words")
    assert frame.locator("script, form, iframe, [src], svg, meta[http-equiv], button").count() == 0
    assert "owned" not in tab.title()
    assert tab.url.startswith(f"{desk.url}/c/")
    assert [url for url in asked if not url.startswith(desk.url)] == []

    cookies = {cookie["name"]: cookie["value"] for cookie in tab.context.cookies()}  # type: ignore[typeddict-item]
    with httpx.Client(base_url=desk.url, cookies=cookies) as client:
        message = desk.rows("SELECT id FROM desk.messages WHERE html <> '' ORDER BY at DESC LIMIT 1")[0]["id"]
        original = client.get(f"/m/{message}/original")
        assert "sandbox" in original.headers["content-security-policy"]
        assert "<script" not in original.text
        download = client.get(f"/m/{message}/files/0")
        assert download.headers["content-type"] == "application/octet-stream"
        assert download.headers["content-disposition"].startswith("attachment;")
        assert "set-cookie" not in download.headers


def test_a_form_from_another_site_is_refused(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Keep me open"))
    open_ticket(tab, ann)
    cookies = {cookie["name"]: cookie["value"] for cookie in tab.context.cookies()}  # type: ignore[typeddict-item]
    path = tab.url.removeprefix(desk.url)
    with httpx.Client(base_url=desk.url, cookies=cookies) as client:
        token = tab.locator(".composer [name=csrf]").input_value()
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            answer = client.post(f"{path}/status", data={"status": "solved", "csrf": token}, headers=headers)
            assert answer.status_code == 403
        own = {"Origin": desk.url}
        assert client.post(f"{path}/status", data={"status": "solved"}, headers=own).status_code == 403
        assert client.post(f"{path}/status", data={"status": "solved", "csrf": token}, headers=own).status_code == 303


def test_the_first_load_is_light(tab: Page, desk: Desk) -> None:
    sizes: dict[str, int] = {"js": 0, "css": 0}
    with httpx.Client(base_url=desk.url, headers={"Accept-Encoding": "gzip"}) as client:
        for url in tab.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)"):
            kind = url.rpartition(".")[2]
            if kind in sizes:
                with client.stream("GET", url) as answer:
                    sizes[kind] += sum(len(chunk) for chunk in answer.iter_raw())
                    assert "immutable" in answer.headers["cache-control"]
    assert 0 < sizes["js"] <= 60_000
    assert 0 < sizes["css"] <= 20_000


def overflow(page: Page) -> int:
    """Pixels that the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return width


def test_a_very_long_word_does_not_break_the_page(tab: Page, desk: Desk) -> None:
    long = Customer("W" * 120, f"email:{'a' * 60}@example.org")
    desk.receive(long.says("x" * 3000, subject="y" * 400))
    tab.locator("#rows .row > a", has_text="WWW").first.click()
    expect(tab.locator(".conversation")).to_be_visible()
    assert overflow(tab) <= 0
