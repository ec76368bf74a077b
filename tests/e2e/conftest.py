"""A desk and a browser. Without Chromium these tests are skipped, except on CI, where they must
run."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import asyncpg
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, expect, sync_playwright

from services.desk.web import static
from tests.e2e.desk import EMAIL, PASSWORD, Desk, finish

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""No sandbox, because tests may run as root; nothing that talks to the outside."""
PICTURES = Path("tests/output")
expect.set_options(timeout=15_000)  # five seconds are not enough on a machine that is busy with other tests


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, headless. Skips where it is not there."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    problem = "" if chromium else "no Chromium on PATH (Debian: apt-get install chromium)"
    if not problem and not (static.FOLDER / "vendor" / "htmx.js").exists():
        problem = "the console's front-end files are missing (make assets)"
    if problem:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"browser tests need more: {problem}")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all of these tests."""
    with chromium() as found:
        yield found


@dataclass
class BrowserLog:
    """What browsers wrote into their logs while a test ran: errors, warnings, what the policy of a
    page forbade."""

    found: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *parts: str) -> None:
        """Part of this test's story: the desk refuses something, or is away."""
        self.allowed += parts

    def watch(self, context: BrowserContext) -> BrowserContext:
        context.on("weberror", lambda error: self.found.append(str(error.error)))
        context.on("console", self._note)
        return context

    def unexpected(self) -> list[str]:
        return [line for line in self.found if not any(part in line for part in self.allowed)]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.found.append(f"{message.text} ({message.location.get('url', '')})")


@pytest.fixture(autouse=True)
def log(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserLog]:
    """Every page works without an error in the browser's log: whatever is there, and was not
    expected, fails the test."""
    log, new_context = BrowserLog(), browser.new_context
    monkeypatch.setattr(browser, "new_context", lambda **options: log.watch(new_context(**options)))
    yield log
    assert log.unexpected() == []


@pytest.fixture(scope="package")
def desk(browser: Browser, kafka: str, postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk of its own database, running."""
    del browser  # asked for first: without it there is no need to start anything
    name = f"e2e_{uuid4().hex}"
    finish(_execute(postgres, f'CREATE DATABASE "{name}"'))
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(3)]
        for each in probes:
            each.bind(("127.0.0.1", 0))
        port, router, email = (int(each.getsockname()[1]) for each in probes)
    storage = f"file://{tmp_path_factory.mktemp('storage')}"
    desk = Desk(kafka, postgres.rsplit("/", 1)[0] + f"/{name}", port, storage, router, email)
    desk.prepare()
    desk.start()
    yield desk
    desk.stop()


@pytest.fixture(autouse=True)
def _empty_inbox(desk: Desk) -> None:
    """What earlier tests left is settled, so that a list of one page shows everything."""
    desk.rows("UPDATE desk.tickets SET status = 'closed', solved_at = now() WHERE status <> 'closed'")


@pytest.fixture
def tab(browser: Browser, desk: Desk) -> Iterator[Page]:
    """A signed-in browser with one tab."""
    yield from signed_in(browser, desk)


class Place(Protocol):
    """A desk somewhere."""

    @property
    def url(self) -> str:
        """Its address."""


def signed_in(
    browser: Browser, desk: Place, language: str = "en", email: str = EMAIL, password: str = PASSWORD, **options: object
) -> Iterator[Page]:
    """A browser of its own: cookies, storage and all."""
    context = browser.new_context(
        **({"viewport": {"width": 1440, "height": 860}, "locale": "en-GB" if language == "en" else language} | options)
    )  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(f"{desk.url}/login?language={language}")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator(".login-form .button").click()
    page.wait_for_url("**/inbox/**")
    yield page
    context.close()


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def picture(page: Page, name: str) -> None:
    """Keep a picture for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    try:
        page.screenshot(path=PICTURES / f"{name}.png")
    except Error as error:  # a picture is a help, not a result
        print(f"no picture {name}: {error}")
