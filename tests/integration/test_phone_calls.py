"""Whole calls, played over HTTP against the real service: each verb of the markup is walked as
Twilio would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text as sql

from services.phone import repository
from shared.errors import Unavailable
from shared.events import CallAction, CallOutcome
from shared.metrics import METRICS
from shared.outbox import Outbox
from tests.integration.phone_house import House, house
from tests.providers.twilio import OURS
from tests.providers.twilio_calls import HANG_UP, Person
from tests.waiting import until

MARGARET = "+33612345678"
AGENT = "+33199001201"


@pytest.fixture
async def line(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with house(database, tmp_path) as found:
        yield found


def press_one(heard: str) -> str:
    return "1" if "1" in heard else ""


async def test_an_older_caller_presses_nothing_and_reaches_a_person(line: House) -> None:
    margaret, mina = Person(), Person(keys=press_one)
    line.twilio.people[AGENT] = mina
    call = line.twilio.call(MARGARET, margaret)
    await line.waits(call.sid)
    (message,) = await until(lambda: line.live, "the call on the live lane")
    assert (message.channel, message.sender, message.provider_id, message.live) == (
        "phone",
        f"tel:{MARGARET}",
        call.sid,
        True,
    )
    assert message.thread.conversation == call.sid
    assert message.language == "fr"
    await until(lambda: "Vous êtes le prochain." in margaret.heard, "the place")
    request = await line.ask(CallAction.CONNECT, call.sid)
    assert (await line.outcome(request)).outcome in (CallOutcome.CONNECTED, CallOutcome.COMPLETED)
    await line.reaches(call.sid, "wrap-up")
    assert margaret.heard[0] == "Bonjour. Bienvenue chez Acorn."
    assert margaret.connected_to == [AGENT]
    assert mina.connected_to == [MARGARET]
    await line.ask(CallAction.FINISH, call.sid)
    await line.reaches(call.sid, "ended")
    assert line.states(call.sid) == ["menu", "queued", "bridging", "connected", "wrap-up", "ended"]
    versions = [change.version for change in line.changes(call.sid)]
    assert versions == sorted(set(versions))
    assert len(line.live) == 1
    assert not line.received


async def test_zero_leads_to_a_person_and_so_do_two_wrong_keys(line: House) -> None:
    asked: list[str] = []

    def wrong(heard: str) -> str:
        asked.append(heard)
        return "5" if len(asked) < 5 else ""

    first = line.twilio.call(MARGARET, Person(keys=lambda heard: "0" if "0" in heard else ""))
    confused = Person(keys=wrong)
    second = line.twilio.call("+33612345679", confused)
    await line.waits(first.sid)
    await line.waits(second.sid)
    assert confused.heard.count("Désolé, je n'ai pas compris.") == 1


async def test_the_chosen_language_is_remembered_at_the_next_call(line: House) -> None:
    chosen: list[str] = []

    def english(heard: str) -> str:
        chosen.append(heard)
        return "7" if len(chosen) == 1 else ""

    first = Person(keys=english)
    call = line.twilio.call(MARGARET, first)
    await line.waits(call.sid)
    assert "Hello. Welcome to Acorn." in first.heard
    call.hang_up()
    again = Person()
    second = line.twilio.call(MARGARET, again)
    await line.waits(second.sid)
    assert again.heard[0] == "Hello. Welcome to Acorn."
    korean = Person()
    third = line.twilio.call("+821012345678", korean)
    await line.waits(third.sid)
    assert korean.heard[0] == "안녕하세요. Acorn입니다."
    assert ("ko-KR", "Polly.Seoyeon-Neural") in third.voices


async def test_a_key_that_is_heard_again_late_does_not_bring_back_a_language_the_caller_has_left(line: House) -> None:
    first, second = "CA" + "1" * 32, "CA" + "2" * 32
    await step(line, first, "")
    for number, key in enumerate("89"):
        await step(line, first, f"/menu?step={number}", Digits=key)
    await step(line, first, "/menu?step=0", Digits="8")
    assert "안녕하세요. Acorn입니다." in await step(line, second, "")


@pytest.mark.parametrize(
    "agent", [Person(answers=False), Person(answers="busy"), Person(answers=True)], ids=["rings", "busy", "voicemail"]
)
async def test_an_agents_phone_that_nobody_takes_gives_the_caller_back_their_place(line: House, agent: Person) -> None:
    margaret = Person()
    line.twilio.people[AGENT] = agent
    call = line.twilio.call(MARGARET, margaret)
    await line.waits(call.sid)
    since = line.changes(call.sid)[-1].waiting_since
    request = await line.ask(CallAction.CONNECT, call.sid)
    assert (await line.outcome(request)).outcome is CallOutcome.AGENT_NO_ANSWER
    again = await line.reaches(call.sid, "queued")
    assert again.waiting_since == since
    assert not margaret.connected_to
    await until(lambda: any("Je cherche toujours" in words for words in margaret.heard), "an apology")
    line.twilio.people["+33199001202"] = Person(keys=press_one)
    second = await line.ask(CallAction.CONNECT, call.sid, "tel:+33199001202")
    assert (await line.outcome(second)).outcome in (CallOutcome.CONNECTED, CallOutcome.COMPLETED)
    assert len(line.live) == 1


async def test_two_agents_press_answer_and_one_is_told_to_be_late(line: House) -> None:
    line.twilio.people[AGENT] = Person(keys=press_one)
    call = line.twilio.call(MARGARET, Person(talks=100))
    await line.waits(call.sid)
    first = await line.ask(CallAction.CONNECT, call.sid)
    second = await line.ask(CallAction.CONNECT, call.sid, "tel:+33199001202")
    outcomes = {(await line.outcome(first)).outcome, (await line.outcome(second)).outcome}
    assert outcomes in (
        {CallOutcome.CONNECTED, CallOutcome.TOO_LATE},
        {CallOutcome.AGENT_NO_ANSWER, CallOutcome.TOO_LATE},
    )


async def test_a_softphone_answers_without_a_key(line: House) -> None:
    line.twilio.people["client:mina"] = Person()
    call = line.twilio.call(MARGARET, Person())
    await line.waits(call.sid)
    request = await line.ask(CallAction.CONNECT, call.sid, "client:mina")
    assert (await line.outcome(request)).outcome in (CallOutcome.CONNECTED, CallOutcome.COMPLETED)


async def test_a_caller_who_hangs_up_in_line_is_a_callback_to_make(line: House) -> None:
    call = line.twilio.call(MARGARET, Person())
    await line.waits(call.sid)
    call.hang_up()
    await line.reaches(call.sid, "abandoned")
    (message,) = await until(lambda: line.received, "a callback to make")
    assert message.call
    assert message.call.callback
    assert message.thread.conversation == call.sid
    request = await line.ask(CallAction.CONNECT, call.sid)
    assert (await line.outcome(request)).outcome is CallOutcome.CALLER_GONE


async def test_a_withheld_number_is_nobody_elses(line: House) -> None:
    first = line.twilio.call("+266696687", Person())
    second = line.twilio.call("anonymous", Person())
    await line.waits(first.sid)
    await line.waits(second.sid)
    await until(lambda: len(line.live) == 2, "both calls")
    assert {message.sender for message in line.live} == {f"call:{first.sid}", f"call:{second.sid}"}
    assert "press 1" not in " ".join(first.person.heard), "a callback cannot be promised without a number"


async def test_a_waiting_caller_presses_one_and_keeps_the_place(line: House) -> None:
    margaret = Person(keys=lambda heard: "1" if "raccrochez" in heard else "")
    call = line.twilio.call(MARGARET, margaret)
    await line.waits(call.sid)
    changed = await line.reaches(call.sid, "callback-requested")
    await call.ended.wait()
    assert margaret.heard[-1] == "Merci. Vous gardez votre place, et nous vous rappelons. Au revoir."
    (message,) = await until(lambda: line.received, "the callback's message")
    assert changed.waiting_since
    assert message.call
    assert message.call.waiting_since == changed.waiting_since
    # The callback: agent first, then customer.
    customer = Person()
    line.twilio.people |= {AGENT: Person(keys=press_one), MARGARET: customer}
    request = await line.ask(
        CallAction.CALL_BACK, "callback-1", customer=f"tel:{MARGARET}", about=call.sid, ticket_id="t9", language="fr"
    )
    assert (await line.outcome(request)).outcome in (CallOutcome.CONNECTED, CallOutcome.COMPLETED)
    await line.reaches("callback-1", "wrap-up")
    assert customer.heard == ["Bonjour. Ici Acorn. Vous nous avez demandé de vous rappeler."]
    assert line.changes("callback-1")[-1].ticket_id == "t9"
    assert line.changes("callback-1")[-1].direction == "out"
    await line.reaches(call.sid, "ended")


async def test_a_callback_that_the_agent_does_not_take_never_rings_the_customer(line: House) -> None:
    customer = Person()
    line.twilio.people |= {AGENT: Person(), MARGARET: customer}
    request = await line.ask(CallAction.CALL_BACK, "callback-2", customer=f"tel:{MARGARET}")
    assert (await line.outcome(request)).outcome is CallOutcome.AGENT_NO_ANSWER
    assert not customer.heard


async def test_callbacks_that_nobody_answers_are_tried_three_times(line: House) -> None:
    line.twilio.people |= {AGENT: Person(keys=press_one), MARGARET: Person(answers=False)}
    for attempt in range(3):
        request = await line.ask(CallAction.CALL_BACK, f"try-{attempt}", customer=f"tel:{MARGARET}", about="CAx")
        assert (await line.outcome(request)).outcome is CallOutcome.CUSTOMER_NO_ANSWER
    last = await line.ask(CallAction.CALL_BACK, "try-4", customer=f"tel:{MARGARET}", about="CAx")
    told = await line.outcome(last)
    assert (told.outcome, told.detail) == (CallOutcome.FAILED, "called 3 times already, and nobody answered")


@pytest.mark.parametrize("late", [True, False], ids=["recording after the end", "recording before the end"])
async def test_a_voicemail_arrives_with_its_recording_in_either_order(line: House, late: bool) -> None:
    line.twilio.late_recordings = late
    call = line.twilio.call(MARGARET, Person(keys=lambda heard: "2" if "2" in heard else ""))
    await call.ended.wait()
    (message,) = await until(lambda: line.received, "the voicemail")
    await line.reaches(call.sid, "voicemail")
    assert message.text == "Left a voicemail of 7 seconds."
    (recording,) = message.attachments
    assert (recording.media_type, recording.size) == ("audio/mpeg", len(b"ID3 a message"))
    assert any("enregistré" in words for words in call.person.heard), "it is announced that it will be recorded"
    assert "abandoned" not in line.states(call.sid)


async def test_a_caller_who_says_nothing_after_the_tone_is_still_called_back(line: House) -> None:
    call = line.twilio.call(MARGARET, Person(keys=lambda heard: "2" if "2" in heard else "", message=b""))
    await line.reaches(call.sid, "abandoned")
    assert call.over


async def test_after_hours_a_caller_gets_a_callback_or_a_voicemail(database: str, tmp_path: Path) -> None:
    async with house(database, tmp_path, hours="mon 03:00-03:01", timezone="Europe/Paris") as line:
        call = line.twilio.call(MARGARET, Person(keys=press_one))
        await line.reaches(call.sid, "callback-requested")
        other = line.twilio.call("+33612345679", Person())
        await line.reaches(other.sid, "voicemail")
        assert not line.live


async def test_nobody_takes_the_call_for_too_long(database: str, tmp_path: Path) -> None:
    async with house(database, tmp_path, wait_limit=30) as line:
        call = line.twilio.call(MARGARET, Person(keys=lambda heard: "1" if "laissez un message" in heard else ""))
        await line.waits(call.sid)
        await line.reaches(call.sid, "callback-requested")
        assert "Je suis désolé. Personne n'est libre en ce moment." in call.person.heard


async def test_the_desk_tells_the_place_and_the_caller_hears_it(line: House) -> None:
    call = line.twilio.call("+12025550147", Person())
    await line.waits(call.sid)
    await line.ask(CallAction.PLACE, call.sid, position=3, expected_wait=290)
    await until(lambda: "You are number 3 in line." in call.person.heard, "the new place")
    assert "The wait is about 5 minutes." in call.person.heard


async def test_the_second_caller_hears_that_one_is_before(line: House) -> None:
    first = line.twilio.call("+12025550147", Person())
    await line.waits(first.sid)
    second = line.twilio.call("+12025550148", Person())
    await until(lambda: "You are number 2 in line." in second.person.heard, "the second place")
    first.hang_up()
    await until(lambda: "You are next." in second.person.heard, "the first place")


async def step(line: House, sid: str, path: str, **more: str) -> str:
    """One step of a call, by hand: what is said."""
    fields = {"CallSid": sid, "From": "+12025550147", "To": OURS, "CallStatus": "in-progress", **more}
    return (await line.twilio.post(f"{line.twilio.public_url}/webhooks/voice{path}", fields)).text


async def in_line(line: House, sid: str, query: str = "") -> str:
    """One round of waiting."""
    return await step(line, sid, f"/wait{query}")


async def test_a_caller_never_hears_a_place_that_the_desk_is_about_to_correct(line: House) -> None:
    sid = "CA" + "8" * 32
    first = await in_line(line, sid)
    assert "Please stay on the line. Somebody will be with you." in first
    assert "You are" not in first
    assert '<Pause length="2"' in first
    assert "/voice/wait?round=2</Redirect>" in first
    request = await line.ask(CallAction.PLACE, sid, position=4, expected_wait=290)

    async def placed() -> bool:
        async with line.database.transaction() as session:
            return bool(await session.scalar(sql("SELECT position FROM phone.calls")) == request.position)

    await until(placed, "the place")
    for query in ("?round=2", ""):  # after the place is known it is told at once
        said = await in_line(line, sid, query)
        assert "You are number 4 in line." in said
        assert "press 1" in said


async def test_a_caller_who_has_moved_up_never_hears_the_older_place_again(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL is lost for a moment; the older place is tried again when its lease is over."""
    sid = "CA" + "8" * 32
    await in_line(line, sid)
    lost = away_once(monkeypatch, repository, "set_place")
    await line.ask(CallAction.PLACE, sid, position=3, expected_wait=290)
    await until(lambda: lost, "the older place to be cut short")
    await line.ask(CallAction.PLACE, sid, position=2, expected_wait=190)
    await until(lambda: done(line, 1), "the newer place")
    assert "You are number 2 in line." in await in_line(line, sid)
    async with line.database.transaction() as session:
        await session.execute(sql("UPDATE phone.requests SET due_at = now() WHERE state = 'doing'"))
    await until(lambda: done(line, 2), "the older place")
    assert "You are number 2 in line." in await in_line(line, sid)


