"""An agent finds what a customer wrote years before Switchboard was there, and reads it as any
other conversation."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace
from playwright.sync_api import Page, expect

from shared.clock import utc_now
from shared.events import ImportedMail
from shared.kernel import ContactPoint
from shared.topics import MESSAGES_IMPORTED
from tests.e2e.axe import findings
from tests.e2e.conftest import picture
from tests.e2e.desk import Desk
from tests.e2e.test_answering import stranger
from tests.waiting import eventually


def test_an_agent_finds_and_reads_a_conversation_of_years_ago(tab: Page, desk: Desk) -> None:
    ann, years_ago = stranger(), utc_now() - timedelta(days=1500)
    asked = ann.says("The zeppelin lamp flickers since Monday.", subject="Zeppelin lamp", at=years_ago).message
    told = ann.says(
        "We send you a new one today.", subject="Re: Zeppelin lamp", at=years_ago + timedelta(hours=3)
    ).message
    ours = replace(
        told,
        sender=ContactPoint("email:help@shop.example"),
        sender_name="Help",
        also_to=(ann.point.removeprefix("email:"),),
        thread=replace(told.thread, root=asked.provider_id, references=(asked.provider_id,)),
    )
    for message, sent in ((ours, True), (asked, False)):
        mail = ImportedMail(message=message, run="r", customer=ContactPoint(ann.point), sent=sent)
        desk.publish((MESSAGES_IMPORTED, asked.provider_id, mail))
    found = f"SELECT id FROM desk.tickets WHERE subject = 'Zeppelin lamp' AND messages = 2 AND id IN (SELECT ticket_id FROM desk.messages WHERE id = '{asked.id}')"
    (ticket,) = eventually(lambda: desk.rows(found), "it is in the desk")
    expect(tab.get_by_text("Zeppelin lamp")).to_have_count(0)
    tab.goto(f"{desk.url}/c/{ticket['id']}")
    messages = tab.locator(".message .message-text")
    expect(messages).to_have_text(["The zeppelin lamp flickers since Monday.", "We send you a new one today."])
    expect(tab.locator(".message time").first).to_contain_text(str(years_ago.year))
    expect(tab.get_by_text("Customer since")).to_contain_text(str(years_ago.year))
    expect(tab.locator(".conversation-head")).to_contain_text("From an archive")
    picture(tab, "imported")
    assert findings(tab) == []
