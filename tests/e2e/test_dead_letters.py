"""An admin looks after what was set aside, and anybody can see why the router decided as it did."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.bus import DeadLetter
from shared.bus.kafka import KafkaBus
from shared.clock import utc_now
from shared.events import Decision, Overflow, Reason, RoutedMessage
from shared.kernel import Level
from shared.topics import DELIVERIES_REPORTED
from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import EMAIL, Customer, Desk, finish
from tests.e2e.test_answering import stranger
from tests.e2e.test_looks import overflow

EVERYTHING: dict[str, Any] = {
    "team": "technical",
    "skills": ("french", "voice"),
    "skill_timeouts": {"french": 600},
    "overflow": Overflow(team="support", after=1200),
    "ask_reason": Reason(code="ask.nothing-known", text="which channel they prefer: nothing is known of it yet"),
    "rejected": {
        "signal.absent": ("live", "reach", "repeated", "bad-csat", "missed-sla"),
        "signal.no-words": ("security", "data-loss", "legal", "access", "payment"),
        "signal.unknown": ("complaint",),
        "channel.no-address": ("chat", "x"),
        "rule.severity": ("security",),
        "rule.not-needed": ("money", "invoices", "access"),
        "rule.language": ("Korean", "German", "Spanish", "Portuguese", "Italian", "Japanese"),
    },
}
"""Of a decision, as the router gives it for a shop that is down, in French."""
STACK = """Traceback (most recent call last):
  File "services/desk/tickets/deliveries.py", line 31, in report
    state = KNOWN[event.state]
