"""X's JSON, as its reference shows it and as nobody foresaw it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from services.social.adapters import x_wire

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
    (post,), odd = x_wire.posts(BODY)
    assert not odd
    assert (post.author, post.name, post.followers, post.answers) == ("2244994945", "Ann", 513, "1460323737035677691")
    assert post.text == "@acme look https://example.org/a <3"
    assert post.media == ("https://example.org/p.jpg",)
    assert (post.version, post.repost) == (1, False)


def test_a_long_post_is_read_to_its_end() -> None:
    long = {**TWEET, "note_tweet": {"text": "word " * 200}}
    (post,), _ = x_wire.posts({"data": [long]})
    assert len(post.text) > 900


def test_an_edited_post_stays_in_the_conversation_that_it_began() -> None:
    edited = {**TWEET, "id": "12", "conversation_id": "12", "edit_history_tweet_ids": ["10", "12"]}
    (post,), _ = x_wire.posts({"data": [edited]})
    assert (post.conversation, post.version) == ("10", 2)


def test_one_broken_post_does_not_take_the_others_along() -> None:
    broken: list[Any] = [{"id": "x"}, "text", None, {**TWEET, "created_at": "yesterday"}, {**TWEET, "author_id": None}]
    found, odd = x_wire.posts({"data": [*broken, TWEET]})
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
    found, odd = x_wire.messages({"data": [written, {"id": "6", "event_type": "ParticipantsJoin"}]})
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
    found, odd = x_wire.posts({**BODY, "data": [{**TWEET, **fields}]})
    assert len(found) + len(odd) == 1


@given(_ANY)
def test_no_body_breaks_the_reading(data: Any) -> None:
    x_wire.posts({"data": data, "includes": {"users": data, "media": data}})
    x_wire.messages({"data": data, "includes": data})
