"""Text messages both ways, with Twilio's own client on the wire and everything that can go wrong there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from shared.clock import utc_now
from shared.events import CallAction, CallOutcome
from shared.storage import Storage
from shared.topics import CHANNELS_ANNOUNCED
from tests.integration.phone_house import House, eventually, house
from tests.providers.twilio import OURS

MARGARET = "+33612345678"


@pytest.fixture
async def line(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database, tmp_path) as found:
        yield found


def sent(line: House) -> list[str]:
    return [message.body for message in line.twilio.messages.values() if message.direction == "outbound-api"]


async def test_a_text_comes_in_and_its_answer_goes_out_and_arrives(line: House) -> None:
    assert await line.twilio.text(MARGARET, "Bonjour, où est ma commande ? Merci beaucoup.") == 200
    (message,) = await eventually(lambda: line.received, "the text")
    assert (message.channel, message.sender, message.recipient) == ("sms", f"tel:{MARGARET}", OURS)
    assert message.thread.conversation == f"{OURS}/{MARGARET}"
    assert message.language == "fr"
    await line.answer("o1", f"tel:{MARGARET}", "Elle arrive demain.")
    reports = await line.reported("o1", "sent", "delivered")
    assert len(reports) == 2
    assert sent(line) == ["Elle arrive demain."]


async def test_the_same_text_ten_times_is_one_message(line: House) -> None:
    for _ in range(10):
        assert await line.twilio.text(MARGARET, "hello", sid="SM" + "1" * 32) == 200
    await line.twilio.text(MARGARET, "hello", sid="SM" + "2" * 32)
    await eventually(lambda: len(line.received) == 2, "two messages")


async def test_a_recorded_webhook_that_is_played_again_hours_later_is_refused(line: House) -> None:
    sid = "SM" + "3" * 32
    await line.twilio.text(MARGARET, "hello", sid=sid)
    async with line.service.database.transaction() as session:
        await session.execute(sql("UPDATE phone.texts SET received_at = now() - interval '2 hours'"))
    assert await line.twilio.text(MARGARET, "hello", sid=sid) == 403


async def test_pictures_are_kept_with_the_message(line: House) -> None:
    await line.twilio.text(MARGARET, "look", media=2)
    (message,) = await eventually(lambda: line.received, "the picture")
    assert [one.media_type for one in message.attachments] == ["image/png", "image/png"]
    assert len({one.sha256 for one in message.attachments}) == 2
    storage = line.service.fetcher._storage
    assert isinstance(storage, Storage)
    assert (await storage.get(message.attachments[0].uri)).startswith(b"\x89PNG")


async def test_a_picture_on_another_host_is_never_asked_for(line: House) -> None:
    await line.twilio.text(MARGARET, "look", media=1, MediaUrl0="http://169.254.169.254/latest/meta-data")
    (message,) = await eventually(lambda: line.received, "the message without its picture")
    assert "169.254.169.254" in message.facts["missing_files"]
    assert not message.attachments


async def test_a_redirect_into_our_own_network_is_not_followed(line: House) -> None:
    sid = "SM" + "4" * 32
    path = f"/2010-04-01/Accounts/AC{'0' * 31}1/Messages/{sid}/Media/ME0"
    line.twilio.redirects[path] = "http://127.0.0.1:1/secret"
    await line.twilio.text(MARGARET, "look", media=1, sid=sid)
    (message,) = await eventually(lambda: line.received, "the message without its picture")
    assert "host that we do not ask" in message.facts["missing_files"]


async def test_a_number_that_said_stop_is_never_texted_until_it_says_start(line: House) -> None:
    await line.twilio.text(MARGARET, "STOP")
    (message,) = await eventually(lambda: line.received, "the desk to hear of it")
    assert (message.automatic, message.facts["consent"]) == ("consent", "stop")
    await line.answer("o1", f"tel:{MARGARET}", "One more thing")
    (report,) = await line.reported("o1", "failed")
    assert "opted out" in report.detail
    assert not sent(line)
    assert not [path for method, path, _ in line.twilio.asked if method == "POST" and "Messages" in path]
    line.twilio.stopped.clear()
    await line.twilio.text(MARGARET, "Start")
    await eventually(lambda: len(line.received) == 2, "the desk to hear of it")
    await line.answer("o2", f"tel:{MARGARET}", "Welcome back")
    await line.reported("o2", "delivered")


async def test_an_opt_out_that_only_twilio_knows_of_is_learned(line: House) -> None:
    line.twilio.stopped.add(MARGARET)
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    (report,) = await line.reported("o1", "failed")
    assert "opted out" in report.detail


@pytest.mark.parametrize("fault", ["20429", "20500", "20003", "drop", "lose", "half"])
async def test_a_faltering_provider_never_loses_or_doubles_an_answer(line: House, fault: str) -> None:
    line.twilio.faults += [("Messages.json", fault), ("Messages.json", "20429")]
    await line.answer("o1", f"tel:{MARGARET}", "Your parcel arrives tomorrow.")
    await line.reported("o1", "sent", "delivered")
    assert sent(line) == ["Your parcel arrives tomorrow."]


async def test_the_same_words_twice_are_two_texts_even_where_an_answer_was_lost(line: House) -> None:
    await line.answer("o1", f"tel:{MARGARET}", "Yes.")
    await line.reported("o1", "delivered")
    line.twilio.faults.append(("Messages.json", "drop"))
    await line.answer("o2", f"tel:{MARGARET}", "Yes.")
    await line.reported("o2", "delivered")
    assert sent(line) == ["Yes.", "Yes."]


async def test_status_webhooks_out_of_order_end_in_delivered(line: House) -> None:
    line.twilio.statuses = ("delivered", "sent", "queued", "delivered")
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    await line.reported("o1", "delivered")
    async with line.service.database.transaction() as session:
        assert await session.scalar(sql("SELECT state FROM phone.deliveries")) == "delivered"


async def test_a_text_that_the_network_cannot_deliver_is_told_to_the_agent(line: House) -> None:
    line.twilio.statuses = ("sent", "undelivered")
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    reports = await line.reported("o1", "failed")
    assert reports[-1].detail == "the network could not deliver it (Twilio error 30003)"


@pytest.mark.parametrize(
    ("to", "text", "more", "why"),
    [
        ("tel:+1", "Hello", {}, "21211"),
        ("email:ann@example.org", "Hello", {}, "no telephone number"),
        (f"tel:{MARGARET}", " ", {}, "no text"),
        (f"tel:{MARGARET}", "x" * 1601, {}, "1,601"),
        (f"tel:{MARGARET}", "Hello", {"channel": "phone"}, "press Call"),
    ],
)
async def test_what_cannot_be_sent_says_what_to_do(
    line: House, to: str, text: str, more: dict[str, str], why: str
) -> None:
    await line.answer("o1", to, text, **more)
    (report,) = await line.reported("o1", "failed")
    assert why in report.detail
    assert report.channel == more.get("channel", "sms")


async def test_statuses_of_texts_that_are_not_ours_are_counted_and_forgotten(line: House) -> None:
    fields = {"MessageSid": "SM" + "9" * 32, "MessageStatus": "delivered"}
    for query in ("", "?outbound=unknown"):
        answer = await line.twilio.post(f"{line.twilio.public_url}/webhooks/status{query}", fields)
        assert answer.status_code == 204
    assert not line.reports


async def test_answers_of_one_ticket_stay_in_order(line: House) -> None:
    line.twilio.faults.append(("Messages.json", "20429"))
    for number in range(5):
        await line.answer(f"o{number}", f"tel:{MARGARET}", f"part {number}")
    await line.reported("o4", "delivered")
    assert sent(line) == [f"part {number}" for number in range(5)]


async def test_without_credentials_the_channels_are_off_and_say_why(database: str, tmp_path: Path) -> None:
    async with house(database, tmp_path, account_sid="", public_url="") as line:
        announced = await eventually(lambda: line.bus.events(CHANNELS_ANNOUNCED), "the channels")
        await eventually(lambda: len(line.bus.events(CHANNELS_ANNOUNCED)) == 2, "both channels")
        assert {one.name: one.enabled for one in line.bus.events(CHANNELS_ANNOUNCED)} == {"phone": False, "sms": False}
        assert announced[0].why_off == "set PHONE_ACCOUNT_SID, PHONE_PUBLIC_URL"
        assert await line.twilio.text(MARGARET, "hello") == 403
        await line.answer("o1", f"tel:{MARGARET}", "Hello")
        (report,) = await line.reported("o1", "failed")
        assert "PHONE_ACCOUNT_SID" in report.detail
        request = await line.ask(CallAction.CALL_BACK, "c1", customer=f"tel:{MARGARET}")
        assert (await line.outcome(request)).outcome is CallOutcome.FAILED
        assert line.service.health.parts["twilio"].ok


async def test_wrong_credentials_are_seen_in_health(database: str, tmp_path: Path) -> None:
    from pydantic import SecretStr

    async with house(database, tmp_path, auth_token=SecretStr("wrong")) as line:
        part = await eventually(lambda: line.service.health.parts.get("twilio"), "a look at Twilio")
        assert part
        assert not part.ok
        assert "401" in part.detail


async def test_an_expired_request_is_not_begun(line: House) -> None:
    request = await line.ask(
        CallAction.CALL_BACK, "c1", customer=f"tel:{MARGARET}", requested_at=utc_now() - timedelta(hours=1)
    )
    assert (await line.outcome(request)).outcome is CallOutcome.TOO_LATE
    assert not [path for _, path, _ in line.twilio.asked if path.endswith("Calls.json")]
