"""Text messages both ways, with Twilio's own client on the wire and everything that can go wrong
there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from urllib.parse import quote

import asyncpg
import httpx
import msgspec
import pytest
from pydantic import SecretStr
from sqlalchemy import text as sql
from structlog.testing import capture_logs

from services.phone import files
from services.phone.domain.call_events import Begun
from services.phone.ports import File, ProviderResult
from shared import channels, db
from shared.attempts import Result
from shared.clock import utc_now
from shared.errors import Unavailable
from shared.events import CallAction, CallOutcome, CallRequested, Channel
from shared.events.codec import encode
from shared.kernel import ContactPoint
from shared.metrics import METRICS
from shared.storage import Storage
from shared.topics import CALLS_REQUESTED, CHANNELS_ANNOUNCED
from tests.integration.phone_house import MIGRATIONS, House, house, reply
from tests.providers.twilio import ACCOUNT, OURS
from tests.waiting import until

MARGARET = "+33612345678"


@pytest.fixture
async def line(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database, tmp_path) as found:
        yield found


def sent(line: House) -> list[str]:
    return [message.body for message in line.twilio.messages.values() if message.direction == "outbound-api"]


async def test_a_text_comes_in_and_its_answer_goes_out_and_arrives(line: House) -> None:
    assert await line.twilio.text(MARGARET, "Bonjour, où est ma commande ? Merci beaucoup.") == 200
    (message,) = await until(lambda: line.received, "the text")
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
    await until(lambda: len(line.received) == 2, "two messages")


async def test_a_recorded_webhook_that_is_played_again_hours_later_is_refused(line: House) -> None:
    sid = "SM" + "3" * 32
    await line.twilio.text(MARGARET, "hello", sid=sid)
    async with line.database.transaction() as session:
        await session.execute(sql("UPDATE phone.texts SET received_at = now() - interval '2 hours'"))
    assert await line.twilio.text(MARGARET, "hello", sid=sid) == 403


@pytest.mark.parametrize("sid", ["SM1", "CA" + "1" * 32, "SM" + "1" * 33, "SM" + "1" * 32 + "\n", "SM" + "g" * 32])
async def test_a_text_with_a_made_up_sid_is_not_taken(line: House, sid: str) -> None:
    assert await line.twilio.text(MARGARET, "hello", sid=sid) == 400
    fields = {"MessageSid": sid, "MessageStatus": "delivered"}
    assert (await line.twilio.post(f"{line.twilio.public_url}/webhooks/status", fields)).status_code == 400
    assert not line.received


async def test_a_picture_message_has_a_sid_of_its_own_kind(line: House) -> None:
    assert await line.twilio.text(MARGARET, "look", media=1, sid="MM" + "1" * 32) == 200
    await until(lambda: line.received, "the picture")


async def test_only_a_text_in_several_segments_says_so(line: House) -> None:
    await line.twilio.text(MARGARET, "hello")
    await line.twilio.text(MARGARET, "a" * 161)
    await until(lambda: len(line.received) == 2, "both texts")
    assert {len(one.text): one.facts.get("segments") for one in line.received} == {5: None, 161: "2"}


async def test_pictures_are_kept_with_the_message(line: House, tmp_path: Path) -> None:
    await line.twilio.text(MARGARET, "look", media=2)
    (message,) = await until(lambda: line.received, "the picture")
    assert [one.media_type for one in message.attachments] == ["image/png", "image/png"]
    assert len({one.sha256 for one in message.attachments}) == 2
    storage = Storage(f"file://{tmp_path}/storage")
    assert (await storage.get(message.attachments[0].uri)).startswith(b"\x89PNG")


async def test_a_picture_on_another_host_is_never_asked_for(line: House) -> None:
    await line.twilio.text(MARGARET, "look", media=1, MediaUrl0="http://169.254.169.254/latest/meta-data")
    (message,) = await until(lambda: line.received, "the message without its picture")
    assert "169.254.169.254" in message.missing_files
    assert not message.attachments


async def test_a_redirect_into_our_own_network_is_not_followed(line: House) -> None:
    sid = "SM" + "4" * 32
    path = f"/2010-04-01/Accounts/AC{'0' * 31}1/Messages/{sid}/Media/ME{'0' * 32}"
    line.twilio.redirects[path] = "http://127.0.0.1:1/secret"
    await line.twilio.text(MARGARET, "look", media=1, sid=sid)
    (message,) = await until(lambda: line.received, "the message without its picture")
    assert "host that we do not ask" in message.missing_files


async def test_a_number_that_said_stop_is_never_texted_until_it_says_start(line: House) -> None:
    await line.twilio.text(MARGARET, "STOP")
    (message,) = await until(lambda: line.received, "the desk to hear of it")
    assert (message.automatic, message.consent) == ("consent", "stop")
    await line.answer("o1", f"tel:{MARGARET}", "One more thing")
    (report,) = await line.reported("o1", "failed")
    assert "opted out" in report.detail
    assert not sent(line)
    assert not [path for method, path, _ in line.twilio.asked if method == "POST" and "Messages" in path]
    line.twilio.stopped.clear()
    await line.twilio.text(MARGARET, "Start")
    await until(lambda: len(line.received) == 2, "the desk to hear of it")
    await line.answer("o2", f"tel:{MARGARET}", "Welcome back")
    await line.reported("o2", "delivered")


async def test_an_opt_out_that_only_twilio_knows_of_is_learned(line: House) -> None:
    line.twilio.stopped.add(MARGARET)
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    (report,) = await line.reported("o1", "failed")
    assert "opted out" in report.detail


async def test_a_customer_who_says_start_while_a_text_is_being_refused_is_texted_again(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_text = line.provider.send_text

    async def refused(to: str, body: str, status_url: str) -> ProviderResult:
        outcome = await send_text(to, body, status_url)
        monkeypatch.undo()
        await line.twilio.text(MARGARET, "START")
        return outcome

    line.twilio.stopped.add(MARGARET)
    monkeypatch.setattr(line.provider, "send_text", refused)
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    await line.reported("o1", "failed")
    await line.answer("o2", f"tel:{MARGARET}", "Welcome back")
    await line.reported("o2", "delivered")


@pytest.mark.parametrize("fault", ["20429", "20500", "20003", "drop", "lose", "half", "hang"])
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


async def test_of_two_texts_in_the_same_words_that_were_cut_short_the_one_not_sent_is_sent_again(
    database: str, tmp_path: Path
) -> None:
    """Twilio lists one; both are looked up at once, and neither is reported before the other is
    found."""
    postgres = await asyncpg.connect(database)
    async with house(database, tmp_path, settle_seconds=60) as line:
        line.twilio.statuses = ()
        line.twilio.faults += [("Messages.json", "lose"), ("Messages.json", "drop")]
        for number in (1, 2):
            await line.answer(f"o{number}", f"tel:{MARGARET}", "Yes.", ticket=f"t{number}")
        cut_short = "SELECT count(*) = 2 FROM phone.deliveries WHERE detail <> ''"
        await until(lambda: postgres.fetchval(cut_short), "both to be cut short")
        async with postgres.transaction():
            await postgres.execute("LOCK TABLE phone.outbox IN SHARE MODE")
            await pass_by(line, 60)
            await until(lambda: postgres.fetchval("SELECT count(*) >= 2 FROM pg_locks WHERE NOT granted"), "both")
        reports = [*await line.reported("o1", "sent"), *await line.reported("o2", "sent")]
        assert sent(line) == ["Yes.", "Yes."]
        assert {report.provider_id for report in reports} == set(line.twilio.messages)
    await postgres.close()


async def pass_by(line: House, seconds: int) -> None:
    """For texts on their way."""
    async with line.database.transaction() as session:
        shifted = f"due_at = due_at - interval '{seconds} s', started_at = started_at - interval '{seconds} s'"
        await session.execute(sql(f"UPDATE phone.deliveries SET {shifted}"))


@pytest.mark.parametrize("end", [Result.LATER, Result.UNKNOWN])
async def test_a_text_that_is_being_sent_is_not_sent_by_a_third_hand_where_the_first_had_stalled(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: Result
) -> None:
    begun: list[str] = []
    stalled, sending = asyncio.Event(), asyncio.Event()
    async with house(database, tmp_path, timeout=60) as line:
        send_text = line.provider.send_text

        async def slow(to: str, body: str, status_url: str) -> ProviderResult:
            begun.append(body)
            if begun == ["Hello"]:
                await stalled.wait()
                return ProviderResult(end)
            if begun == ["Hello", "Hello"]:
                await sending.wait()
            return await send_text(to, body, status_url)

        monkeypatch.setattr(line.provider, "send_text", slow)
        await line.answer("o1", f"tel:{MARGARET}", "Hello")
        await until(lambda: len(begun) == 1, "the first hand")
        await pass_by(line, 200)  # its lease is over: Twilio is asked, and does not list it
        await until(lambda: len(begun) == 2, "the second hand")
        stalled.set()
        for number in (2, 3):  # an answer to another ticket shows that the ledger was looked at once more
            await pass_by(line, 30)
            await line.answer(f"o{number}", f"tel:{MARGARET}", "Bye", ticket=f"t{number}")
            await line.reported(f"o{number}", "delivered")
        assert begun.count("Hello") == 2
        sending.set()
        await line.reported("o1", "delivered")
        assert sent(line).count("Hello") == 1


async def test_a_text_that_is_being_sent_elsewhere_in_the_same_words_is_not_taken_for_one_that_got_lost(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twilio has the second, and whoever sends it does not know that yet; the first never reached
    Twilio."""
    send_text, taken, heard = line.provider.send_text, asyncio.Event(), asyncio.Event()

    async def late(to: str, body: str, status_url: str) -> ProviderResult:
        result = await send_text(to, body, status_url)
        if "outbound=o2" in status_url:
            taken.set()
            await heard.wait()
        return result

    def asked() -> int:
        return sum(method == "GET" and "Messages.json" in path for method, path, _ in line.twilio.asked)

    line.twilio.statuses = ()
    monkeypatch.setattr(line.provider, "send_text", late)
    line.twilio.faults.append(("Messages.json", "drop"))
    await line.answer("o1", f"tel:{MARGARET}", "Yes.")
    await until(lambda: not line.twilio.faults, "the first to get lost")
    await line.answer("o2", f"tel:{MARGARET}", "Yes.", ticket="t2")
    await taken.wait()
    await until(lambda: asked() >= 2, "Twilio's list to be read twice")
    assert not line.reports
    heard.set()
    reports = [*await line.reported("o1", "sent"), *await line.reported("o2", "sent")]
    assert sent(line) == ["Yes.", "Yes."]
    assert {report.provider_id for report in reports} == set(line.twilio.messages)


