"""X's JSON, as its reference shows it and as nobody foresaw it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.social.domain.posts import clean
from services.social.networks.x import wire

TWEET: dict[str, Any] = {
    "id": "1460323737035677698",
    "text": "@acme look https://t.co/abc &lt;3",
    "author_id": "2244994945",
    "created_at": "2021-11-15T19:08:05.000Z",
    "conversation_id": "1460323737035677690",
    "lang": "en",
    "referenced_tweets": [{"type": "replied_to", "id": "1460323737035677691"}],
    "entities": {"urls": [{"url": "https://t.co/abc", "expanded_url": "https://example.org/a"}]},
    "edit_history_tweet_ids": ["1460323737035677698"],
    "attachments": {"media_keys": ["3_1"]},
}
BODY: dict[str, Any] = {
    "data": [TWEET],
    "includes": {
        "users": [{"id": "2244994945", "name": "Ann", "username": "ann", "public_metrics": {"followers_count": 513}}],
        "media": [{"media_key": "3_1", "type": "photo", "url": "https://example.org/p.jpg"}],
    },
    "meta": {"result_count": 1},
}


def test_a_post_is_read_with_its_author_links_and_pictures() -> None:
    (post,), odd = wire.posts(BODY)
    assert not odd
    assert (post.author, post.name, post.followers, post.answers) == ("2244994945", "Ann", 513, "1460323737035677691")
    assert post.text == "@acme look https://example.org/a <3"
    assert post.media == ("https://example.org/p.jpg",)
    assert (post.version, post.repost) == (1, False)


CASES = Path(__file__).parents[2] / "data" / "x"


def case(name: str) -> wire.Found:
    return wire.posts(wire.parsed((CASES / f"{name}.json").read_bytes()))


def test_half_a_character_is_shown_as_one_and_the_posts_beside_it_are_read() -> None:
    (cut, whole), odd = case("lone-surrogate")
    assert cut.text == "@acme cut emoji \ufffd terrible service, never again"
    assert whole.text == "@acme my boiler exploded and nobody answers, terrible"
    assert not odd


def test_a_long_post_in_the_newer_documents_words_is_read_to_its_end() -> None:
    (post,), odd = case("note-post")
    assert post.text.endswith("I go to my lawyer, and I want all of my money back, order A-77812.")
    assert not odd


@pytest.mark.parametrize(("tweet", "post"), [("tweet", "post"), ("post", "tweet")])
def test_fields_are_read_by_their_older_and_their_newer_names(tweet: str, post: str) -> None:
    names = {
        f"{name}_{tweet}{s}": f"{name}_{post}{s}" for name in ("note", "edit_history", "referenced") for s in ("", "s")
    }
    names |= {f"edit_history_{tweet}_ids": f"edit_history_{post}_ids"}
    item = {
        **TWEET,
        "id": "12",
        "conversation_id": "10",
        "edit_history_tweet_ids": ["10", "12"],
        "note_tweet": {"text": "whole"},
    }
    (read,), _ = wire.posts({"data": [{names.get(name, name): value for name, value in item.items()}]})
    assert (read.text, read.version, read.conversation) == ("whole", 2, "10")
    assert read.answers == "1460323737035677691"
    for word in ("retweeted", "reposted"):
        repost = {**TWEET, f"referenced_{post}s": [{"type": word, "id": "1"}], f"referenced_{tweet}s": None}
        assert wire.posts({"data": [repost]})[0][0].repost


def test_an_address_in_a_post_is_the_one_that_its_writer_put_there() -> None:
    (post,), _ = case("link-entities")
    link = "https://shop.example/order?id=4&region=EU&section=returns&copy=1&lt=2"
    assert post.text == f"@acme my order is wrong & late, look: {link} terrible"


def test_addresses_are_written_out_each_by_its_own_though_one_begins_like_another() -> None:
    links = [("https://t.co/a", "https://one.example/https://t.co/ab"), ("https://t.co/ab", "https://two.example")]
    assert clean("https://t.co/ab https://t.co/a", links) == "https://two.example https://one.example/https://t.co/ab"


def test_a_post_without_a_text_is_nobodys_word() -> None:
    found, odd = case("text-null")
    assert not found
    assert len(odd) == 1


def test_who_has_no_name_is_not_called_none() -> None:
    user = {"id": "2244994945", "name": None, "username": None}
    (post,), _ = wire.posts({"data": [{**TWEET, "lang": None}], "includes": {"users": [user]}})
    assert (post.name, post.username, post.language) == ("", "", "")


_HOSTILE = {
    "a number of 5,000 digits": {"public_metrics": 7, "edit_history_tweet_ids": ["9" * 5_000]},
    "an id that no column holds": {"id": str(2**63)},
    "a moment before the calendar": {"created_at": "0001-01-01T00:00:00+14:00"},
    "a moment after the calendar": {"created_at": "9999-12-31T23:59:59-14:00"},
}


@pytest.mark.parametrize("fields", _HOSTILE.values(), ids=_HOSTILE)
def test_a_value_at_the_edge_sets_its_own_post_aside_and_no_other(fields: dict[str, Any]) -> None:
    found, odd = wire.posts({"data": [{**TWEET, **fields}, TWEET]})
    assert [post.id for post in found] == [TWEET["id"]]
    assert len(odd) == 1


def test_a_number_too_long_to_read_or_bytes_that_are_no_character_do_not_hide_the_page() -> None:
    page = json.dumps({"data": [TWEET, {**TWEET, "followers": "HERE", "text": "a\x00b"}]}).encode()
    found, _ = wire.posts(wire.parsed(page.replace(b'"HERE"', b"9" * 5_000).replace(b"@acme", b"@acm\xff")))
    assert [post.text for post in found] == ["@acm\ufffd look https://example.org/a <3", "a\ufffdb"]


def test_what_is_nested_too_deeply_is_no_answer() -> None:
    with pytest.raises(ValueError, match="deep"):
        wire.parsed(b"[" * 200_000 + b"]" * 200_000)


def test_a_long_post_is_read_to_its_end() -> None:
    long = {**TWEET, "note_tweet": {"text": "word " * 200}}
    (post,), _ = wire.posts({"data": [long]})
    assert len(post.text) > 900


def test_an_edited_post_stays_in_the_conversation_that_it_began() -> None:
    edited = {**TWEET, "id": "12", "conversation_id": "12", "edit_history_tweet_ids": ["10", "12"]}
    (post,), _ = wire.posts({"data": [edited]})
    assert (post.conversation, post.version) == ("10", 2)


def test_one_broken_post_does_not_take_the_others_along() -> None:
    broken: list[Any] = [{"id": "x"}, "text", None, {**TWEET, "created_at": "yesterday"}, {**TWEET, "author_id": None}]
    found, odd = wire.posts({"data": [*broken, TWEET]})
    assert [post.id for post in found] == [TWEET["id"]]
    assert len(odd) == len(broken)


def test_who_joined_a_conversation_wrote_nothing() -> None:
    written = {
        "id": "5",
        "event_type": "MessageCreate",
        "text": "hi",
        "sender_id": "9",
        "dm_conversation_id": "7-9",
        "created_at": "2023-01-01T00:00:00.000Z",
    }
    found, odd = wire.messages({"data": [written, {"id": "6", "event_type": "ParticipantsJoin"}]})
    assert [post.text for post in found] == ["hi"]
    assert found[0].direct
    assert not odd


_ANY = some.recursive(
    some.none() | some.integers() | some.text(max_size=8) | some.floats(allow_nan=False),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from([*TWEET, "users", "media", "data"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(some.dictionaries(some.sampled_from(list(TWEET)), _ANY))
def test_no_field_that_x_sends_breaks_the_reading(fields: dict[str, Any]) -> None:
    found, odd = wire.posts({**BODY, "data": [{**TWEET, **fields}]})
    assert len(found) + len(odd) == 1


@given(_ANY)
def test_no_body_breaks_the_reading(data: Any) -> None:
    wire.posts({"data": data, "includes": {"users": data, "media": data}})
    wire.messages({"data": data, "includes": data})
