"""What an agent reads: mail as it was formatted, links, the original, and enough of it on a small
screen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.text import clean_html
from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import Desk
from tests.e2e.test_answering import open_ticket, stranger

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
MAIL = """<p>Dear team, the prices are wrong:</p>
<table border="1" style="border-collapse:collapse"><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp</td><td>12 €</td></tr></table>
<ol><li>Look at the table</li><li>Look at <img src="cid:shot@1" alt="a picture of it" width="40" height="40"></li></ol>
<p><img src="http://127.0.0.1:9/pixel.gif" alt="tracking pixel"> <a href="https://shop.example/list">The list</a></p>"""


def test_mail_with_a_table_a_list_and_a_picture_is_shown_as_it_was(tab: Page, desk: Desk) -> None:
    asked: list[str] = []
    tab.context.on("request", lambda request: asked.append(request.url))
    ann = stranger()
    shot, invoice = desk.file(PIXEL, "shot.png", "image/png"), desk.file(PIXEL, "invoice.png", "image/png")
    inline = type(shot)(**{name: getattr(shot, name) for name in shot.__struct_fields__} | {"content_id": "shot@1"})
    text = "Dear team, the prices are wrong: Item Price Lamp 12"
    desk.receive(ann.says(text, subject="Prices", html=clean_html(MAIL), attachments=(inline, invoice)))
    open_ticket(tab, ann)
    message = tab.locator(".message.inbound")
    frame = message.frame_locator(".original")
    expect(frame.locator("td").first).to_have_text("Lamp")
    expect(frame.locator("ol > li")).to_have_count(2)
    expect(frame.get_by_alt_text("a picture of it")).to_have_js_property("naturalWidth", 1)
    expect(frame.get_by_role("link", name="The list")).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(message.locator(".message-text")).to_be_hidden()
    expect(message.locator(".files li")).to_have_count(1)
    expect(message.locator(".files .thumbnail")).to_have_js_property("naturalWidth", 1)
    higher = "frame => frame.clientHeight >= frame.contentDocument.documentElement.scrollHeight"
    assert tab.locator(".original").evaluate(higher), "nobody scrolls inside of what scrolls"
    assert [url for url in asked if not url.startswith(desk.url)] == []
    assert findings(tab) == []
    picture(tab, "html-mail")
    message.get_by_text("Show as plain text").click()
    expect(message.locator(".message-text")).to_contain_text("prices are wrong")


def test_pictures_from_elsewhere_come_only_when_the_agent_asks_for_them(tab: Page, desk: Desk) -> None:
    asked: list[str] = []

    def elsewhere(route: object) -> None:
        asked.append(route.request.url)  # type: ignore[attr-defined]
        route.fulfill(body=PIXEL, content_type="image/png")  # type: ignore[attr-defined]

    tab.route("http://127.0.0.1:9/**", elsewhere)
    ann = stranger()
    desk.receive(ann.says("prices", html=clean_html(MAIL)))
    open_ticket(tab, ann)
    pixel = tab.frame_locator(".original").get_by_alt_text("tracking pixel")
    expect(pixel).to_be_visible()
    assert asked == []
    tab.get_by_role("link", name="Load images").click()
    expect(pixel).to_have_js_property("naturalWidth", 1)
    assert asked == ["http://127.0.0.1:9/pixel.gif"]


def test_what_a_customer_quotes_needs_no_frame_and_addresses_in_words_are_links(tab: Page, desk: Desk) -> None:
    ann = stranger()
    html = clean_html(f"<div>Thanks, see https://shop.example/pay에서.</div><blockquote>{MAIL}</blockquote>")
    desk.receive(ann.says("Thanks, see https://shop.example/pay에서.", html=html))
    open_ticket(tab, ann)
    link = tab.locator(".message-text a")
    expect(link).to_have_attribute("href", "https://shop.example/pay")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")
    expect(tab.locator(".original")).to_be_hidden()


def test_the_original_of_a_mail_of_plain_text_can_be_read(tab: Page, desk: Desk) -> None:
    raw = "From: ann@example.org\r\nSubject: Hello\r\n\r\nHello <b>all</b>, 안녕\r\n"
    ann = stranger()
    desk.receive(ann.says("Hello all", raw_uri=desk.file(raw.encode(), "mail.eml", "message/rfc822").uri))
    open_ticket(tab, ann)
    with tab.expect_popup() as opened:
        tab.get_by_role("link", name="Show original").click()
    expect(opened.value.locator("body")).to_contain_text("Hello <b>all</b>, 안녕")
    assert opened.value.locator("b").count() == 0


def test_reading_begins_with_what_nobody_has_answered_yet(tab: Page, desk: Desk) -> None:
    ann = stranger()
    long = "\n".join(f"line {n}" for n in range(80))
    desk.receive(ann.says("The first question\n" + long, at=utc_now() - timedelta(minutes=9)))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("An answer")
    tab.locator(".composer textarea").press("Control+Enter")
    expect(tab.locator(".message.outbound")).to_be_visible()
    desk.receive(ann.says("The unread one\n" + long), ann.says("and the last one\n" + long))
    expect(tab.locator(".message.inbound")).to_have_count(3)
    tab.reload()
    where = """() => {
      const box = document.querySelector(".timeline").getBoundingClientRect();
      return [...document.querySelectorAll(".message.inbound, .message.outbound")].map((m) => m.getBoundingClientRect().top - box.top);
    }"""
    first, answer, unread, last = tab.evaluate(where)
    assert first < 0
    assert answer < 0
    assert 0 <= unread < 40
    assert last > unread


@pytest.mark.parametrize(("width", "height"), [(720, 450), (390, 844)])
def test_half_of_a_small_screen_is_left_to_the_conversation(
    browser: Browser, desk: Desk, width: int, height: int
) -> None:
    ann = stranger()
    long = "\n".join(f"line {n}" for n in range(80))
    desk.receive(ann.says("Short", at=utc_now() - timedelta(minutes=2)), ann.says("Long\n" + long))
    for page in signed_in(browser, desk, viewport={"width": width, "height": height}, has_touch=True):
        page.locator("#rows .row > a", has_text=ann.name).click()
        expect(page.locator(".message.inbound")).to_have_count(2)
        seen = """() => {
          const top = Math.max(0, document.querySelector(".timeline").getBoundingClientRect().top);
          return document.querySelector(".composer").getBoundingClientRect().top - top;
        }"""
        picture(page, f"small-{width}-opened")
        assert page.evaluate(seen) >= height / 2
        page.locator(".message").last.scroll_into_view_if_needed()
        page.mouse.move(width / 2, height / 3)
        page.mouse.wheel(0, 400)
        page.wait_for_function("document.querySelector('.conversation-head').getBoundingClientRect().bottom <= 0")
        assert page.evaluate(seen) >= height / 2
        picture(page, f"small-{width}-reading")
        page.locator(".composer textarea").focus()
        for name in ("Send and solve", "Send"):
            expect(
                page.locator(".composer").get_by_role("button", name=name, exact=name != "Send").first
            ).to_be_in_viewport()
        picture(page, f"small-{width}-writing")
        page.locator(".composer textarea").fill("Written on the way")
        page.locator("[data-sends=reply]").click()
        expect(page.locator(".message.outbound")).to_contain_text("Written on the way")
        assert findings(page) == []


def test_a_field_that_was_made_higher_breaks_no_rule_of_the_page(tab: Page, desk: Desk) -> None:
    ann, bob = stranger(), stranger("Bob Ray")
    desk.receive(ann.says("One"), bob.says("Two"))
    open_ticket(tab, ann)
    box = tab.locator(".composer textarea").bounding_box()
    assert box
    tab.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 4)
    tab.mouse.down()
    tab.mouse.move(box["x"] + box["width"] - 4, box["y"] + box["height"] - 60)
    tab.mouse.up()
    assert tab.locator(".composer textarea").get_attribute("style")
    open_ticket(tab, bob)  # and the log of the browser stays empty: see conftest.py
    expect(tab.locator(".composer textarea")).to_be_visible()
