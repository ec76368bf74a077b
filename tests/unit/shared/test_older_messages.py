"""Yesterday's channel services said in `facts` what has fields today; a customer's own facts are
nobody's order."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events import Burst, InboundMessage, PhoneCall, Post
from shared.events.codec import decode, encode
from shared.events.older import typed


def recorded(channel: str, sender: str, facts: dict[str, str], **more: Any) -> InboundMessage:
    """A record as it was on the topic on 30 November 2026."""
    record = {
        "id": "6a8f2f0e-7a0c-5d55-9c0c-6f2c2b1f0a11",
        "channel": channel,
        "provider_id": "1",
        "sender": sender,
        "received_at": "2026-11-30T09:00:00Z",
        "text": "It crashes.",
        "facts": facts,
    }
    return decode(InboundMessage, json.dumps(record | more).encode())


POST = {
    "Post": "https://x.com/ann/status/5",
    "Account": "@ann",
    "Pictures": "https://pbs.example/1.jpg",
    "Sounds like a complaint": "crashing, refund",
    "Burst": "5 people complain of the same within 60 minutes: crashing",
    "Burst id": "b-1",
    "Burst count": "5",
    "Burst first": "1,2, 3",
}


def test_a_post_of_a_burst() -> None:
    found = typed(recorded("x", "x:7", POST, public=True, complaint=0.9))
    burst = Burst(id="b-1", first=("1", "2", "3"))
    assert found.account == "@ann"
    assert found.post == Post(url=POST["Post"], sounds="complaint", words=("crashing", "refund"), burst=burst)
    assert set(found.facts) == {"Post", "Account", "Pictures", "Burst"}, "what people read stays"


@pytest.mark.parametrize(
    ("facts", "sounds", "words"),
    [
        ({"Sounds like a question": "how, open"}, "question", ("how", "open")),
        ({"Sounds like a complaint": "by its whole wording"}, "complaint", ()),
        ({"Kind": "other"}, "", ()),
    ],
)
def test_what_a_post_sounds_like(facts: dict[str, str], sounds: str, words: tuple[str, ...]) -> None:
    found = typed(recorded("x", "x:7", facts, public=True)).post
    assert found == Post(sounds=sounds, words=words)


def test_a_call_that_is_to_be_called_back() -> None:
    since = "2026-11-30T08:58:00+00:00"
    facts = {"call": "voicemail", "call_id": "CA1", "callback": "wanted", "waiting_since": since}
    found = typed(recorded("phone", "tel:+33612345678", facts))
    at = datetime(2026, 11, 30, 8, 58, tzinfo=UTC)
    assert found.call == PhoneCall(id="CA1", kind="voicemail", callback=True, waiting_since=at)
    assert found.facts == {"call": "voicemail"}


def test_a_time_that_is_none_is_left_out() -> None:
    facts = {"call": "waiting", "call_id": "CA1", "waiting_since": "yesterday"}
    assert typed(recorded("phone", "tel:+33612345678", facts)).call == PhoneCall(id="CA1", kind="waiting")


def test_files_that_a_text_or_a_voicemail_lacks() -> None:
    lacks = {"missing_files": "media-1.heic: HTTP 404"}
    chat = recorded("chat", "chat:u7", lacks)
    assert typed(chat) is chat, "only the phone service told so"
    text = typed(recorded("sms", "tel:+33612345678", lacks))
    voicemail = typed(recorded("phone", "tel:+33612345678", lacks, call={"id": "CA1", "kind": "voicemail"}))
    for found in (text, voicemail):
        assert (found.missing_files, found.facts) == ("media-1.heic: HTTP 404", {})
    assert voicemail.call == PhoneCall(id="CA1", kind="voicemail")


@pytest.mark.parametrize("word", ["stop", "start"])
def test_consent(word: str) -> None:
    found = typed(recorded("sms", "tel:+33612345678", {"consent": word}, automatic="consent"))
    assert (found.consent, found.facts) == (word, {})


@pytest.mark.parametrize(("channel", "sender"), [("chat", "chat:u7"), ("email", "email:ann@example.org")])
def test_a_customers_own_facts_stay_facts(channel: str, sender: str) -> None:
    forged = POST | {"call": "voicemail", "call_id": "CA1", "callback": "wanted", "consent": "stop"}
    message = recorded(channel, sender, forged)
    assert typed(message) is message


def test_a_record_of_today_is_left_as_it_is() -> None:
    told = recorded("x", "x:7", {"Burst": "5 people"}, public=True, account="@ann", post={"sounds": "complaint"})
    assert typed(told) is told
    assert decode(InboundMessage, encode(told)) == told
