"""From a raw record to what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services.router.domain.judging import Judgement
from services.router.handlers import Router
from shared.bus import TAKEN, WRITTEN, TooManyDeadLetters
from shared.bus.memory import MemoryRecord
from shared.events import InboundMessage, Profile, RoutedMessage
from shared.events.codec import decode, encode
from shared.kernel import ContactPoint
from shared.topics import DEAD_LETTERS
from tests.unit.router.makers import ANN, CHAT, EMAIL, POLICY, ann, mail


def router(*profiles: Profile) -> Router:
    return Router(
        {profile.contact_point: profile for profile in profiles}, lambda: [EMAIL, CHAT], lambda: POLICY, "router"
    )


def record(value: bytes | None, offset: int = 0, headers: list[tuple[str, bytes]] | None = None) -> MemoryRecord:
    return MemoryRecord("messages-received", 2, offset, b"email:ann@example.org", value, headers or [])


def test_a_message_goes_on_under_its_ticket_with_its_decision() -> None:
    (output,) = router(ann()).handle(
        [record(encode(mail("The site is down")), headers=[("traceparent", b"00-1"), ("ce_id", b"x")])]
    )
    routed = decode(RoutedMessage, output.value)
    assert output.topic == "messages-routed"
    assert output.key.decode() == routed.decision.ticket_id
    assert routed.message == mail("The site is down")
    assert routed.decision.profile_version == 7
    headers = dict(output.headers)
    assert (headers["ce_id"], headers["ce_type"], headers["traceparent"]) == (b"m1", b"RoutedMessage", b"00-1")


def test_the_same_record_gives_the_same_bytes_again() -> None:
    raw = record(encode(mail("The site is down")))
    later = record(encode(mail("The site is down")), headers=[(WRITTEN, b"2026-03-02T10:00:00+00:00")])
    assert router(ann()).handle([raw])[0].value == router(ann()).handle([later])[0].value


def test_when_the_message_was_taken_goes_on_beside_the_decision() -> None:
    (output,) = router().handle([record(encode(mail()), headers=[(WRITTEN, b"2026-03-02T10:00:00+00:00")])])
    headers = dict(output.headers)
    assert headers[TAKEN] == b"2026-03-02T10:00:00+00:00"
    assert headers[WRITTEN] > headers[TAKEN]
    assert len(headers) == len(output.headers)


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b"[]", b'{"id": 3}', encode(ann())])
def test_what_cannot_be_read_is_set_aside_alone(value: bytes | None) -> None:
    good = encode(mail())
    before, bad, after = router().handle([record(good), record(value, offset=5), record(good)])
    assert before.topic == after.topic == "messages-routed"
    assert (bad.topic, bad.key, bad.value) == ("dead-letters", b"messages-received", value)
    headers = dict(bad.headers)
    assert headers["source_offset"] == b"5"
    assert headers["error"].startswith(b"MalformedEvent: ")


def test_a_text_that_the_model_trips_over_is_set_aside_alone() -> None:
    class Tripping:
        version = "tripping-1"

        def prepare(self, texts: Sequence[str]) -> None:
            for text in texts:
                self.judge(text)

        def judge(self, text: str) -> Judgement:
            if "tripwire" in text:
                raise ZeroDivisionError("oops")
            return Judgement(self.version)

    policy = replace(POLICY, priority=replace(POLICY.priority, model=Tripping()))
    tripped = Router({}, lambda: [EMAIL, CHAT], lambda: policy, "router")
    good = encode(mail())
    before, bad, after = tripped.handle([record(good), record(encode(mail("a tripwire"))), record(good)])
    assert (before.topic, bad.topic, after.topic) == ("messages-routed", "dead-letters", "messages-routed")


def test_a_fault_of_ours_sets_one_message_aside_and_keeps_where_it_happened() -> None:
    class Broken(dict[str, Profile]):
        def get(self, key: str, _: object = None) -> Profile | None:  # type: ignore[override]
            if key == ANN:
                raise ZeroDivisionError("oops")
            return None

    handling = Router(Broken(), list, lambda: POLICY, "router")
    good, bad = handling.handle(
        [record(encode(mail(sender=ContactPoint("email:b@example.org")))), record(encode(mail()))]
    )
    assert good.topic == "messages-routed"
    assert b"ZeroDivisionError" in dict(bad.headers)["stack"]


def test_a_flood_of_bad_records_stops_the_router() -> None:
    flooded = router()
    outputs = flooded.handle([record(b"{", offset=offset) for offset in range(101)])
    assert {output.topic for output in outputs} == {DEAD_LETTERS.name}, "what was read before the halt is kept"
    with pytest.raises(TooManyDeadLetters):
        flooded.handle([record(b"{", offset=101)])


def chat(verified: bool) -> InboundMessage:
    return mail(channel="chat", sender=ContactPoint("chat:u1"), also=(ANN,), sender_verified=verified)


def test_a_visitor_who_only_claims_an_address_is_not_treated_as_its_owner() -> None:
    for verified, version in ((False, 0), (True, 7)):
        (output,) = router(ann()).handle([record(encode(chat(verified)))])
        assert decode(RoutedMessage, output.value).decision.profile_version == version
