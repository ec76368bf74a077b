"""The page of the README, as it stands there, on a site of its own: a visitor asks, an answer
comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from shared.events import AuditNoted
from shared.topics import AUDIT_NOTED
from tests.e2e.conftest import chromium
from tests.e2e.desk import finish
from tests.integration.dashboard_parts import Process, Site, Stage, received, reply
from tests.topic import events_on
from tests.waiting import until

README = Path(__file__).parents[2] / "services/dashboard/README.md"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop(door: Process, site: Site, tmp_path: Path) -> Iterator[str]:
    """The address of the page, whose origin the site does not know yet."""
    (page,) = re.findall(r"```html\n(.*?)```", README.read_text(), re.DOTALL)
    named = page.replace("https://dashboard.shop.example", door.url).replace("site_…", site.key)
    assert named.count(door.url) == named.count(site.key) == 1
    (tmp_path / "index.html").write_text(named)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_page_of_the_readme_is_a_chat_once_its_origin_is_added(
    place: Stage, door: Process, site: Site, shop: str
) -> None:
    added = json.loads(place.command("add-origin", "--site", site.site, shop))
    assert shop in added["origins"]
    with chromium() as browser:
        tab = browser.new_page()
        wrong: list[str] = []
        tab.on("console", lambda said: wrong.append(f"{said.text} {said.location}") if said.type == "error" else None)
        with tab.expect_response(lambda answer: answer.url.endswith("/sessions") and answer.ok, timeout=30_000):
            tab.goto(shop)
        tab.get_by_label("Your message").fill("Is anybody there?")
        tab.get_by_role("button", name="Send").click()
        talk = tab.locator("#talk li")
        expect(talk).to_have_text(["Is anybody there?"])
        token = tab.evaluate("localStorage.chat")

        async def answered() -> None:
            state = await door.session(site, token=token)
            (message,) = await received(place.kafka, state["conversation"], live=True)
            await reply(place.kafka, message, "Yes: what can we do for you?")

        finish(answered())
        expect(talk).to_have_text(["Is anybody there?", "Yes: what can we do for you?"])
        tab.reload()
        expect(talk).to_have_count(2)
        assert not [text for text in wrong if "/favicon.ico" not in text], "the browser's log has errors"


def test_an_origin_that_was_removed_may_call_no_more(place: Stage, site: Site) -> None:
    origin = "https://www.shop.example"
    place.command("add-origin", "--site", site.site, origin, "https://b.example")
    left = json.loads(place.command("remove-origin", "--site", site.site, origin))["origins"]
    assert origin not in left
    assert "https://b.example" in left
    listed = [json.loads(line) for line in place.command("sites").splitlines()]
    assert next(found for found in listed if found["site"] == site.site)["origins"] == left
    assert all("secret" not in found for found in listed)


async def test_what_an_operator_does_to_a_site_is_told_to_the_audit_log(place: Stage, door: Process) -> None:
    run = uuid4().hex[:8]
    made = json.loads(place.command("create-site", "--name", f"Shop {run}", "--origin", "https://shop.example"))
    place.command("create-site", "--name", f"Shop {run}", "--if-missing")
    place.command("add-origin", "--site", made["site"], "https://blog.example")
    place.command("add-origin", "--site", made["site"], "https://blog.example")
    rotated = json.loads(place.command("rotate-secret", "--site", made["site"], "--drop", made["kid"]))
    noted: list[AuditNoted] = []

    async def told() -> bool:
        noted[:] = [event for event in await events_on(place.kafka, AUDIT_NOTED) if event.subject == made["site"]]
        return len(noted) >= 3

    await until(told, "the audit log never heard of it")
    assert [(event.kind, event.data) for event in noted] == [
        ("site.created", {"origins": "https://shop.example", "mode": "optional"}),
        ("site.origins", {"before": "https://shop.example", "after": "https://blog.example https://shop.example"}),
        ("site.secrets", {"added": rotated["kid"], "dropped": made["kid"]}),
    ]
    assert not any(text in str(noted) for text in (made["secret"], rotated["secret"]))