KeyError: 'teleported'"""


@pytest.fixture(autouse=True)
def _admin(desk: Desk) -> Iterator[None]:
    desk.rows(f"UPDATE desk.agents SET role = 'admin' WHERE email = '{EMAIL}'")
    yield
    desk.rows(f"UPDATE desk.agents SET role = 'agent' WHERE email = '{EMAIL}'")


def in_full(said: RoutedMessage, **more: Any) -> RoutedMessage:
    """With everything that a decision can have."""
    first, *others = said.decision.channels
    first = msgspec.structs.replace(first, confidence=0.5, open_until=said.message.received_at + timedelta(hours=3))
    decision: Decision = msgspec.structs.replace(said.decision, channels=(first, *others), **(EVERYTHING | more))
    return msgspec.structs.replace(said, decision=decision)


def set_aside(desk: Desk, key: str, **more: object) -> None:
    """A service could not handle a record."""
    facts: dict[str, object] = {
        "topic": DELIVERIES_REPORTED.name,
        "partition": 3,
        "offset": 118,
        "value": ('{"message_id": "m-1", "state": "teleported", "detail": "<b>never</b>\x1b[2J"' + " " * 5000).encode(),
        "error": "KeyError: 'teleported'",
        "group": "desk",
        "stack": STACK,
        "headers": (("ce_id", b"m-1"), ("ce_type", b"DeliveryReported")),
    }

    async def write() -> None:
        bus = KafkaBus(desk.kafka, "e2e")
        await bus.start()
        await bus.set_aside(DeadLetter(**{**facts, "key": key.encode(), **more}))  # type: ignore[arg-type]
        await bus.stop()

    finish(write())


def test_an_admin_is_told_reads_why_and_puts_it_back(tab: Page, desk: Desk) -> None:
    key = f"ticket-{uuid4().hex[:8]}"
    set_aside(desk, key)
    tab.goto(f"{desk.url}/wallboard")
    tab.locator("#wall-pipeline").get_by_role("link", name="Dead letters").click()
    tab.wait_for_url("**/dead-letters")
    expect(tab.locator("#letters-count")).to_be_visible()
    tab.locator(".letters a", has_text=key).click()
    tab.wait_for_url("**/dead-letters/*")
    own = f'.letters a[href="{tab.url.removeprefix(desk.url)}"]'
    expect(tab.locator("pre").first).to_contain_text("<b>never</b>\\u001b[2J")
    expect(tab.locator("pre").last).to_contain_text("in report")
    expect(tab.locator("#letter-command")).to_contain_text("dead-letters show")
    button = tab.get_by_role("button", name="Replay", exact=True)
    button.focus()
    tab.keyboard.press("Enter")
    expect(tab.locator(".toast")).to_contain_text(f"Replayed to its topic: {DELIVERIES_REPORTED.name}")
    expect(tab.locator("#letter-state")).to_contain_text("Replayed by Sam Okoro")
    expect(tab.get_by_role("button", name="Replay again")).to_be_visible()
    tab.goto(f"{desk.url}/dead-letters?show=waiting")
    expect(tab.locator(".letters a", has_text=key)).to_have_count(1)  # it is still bad, so it came back
    expect(tab.locator(own)).to_have_count(0)
    tab.locator(".letters-filter a").first.click()
    expect(tab.locator(own).locator(".chip")).to_contain_text("Replayed")


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[tuple[Page, str]]:
    for page in signed_in(browser, desk, color_scheme=request.param):
        yield page, request.param


def test_axe_finds_nothing_on_dead_letters(themed: tuple[Page, str], desk: Desk) -> None:
    page, theme = themed
    key = f"ticket-{uuid4().hex[:8]}"
    set_aside(desk, key)
    set_aside(
        desk, f"door-{key}", topic="x-mentions", group="social", error="Malformed: this post has no author", stack=""
    )
    page.goto(f"{desk.url}/dead-letters")
    expect(page.locator(".letters a", has_text=f"door-{key}")).to_be_visible()
    assert findings(page) == []
    picture(page, f"letters-{theme}")
    page.locator(".letters a", has_text=f"door-{key}").click()
    expect(page.locator("#letter-door")).to_contain_text("python -m services social replay")
    assert findings(page) == []
    page.goto(f"{desk.url}/dead-letters")
    page.locator(".letters a", has_text=key).last.click()
    expect(page.locator("pre").first).to_be_visible()
    assert findings(page) == []
    picture(page, f"letter-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_dead_letters_fit_a_phone_in_any_language(browser: Browser, desk: Desk, language: str) -> None:
    key = f"ticket-{uuid4().hex}{uuid4().hex}"
    set_aside(desk, key, error="ValueError: " + "x" * 300)
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 800}, language=language, has_touch=True):
        page.goto(f"{desk.url}/dead-letters")
        expect(page.locator(".letters a", has_text=key)).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-letters-{language}")
        page.locator(".letters a", has_text=key).click()
        expect(page.locator("#letter-state .button")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-letter-{language}")


def test_every_part_of_a_decision_can_be_read_and_the_rest_is_one_command_away(
    themed: tuple[Page, str], desk: Desk
) -> None:
    page, theme = themed
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.url)
    marie = Customer("Marie Lefèvre", f"email:{uuid4().hex}@example.org", prefers="phone")
    said = marie.says("The shop is down, please call me", subject="Down", level=Level.HIGH)
    held = Reason(code="automatic", text="a mailing list, not written by a person", weight=-20.0)
    said = in_full(said, reasons=(held, *said.decision.reasons), score=said.decision.score - 20, reply_within=4 * 3600)
    decision = said.decision
    desk.receive(said)
    page.locator("#rows .row > a", has_text="Marie").click()
    why = page.locator(f"#why-{said.message.id}")
    why.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(why.locator(".why")).to_be_visible()
    bars = why.locator(".points tbody rect").evaluate_all(
        "all => all.map(r => [parseFloat(r.getAttribute('x')), parseFloat(r.getAttribute('width')), r.matches('.lowers')])"
    )
    end = 0.0
    for start, length, lowers in bars:
        assert start == pytest.approx(end - length if lowers else end, abs=0.11), "each begins where the last one ended"
        end += -length if lowers else length
    assert end == pytest.approx(decision.score, abs=0.6)
    expect(why.locator("tfoot")).to_contain_text(str(decision.score))
    for text in (
        "not written by a person",
        "Phone",
        "Unavailable now: Phone is switched off",
        "within 4 hr",
        "First email of the thread",
        "Checked first, did not decide: Signed token",
        "support takes what no rule sends elsewhere",
        "default@1",
        "50% sure",
        "open until",
        "Ask which channel they prefer: not known yet",
        "French: 10 min; telephone: no time limit; to Support after 20 min without a reply",
        "Rules for other languages: Korean, German",
        "Not the case: somebody waiting, a public audience",
        "No address known for: Chat, X",
    ):
        expect(why).to_contain_text(text)
    command = f"python -m services router explain {said.message.id}"
    why.get_by_role("button", name="Copy").click()
    expect(page.locator("#announce")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == command
    assert findings(page) == []
    why.scroll_into_view_if_needed()
    picture(page, f"why-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_a_decision_fits_a_phone_in_any_language(browser: Browser, desk: Desk, language: str) -> None:
    ann = stranger()
    said = ann.says("The shop is down", subject="Down", level=Level.URGENT)
    said = in_full(said, reply_within=5400)
    desk.receive(said)
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 1400}, language=language, has_touch=True):
        page.locator("#rows .row > a", has_text=ann.name).click()
        page.locator(f"#why-{said.message.id} summary").click()
        expect(page.locator(".why")).to_be_visible()
        assert overflow(page) <= 0
        inside = page.locator(".why").bounding_box()
        assert inside
        assert inside["x"] + inside["width"] <= 390
        for row in page.locator(".points tbody tr").all():
            bar, words = row.locator("svg").bounding_box(), row.locator("th").bounding_box()
            assert bar
            assert words
            assert bar["x"] + bar["width"] <= inside["x"] + inside["width"]
            assert words["width"] > 120, "the reason stays readable beside its bar"
        assert findings(page) == []
        picture(page, f"phone-why-{language}")


def test_a_conversation_that_nobody_got_to_says_who_may_take_it_now(tab: Page, desk: Desk) -> None:
    ann = stranger()
    said = ann.says("La boutique est en panne", subject="Panne", at=utc_now() - timedelta(minutes=19, seconds=57))
    desk.receive(in_full(said))
    tab.locator("#rows .row > a", has_text=ann.name).click()
    timeline = tab.get_by_role("log", name="Messages")
    expect(timeline).to_contain_text("After 10 min without a reply, also available to agents without: French")
    expect(timeline).to_contain_text("After 20 min without a reply, moved from Technical to Support")
    expect(tab.locator(".conversation-head .chips")).to_contain_text("Support")
    picture(tab, "overflowed")


def test_waiting_now_leads_to_exactly_those_who_wait(tab: Page, desk: Desk) -> None:
    answered = stranger().says("Thank you")
    desk.receive(*(stranger().says("Where is my invoice?", subject="Invoice") for _ in range(2)), answered)
    expect(tab.locator("#rows .row")).to_have_count(3)
    desk.rows(f"UPDATE desk.tickets SET waiting_since = NULL WHERE id = '{answered.decision.ticket_id}'")
    tab.goto(f"{desk.url}/wallboard")
    expect(tab.locator("#wall-waiting .big")).to_have_text("2")
    tab.locator("#wall-waiting a").click()
    tab.wait_for_url("**/inbox/waiting")
    expect(tab.locator("#rows .row")).to_have_count(2)
    expect(tab.locator("[data-count=waiting]")).to_have_text("2")
    desk.receive(stranger().says("Me too", subject="Invoice"))
    expect(tab.locator("#rows .row, #fresh:visible")).not_to_have_count(2)
    picture(tab, "waiting")


def test_earlier_conversations_are_not_cut_off_on_a_small_laptop(browser: Browser, desk: Desk) -> None:
    point = f"email:{uuid4().hex}@example.org"
    for number in range(3):
        desk.receive(
            Customer("Ann Lee", point).says("x", subject=f"{number} Everything about the checkout that does not work")
        )
    for page in signed_in(browser, desk, viewport={"width": 1280, "height": 800}):
        page.locator("#rows .row > a", has_text="Ann Lee").first.click()
        links = page.locator(".earlier a")
        expect(links).to_have_count(3)
        panel = page.locator(".customer").bounding_box()
        assert panel
        for part in page.locator(".earlier a span").all():
            box = part.bounding_box()
            assert box
            assert box["x"] + box["width"] <= panel["x"] + panel["width"] - 8
        expect(links.first.locator(".meta")).to_be_visible()
        picture(page, "customer-1280")
