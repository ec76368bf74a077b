"""An admin connects a mailbox in the browser: on a real email service and a real Dovecot."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dovecot import Dovecot, password, running
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, Desk, beside
from tests.e2e.test_looks import overflow
from tests.waiting import eventually

SHOP = "shop@gmail.com"
MAIL = b"From: Ann <ann@example.com>\r\nTo: shop@gmail.com\r\nSubject: Lamp\r\nMessage-ID: <%d@example.com>\r\n\r\nBroken.\r\n"


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with running() as found:
        found.deliver(SHOP, *(MAIL % number for number in range(3)))
        found.deliver(SHOP, MAIL % 9, folder="Orders")
        yield found


@pytest.fixture(scope="module")
def email_service(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """An email service with the desk's secret and no token of its own, where the desk looks."""
    home = tmp_path_factory.mktemp("email")
    own = {
        "EMAIL_DATABASE": desk.database,
        "EMAIL_SMTP_PORT": "0",
        "EMAIL_MAILBOXES": f"{SHOP},help@gmail.com",
        "EMAIL_OUTBOX_FOLDER": str(home / "outbox"),
        "EMAIL_TLS_FOLDER": str(home / "tls"),
        "EMAIL_GOOGLE_CLIENT_ID": "client",
        "EMAIL_GOOGLE_CLIENT_SECRET": "secret",
    }
    with beside(desk, "email", "DESK_EMAIL_URL", own, "migrate"):
        yield


def test_while_the_email_service_is_away_the_page_says_so(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("503")
    tab.goto(f"{desk.url}/mailboxes")
    expect(tab.get_by_role("alert")).to_contain_text("The email service is unavailable")
    assert findings(tab) == []


def test_an_admin_connects_a_mailbox_tests_it_chooses_folders_and_it_is_read(
    tab: Page, desk: Desk, dovecot: Dovecot, email_service: None, log: BrowserLog
) -> None:
    log.allow("422", "409")
    tab.goto(f"{desk.url}/people")
    tab.get_by_role("main").get_by_role("link", name="Mailboxes").click()
    expect(tab.get_by_text("No mailboxes yet")).to_be_visible()
    assert findings(tab) == []
    tab.get_by_label("Email address").focus()
    tab.keyboard.type(SHOP)
    tab.keyboard.press("Enter")
    expect(tab.get_by_label("IMAP server")).to_have_value("imap.gmail.com")
    expect(tab.get_by_label("At Google")).to_be_checked()
    assert findings(tab) == []
    picture(tab, "mailbox-new")

    tab.get_by_label("IMAP server").fill("127.0.0.1")
    tab.get_by_label("Port").fill("imap")
    tab.get_by_label("Encryption").select_option("none")
    tab.get_by_label("With a password").check()
    tab.get_by_label("Password", exact=True).fill("wrong")
    tab.get_by_role("button", name="Add and test").click()
    expect(tab.get_by_role("alert")).to_contain_text("port between 1 and 65535")
    tab.get_by_label("Port").fill(str(dovecot.port))
    tab.get_by_label("Password", exact=True).fill("wrong")
    tab.get_by_role("button", name="Add and test").click()
    expect(tab.get_by_role("status").filter(has_text="Sign-in refused")).to_be_visible()
    assert findings(tab) == []
    picture(tab, "mailbox-refused")

    tab.get_by_text("Server and password").click()
    tab.get_by_label("Password", exact=True).fill(password())
    tab.get_by_role("button", name="Save and test").click()
    expect(tab.get_by_text("The connection works.")).to_be_visible()
    expect(tab.locator("label", has_text="INBOX")).to_contain_text("3")
    expect(tab.get_by_label("Junk folder")).to_contain_text("Find it: Junk")
    assert findings(tab) == []
    picture(tab, "mailbox-tested")
    tab.locator("label", has_text="Orders").get_by_role("checkbox").check()
    tab.get_by_label("Also emails from this day on").fill("2020-01-01")
    tab.get_by_label("Mark it as read").check()
    tab.get_by_role("button", name="Save and start reading").click()
    expect(tab.get_by_role("button", name="Turn off")).to_be_visible()
    tab.get_by_role("button", name="Test the connection").click()
    expect(tab.get_by_text("The connection works.")).to_be_visible()
    tab.goto(tab.url)
    expect(tab.get_by_role("button", name="Turn off")).to_be_visible()
    expect(tab.get_by_text("The connection works.")).to_be_hidden()
    assert password() not in tab.content()

    def up_to_date() -> bool:
        tab.reload()
        return "Up to date" in tab.locator("#state-title").inner_text()

    eventually(up_to_date, "everything is taken")
    assert dovecot.subjects(SHOP, wanted="SEEN") == ["Lamp"] * 3
    assert dovecot.subjects(SHOP, "Orders", "SEEN") == ["Lamp"]
    tab.goto(f"{desk.url}/mailboxes")
    expect(tab.locator(".rows li")).to_contain_text("Up to date")
    assert findings(tab) == []
    picture(tab, "mailboxes")
    kinds = [row["kind"] for row in desk.rows(f"SELECT kind FROM desk.audit_log WHERE subject = '{SHOP}' ORDER BY id")]
    assert kinds == ["mailbox.added", "mailbox.changed", "mailbox.changed"]


@pytest.mark.parametrize("language", ["fr", "ko"])
def test_a_mailbox_fits_a_phone_in_the_dark_and_a_sign_in_at_google_is_led_through(
    browser: Browser, desk: Desk, dovecot: Dovecot, email_service: None, language: str, log: BrowserLog
) -> None:
    log.allow("422")
    options = {"viewport": {"width": 390, "height": 1800}, "has_touch": True, "color_scheme": "dark"}
    for page in signed_in(browser, desk, language=language, **options):
        page.goto(f"{desk.url}/mailboxes")
        page.locator("#address").fill("help@gmail.com")
        page.locator("main form .button.primary").click()
        page.locator("main form .button.primary").click()
        page.locator("[action$='/sign-in'] button").click()
        expect(page.locator(".steps a")).to_have_attribute("href", re.compile("^https://accounts.google.com/"))
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-mailbox-{language}")
        page.locator("#address").fill("http://127.0.0.1:49152/?state=of+another&code=1")
        page.locator("[action$='/sign-in/end'] button").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.locator("details:has([action$='/remove']) summary").click()
        page.locator("[action$='/remove'] button").click()
        expect(page.locator("#address")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-mailboxes-{language}")
