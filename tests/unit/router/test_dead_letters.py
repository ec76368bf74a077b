"""What was set aside can be read by a person, and go back as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.dead_letters_commands import described
from shared.bus import DeadLetter
from shared.bus.dead_letters import Letter, parsed, printable
from shared.bus.kafka import KEPT, MAX_EVENT, dead_letter_record
from shared.events.codec import LARGEST, encode
from tests.unit.router.makers import mail
from tests.unit.router.test_handlers import record, router

HEADERS = [("ce_id", b"m1"), ("odd", b"\xff\x00"), ("error", b"one of theirs"), ("replayed", b"7")]


def letter(**changes: object) -> Letter:
    facts = {"topic": "messages-received", "partition": 2, "offset": 5, "key": b"k", "value": b"{", "error": "E: e"}
    made = DeadLetter(**{**facts, "group": "desk", "stack": "at line 1", "headers": HEADERS, **changes})  # type: ignore[arg-type]
    _, value, headers = dead_letter_record(made)
    return parsed(12, value, headers)


def test_a_letter_keeps_all_that_its_record_had() -> None:
    found = letter()
    assert (found.id, found.topic, found.partition, found.offset) == (12, "messages-received", "2", "5")
    assert (found.key, found.headers, found.size) == (b"k", HEADERS, 1)
    assert (found.group, found.error, found.stack) == ("desk", "E: e", "at line 1"), (
        "not what the record's own headers say"
    )


def test_a_record_without_key_or_value_stays_one() -> None:
    found = letter(key=None, value=None)
    assert (found.key, found.size) == (None, 0)


def test_a_record_that_is_too_large_to_be_kept_whole_says_so() -> None:
    found = letter(value=b"v" * (2 * MAX_EVENT))
    assert (found.size, found.headers, found.key) == (KEPT, [], b"k")
    assert f"the record, {KEPT} bytes of {found.cut}:" in described(found, b"v" * KEPT, 10)
    assert letter().cut == 0


def test_what_the_router_sets_aside_keeps_its_headers_too() -> None:
    (output,) = router().handle([record(b"{", offset=5, headers=[("traceparent", b"00-1")])])
    found = parsed(0, output.value, output.headers)
    assert (found.key, found.headers) == (b"email:ann@example.org", [("traceparent", b"00-1")])


def test_a_record_whose_decision_fits_on_no_topic_is_set_aside_and_the_next_one_is_decided_on() -> None:
    large = encode(mail(text="here")).replace(b"here", b"x" * (2 * MAX_EVENT - 1000))
    one, other = router().handle([record(large, offset=5), record(encode(mail()), offset=6)])
    assert one.topic == "dead-letters"
    assert len(one.value or b"") + sum(len(name) + len(data) for name, data in one.headers) <= LARGEST
    assert "too large" in parsed(0, one.value, one.headers).error
    assert other.topic == "messages-routed"


@given(st.lists(st.tuples(st.text(), st.binary())), st.none() | st.binary())
def test_whatever_is_on_the_topic_is_shown_and_not_stumbled_over(
    headers: list[tuple[str, bytes]], value: bytes | None
) -> None:
    described(parsed(1, value, headers), value, 100)


@given(st.text() | st.binary())
def test_nothing_from_outside_steers_a_terminal(data: str | bytes) -> None:
    assert printable(data).isprintable()


@pytest.mark.parametrize(
    ("data", "shown"),
    [("\x1b[2J", "\\u001b[2J"), ("où, 한국어", "où, 한국어"), (b"\xff!", "\\xff!"), ("a\nb", "a\\nb")],
)
def test_words_stay_readable(data: str | bytes, shown: str) -> None:
    assert printable(data) == shown
