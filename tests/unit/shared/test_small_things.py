"""Ids, tokens, codec, topics, text: the words and tools that every service shares."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid5

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import asyncapi, i18n, kernel, links, topics
from shared.attempts import LONGEST, delay
from shared.errors import Malformed, Misconfigured
from shared.events import DeskEvent
from shared.events.codec import MalformedEvent, decode, encode
from shared.i18n import moment, time_of_day
from shared.limits import origin
from shared.logs import redacted
from shared.security.tokens import sign, verify
from shared.settings import Settings, load
from shared.storage import Storage
from shared.text import clean_html, html_to_text

SECRET = "s" * 32


def test_a_provider_s_retry_makes_the_same_message_again() -> None:
    assert kernel.message_id("email", "<a@b>") == kernel.message_id("email", "<a@b>")
    assert kernel.message_id("email", "<a@b>") != kernel.message_id("chat", "<a@b>")


def test_parts_of_an_id_do_not_run_together() -> None:
    assert kernel.stable_id("ab", "c") != kernel.stable_id("a", "bc")


@given(parts=st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_stable_id_is_a_uuid_of_version_5(parts: list[str]) -> None:
    namespace = UUID("6f0c9a53-54d4-5f0e-9a3c-0f6f4c1d2b7e")
    assert kernel.stable_id(*parts) == str(uuid5(namespace, "\x1f".join(parts)))


def test_a_contact_point_keeps_colons_in_its_address() -> None:
    point = kernel.contact_point("chat", "site:42")
    assert (kernel.kind_of(point), kernel.address_of(point)) == ("chat", "site:42")


@pytest.mark.parametrize(("kind", "address"), [("", "x"), ("email", ""), ("a:b", "x")])
def test_half_a_contact_point_is_refused(kind: str, address: str) -> None:
    with pytest.raises(ValueError, match="contact point"):
        kernel.contact_point(kind, address)


@given(st.text(min_size=1, max_size=100))
def test_a_token_carries_its_value_through_a_mail_server_that_changes_case(value: str) -> None:
    token = sign(SECRET, "reply", value)
    assert verify(SECRET, "reply", token.upper()) == value
    assert token.isalnum()


@given(st.text(max_size=300))
def test_nobody_guesses_a_token(token: str) -> None:
    assert verify(SECRET, "reply", token) is None


def test_a_token_for_one_purpose_is_none_for_another_nor_under_another_secret() -> None:
    token = sign(SECRET, "reply", "7f8b3c1e-0d5e-5a53-9d3b-000000000001")
    assert len(token) < 60  # a local part may have 64 characters (RFC 5321, 4.5.3.1.1)
    assert verify(SECRET, "session", token) is None
    assert verify("t" * 32, "reply", token) is None


def test_an_event_comes_back_as_it_was_and_a_newer_field_does_no_harm() -> None:
    event = DeskEvent(
        id="1", ticket_id="t", kind="note.added", at=datetime(2026, 1, 1, tzinfo=UTC), data={"b": "2", "a": "1"}
    )
    assert decode(DeskEvent, encode(event)) == event
    newer = json.loads(encode(event)) | {"invented_later": True}
    assert decode(DeskEvent, json.dumps(newer).encode()) == event


def test_the_same_event_is_the_same_bytes_whatever_the_order_of_its_data() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    one = DeskEvent(id="1", ticket_id="t", kind="k", at=at, data={"a": "1", "b": "2"})
    two = DeskEvent(id="1", ticket_id="t", kind="k", at=at, data={"b": "2", "a": "1"})
    assert encode(one) == encode(two)


@given(st.binary(max_size=200))
def test_whatever_bytes_a_topic_holds_there_is_one_error(data: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode(DeskEvent, data)


def test_every_topic_says_who_and_why_and_names_are_unique() -> None:
    every = topics.all_topics(["email", "chat"])
    assert len({topic.name for topic in every}) == len(every)
    for topic in every:
        assert topic.writers, topic.name
        assert topic.readers, topic.name
        assert topic.why, topic.name
        assert topic.name in topics.table(["email", "chat"])


def test_the_asyncapi_document_describes_each_topic_and_every_reference_leads_somewhere() -> None:
    document = asyncapi.document(["email"])
    assert {topic.name for topic in topics.all_topics(["email"])} == set(document["channels"])

    def follow(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found: object = document
                for step in node["$ref"].removeprefix("#/").split("/"):
                    assert isinstance(found, dict)
                    found = found[step]
            for value in node.values():
                follow(value)
        elif isinstance(node, list):
            for value in node:
                follow(value)

    follow(document)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_retry_waits_longer_each_time_but_never_too_long(attempt: int, random: float) -> None:
    assert 0 < delay(attempt, random) <= LONGEST
    assert delay(attempt, random) <= delay(attempt + 1, random)


def test_html_from_outside_loses_what_is_dangerous_and_keeps_the_words() -> None:
    html = '<p onclick="x()">Hello <b>you</b><script>steal()</script><img src="http://t/p.gif"><a href="javascript:x">go</a></p><form>f</form>'
    cleaned = clean_html(html)
    for bad in ("onclick", "script", "steal", "javascript", "form"):
        assert bad not in cleaned
    assert "<b>you</b>" in cleaned


@given(st.text(max_size=500))
def test_any_html_becomes_text_without_an_error(html: str) -> None:
    assert isinstance(html_to_text(html), str)
    assert isinstance(clean_html(html), str)


def test_paragraphs_of_a_mail_stay_paragraphs() -> None:
    assert html_to_text("<p>One</p><p>Two<br>three</p>") == "One\n\nTwo\nthree"


async def test_a_stored_file_comes_back_and_a_foreign_uri_is_refused(tmp_path: Path) -> None:
    storage = Storage(f"file://{tmp_path}")
    first = await storage.put(b"invoice", name="invoice.pdf", media_type="application/pdf")
    assert await storage.put(b"invoice", name="again.pdf", media_type="application/pdf") == msgspec.structs.replace(
        first, name="again.pdf"
    )
    assert await storage.get(first.uri) == b"invoice"
    for uri in ("../../etc/passwd", "/etc/passwd", "file:///etc/passwd", first.uri + "/..", "sha256/aa/" + "z" * 64):
        with pytest.raises(Malformed):
            await storage.get(uri)


def test_a_wrong_setting_is_named_with_what_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_SECRET", "short")
    with pytest.raises(Misconfigured, match=r"SWITCHBOARD_SECRET: .*32 characters"):
        load(Settings)


@pytest.mark.parametrize(
    ("header", "chosen", "shown"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8", "", "fr"),
        ("ko-KR", "", "ko"),
        ("zz", "", "en"),
        ("", "", "en"),
        ("en", "ko", "ko"),
        ("fr;q=x", "xx", "en"),
    ],
)
def test_a_page_speaks_the_visitor_s_language(header: str, chosen: str, shown: str) -> None:
    assert i18n.negotiate(header, chosen) == shown


def test_a_log_line_does_not_tell_an_address() -> None:
    assert redacted(kernel.email_point("Ann.Smith@example.org")) == "email:a…@example.org"
    assert "612345" not in redacted(kernel.contact_point("tel", "+33612345678"))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://shop.example/pay에서 확인", "https://shop.example/pay"),
        ("(https://en.wikipedia.org/wiki/Lamp_(light)).", "https://en.wikipedia.org/wiki/Lamp_(light)"),
        ("«https://shop.example/?a=1&b=2»…", "https://shop.example/?a=1&b=2"),
        ("www.shop.example, please", "https://www.shop.example"),
        ("half of https://münchen.example leads elsewhere", None),
        ("ann@www.example.org", None),
        ("https:// and www.", None),
        ("javascript:alert(1) data:text/html,x", None),
    ],
)
def test_an_address_in_words_is_a_link_to_where_it_says(text: str, address: str | None) -> None:
    found = list(links.parts(text))
    assert "".join(part for part, _ in found) == text
    assert [target for _, target in found if target] == ([address] if address else [])


def test_html_keeps_how_it_looks_and_nothing_that_is_fetched_or_leaves_its_place() -> None:
    html = (
        '<table border="1" style="border-collapse:collapse;position:fixed;background:url(http://t/p)"><tr><td>a</td></tr></table>'
        '<img src="cid:a@b"><img src="/logout"><img src="data:text/html,x"><a href="data:text/html,x">x</a><a href="cid:x">y</a>'
    )
    cleaned = clean_html(html)
    assert '<table border="1" style="border-collapse:collapse">' in cleaned
    assert 'src="cid:a@b"' in cleaned
    for bad in ("position", "url(", "/logout", "data:", "href"):
        assert bad not in cleaned
    assert "src" not in clean_html(html, lambda _: None)


@pytest.mark.parametrize(("language", "told"), [("en", "3:05 PM"), ("fr", "15:05"), ("ko", "오후 3:05")])
def test_an_afternoon_is_told_as_people_read_it(language: str, told: str) -> None:
    at = datetime(2026, 11, 30, 15, 5, tzinfo=UTC)
    assert time_of_day(at, language).replace("\N{NARROW NO-BREAK SPACE}", " ") == told
    assert moment(at, language).replace("\N{NARROW NO-BREAK SPACE}", " ").endswith(told)


def test_a_limit_by_address_counts_whoever_has_many_of_them_once() -> None:
    assert origin("192.0.2.7") == origin("::ffff:192.0.2.7") == "192.0.2.7"
    assert origin("2001:db8::1") == origin("2001:db8::ffff:1%eth0") != origin("2001:db8:0:1::1")
    assert origin("a socket") == "a socket"
