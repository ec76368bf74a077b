"""Posts: mentions become tickets, agents say what a post is, and a burst is one row with one answer
for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.clock import utc_now
from shared.events import InboundMessage, OutboundMessage, Post, PostJudged, RoutedMessage, ThreadClues
from shared.kernel import ContactPoint, Level, message_id
from shared.topics import MENTIONS_KEPT, POSTS_JUDGED, deliveries_requested
from tests.e2e.axe import findings
from tests.e2e.conftest import picture, signed_in
from tests.e2e.desk import Customer, Desk, finish
from tests.e2e.test_looks import overflow
from tests.topic import events_on
from tests.waiting import eventually

NAMES = ("Ana", "Bo", "Chloé", "Dev", "Eun-ji", "Farid", "Grete", "Hugo", "Ines", "Jun", "Kofi", "Lior")


def person(name: str) -> Customer:
    return Customer(name, f"x:{uuid4().int % 10**12}", channel="x")


def crash(who: Customer, run: str, **more: object) -> RoutedMessage:
    handle = who.name.lower().replace("é", "e")
    facts = {
        "Account": f"@{handle}",
        "Post": f"https://x.com/{handle}/status/{uuid4().int % 10**15}",
        "Sounds like a complaint": "crashing, refund",
        **more.pop("facts", {}),  # type: ignore[dict-item]
    }
    text = f"@acme the app keeps crashing at the payment ({run}), I want a refund"
    return who.says(text, public=True, complaint=0.91, reach=340, facts=facts, **more)


def burst(run: str) -> list[RoutedMessage]:
    """Twelve people; the fifth is the first that was recognised, and names the four before."""
    start = utc_now() - timedelta(minutes=12)
    first = [crash(person(name), run, at=start + timedelta(seconds=i)) for i, name in enumerate(NAMES[:4])]
    known = {"Burst id": f"burst-{run}", "Burst first": ",".join(each.message.provider_id for each in first)}
    return [
        *first,
        *(
            crash(person(name), run, facts=known, at=start + timedelta(seconds=9 + i), level=level)
            for i, (name, level) in enumerate(zip(NAMES[4:], [Level.HIGH, *[Level.NORMAL] * 7], strict=True))
        ),
    ]


def praise(text: str, name: str = "Bo Lindqvist", language: str = "en", **more: object) -> InboundMessage:
    post = str(uuid4().int % 10**15)
    return InboundMessage(
        id=message_id("x", post),
        channel="x",
        provider_id=post,
        sender=ContactPoint(f"x:{uuid4().int % 10**12}"),
        sender_name=name,
        received_at=utc_now(),
        text=text,
        language=language,
        thread=ThreadClues(conversation=post),
        public=True,
        reach=12_400,
        complaint=0.07,
        account="@bo",
        post=Post(url=f"https://x.com/bo/status/{post}"),
        **more,  # type: ignore[arg-type]
    )


def kept(desk: Desk, *posts: InboundMessage) -> None:
    """The social service keeps them."""
    finish(desk._publish([(MENTIONS_KEPT, post.sender, post) for post in posts]))
    ids = ",".join(f"'{post.id}'" for post in posts)
    eventually(
        lambda: desk.rows(f"SELECT count(*) FROM desk.mentions WHERE id IN ({ids})")[0][0] == len(posts),
        "the mentions at the desk",
    )


def judged(desk: Desk, provider_id: str) -> list[PostJudged]:
    found = eventually(
        lambda: [e for e in finish(events_on(desk.kafka, POSTS_JUDGED)) if e.provider_id == provider_id],
        "what the social service hears",
    )
    return list(found)


def test_a_mention_becomes_a_ticket_with_one_press(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    post = praise(f"Lovely lamp from @acme ({run}). Though the switch broke off yesterday, no idea what to do")
    kept(desk, post, praise(f"Two years with @acme and still happy ({run})"))
    tab.get_by_role("link", name="Mentions").click()
    item = tab.locator(f"#mention-{post.id}")
    expect(item).to_contain_text("Does not sound like a complaint: 0.07")
    expect(item).to_contain_text("up to 12,400 people may see it")
    expect(item.get_by_role("link", name="Open the post")).to_have_attribute("href", post.post.url if post.post else "")
    item.get_by_role("button", name="This is a complaint").click()
    expect(item).to_contain_text("Sam Okoro: this is a complaint")
    expect(item).to_contain_text("The ticket is being created")
    (event,) = judged(desk, post.provider_id)
    assert (event.label, event.open_ticket, event.agent, event.channel) == ("complaint", True, "sam@example.org", "x")

    author = Customer("Bo Lindqvist", post.sender, channel="x")
    back = author.says(post.text, public=True)  # the social service publishes it, and the router decides
    fields = {name: getattr(post, name) for name in post.__struct_fields__}
    decision = type(back.decision)(
        **{name: getattr(back.decision, name) for name in back.decision.__struct_fields__} | {"message_id": post.id}
    )
    desk.receive(RoutedMessage(message=InboundMessage(**fields), decision=decision))
    link = item.get_by_role("link", name="Ticket #")
    expect(link).to_be_visible()
    link.click()
    expect(tab.locator(".message.inbound")).to_contain_text(run)
    expect(tab.locator(".message.inbound")).to_contain_text("12,400")
    expect(tab.locator("[data-recipient]")).to_have_text("Public reply to Bo Lindqvist on X")
    typed = "안녕하세요 👩‍👩‍👧, see https://example.org/a-very-long/way?to=the#answer"
    length = tab.locator(".composer .length")
    for text, counted in (("", 0), (typed, 10 + 1 + 2 + 6 + 23), ("é" * 281, 281)):  # as X's documentation counts
        tab.locator(".composer textarea").fill(text)
        expect(length).to_contain_text(f"About {counted} of 280 characters")
    expect(length).to_have_class(re.compile(r"\bover\b"))
    assert findings(tab) == []
    picture(tab, "public-reply")


def test_mentions_are_found_by_words_and_language_and_new_ones_are_offered(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    kept(desk, *(praise(f"number {n} of {run}") for n in range(33)), praise(f"Merci {run}", "Léa", "fr"))
    tab.goto(f"{desk.url}/mentions?q={run}")
    expect(tab.locator(".mention")).to_have_count(30)
    tab.get_by_role("link", name="Show more").click()
    expect(tab.locator(".mention")).to_have_count(34)
    tab.get_by_label("Language").select_option("fr")
    tab.get_by_role("button", name="Show", exact=True).click()
    expect(tab.locator(".mention")).to_have_count(1)
    expect(tab.locator(".mention .message-text")).to_have_attribute("lang", "fr")
    kept(desk, praise(f"and one more {run}"))
    tab.get_by_role("link", name="New mentions.").click()
    expect(tab.locator(".mention").first).to_contain_text("and one more")
    tab.goto(f"{desk.url}/mentions?q=nothing-has-this-{run}")
    expect(tab.get_by_text("No mentions match.")).to_be_visible()


def test_not_a_complaint_teaches_the_social_service_and_closes_with_undo(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    post = crash(person("Ana"), run)
    desk.receive(post)
    tab.locator("#rows .row > a", has_text=run).click()
    message = tab.locator(f"#message-{post.message.id}")
    expect(message).to_contain_text("Sounds like a complaint: 0.91 — crashing, refund")
    message.get_by_role("button", name="Not a complaint").click()
    expect(message.get_by_role("button", name="Not a complaint")).to_have_attribute("aria-pressed", "true")
    expect(tab.locator(".message.event")).to_contain_text("Sam Okoro: this is not a complaint")
    (event,) = judged(desk, post.message.provider_id)
    assert (event.label, event.open_ticket) == ("other", False)

    tab.get_by_role("button", name="Close ticket").click()
    expect(tab.locator(".conversation-head")).to_contain_text("Closed")
    tab.get_by_role("button", name="Undo").click()
    expect(tab.locator(".conversation-head")).to_contain_text("Open")
    # The timeline follows a moment later and moves what is on it: a press meanwhile may meet
    # something else.
    expect(tab.locator(".message.event").last).to_contain_text("Sam Okoro: Open")
    message.get_by_role("button", name="A question", exact=True).click()
    expect(tab.locator(".message.event").last).to_contain_text("this is a question")


def test_a_burst_of_twelve_is_one_row_and_one_answer_reaches_all(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    posts = burst(run)
    desk.receive(*posts)
    row = tab.locator("#rows .row", has_text=run)
    expect(row).to_have_count(1)
    expect(row).to_contain_text("×12")
    expect(row).to_contain_text("High")
    row.locator("a").click()
    group = tab.locator(".group")
    group.locator("summary").click()
    expect(group.locator("li")).to_have_count(11)
    picture(tab, "burst-group")
    tab.locator("#text").fill("It works again, sorry for the trouble. Refunds are on their way.")
    tab.get_by_role("button", name="Reply to all 12").click()
    tab.get_by_role("button", name="Send to all 12").click()
    expect(tab.locator(".toast")).to_contain_text("Sending to each of them: 12")
    expect(tab.locator(".message.outbound")).to_have_count(1)
    expect(row).to_have_count(0)

    def sent() -> list[OutboundMessage]:
        found = finish(events_on(desk.kafka, deliveries_requested("x")))
        own = {each.message.sender for each in posts}
        return [event for event in found if event.to in own]

    answers = eventually(lambda: len(found := sent()) >= 12 and found, "twelve deliveries")
    assert len({answer.to for answer in answers}) == len({answer.ticket_id for answer in answers}) == len(answers) == 12
    tab.get_by_role("link", name="Pending", exact=False).first.click()
    expect(tab.locator("#rows .row", has_text="×12")).to_have_count(1)


def test_one_of_a_burst_is_reached_by_search_and_taken_out(tab: Page, desk: Desk) -> None:
    run = uuid4().hex[:8]
    desk.receive(*burst(run))
    expect(tab.locator("#rows .row", has_text="×12")).to_have_count(1)
    tab.goto(f"{desk.url}/inbox/all?q={run}")
    expect(tab.locator("#rows .row")).to_have_count(12)
    tab.locator("#rows .row > a", has_text="Kofi").click()
    expect(tab.locator(".group")).to_contain_text("Grouped with similar tickets")
    expect(tab.get_by_role("button", name="Reply to all")).to_have_count(0)
    tab.get_by_role("button", name="Remove from group").click()
    expect(tab.locator(".toast")).to_contain_text("Removed from the group")
    expect(tab.locator(".group")).to_be_hidden()
    tab.goto(f"{desk.url}/inbox/all")
    expect(tab.locator("#rows .row", has_text=run)).to_have_count(2)
    expect(tab.locator("#rows .row", has_text="×11")).to_have_count(1)


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, browser: Browser, desk: Desk) -> Iterator[tuple[Page, str]]:
    for page in signed_in(browser, desk, color_scheme=request.param):
        yield page, request.param


def test_axe_finds_nothing_on_mentions_and_bursts(themed: tuple[Page, str], desk: Desk) -> None:
    page, theme = themed
    run = uuid4().hex[:8]
    post = praise(f"The new lamp is a joy to look at ({run}), and the box came a day early.")
    kept(desk, praise(f"Merci à Julie pour son aide ({run})", "Léa Martin", "fr"), post)
    page.goto(f"{desk.url}/mentions")
    item = page.locator(f"#mention-{post.id}")
    item.get_by_role("button", name="This is a question").click()
    expect(item).to_contain_text("this is a question")
    assert findings(page) == []
    picture(page, f"mentions-{theme}")
    desk.receive(*burst(run))
    page.goto(f"{desk.url}/inbox/all")
    page.locator("#rows .row > a", has_text="×12").click()
    page.locator(".group summary").click()
    assert findings(page) == []
    picture(page, f"burst-{theme}")


@pytest.mark.parametrize("language", ["en", "fr", "ko"])
def test_mentions_and_bursts_fit_a_phone_in_any_language(browser: Browser, desk: Desk, language: str) -> None:
    run = uuid4().hex[:8]
    kept(desk, praise(f"The new lamp is a joy to look at ({run})"))
    desk.receive(*burst(run))
    for page in signed_in(browser, desk, viewport={"width": 390, "height": 800}, language=language, has_touch=True):
        expect(page.locator("#rows .row", has_text="×12")).to_be_visible()
        picture(page, f"phone-burst-list-{language}")
        page.locator("#rows .row > a", has_text="×12").click()
        expect(page.locator(".group")).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-burst-{language}")
        page.goto(f"{desk.url}/mentions")
        expect(page.locator(".mention").first).to_be_visible()
        assert overflow(page) <= 0
        assert findings(page) == []
        picture(page, f"phone-mentions-{language}")
