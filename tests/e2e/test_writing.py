"""Writing beside colleagues and to many: nothing goes out that was overtaken, too long or meant for
fewer people."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.events import Channel, ChannelChoice, DeliveryReport, DeliveryState, RoutedMessage
from shared.kernel import ContactPoint
from shared.topics import CHANNELS_ANNOUNCED, DELIVERIES_REPORTED
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import PASSWORD, Customer, Desk
from tests.e2e.test_answering import open_ticket, stranger
from tests.e2e.test_mentions import burst, crash, person
from tests.waiting import eventually

COLLEAGUE = "kim@example.org"


@pytest.fixture
def colleague(browser: Browser, desk: Desk) -> Iterator[Page]:
    """Another agent at another browser."""
    desk._run(
        "create-agent",
        "--email",
        COLLEAGUE,
        "--name",
        "Kim Lee",
        "--password-stdin",
        "--if-missing",
        text=PASSWORD + "\n",
    )
    yield from signed_in(browser, desk, email=COLLEAGUE)


@pytest.fixture
def both(tab: Page, colleague: Page, desk: Desk) -> tuple[Page, Page, Customer]:
    """Two agents with the same conversation open."""
    ann = stranger()
    desk.receive(ann.says("Please cancel my order."))
    for page in (tab, colleague):
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        open_ticket(page, ann)
    return tab, colleague, ann


def send(page: Page, text: str) -> None:
    page.locator(".composer textarea").fill(text)
    page.locator(".composer textarea").press("Control+Enter")


def test_an_agent_sees_at_once_who_else_is_here_and_who_writes(both: tuple[Page, Page, Customer], desk: Desk) -> None:
    mine, theirs, _ = both
    events = desk.rows("SELECT count(*) AS n FROM desk.ticket_events")[0]["n"]
    expect(mine.locator("#watchers")).to_have_text("Also viewing: Kim Lee")
    expect(theirs.locator("#watchers")).to_have_text("Also viewing: Sam Okoro")
    theirs.locator(".composer textarea").press_sequentially("On ")
    expect(mine.locator("#watchers")).to_have_text("Typing: Kim Lee")
    picture(mine, "colleague-writes")
    assert findings(mine) == []
    second = theirs.context.new_page()
    second.goto(theirs.url)
    expect(second.locator("#watchers")).to_have_text("Also viewing: Sam Okoro")
    second.close()
    theirs.goto(f"{desk.url}/calls")
    expect(mine.locator("#watchers")).to_be_hidden()
    assert desk.rows("SELECT count(*) AS n FROM desk.ticket_events")[0]["n"] == events, "nothing of it is kept"


def test_a_reply_is_stopped_when_a_colleague_wrote_since_it_was_begun_though_all_of_it_is_on_the_screen(
    both: tuple[Page, Page, Customer], log: BrowserLog
) -> None:
    log.allow("status of 409")
    mine, theirs, _ = both
    mine.locator(".composer textarea").fill("It is cancelled.")
    send(theirs, "We keep it as you asked on the phone.")
    expect(mine.locator(".message.outbound")).to_be_visible()
    mine.locator(".composer textarea").press("Control+Enter")
    alert = mine.locator(".composer .alert[role=alert]").first
    expect(alert).to_contain_text("A colleague added a message while you were writing.")
    expect(alert).to_contain_text("We keep it as you asked on the phone.")
    expect(mine.locator("#watchers")).to_have_text("Also viewing: Kim Lee")
    expect(mine.locator(".composer textarea")).to_have_value("It is cancelled.")
    assert findings(mine) == []
    picture(mine, "overtaken")
    theirs.locator("[name=mode][value=note]").check(force=True)
    send(theirs, "Do not write to her before noon.")
    expect(mine.locator(".message.note")).to_be_visible()
    mine.get_by_role("button", name="Send anyway").click()
    expect(alert).to_contain_text("Do not write to her before noon.")
    expect(mine.locator(".message.outbound")).to_have_count(1)
    mine.get_by_role("button", name="Send anyway").click()
    expect(mine.locator(".message.outbound")).to_have_count(2)
    expect(mine.locator(".composer textarea")).to_have_value("")
    send(mine, "And nothing more.")
    expect(mine.locator(".message.outbound")).to_have_count(3)


def test_a_draft_of_yesterday_is_stopped_by_what_a_colleague_wrote_since(
    both: tuple[Page, Page, Customer], desk: Desk, log: BrowserLog
) -> None:
    log.allow("status of 409")
    mine, theirs, _ = both
    mine.locator(".composer textarea").fill("It is cancelled.")
    mine.goto(f"{desk.url}/calls")
    send(theirs, "We keep it.")
    expect(theirs.locator(".message.outbound")).to_be_visible()
    mine.goto(theirs.url)
    expect(mine.locator(".composer textarea")).to_have_value("It is cancelled.")
    mine.locator(".composer textarea").press("Control+Enter")
    expect(mine.locator(".composer .alert[role=alert]").first).to_contain_text("We keep it.")


def test_a_customer_who_goes_on_writing_in_sight_stops_nobody(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("One"))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("An answer to both")
    desk.receive(ann.says("Two"))
    expect(tab.locator(".message.inbound")).to_have_count(2)
    tab.locator(".composer textarea").press("Control+Enter")
    expect(tab.locator(".message.outbound")).to_contain_text("An answer to both")


def test_what_came_below_the_edge_of_the_window_was_not_seen(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 409")
    ann = stranger()
    desk.receive(ann.says("\n".join(f"line {n}" for n in range(150))))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("Done")
    desk.receive(ann.says("No, wait!"))
    expect(tab.locator(".message.inbound")).to_have_count(2)
    tab.locator(".composer textarea").press("Control+Enter")
    expect(tab.locator(".composer .alert[role=alert]").first).to_contain_text("No, wait!")


def test_a_text_that_is_known_to_be_too_long_cannot_be_sent_and_says_why(
    tab: Page, desk: Desk, log: BrowserLog
) -> None:
    log.allow("status of 422")
    run = uuid4().hex[:8]
    desk.receive(crash(person("Ana"), run))
    tab.locator("#rows .row > a", has_text=run).click()
    field, button = tab.locator(".composer textarea"), tab.locator("[data-sends=reply]")
    field.fill("x" * 349)
    expect(tab.locator(".composer .length")).to_contain_text("69 characters over the limit")
    expect(button).to_be_disabled()
    expect(tab.get_by_role("button", name="Send and solve")).to_be_disabled()
    assert findings(tab) == []
    picture(tab, "too-long")
    field.press("Control+Enter")
    tab.locator(".composer form").evaluate("form => form.requestSubmit()")  # as a browser that does not count would
    expect(tab.locator(".composer .alert[role=alert]").first).to_contain_text("too long for the channel")
    expect(field).to_have_value("x" * 349)
    assert desk.rows(f"SELECT count(*) AS n FROM desk.messages WHERE text = '{'x' * 349}'")[0]["n"] == 0
    tab.locator("[name=mode][value=note]").check(force=True)
    expect(tab.locator("[data-sends=note]")).to_be_enabled()
    tab.locator("[name=mode][value=reply]").check(force=True)
    field.fill("x" * 280)
    expect(button).to_be_enabled()


def test_an_answer_to_all_asks_first_with_names_and_comes_back_when_it_is_refused(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    desk.receive(*burst(run))
    row = tab.locator("#rows .row", has_text=run)
    expect(row).to_contain_text("×12")
    row.locator("a").click()
    answer = f"It works again, sorry ({run})."
    tab.locator("#text").fill(answer)
    tab.get_by_role("button", name="Reply to all 12").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog).to_contain_text("Send this to 12 customers?")
    for name in ("Ana", "Eun-ji", "Lior"):
        expect(dialog).to_contain_text(name)
    assert findings(tab) == []
    picture(tab, "answer-all")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert desk.rows(f"SELECT count(*) AS n FROM desk.messages WHERE text LIKE '%{run}).'")[0]["n"] == 0
    tab.get_by_role("button", name="Reply to all 12").click()
    dialog.get_by_role("button", name="Send to all 12").click()
    expect(tab.locator(".toast")).to_contain_text("Sending to each of them: 12")
    expect(tab.locator("#text")).to_have_value("")
    sent = tab.locator(".message.outbound")
    own = str(sent.get_attribute("id")).removeprefix("message-")
    ticket = str(tab.locator(".conversation").get_attribute("data-ticket"))
    told = {"id": str(uuid4()), "outbound_id": own, "ticket_id": ticket, "channel": "x", "detail": "not allowed here"}
    report = DeliveryReport(**told, state=DeliveryState.FAILED, at=utc_now())
    desk.publish((DELIVERIES_REPORTED, ticket, report))
    expect(sent).to_contain_text("Not delivered")
    expect(tab.locator("#text")).to_have_value(answer)
    tab.locator("#text").fill("")
    tab.reload()
    tab.get_by_role("button", name="Reuse this text").click()
    expect(tab.locator("#text")).to_have_value(f"@ana {answer}")


def test_without_scripts_an_answer_to_all_asks_first_too(browser: Browser, desk: Desk) -> None:
    run = uuid4().hex[:8]
    desk.receive(*burst(run))
    found = f"SELECT group_id FROM desk.tickets t JOIN desk.messages m ON m.ticket_id = t.id WHERE m.text LIKE '%({run})%' AND group_id IS NOT NULL"
    leader = eventually(
        lambda: (rows := desk.rows(found)) and len(rows) == 11 and str(rows[0]["group_id"]), "the group"
    )
    for page in signed_in(browser, desk, java_script_enabled=False):
        page.goto(f"{desk.url}/c/{leader}")
        page.locator("#text").fill(f"Sorry, all ({run}).")
        page.get_by_role("button", name="Reply to all 12").click()
        expect(page.locator("dialog.ask")).to_contain_text("Send this to 12 customers?")
        expect(page.locator("#text")).to_have_value(f"Sorry, all ({run}).")
        page.get_by_role("button", name="Send to all 12").click()
        expect(page.locator(".message.outbound")).to_contain_text(run)


def test_after_stop_the_channel_is_shown_as_closed_and_the_next_one_is_preset(tab: Page, desk: Desk) -> None:
    sms = Channel(name="sms", label="Text message", icon="message-square-text", reaches=("tel",))
    desk.publish((CHANNELS_ANNOUNCED, "sms", sms))
    number, run = f"+3319900{uuid4().int % 10**4:04d}", uuid4().hex[:6]
    ann = Customer(f"Ann {run}", f"tel:{number}", channel="sms")
    first = ann.says("Where is my parcel?")
    mail = ChannelChoice(channel="email", contact_point=ContactPoint(f"email:{run}@example.org"), reasons=())
    by_text = msgspec.structs.replace(first.decision.channels[0], confidence=0.9)
    decided = msgspec.structs.replace(first.decision, channels=(by_text, mail))
    desk.receive(RoutedMessage(message=first.message, decision=decided))
    open_ticket(tab, ann)
    expect(tab.locator("#channel")).to_have_value("sms")
    stop = ann.says("STOP", automatic="consent", consent="stop")
    desk.receive(stop)
    expect(tab.locator("#channel")).to_have_value("email")
    expect(tab.locator("#channel option[value=sms]")).to_have_js_property("disabled", True)
    expect(tab.locator(".composer")).to_contain_text("Text message unavailable: +33 1 99 00")
    expect(tab.locator(".composer")).to_contain_text("opted out.")
    expect(tab.locator("[data-recipient]")).to_have_text(f"To {run}@example.org, by email")
    assert findings(tab) == []
    picture(tab, "closed-channel")
    tab.reload()
    expect(tab.locator("#channel")).to_have_value("email")
    expect(tab.locator(".composer")).to_contain_text("Text message unavailable")
    expect(tab.locator(".customer")).not_to_contain_text("Preferred channel Text message")
