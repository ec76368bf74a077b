"""What a customer may write, how often, and how the contact form is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dashboard.domain import forms
from services.dashboard.domain.drafts import Author, clean, draft, idempotency_key, inbound
from services.dashboard.domain.refusal import Refusal
from services.dashboard.domain.sites import Site, origin_of, site_id
from services.dashboard.requests import NewMessage, parse
from shared.errors import Rejected
from shared.events import Attachment
from shared.events.codec import encode
from shared.kernel import ContactPoint
from shared.limits import RateLimit

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"text": ""}, "text-missing"),
        ({"text": " \x00\n"}, "text-missing"),
        ({"text": "a" * 20_001}, "text-too-long"),
        ({"text": "a", "subject": "s" * 201}, "subject-too-long"),
        ({"text": "a", "facts": {str(n): n for n in range(41)}}, "facts-too-many"),
        ({"text": "a", "facts": {"": 1}}, "fact-name"),
        ({"text": "a", "facts": {"n" * 65: 1}}, "fact-name"),
        ({"text": "a", "facts": {"a": "v" * 501}}, "fact-too-long"),
        ({"text": "a", "page": "p" * 2001}, "page-too-long"),
    ],
)
def test_what_is_too_much_or_too_little_is_refused_with_its_field(values: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as error:
        draft(**values)
    assert error.value.code == code
    assert error.value.field


def test_the_longest_message_is_taken_whole() -> None:
    assert len(draft("가" * 20_000).text) == 20_000


@given(st.text())
def test_any_text_can_be_stored_and_sent_and_loses_no_visible_letter(text: str) -> None:
    kept = clean(text)
    assert "\x00" not in kept
    assert [letter for letter in kept if letter.isprintable()] == [letter for letter in text if letter.isprintable()]


def test_half_a_letter_is_shown_as_a_question_mark_and_stops_nothing() -> None:
    assert clean("a\ud800b\r\nc\rd") == "a?b\nc\nd"


def test_two_messages_are_told_apart_by_anything_that_differs() -> None:
    file = Attachment(uri="u", name="n", media_type="m", size=1, sha256="0")
    different = [draft("a"), draft("b"), draft("a", "s"), draft("a", facts={"k": 1}), draft("a", page="p")]
    assert len({message.fingerprint(()) for message in different} | {draft("a").fingerprint((file,))}) == 6
    assert draft("a ", facts={"x": 1, "y": 2}).fingerprint(()) == draft(" a", facts={"y": 2, "x": 1}).fingerprint(())


def test_a_good_key_is_taken_as_it_is() -> None:
    assert idempotency_key("018f-AbC") == "018f-AbC"


@given(
    st.text(max_size=50), st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3)
)
def test_the_same_key_makes_the_same_event_id_whatever_is_written(text: str, key: str, facts: dict[str, str]) -> None:
    try:
        message = draft(text, facts=facts, has_files=True)
    except Refusal:
        return
    author = Author(ContactPoint("chat:v"))
    one, two = (
        inbound(message, author, site="s", conversation="c", key=key, now=NOW, language=language, live=False)
        for language in ("en", "fr")
    )
    assert one.id == two.id
    assert encode(one)


@given(
    st.binary(max_size=200)
    | st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)).map(
        lambda v: json.dumps(v).encode()
    )
)
def test_whatever_is_posted_is_a_message_or_a_clear_refusal(data: bytes) -> None:
    try:
        message = parse(NewMessage, data).draft()
    except (Rejected, Refusal):
        return
    assert message.text


@pytest.mark.parametrize("value", ["", " ", "a b", "é", "x" * 201, "\x7f"])
def test_a_key_that_no_header_can_carry_is_refused(value: str) -> None:
    with pytest.raises(Refusal):
        idempotency_key(value)


def test_a_burst_is_fine_and_a_flood_waits_until_it_has_drained() -> None:
    limit = RateLimit(60)
    assert [limit.wait("ann", 0) for _ in range(60)] == [0] * 60
    assert limit.wait("ann", 0) == pytest.approx(1)
    assert limit.wait("bob", 0) == 0
    assert limit.wait("ann", 0.5) == pytest.approx(0.5)
    assert limit.wait("ann", 1) == 0
    assert RateLimit(0).wait("ann", 0) == 0


def test_a_million_addresses_do_not_fill_the_memory() -> None:
    limit = RateLimit(60, most_keys=100)
    for number in range(1000):
        limit.wait(str(number), number)
    assert len(limit._buckets) <= 100


FORM = {"topic": "Invoice", "email": "ann@example.org", "message": "Hello", "answer": "email", "key": "k" * 20}


@pytest.mark.parametrize(
    ("changes", "number", "errors"),
    [
        ({}, None, {}),
        ({"topic": "", "message": ""}, None, {"topic": "topic-missing", "message": "message-missing"}),
        ({"email": ""}, None, {"email": "email-missing"}),
        ({"email": "ann@local"}, None, {"email": "email-wrong"}),
        ({"answer": "pigeon"}, None, {"answer": "answer-missing"}),
        ({"answer": "phone"}, None, {"phone": "phone-missing"}),
        ({"answer": "phone", "phone": "12"}, None, {"phone": "phone-wrong"}),
        ({"answer": "phone", "phone": "01 42 68 53 00"}, "+33142685300", {}),
        ({"website": "x"}, None, {"website": "trap"}),
        ({"key": ""}, None, {"form": "form-stale"}),
        ({"message": "m" * 20_001}, None, {"message": "message-too-long"}),
    ],
)
def test_the_contact_form_tells_every_error_at_once(
    changes: dict[str, str], number: str | None, errors: dict[str, str]
) -> None:
    checked = forms.check(forms.read(FORM | changes), number)
    assert checked.errors == errors
    assert (checked.draft is None) == bool(errors)


def test_what_the_form_says_of_its_writer_is_passed_on_as_unproven() -> None:
    checked = forms.check(
        forms.read(FORM | {"answer": "phone", "phone": "01 42 68 53 00 (soir)", "name": " Ann  B "}), "+33142685300"
    )
    assert checked.also == ("email:ann@example.org", "tel:+33142685300")
    assert checked.name == "Ann B"
    assert checked.draft is not None
    assert checked.draft.wish == "phone"
    assert checked.draft.facts == {
        "page": "contact",
        "email": "ann@example.org",
        "phone": "+33142685300",
        "phone as written": "01 42 68 53 00 (soir)",
    }


@given(st.dictionaries(st.sampled_from([*FORM, "phone", "name", "website"]), st.text(max_size=40)))
def test_whatever_a_form_holds_it_is_a_message_or_a_list_of_errors(fields: dict[str, str]) -> None:
    checked = forms.check(forms.read(fields), None)
    assert bool(checked.errors) != (checked.draft is not None)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Shop.example/", "https://shop.example"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
        ("shop.example", ""),
        ("https://a/b", ""),
        ("ftp://a", ""),
        ("https://u@a", ""),
        ("", ""),
    ],
)
def test_an_origin_is_scheme_and_host_and_nothing_else(text: str, origin: str) -> None:
    if origin:
        assert origin_of(text) == origin
    else:
        with pytest.raises(Refusal):
            origin_of(text)


def test_a_sites_id_can_be_read_and_put_into_a_link() -> None:
    assert site_id("  Ann’s Café & Shop ") == "anns-cafe-shop"
    with pytest.raises(Refusal):
        site_id("한국")


def test_a_page_that_a_site_does_not_list_may_not_call() -> None:
    site = Site("s", "S", "k", origins=("https://shop.example",))
    site.check_origin("https://shop.example")
    site.check_origin("")
    for origin in ("https://evil.example", "null", "https://shop.example.evil.example"):
        with pytest.raises(Refusal):
            site.check_origin(origin)
