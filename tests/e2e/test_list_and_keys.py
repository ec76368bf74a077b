"""The list and the keys: what an agent does is done to the conversation that they mean, and is seen
at once."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from services.desk.web import render
from shared.clock import utc_now
from shared.kernel import Level
from tests.e2e.axe import findings
from tests.e2e.conftest import BrowserLog, picture, signed_in
from tests.e2e.desk import EMAIL, PASSWORD, Customer, Desk
from tests.e2e.test_answering import open_ticket, stranger
from tests.waiting import eventually


def row_of(tab: Page, customer: Customer) -> Locator:
    return tab.locator("#rows .row", has_text=customer.name)


def mark(tab: Page, customer: Customer) -> None:
    """As the keys j and k would."""
    expect(row_of(tab, customer)).to_be_visible()
    tab.keyboard.press("j")
    for _ in range(60):
        if customer.name in (tab.evaluate("document.activeElement.textContent") or ""):
            return
        tab.keyboard.press("j")
    raise AssertionError(f"{customer.name} is not in the list")


def status_of(desk: Desk, ticket: str) -> str:
    return str(desk.rows(f"SELECT status FROM desk.tickets WHERE id = '{ticket}'")[0]["status"])


def number_of(desk: Desk, ticket: str) -> str:
    found = desk.rows(f"SELECT number FROM desk.tickets WHERE id = '{ticket}'")
    return f"#{found[0]['number']}"


@pytest.fixture
def two(tab: Page, desk: Desk) -> tuple[Customer, str, Customer, str]:
    """Two customers and their tickets, the first one open."""
    first, second = stranger("First Lee"), stranger("Second Ray")
    desk.receive(first.says("One", level=Level.URGENT), second.says("Two"))
    tickets = []
    for customer in (first, second):
        row_of(tab, customer).wait_for()
        tickets.append(str(row_of(tab, customer).get_attribute("data-ticket")))
    open_ticket(tab, first)
    return first, tickets[0], second, tickets[1]


def test_a_key_solves_the_conversation_that_is_marked_and_not_the_one_that_is_open(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, opened, second, marked = two
    mark(tab, second)
    tab.keyboard.press("e")
    toast = tab.locator(".toast")
    expect(toast).to_contain_text(f"{number_of(desk, marked)}: Solved")
    assert status_of(desk, marked) == "solved"
    assert status_of(desk, opened) == "open"
    toast.get_by_role("button", name="Undo").click()
    expect(toast).to_contain_text(f"{number_of(desk, marked)}: Open")
    assert status_of(desk, marked) == "open"


def test_a_conversation_that_was_solved_by_mistake_is_due_again_when_it_was(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, ticket, *_ = two
    due = f"SELECT waiting_since, due_at FROM desk.tickets WHERE id = '{ticket}'"
    desk.rows(f"UPDATE desk.tickets SET due_at = now() + interval '1 hour' WHERE id = '{ticket}'")
    before = desk.rows(due)[0]
    assert before["waiting_since"]
    tab.keyboard.press("e")
    expect(tab.locator(".conversation-head")).to_contain_text("Solved")
    assert desk.rows(due)[0]["due_at"] is None
    tab.locator(".toast").get_by_role("button", name="Undo").click()
    expect(tab.locator(".conversation-head .due")).to_be_visible()
    assert desk.rows(due)[0] == before


def test_no_key_acts_while_a_conversation_is_on_its_way(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, opened, second, marked = two
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.route(f"**/c/{marked}", hold)
    mark(tab, second)
    tab.keyboard.press("Enter")
    eventually(lambda: tab.wait_for_timeout(20) or held, "the conversation is asked for")
    for key in ("e", "a", "n"):
        tab.keyboard.press(key)
    held[0].continue_()
    expect(tab.locator(f".conversation[data-ticket='{marked}']")).to_be_visible()
    expect(tab.locator("[name=mode][value=reply]")).to_be_checked()
    assert (status_of(desk, opened), status_of(desk, marked)) == ("open", "open")
    tab.keyboard.press("e")
    expect(tab.locator(".toast")).to_contain_text(number_of(desk, marked))
    assert (status_of(desk, opened), status_of(desk, marked)) == ("open", "solved")


def test_of_two_conversations_that_were_opened_in_a_hurry_the_last_one_is_shown(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    first, opened, second, marked = two
    third = stranger("Third Kim")
    desk.receive(third.says("Three"))
    row_of(tab, third).wait_for()
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.route(f"**/c/{marked}", hold)
    row_of(tab, second).locator("a").click()
    row_of(tab, third).locator("a").click()
    expect(tab.locator(".customer h2")).to_have_text(third.name)
    with tab.expect_response(f"**/c/{marked}"):
        held[0].continue_()
    row_of(tab, first).locator("a").click()
    expect(tab.locator(".customer h2")).to_have_text(first.name)
    assert tab.url.endswith(opened)


def test_writing_to_the_marked_conversation_opens_it_first(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, _, second, marked = two
    mark(tab, second)
    tab.keyboard.press("n")
    expect(tab.locator(".customer h2")).to_have_text(second.name)
    expect(tab.locator(".composer textarea")).to_be_focused()
    tab.keyboard.type("for the second")
    tab.keyboard.press("Control+Enter")
    expect(tab.locator(".message.note")).to_contain_text("for the second")
    stored = desk.rows("SELECT ticket_id FROM desk.messages WHERE text = 'for the second'")
    assert [str(row["ticket_id"]) for row in stored] == [marked]


def test_rows_that_i_changed_say_so_at_once_and_the_keys_go_on_with_the_next(tab: Page, desk: Desk) -> None:
    people = [stranger(f"Person {letter}") for letter in "ABCD"]
    tab.goto(f"{desk.url}/inbox/unassigned")
    desk.receive(*(each.says("Hello", at=utc_now() - timedelta(minutes=9 - n)) for n, each in enumerate(people)))
    for each in people:
        row_of(tab, each).wait_for()
    first, second, third, fourth = people
    before = tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)")
    mark(tab, first)
    tab.keyboard.press("a")
    expect(row_of(tab, first)).to_contain_text("Sam Okoro")
    expect(row_of(tab, first)).to_have_attribute("data-left", "")
    expect(row_of(tab, second).locator("a")).to_be_focused()
    tab.keyboard.press("e")
    expect(row_of(tab, second)).to_contain_text("Solved")
    expect(row_of(tab, third).locator("a")).to_be_focused()
    expect(tab.locator(".toast")).to_have_count(1)
    expect(tab.locator("#fresh")).to_be_hidden()
    assert tab.locator("#rows .row").evaluate_all("rows => rows.map(row => row.id)") == before
    picture(tab, "list-struck")
    tab.locator(".conversation-pane").click()
    expect(row_of(tab, first)).to_have_count(0)
    expect(row_of(tab, second)).to_have_count(0)
    expect(row_of(tab, fourth)).to_be_visible()


def test_what_a_colleague_does_never_moves_the_mark_to_another_conversation(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, _, second, marked = two
    colleague = tab.context.new_page()
    colleague.goto(f"{desk.url}/c/{marked}")
    tab.bring_to_front()
    mark(tab, second)
    colleague.locator("[data-key=e]").click()
    expect(row_of(tab, second)).to_contain_text("Solved")
    expect(row_of(tab, second).locator("a")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1024, 768), (720, 450), (390, 844)])
def test_a_toast_never_lies_over_what_is_being_written(browser: Browser, desk: Desk, width: int, height: int) -> None:
    ann = stranger()
    desk.receive(ann.says("Hello"))
    for page in signed_in(browser, desk, viewport={"width": width, "height": height}):
        row_of(page, ann).locator("a").click()
        page.locator(".composer textarea").wait_for()
        page.keyboard.press("a")
        page.locator(".toast").wait_for()
        page.locator(".composer textarea").focus()
        boxes = [page.locator(selector).bounding_box() for selector in (".toast", ".composer")]
        assert boxes[0]
        assert boxes[1]
        assert boxes[0]["y"] + boxes[0]["height"] <= boxes[1]["y"]
        picture(page, f"toast-{width}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_a_time_is_the_same_with_and_without_scripts(browser: Browser, desk: Desk, language: str) -> None:
    seconds = (1, 59, 60, 52 * 60, 3599, 3600, 7199, 28_799, 86_399, 86_400, 200_000, 691_200, 2_700_000, 40_000_000)
    for page in signed_in(
        browser, desk, language=language, locale={"en": "en-US", "fr": "fr-FR", "ko": "ko-KR"}[language]
    ):
        times = page.evaluate(
            """async (seconds) => {
              const build = document.querySelector("script[type=module]").src.replace("app.js", "times.js");
              const { ago, lasting } = await import(build);
              return seconds.map((count) => [ago(new Date(0), count * 1000 + 400), lasting(count + 0.4)]);
            }""",
            seconds,
        )
        now = utc_now()
        for count, (ago, lasting) in zip(seconds, times, strict=True):
            assert _spaced(ago) == _spaced(render.ago(now - timedelta(seconds=count), language))
            assert _spaced(lasting) == _spaced(render.span(count + 0.4, language))
    assert render.span(7199, "en") == "1 hr 59 min"


def _spaced(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_a_conversation_is_handed_on_and_given_back_in_its_head(
    tab: Page, desk: Desk, two: tuple[Customer, str, Customer, str]
) -> None:
    _, ticket, *_ = two
    name = colleague(desk)
    owner, dialog = tab.locator(".conversation-head .assign"), tab.locator("#hand-over")
    expect(owner).to_contain_text("Unassigned")
    tab.keyboard.press("t")
    expect(dialog.locator("#hand-over-find")).to_be_focused()
    assert findings(tab) == []
    picture(tab, "hand-over")
    tab.keyboard.type(name.lower())
    expect(dialog.locator(".choice:visible")).to_have_count(1)
    dialog.get_by_label("Note").fill("She was charged twice.")
    dialog.locator("#hand-over-find").press("Enter")
    expect(dialog).to_be_hidden()
    expect(owner).to_contain_text(name)
    expect(tab.locator(".toast")).to_contain_text(f"{number_of(desk, ticket)}: Assigned to {name}")
    tab.reload()
    expect(tab.locator(".handed")).to_contain_text("She was charged twice.")
    assert findings(tab) == []
    picture(tab, "handed")
    owner.click()
    dialog.locator("#hand-over-find").press("Enter")
    expect(dialog.locator("input:checked")).to_have_count(0)
    dialog.get_by_text("Give back to the queue").click()
    dialog.get_by_role("button", name="Hand over").click()
    expect(owner).to_contain_text("Unassigned")
    tab.keyboard.press("a")
    expect(owner).to_contain_text("Sam Okoro")
    tab.locator(".toast").get_by_role("button", name="Undo").click()
    expect(owner).to_contain_text("Unassigned")
    owner.focus()
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    expect(owner).to_be_focused()
    expect(dialog).to_be_hidden()


def test_several_are_chosen_by_mouse_and_keyboard_and_what_was_taken_meanwhile_is_told(
    tab: Page, desk: Desk, log: BrowserLog
) -> None:
    log.allow("status of 409 (Conflict)")
    name = colleague(desk)
    messages = [Customer(f"Ana {name}", f"email:{name}@example.org").says("Hello") for name in ("one", "two", "three")]
    desk.receive(*messages)
    tab.goto(f"{desk.url}/inbox/all")
    expect(tab.locator("#rows .row")).to_have_count(3)
    tab.locator("#rows .row > a").first.focus()
    tab.keyboard.press("x")
    tab.keyboard.press("j")
    tab.keyboard.press("x")
    expect(tab.locator("#bulk-said")).to_have_text("2 selected")
    tab.locator(".pick").nth(2).click(modifiers=["Shift"])
    expect(tab.locator("#bulk-said")).to_have_text("3 selected")
    assert findings(tab) == []
    picture(tab, "picked")
    tab.locator("#bulk").get_by_role("button", name="Hand over").click()
    dialog = tab.locator("#hand-over")
    expect(dialog).to_contain_text("Hand over 3 conversations")
    taken = messages[0].decision.ticket_id
    desk.rows(
        f"UPDATE desk.tickets SET assignee_id = (SELECT id FROM desk.agents WHERE email = '{EMAIL}') WHERE id = '{taken}'"
    )
    dialog.locator("#hand-over-find").fill(name)
    tab.keyboard.press("Enter")
    expect(dialog).to_contain_text("Sam Okoro has it now")
    expect(dialog).to_contain_text("Handed over: 2")
    assert findings(tab) == []
    picture(tab, "handed-over")
    dialog.get_by_role("button", name="Close").click()
    expect(tab.locator("#rows .row", has_text=name)).to_have_count(2)
    expect(tab.locator("#bulk")).to_be_hidden()
    given_back = messages[1].decision.ticket_id
    desk.rows(f"UPDATE desk.tickets SET assignee_id = NULL WHERE id = '{given_back}'")
    tab.locator(f"#row-{given_back} > a").focus()
    tab.keyboard.press("x")
    tab.keyboard.press("a")
    expect(tab.locator(".toast")).to_contain_text("is back in its queue")


def colleague(desk: Desk) -> str:
    """Somebody whose name nobody else has. Returns it."""
    own = uuid4().hex[:6]
    person = ("--email", f"kim-{own}@example.org", "--name", f"Kim {own}", "--password-stdin")
    desk._run("create-agent", *person, text=PASSWORD + "\n")
    return f"Kim {own}"