async def test_texts_that_were_on_their_way_in_the_tables_of_the_former_release_arrive_once(
    database: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(db.migrate, database, "phone", MIGRATIONS, "0004")
    postgres = await asyncpg.connect(database)
    former = (
        "INSERT INTO phone.deliveries (outbound_id, ticket_id, state, request, requested_at, due_at, sending_since, "
        "attempts, sid) VALUES ($1, $1, $2, $3, now(), $4, $5, $6, $7)"
    )
    now = utc_now()
    for state in ("waiting", "sending", "sent"):
        request = reply(f"o-{state}", f"tel:{MARGARET}", f"It was {state}.", ticket=state, subject="\x00")
        attempts, since = (0, None) if state == "waiting" else (1, now)
        sid = "SM" + "7" * 32 if state == "sent" else ""
        await postgres.execute(former, request.id, state, encode(request), now, since, attempts, sid)
    asked = CallRequested(id="r1", action=CallAction.FINISH, call_id="c1", requested_at=now, agent="mina")
    await postgres.execute("INSERT INTO phone.calls (id) VALUES ('c1')")
    begun = Begun(ContactPoint(f"tel:{MARGARET}"), OURS, "fr", now)
    await postgres.execute(
        "INSERT INTO phone.facts (call_id, key, kind, fact) VALUES ('c1', 'begun', 'Begun', $1)",
        msgspec.json.encode(begun),
    )
    await postgres.close()
    async with house(database, tmp_path) as line:
        for outbound_id in ("o-waiting", "o-sending"):
            await line.reported(outbound_id, "delivered")
        fields = {"MessageSid": "SM" + "7" * 32, "MessageStatus": "delivered"}
        assert (await line.twilio.post(f"{line.twilio.public_url}/webhooks/status", fields)).status_code == 204
        await line.reported("o-sent", "delivered")
        await line.bus.publish(CALLS_REQUESTED, "c1", asked)
        changed = await until(lambda: line.changes("c1"), "the call to go on")
        assert changed[-1].customer == f"tel:{MARGARET}"
        assert sorted(sent(line)) == ["It was sending.", "It was waiting."]


async def test_status_webhooks_out_of_order_end_in_delivered(line: House) -> None:
    line.twilio.statuses = ("delivered", "sent", "queued", "delivered")
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    await line.reported("o1", "delivered")
    async with line.database.transaction() as session:
        assert await session.scalar(sql("SELECT state FROM phone.deliveries")) == "delivered"


async def test_a_recorded_status_that_is_played_again_is_counted_and_hours_later_refused(line: House) -> None:
    line.twilio.statuses = ("sent", "delivered")
    await line.answer("o1", f"tel:{MARGARET}", "Hello")
    reports = await line.reported("o1", "delivered")
    fields = {"MessageSid": reports[0].provider_id, "MessageStatus": "delivered"}

    async def played_again() -> int:
        return (await line.twilio.post(f"{line.twilio.public_url}/webhooks/status?outbound=o1", fields)).status_code

    repeated = METRICS.repeated.labels(channel="sms")._value.get
    replayed = METRICS.refused.labels(channel="sms", reason="replayed")._value.get
    before = repeated(), replayed()
    assert await played_again() == 204, "Twilio repeats a webhook at once"
    async with line.database.transaction() as session:
        await session.execute(
            sql("UPDATE phone.deliveries SET heard = jsonb_build_object('delivered', CAST(:at AS text))"),
            {"at": (utc_now() - timedelta(hours=2)).isoformat()},
        )
    assert await played_again() == 403
    assert (repeated() - before[0], replayed() - before[1]) == (2, 1)
    assert len(await line.reported("o1", "delivered")) == len(reports), "the desk hears nothing new"


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
        await until(lambda: both_off(line), "both channels")
        assert announced(line)["phone"].why_off == "set PHONE_ACCOUNT_SID, PHONE_PUBLIC_URL"
        assert await line.twilio.text(MARGARET, "hello") == 403
        await line.answer("o1", f"tel:{MARGARET}", "Hello")
        (report,) = await line.reported("o1", "failed")
        assert "PHONE_ACCOUNT_SID" in report.detail
        request = await line.ask(CallAction.CALL_BACK, "c1", customer=f"tel:{MARGARET}")
        assert (await line.outcome(request)).outcome is CallOutcome.FAILED
        assert line.parts["twilio"].ok


def announced(line: House) -> dict[str, Channel]:
    return {one.name: one for one in line.bus.events(CHANNELS_ANNOUNCED)}


def both_on(line: House) -> bool:
    return len(found := announced(line)) == 2 and all(one.enabled for one in found.values())


def both_off(line: House) -> bool:
    return len(found := announced(line)) == 2 and not any(one.enabled for one in found.values())


async def test_wrong_credentials_switch_both_channels_off_and_say_so(database: str, tmp_path: Path) -> None:
    async with house(database, tmp_path, auth_token=SecretStr("wrong")) as line:
        await until(lambda: both_off(line), "both channels to be off")
        assert not any(one.enabled for one in line.bus.events(CHANNELS_ANNOUNCED)), "they were never on"
        assert announced(line)["phone"].why_off == announced(line)["sms"].why_off
        assert announced(line)["sms"].why_off.startswith("Twilio refuses the credentials (401: ")
        assert "PHONE_AUTH_TOKEN" in announced(line)["sms"].why_off
        await until(lambda: "postgres" in line.parts, "the database")
        async with httpx.AsyncClient() as http:
            ready = await http.get(f"{line.url}/health/ready")
        assert ready.status_code == 200
        assert ready.json()["parts"]["twilio"]["ok"]
        assert ready.json()["parts"]["twilio"]["detail"].startswith("off: Twilio refuses the credentials (401")


async def test_channels_go_off_and_on_again_as_twilio_refuses_us_and_lets_us_in(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "CHECK", 0.05)
    monkeypatch.setattr(channels, "DENIED", 0.05)
    async with house(database, tmp_path) as line:
        await until(lambda: both_on(line), "both channels")
        refusals = [(f"{ACCOUNT}.json", "20003")] * 1000
        with capture_logs() as logged:
            line.twilio.faults += refusals
            await until(lambda: both_off(line), "both channels to be off")
            await until(lambda: len(line.twilio.faults) < 990, "some more looks at Twilio")
        assert len([one for one in logged if "provider refuses us" in one["event"]]) == 1
        line.twilio.faults.clear()
        await until(lambda: both_on(line), "both channels to be on again")
        await until(lambda: not line.parts["twilio"].detail, "a clean bill of health")


async def test_a_twilio_that_does_not_answer_switches_nothing_off(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pause in ("CHECK", "SOON"):
        monkeypatch.setattr(channels, pause, 0.05)
    async with house(database, tmp_path) as line:
        await until(lambda: both_on(line), "both channels")
        line.twilio.faults += [(f"{ACCOUNT}.json", fault) for fault in ("20500", "drop", "half", "20429") * 100]
        await until(lambda: not line.parts["twilio"].ok, "that Twilio is away")
        await until(lambda: len(line.twilio.faults) < 392, "each way not to answer")
        line.twilio.faults.clear()
        await until(lambda: line.parts["twilio"].ok, "that Twilio is back")
        assert len(line.bus.events(CHANNELS_ANNOUNCED)) == 2, "nothing new was announced"


async def test_an_expired_request_is_not_begun(line: House) -> None:
    request = await line.ask(
        CallAction.CALL_BACK, "c1", customer=f"tel:{MARGARET}", requested_at=utc_now() - timedelta(hours=1)
    )
    assert (await line.outcome(request)).outcome is CallOutcome.TOO_LATE
    assert not [path for _, path, _ in line.twilio.asked if path.endswith("Calls.json")]


def form(name: str) -> dict[str, str]:
    lines = (Path(__file__).parents[1] / "data" / "twilio" / f"{name}.form").read_text(encoding="utf-8").splitlines()
    return {field: value.replace("(ours)", ACCOUNT) for field, _, value in (line.partition("=") for line in lines)}


async def webhook(line: House, fields: dict[str, str]) -> int:
    return (await line.twilio.post(f"{line.twilio.public_url}/webhooks/sms", fields)).status_code


async def test_who_writes_by_whatsapp_is_never_answered_by_a_text_message(line: House) -> None:
    assert await webhook(line, form("whatsapp-text")) == 200
    (message,) = await until(lambda: line.received, "the message")
    assert (message.channel, message.sender) == ("whatsapp", "whatsapp:+33612000005")
    assert (message.text, message.sender_name) == ("Bonjour, ou est mon colis ?", "Ann B")
    whatsapp = await until(lambda: announced(line).get("whatsapp"), "the desk to hear of WhatsApp")
    assert whatsapp
    assert not whatsapp.enabled
    assert "cannot answer there" in whatsapp.why_off
    await line.answer("o1", message.sender, "Il arrive demain.")
    (report,) = await line.reported("o1", "failed")
    assert "no telephone number" in report.detail
    assert not sent(line)


async def test_a_place_that_a_customer_sends_is_read_as_a_place(line: House) -> None:
    assert await webhook(line, form("whatsapp-location")) == 200
    (message,) = await until(lambda: line.received, "the place")
    assert message.text == "Home, 12 rue de Rivoli, Paris (48.8566, 2.3522)"
    assert message.facts["location"] == message.text
    assert message.sender_name == "Ann"


async def test_a_picture_that_is_missing_holds_no_word_back_and_is_said_to_be_missing(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HOLD", timedelta(seconds=0.2))
    assert await webhook(line, form("mms-picture-gone")) == 200
    (message,) = await until(lambda: line.received, "the text")
    assert (message.text, message.automatic) == ("see picture, our shop is down", "")
    async with line.database.transaction() as session:
        await session.execute(sql("UPDATE phone.fetches SET created_at = now() - interval '1 hour', due_at = now()"))
    (_, late) = await until(lambda: len(line.received) == 2 and line.received, "word of the picture")
    assert (late.automatic, late.text, late.thread) == ("files", "", message.thread)
    assert late.id != message.id
    assert late.missing_files == "media-1.heic: a file is not there yet: HTTP 404"


async def test_a_picture_that_can_be_had_later_comes_later(line: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "HOLD", timedelta(seconds=0.2))
    line.twilio.faults += [("Media", "20404")] * 2
    await line.twilio.text(MARGARET, "look", media=1)
    first, late = await until(lambda: len(line.received) == 2 and line.received, "both")
    assert (first.text, first.attachments) == ("look", ())
    assert [one.media_type for one in late.attachments] == ["image/png"]
    assert (late.text, late.automatic, late.facts) == ("", "files", {})


async def test_a_word_is_not_held_back_by_a_host_that_never_answers(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HOLD", timedelta(seconds=0.2))
    asked, never = asyncio.Event(), asyncio.Event()

    async def hang(url: str) -> File:
        asked.set()
        await never.wait()
        raise Unavailable(url)

    monkeypatch.setattr(line.provider, "fetch", hang)
    for number in range(3):
        await line.twilio.text(MARGARET, f"look {number}", media=1)
    await asked.wait()
    await until(lambda: len(line.received) == 3, "all three texts")
    assert {message.text for message in line.received} == {"look 0", "look 1", "look 2"}
    never.set()


async def test_a_customer_of_mexico_is_texted_back_where_their_network_writes_the_number_of_former_days(
    line: House,
) -> None:
    await line.twilio.text("+5215512345678", "Hola")
    (message,) = await until(lambda: line.received, "the text")
    assert message.sender == "tel:+525512345678"
    await line.twilio.text("+596596123456", "Bonjour")
    await until(lambda: len(line.received) == 2, "a text from a number that no plan knows")
    assert line.received[1].sender == "tel:+596596123456"


EDGES = ("\x00", "a\x00b", "9" * 5_000, "\ufffd", "0001-01-01T00:00:00+14:00", "-1", "٣" * 400)


@pytest.mark.parametrize("path", ["sms", "status", "recording", "voice", "voice/menu", "voice/wait", "voice/dialled"])
async def test_a_value_that_no_store_takes_never_breaks_a_webhook(line: House, path: str) -> None:
    names = (
        "Body",
        "From",
        "To",
        "NumMedia",
        "MediaUrl0",
        "MediaContentType0",
        "ProfileName",
        "Latitude",
        "OptOutType",
    )
    names += (
        "RecordingDuration",
        "RecordingUrl",
        "RecordingSid",
        "Digits",
        "DialCallStatus",
        "ErrorCode",
        "CallStatus",
    )
    for place, (edge, name) in enumerate(product(EDGES, (*names, "MessageStatus"))):
        of_a_text = path == "sms" or name == "MessageStatus"
        own = {"MessageSid": f"MM{place:032x}"} if of_a_text else {"CallSid": f"CA{place:032x}"}
        url = f"{line.twilio.public_url}/webhooks/{path}?request={quote(edge)}&leg={quote(edge)}&tries={quote(edge)}"
        answer = await line.twilio.post(url, {"From": MARGARET, "To": OURS, "Body": "hello", **own, name: edge})
        assert answer.status_code < 500, f"{name}={edge[:20]!r}: {answer.text}"
    await line.twilio.text(MARGARET, "a later text")
    await until(lambda: "a later text" in {one.text for one in line.received}, "the text after all that", 60)
