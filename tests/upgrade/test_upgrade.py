"""A home of an older release starts with this one: nothing is lost, nothing is sent twice, and
conversations go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests import stack
from tests.chat import Visitor
from tests.conftest import engine_folder
from tests.exchange import Exchange, exchange
from tests.providers import x_oauth
from tests.providers.x import Tweet, X, serving
from tests.stack import Stack, mail_from
from tests.upgrade.fill import SECRET
from tests.upgrade.home import restored
from tests.waiting import eventually

RELEASES = sorted(path for path in Path(__file__).parent.iterdir() if (path / "story.json").is_file())


@dataclass
class Upgraded:
    """This release on that home, and the world around it."""

    system: Stack
    story: dict[str, Any]
    phones: Exchange
    x: X

    def ticket_of(self, who: str) -> dict[str, Any]:
        return self.system.ticket(self.story[who]["ticket"])

    def texts(self, who: str) -> list[str]:
        return [message["text"] for message in self.ticket_of(who)["messages"]]


@pytest.fixture(scope="module", params=RELEASES, ids=lambda path: path.name)
def upgraded(request: pytest.FixtureRequest) -> Iterator[Upgraded]:
    x, base = X(), stack.free_ports()
    with engine_folder() as folder, serving(x) as url, exchange(base + 98) as phones:
        home = folder / "home"
        story = restored(home, request.param)
        dee, post = x.person("dee"), int(story["dee"]["post"])
        assert dee.id == story["dee"]["person"]
        x.tweets[post] = Tweet(post, dee.id, "@acme my order never came", post, history=(post,))
        settings = (
            phones.settings
            | x_oauth.SETTINGS
            | {
                "SWITCHBOARD_SECRET": SECRET,
                "SOCIAL_X_API_URL": url,
                "SOCIAL_X_NAMES": "acme",
                "SOCIAL_X_EVERY": "0.5",
                "SOCIAL_COMPLAINT_FROM": "0",
                "DASHBOARD_RATE_PER_ADDRESS": "0",
                "PHONE_RETRY_FIRST": "1",
                "PHONE_SETTLE_SECONDS": "1",
            }
        )
        with stack.running(home, settings, base=base) as system:
            phones.network.webhooks = system.url("phone")
            yield Upgraded(system, story, phones, x)


@pytest.mark.parametrize(("who", "channel"), [("bo", "email"), ("number", "sms"), ("dee", "x")])
def test_a_reply_that_was_on_its_way_goes_out_once(upgraded: Upgraded, who: str, channel: str) -> None:
    text = upgraded.story["in_hand"][channel]

    def delivered() -> bool:
        found = [one for one in upgraded.ticket_of(who)["messages"] if one["text"] == text]
        return [one["delivery"] in ("sent", "delivered") for one in found] == [True]

    eventually(delivered, f"{text!r} to be delivered")
    out = Counter(
        {
            "email": [mail.get_content().strip() for mail in upgraded.system.relay.to("bo@mail.example")],
            "sms": [one.body for one in upgraded.phones.network.messages.values() if one.direction == "outbound-api"],
            "x": [one.text for one in upgraded.x.ours()],
        }[channel]
    )
    assert sum(count for said, count in out.items() if text in said) == 1, out


def test_what_the_router_had_not_seen_becomes_a_ticket_each_once(upgraded: Upgraded) -> None:
    for subject in upgraded.story["unseen"]:
        assert len(upgraded.system.ticket_with(subject)["messages"]) == 1
    subjects = Counter(row["subject"] for row in upgraded.system.tickets())
    assert len(upgraded.story["unseen"]) + 5 == len(subjects) == subjects.total()


def test_a_customer_who_answers_an_old_mail_is_in_the_same_ticket(upgraded: Upgraded) -> None:
    ann, text = upgraded.story["ann"], f"Thank you! {uuid4()}"
    mail = mail_from("ann@mail.example", "Re: The lamp is broken", text)
    mail.replace_header("To", ann["reply_to"])
    mail["In-Reply-To"] = mail["References"] = ann["message_id"]
    upgraded.system.send(mail, recipient=ann["reply_to"].partition("<")[2].strip(">"))
    eventually(lambda: text in upgraded.texts("ann")[-1], "her answer in her ticket")
    assert not upgraded.system.relay.to("ann@mail.example"), "what was sent before is not sent again"


def test_an_agent_still_gets_an_old_mail_as_it_came(upgraded: Upgraded) -> None:
    first = upgraded.ticket_of("ann")["messages"][0]
    original = upgraded.system.api.get(f"/messages/{first['id']}/original")
    assert original.status_code == 200, original.text
    assert "Subject: The lamp is broken" in original.text


def test_a_visitor_goes_on_in_the_chat_that_was_open(upgraded: Upgraded) -> None:
    visitor = Visitor(upgraded.system.url("dashboard"), upgraded.story["site"])
    visitor.resume(upgraded.story["cy"]["token"])
    assert [one["text"] for one in visitor.conversation()] == [
        "Where do I find my licence?",
        "Under Account, Licences.",
    ]
    visitor.say("I found it.")
    eventually(lambda: upgraded.texts("cy")[-1] == "I found it.", "the message in the same ticket")


def test_a_customer_who_texts_again_is_in_the_same_ticket(upgraded: Upgraded) -> None:
    assert upgraded.phones.text(upgraded.story["number"]["number"], "Thanks, it came.") == 200
    eventually(lambda: "Thanks, it came." in upgraded.texts("number"), "the text in the same ticket")


def test_programs_keep_their_token_and_the_books_balance(upgraded: Upgraded) -> None:
    token = {"Authorization": f"Bearer {upgraded.story['token']}"}
    answer = httpx.get(f"{upgraded.system.url('desk')}/api/v1/tickets", headers=token)
    assert answer.status_code == 200, answer.text
    for row in answer.json()["items"]:
        assert upgraded.system.ticket(row["id"])["events"], "its timeline is told in today's words"
    books = upgraded.system.balance()
    assert books["applied"] == books["received"]