def away_once(monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> list[str]:
    """PostgreSQL is away when this is called, once; what is returned then says so."""
    lost: list[str] = []

    async def away(*_: object) -> None:
        monkeypatch.undo()
        lost.append(name)
        raise Unavailable("PostgreSQL is away")

    monkeypatch.setattr(owner, name, away)
    return lost


async def done(line: House, count: int) -> bool:
    """Whether so many requests of the desk are carried out."""
    async with line.database.transaction() as session:
        return await session.scalar(sql("SELECT count(*) FROM phone.requests WHERE state = 'done'")) == count


async def test_where_the_desk_tells_nothing_we_count_from_the_second_round_on(line: House) -> None:
    assert "You are" not in await in_line(line, "CA" + "8" * 32)
    second = await in_line(line, "CA" + "8" * 32, "?round=2")
    assert "You are next." in second
    assert "press 1" in second
    assert "round=2" in second.rpartition("<Redirect")[2], "it goes on announcing"


async def test_a_waiting_caller_hears_the_place_after_the_first_words(line: House) -> None:
    call = line.twilio.call("+12025550147", Person())
    await until(lambda: "You are next." in call.person.heard, "the place")
    heard = call.person.heard
    assert heard.count("Please stay on the line. Somebody will be with you.") == 1
    assert heard.index("Please stay on the line. Somebody will be with you.") < heard.index("You are next.")


async def test_an_offer_lapses_and_the_caller_waits_on(line: House) -> None:
    call = line.twilio.call(MARGARET, Person())
    await line.waits(call.sid)
    from datetime import timedelta

    from shared.clock import utc_now

    request = await line.ask(CallAction.OFFER, call.sid, expires_at=utc_now() + timedelta(seconds=0.5))
    await line.reaches(call.sid, "offered")
    assert (await line.outcome(request)).outcome is CallOutcome.AGENT_NO_ANSWER
    assert line.changes(call.sid)[-1].state == "queued"


async def test_the_desk_hangs_up(line: House) -> None:
    call = line.twilio.call(MARGARET, Person())
    await line.waits(call.sid)
    await line.ask(CallAction.HANG_UP, call.sid)
    await call.ended.wait()
    await line.reaches(call.sid, "abandoned")


async def test_a_webhook_that_comes_before_its_call_is_known_is_understood(line: House) -> None:
    fields = {"CallSid": "CA" + "5" * 32, "From": MARGARET, "To": OURS, "CallStatus": "completed"}
    url = line.twilio.public_url
    assert (await line.twilio.post(f"{url}/webhooks/status", fields)).status_code == 204
    late = await line.twilio.post(f"{url}/webhooks/voice/menu?wrong=0&step=0", {**fields, "Digits": "0"})
    assert "<Enqueue" in late.text
    await line.reaches(fields["CallSid"], "abandoned")
    await until(lambda: line.changes(fields["CallSid"])[-1].waiting_since, "that the caller had waited")
    assert not line.live, "nobody waits any more"


async def test_a_caller_who_waits_is_counted_once_though_the_database_was_lost_before_the_commit(
    line: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = "CA" + "8" * 32
    counted = METRICS.received.labels(channel="phone", live="true")._value.get
    before = counted()
    await step(line, sid, "")
    away_once(monkeypatch, Outbox, "add")
    assert "Please stay on the line. One moment." in await step(line, sid, "/menu", Digits="0")
    assert counted() == before
    assert "<Enqueue" in await step(line, sid, "/menu", Digits="0")
    assert counted() == before + 1


async def test_the_same_webhook_ten_times_is_one_event(line: House) -> None:
    fields = {"CallSid": "CA" + "6" * 32, "From": MARGARET, "To": OURS, "CallStatus": "ringing"}
    answers = [await line.twilio.post(f"{line.twilio.public_url}/webhooks/voice", fields) for _ in range(10)]
    assert len({answer.text for answer in answers}) == 1
    await line.reaches(fields["CallSid"], "menu")
    assert len(line.changes(fields["CallSid"])) == 1


@pytest.mark.parametrize("sid", ["", "CA1", "SM" + "1" * 32, "CA" + "1" * 33, "CA" + "1" * 32 + "\n", "CA" + "g" * 32])
async def test_a_call_with_a_made_up_sid_is_not_taken(line: House, sid: str) -> None:
    fields = {"CallSid": sid, "From": MARGARET, "To": OURS, "CallStatus": "completed"}
    for path in ("voice", "voice/wait", "status", "recording"):
        answer = await line.twilio.post(f"{line.twilio.public_url}/webhooks/{path}", fields)
        assert answer.status_code == 400, path
        assert "CallSid" in answer.text
    assert not line.changes(sid)


async def test_a_recorded_status_that_is_played_again_hours_later_is_refused(line: House) -> None:
    fields = {"CallSid": "CA" + "9" * 32, "From": MARGARET, "To": OURS, "CallStatus": "completed"}
    recording = fields | {"RecordingSid": "RE" + "9" * 32, "RecordingStatus": "absent", "RecordingDuration": "0"}
    url = line.twilio.public_url
    hooks = [(f"{url}/webhooks/status", fields), (f"{url}/webhooks/recording", recording)]

    async def answers() -> list[int]:
        return [(await line.twilio.post(*hook)).status_code for hook in hooks]

    async def hours_pass() -> None:
        async with line.database.transaction() as session:
            await session.execute(sql("UPDATE phone.call_events SET heard_at = now() - interval '2 hours'"))

    before = METRICS.refused.labels(channel="phone", reason="replayed")._value.get()
    assert await answers() == [204, 204]
    assert await answers() == [204, 204], "Twilio repeats a webhook at once"
    await hours_pass()
    assert await answers() == [403, 403]
    assert METRICS.refused.labels(channel="phone", reason="replayed")._value.get() == before + 2


async def test_the_first_status_is_taken_however_late_it_comes(line: House) -> None:
    fields = {"CallSid": "CA" + "9" * 32, "From": MARGARET, "To": OURS, "CallStatus": "ringing"}
    url = f"{line.twilio.public_url}/webhooks"
    assert (await line.twilio.post(f"{url}/voice", fields)).status_code == 200
    async with line.database.transaction() as session:
        await session.execute(sql("UPDATE phone.call_events SET heard_at = now() - interval '2 hours'"))
    late = await line.twilio.post(f"{url}/status", fields | {"CallStatus": "completed"})
    assert late.status_code == 204
    await line.reaches(fields["CallSid"], "abandoned")


async def test_twilio_is_busy_when_an_agent_answers_and_it_is_tried_again(line: House) -> None:
    line.twilio.people[AGENT] = Person(keys=press_one)
    for fault in ("20429", "20500", "drop", "half"):
        call = line.twilio.call(MARGARET, Person())
        await line.waits(call.sid)
        line.twilio.faults.append((f"Calls/{call.sid}", fault))
        request = await line.ask(CallAction.CONNECT, call.sid)
        assert (await line.outcome(request)).outcome in (CallOutcome.CONNECTED, CallOutcome.COMPLETED), fault
        await line.reaches(call.sid, "wrap-up")
        assert call.person.connected_to == [AGENT], fault


async def test_a_caller_who_hangs_up_during_the_menu_is_called_back(line: House) -> None:
    call = line.twilio.call(MARGARET, Person(keys=lambda _: HANG_UP))
    await line.reaches(call.sid, "abandoned")
    (message,) = await until(lambda: line.received, "a callback to make")
    assert message.sender == f"tel:{MARGARET}"


async def test_unsigned_webhooks_are_refused_and_change_nothing(line: House) -> None:
    import httpx

    fields = {"AccountSid": "AC" + "0" * 31 + "1", "CallSid": "CA" + "7" * 32, "From": MARGARET, "To": OURS}
    async with httpx.AsyncClient() as http:
        for path in ("sms", "voice", "voice/menu", "status", "recording"):
            answer = await http.post(f"{line.url}/webhooks/{path}", data=fields, headers={"X-Twilio-Signature": "AAAA"})
            assert answer.status_code == 403, path
            assert (await http.post(f"{line.url}/webhooks/{path}", data=fields)).status_code == 403
        metrics = (await http.get(f"{line.url}/metrics")).text
    wrong_key = await line.twilio.post(f"{line.twilio.public_url}/webhooks/voice", fields, token="b" * 32)
    assert wrong_key.status_code == 403
    assert 'switchboard_messages_refused_total{channel="phone",reason="unsigned"}' in metrics
    assert not line.changes(fields["CallSid"])
