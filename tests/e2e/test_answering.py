"""An agent at work, in a real browser, on a real desk."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.kernel import Level
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, PASSWORD, Customer, Desk, people
from tests.waiting import eventually


def stranger(name: str = "Ann Lee", **more: str) -> Customer:
    """Somebody who never wrote before."""
    return Customer(f"{name} {uuid4().hex[:4]}", f"email:{uuid4().hex[:8]}@example.org", **more)  # type: ignore[arg-type]


def open_ticket(tab: Page, customer: Customer) -> None:
    tab.locator("#rows .row > a", has_text=customer.name).click()
    expect(tab.locator(".customer h2")).to_have_text(customer.name)
    tab.mouse.move(700, 5)  # off the list, which holds still under the pointer


def test_an_agent_sees_a_new_message_arrive_and_answers_it_by_keyboard_alone(tab: Page, desk: Desk) -> None:
    expect(tab.locator("#live")).to_have_attribute("data-state", "live")
    ann = stranger()
    desk.receive(ann.says("Nothing works since noon, the shop is down.", subject="Shop is down", level=Level.URGENT))
    row = tab.locator("#rows .row", has_text=ann.name)
    expect(row).to_contain_text("Urgent")

    tab.keyboard.press("j")
    while ann.name not in (tab.evaluate("document.activeElement.textContent") or ""):
        tab.keyboard.press("j")
    tab.keyboard.press("Enter")
    expect(tab.locator(".timeline")).to_contain_text("Nothing works since noon")
    tab.keyboard.press("r")
    expect(tab.locator(".composer textarea")).to_be_focused()
    tab.keyboard.type("We are on it, ")
    tab.keyboard.type("and will write within the hour. j k e")
    tab.keyboard.press("Control+Enter")

    sent = tab.locator(".message.outbound")
    expect(sent).to_have_count(1)
    expect(sent).to_contain_text("within the hour. j k e")
    expect(tab.locator(".composer textarea")).to_have_value("")
    stored = desk.rows("SELECT text, direction FROM desk.messages WHERE direction = 'out' ORDER BY at DESC LIMIT 1")
    assert stored[0]["text"] == "We are on it, and will write within the hour. j k e"
    picture(tab, "answered")


def test_the_inbox_is_in_order_of_priority_and_then_of_waiting(tab: Page, desk: Desk) -> None:
    desk.receive(*people())
    for person in people():  # in any order: tickets are spread over partitions
        expect(tab.locator("#rows .row", has_text=person.message.sender_name)).to_be_visible()
    levels = tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.dataset.level)")
    assert levels == sorted(levels, key=list(Level).index)
    shown = tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)")
    tab.reload()
    assert tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)") == shown


def test_a_message_sent_twice_in_a_hurry_is_one_message(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Hello?"))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("Only once, please.")
    tab.evaluate(
        "() => { const form = document.querySelector('.composer form'); form.requestSubmit(); form.requestSubmit(); }"
    )
    expect(tab.locator(".message.outbound")).to_have_count(1)
    stored = desk.rows("SELECT count(*) AS n FROM desk.messages WHERE text = 'Only once, please.'")
    assert stored[0]["n"] == 1


def test_a_note_looks_different_and_never_goes_to_the_customer(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Refund, please."))
    open_ticket(tab, ann)
    tab.keyboard.press("n")
    expect(tab.get_by_text("Only your team sees this")).to_be_visible()
    expect(tab.get_by_role("button", name="Add note")).to_be_visible()
    expect(tab.get_by_role("button", name="Send", exact=False)).to_have_count(0)
    tab.keyboard.type("She is a friend of the house.")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".message.note")).to_contain_text("friend of the house")
    expect(tab.locator("[name=mode][value=note]")).to_be_checked()
    asked = desk.rows(
        "SELECT count(*) AS n FROM desk.messages WHERE direction = 'out' AND text LIKE '%friend of the house%'"
    )
    assert asked[0]["n"] == 0


def test_drafts_are_kept_for_each_conversation_and_kind(tab: Page, desk: Desk) -> None:
    ann, bob = stranger(), stranger("Bob Ray")
    desk.receive(ann.says("One"), bob.says("Two"))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("A reply to Ann")
    tab.locator("[name=mode][value=note]").check(force=True)
    expect(tab.locator(".composer textarea")).to_have_value("")
    tab.locator(".composer textarea").fill("A note about Ann")
    open_ticket(tab, bob)
    expect(tab.locator(".composer textarea")).to_have_value("")
    open_ticket(tab, ann)
    expect(tab.locator(".composer textarea")).to_have_value("A reply to Ann")
    tab.reload()
    tab.locator("[name=mode][value=note]").check(force=True)
    expect(tab.locator(".composer textarea")).to_have_value("A note about Ann")


def test_a_reply_to_what_one_has_not_seen_is_stopped_and_shows_what_arrived(
    tab: Page, desk: Desk, log: BrowserLog
) -> None:
    log.allow("status of 409")
    ann = stranger()
    desk.receive(ann.says("Please cancel my order."))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("Cancelled.")
    form = tab.locator(".composer form")
    seen = form.locator("[name=seen]").input_value()
    desk.receive(ann.says("No, wait, keep it!"))
    expect(tab.locator(".message.inbound")).to_have_count(2)
    form.locator("[name=seen]").evaluate(
        "(input, seen) => { input.value = seen; }", seen
    )  # as if the stream had been slow
    tab.locator(".composer textarea").press("Control+Enter")
    expect(tab.locator(".composer .alert[role=alert]").first).to_contain_text("No, wait, keep it!")
    expect(tab.locator(".composer textarea")).to_have_value("Cancelled.")
    expect(tab.locator(".message.outbound")).to_have_count(0)
    tab.locator(".composer textarea").fill("It stays.")
    tab.locator(".composer textarea").press("Control+Enter")
    expect(tab.locator(".message.outbound")).to_contain_text("It stays.")


def test_resolving_can_be_undone(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 404")
    ann = stranger()
    desk.receive(Customer(ann.name, ann.point).says("Another question", at=utc_now() - timedelta(minutes=5)))
    desk.receive(ann.says("Thanks, all good."))
    tab.locator("#rows .row > a", has_text="Thanks, all good.").click()
    listed = tab.locator(".customer .earlier li .meta")
    expect(listed).to_have_text(["Open", "Open"])
    tab.keyboard.press("e")
    expect(tab.locator(".conversation-head")).to_contain_text("Solved")
    expect(listed).to_have_text(["Solved", "Open"])
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".conversation-head .chips")).to_contain_text("Open")
    expect(tab.locator("#rows .row", has_text=ann.name)).to_have_count(2)
    tab.goto(f"{desk.url}/nothing-here")
    expect(tab.get_by_role("heading")).to_have_text("Page not found")
    tab.get_by_role("link", name="Go to the inbox").click()
    tab.wait_for_url("**/inbox/*")


def test_an_agent_takes_a_conversation_and_finds_it_under_mine(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Hello"))
    open_ticket(tab, ann)
    tab.keyboard.press("a")
    expect(tab.locator(".conversation-head")).to_contain_text("Sam Okoro")
    expect(tab.get_by_role("button", name="Assign to me")).to_be_hidden()
    tab.goto(f"{desk.url}/inbox/mine")
    expect(tab.locator("#rows .row", has_text=ann.name)).to_be_visible()


def test_an_agent_works_through_one_queue_and_it_follows(tab: Page, desk: Desk) -> None:
    queue = f"plugin {uuid4().hex[:6]} / billing"
    desk.receive(stranger(team=queue).says("The first question"), stranger().says("Another team's question"))
    expect(tab.locator("#rows")).to_contain_text("The first question")
    tab.goto(f"{desk.url}/inbox/all")
    link = tab.get_by_role("navigation").get_by_role("link", name=queue)
    expect(link).to_contain_text("1")
    link.click()
    expect(tab.locator("h1")).to_have_text(queue.capitalize())
    expect(tab.locator("#rows .row")).to_have_count(1)
    desk.receive(stranger(team=queue).says("The second question"), stranger().says("And one more"))
    tab.mouse.move(700, 5)
    expect(tab.locator("#rows .row")).to_have_count(2)
    expect(link).to_contain_text("2")
    picture(tab, "queue")
    tab.goto(desk.url)
    expect(tab.locator("h1")).to_have_text(queue.capitalize())


def test_an_older_customers_wish_is_seen_and_can_be_corrected(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 422")
    marie = stranger("Marie", language="fr", prefers="phone")
    desk.receive(marie.says("Pouvez-vous m’appeler ?", birth_year=1954))
    open_ticket(tab, marie)
    expect(tab.locator("#rows .row", has_text=marie.name)).to_contain_text("Prefers phone")
    expect(tab.locator(".composer")).to_contain_text("It is unavailable right now, so this reply goes by: Email.")
    expect(tab.locator("[data-recipient]")).to_contain_text(marie.point.removeprefix("email:"))
    tab.locator(".customer summary").click()
    tab.get_by_label("Preferred channel").select_option("email")
    tab.get_by_label("Source").select_option("phone")
    tab.locator(".customer details .button").click()
    expect(tab.locator(".customer .card")).to_contain_text("Stated on the phone")
    tab.get_by_label("Birth year").fill("nine")
    tab.locator(".customer .inline-form .button").click()
    expect(tab.locator("#birth-year-error")).to_be_visible()


def test_new_rows_do_not_jump_under_the_pointer(tab: Page, desk: Desk) -> None:
    desk.receive(stranger().says("first"))
    tab.locator("#rows .row").first.hover()
    before = tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)")
    late = stranger("Late Comer")
    desk.receive(late.says("second", level=Level.URGENT))
    expect(tab.locator("#fresh")).to_be_visible()
    assert tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)") == before
    tab.locator("#fresh").click()
    expect(tab.locator("#rows .row", has_text=late.name)).to_be_visible()


def test_a_row_that_came_back_is_not_taken_off_the_list_when_the_pointer_leaves_it(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Solved too soon"))
    row = tab.locator("#rows .row", has_text=ann.name)
    row.locator("> a").click()
    expect(tab.locator(".customer h2")).to_have_text(ann.name)
    colleague = tab.context.new_page()
    colleague.goto(tab.url)
    tab.evaluate("""() => {
        const later = window.setTimeout; // what waits until nobody points at the list waits for us
        window.due = [];
        window.setTimeout = (work, ms, ...rest) => ms === 300 ? window.due.push(work) : later(work, ms, ...rest);
    }""")
    tab.keyboard.press("e")
    expect(row).to_have_attribute("data-status", "solved")
    tab.locator(".composer textarea").click()
    colleague.get_by_role("button", name="Reopen").click()
    expect(row).to_have_attribute("data-status", "open")
    assert tab.evaluate("window.due.length") > 0
    tab.evaluate("window.due.forEach(work => work())")
    expect(row).to_have_count(1)


def test_two_tabs_share_one_stream_and_both_see_everything(tab: Page, desk: Desk) -> None:
    second = tab.context.new_page()
    second.goto(f"{desk.url}/inbox/all")
    for page in (tab, second):
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
    ann = stranger()
    desk.receive(ann.says("To both of you"))
    for page in (tab, second):
        expect(page.locator("#rows .row", has_text=ann.name)).to_be_visible()


def test_what_came_while_the_desk_was_away_is_there_when_it_comes_back(tab: Page, desk: Desk) -> None:
    ann, bob = stranger(), stranger("Bob Ray")
    desk.receive(ann.says("One"))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("Half a sent")
    desk.stop()
    expect(tab.locator("#live")).to_have_attribute("data-state", "lost")
    expect(tab.locator("#live")).to_contain_text("Reconnecting, last update")
    desk.receive(ann.says("Two, while you were away"), bob.says("Three"))
    desk.start()
    expect(tab.locator("#live")).to_have_attribute("data-state", "live", timeout=40_000)
    expect(tab.locator(".timeline")).to_contain_text("Two, while you were away")
    expect(tab.locator("#rows .row", has_text=bob.name)).to_be_visible()
    expect(tab.locator(".composer textarea")).to_have_value("Half a sent")


def test_what_cannot_be_sent_now_is_kept_and_sent_on_retry(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("htmx:", "ERR_INTERNET_DISCONNECTED")
    ann = stranger()
    desk.receive(ann.says("Hello"))
    open_ticket(tab, ann)
    tab.locator(".composer textarea").fill("Written in a tunnel")
    tab.context.set_offline(True)
    tab.locator(".composer textarea").press("Control+Enter")
    alert = tab.locator(".composer .not-sent")
    expect(alert).to_be_visible()
    expect(tab.locator(".composer textarea")).to_have_value("Written in a tunnel")
    tab.context.set_offline(False)
    alert.get_by_role("button").click()
    expect(tab.locator(".message.outbound")).to_contain_text("Written in a tunnel")


def test_signing_in_says_what_is_wrong_and_where(browser: Browser, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 422", "status of 401")
    page = browser.new_context(java_script_enabled=False, locale="en-GB").new_page()
    page.goto(f"{desk.url}/inbox/all")
    assert page.url.endswith("/login")
    page.locator("[name=email]").fill("sam")
    page.locator(".login-form .button").click()
    expect(page.locator("#email-error")).to_contain_text("such as sam@example.org")
    expect(page.locator("#password-error")).to_be_visible()
    expect(page.locator("#errors")).to_be_focused()
    page.locator("[name=email]").fill(EMAIL)
    page.locator("[name=password]").fill("wrong")
    page.locator(".login-form .button").click()
    expect(page.locator("#errors")).to_contain_text("Wrong email or password.")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator(".login-form .button").click()
    expect(page.locator("#rows")).to_be_attached()
    page.context.close()


def test_the_conversation_can_be_read_and_answered_without_javascript(browser: Browser, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Do you read this without scripts?"))
    eventually(
        lambda: desk.rows("SELECT 1 FROM desk.messages WHERE text LIKE 'Do you read this%'"), "the message is stored"
    )
    for page in signed_in(browser, desk, java_script_enabled=False):
        page.locator("#rows .row > a", has_text=ann.name).click()
        expect(page.locator(".timeline")).to_contain_text("Do you read this without scripts?")
        page.locator(".composer textarea").fill("We do.")
        page.locator("[data-sends=reply]").click()
        expect(page.locator(".message.outbound")).to_contain_text("We do.")


def test_what_a_colleague_changes_does_not_overwrite_what_one_is_typing(tab: Page, desk: Desk) -> None:
    ann = stranger()
    desk.receive(ann.says("Hello", birth_year=1950))
    open_ticket(tab, ann)
    tab.get_by_label("Birth year").fill("19")
    tab.locator(".composer textarea").focus()
    colleague = tab.context.new_page()
    colleague.goto(tab.url)
    colleague.locator(".customer summary").click()
    colleague.get_by_label("Preferred channel").select_option("chat")
    colleague.locator(".customer details .button").click()
    expect(tab.locator(".customer .card strong")).to_have_text("Chat")
    expect(tab.get_by_label("Birth year")).to_have_value("19")


def test_an_agent_sees_who_is_in_copy_and_changes_it_before_sending(tab: Page, desk: Desk, log: BrowserLog) -> None:
    log.allow("status of 422")
    ann = stranger()
    copies = {"also_to": ("lee@x.example",), "cc": ("bo@x.example",)}
    desk.receive(ann.says("My colleagues read along.", subject="Invoice", **copies))
    open_ticket(tab, ann)
    expect(tab.locator(".message.inbound .copies")).to_have_text("Also to: lee@x.example; Cc: bo@x.example")
    summary = tab.locator(".composer details.copies summary")
    expect(summary).to_have_text("Cc: lee@x.example, bo@x.example")
    summary.click()
    assert findings(tab) == []
    picture(tab, "copies")
    tab.get_by_label("Cc", exact=True).fill("lee@x.example, nobody")
    tab.get_by_label("Bcc", exact=True).fill("boss@x.example")
    tab.locator(".composer textarea").fill("Hello both.")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(tab.locator(".composer .alert:not(.not-sent)")).to_contain_text("Invalid email address")
    expect(tab.locator(".composer textarea")).to_have_value("Hello both.")
    expect(tab.get_by_label("Cc", exact=True)).to_have_value("lee@x.example, nobody")
    tab.get_by_label("Cc", exact=True).fill("lee@x.example")
    tab.get_by_role("button", name="Send", exact=True).click()
    expect(tab.locator(".message.outbound .copies")).to_contain_text("Cc: lee@x.example; Bcc: boss@x.example")
    expect(summary).to_have_text("Cc: lee@x.example")
    tab.set_viewport_size({"width": 390, "height": 844})
    picture(tab, "copies-phone")
