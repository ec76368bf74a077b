"""What a post is to us, whatever way it came."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.social.domain.posts import clean, ignored, inbound, is_direct, language_of
from services.social.networks.x.network import XNetwork
from services.social.networks.x.posts import earlier, id_at, query, summoned
from shared.kernel import message_id
from tests.unit.social.makers import NOW, US, access, post


def test_a_post_is_the_same_message_by_whatever_way_it_came() -> None:
    first = inbound(post(), "x", US, NOW, "en", 0.9, {})
    again = inbound(post(name="Ann"), "x", US, NOW + timedelta(hours=1), "en", 0.9, {})
    assert first.id == again.id == message_id("x", "100")


def test_a_customer_is_known_by_the_number_and_not_by_the_handle() -> None:
    assert inbound(post(username="ann"), "x", US, NOW, "en", None, {}).sender == "x:42"
    assert inbound(post(username="ann_renamed"), "x", US, NOW, "en", None, {}).sender == "x:42"


@pytest.mark.parametrize(
    ("text", "guess", "language"),
    [
        ("Merci", "en", "fr"),
        ("Tak", "da", "da"),
        ("ok 👍", "it", "it"),
        ("ok 👍", "un", ""),
        ("荷物が届きません", "zh", "ja"),
    ],
)
def test_a_post_is_read_by_its_words_before_the_networks_guess(text: str, guess: str, language: str) -> None:
    assert language_of(post(text=text, language=guess), ("en", "fr", "it", "ja")) == language


def test_an_agent_opens_the_post_where_people_read_it() -> None:
    ann = post(username="ann")
    assert XNetwork(access()).link(ann) == "https://x.com/ann/status/100"
    here = XNetwork(access(), web="http://127.0.0.1:8050").link(ann)
    assert inbound(ann, "x", US, NOW, "en", None, {}, here).facts["Post"] == "http://127.0.0.1:8050/ann/status/100"


def test_two_customers_below_one_post_have_tickets_of_their_own() -> None:
    ann, bob = post(id="101", author="1"), post(id="102", author="2")
    assert ann.conversation == bob.conversation
    assert ann.thread != bob.thread


def test_one_customers_answers_below_a_post_stay_together() -> None:
    assert post(id="101").thread == post(id="105").thread


def test_a_direct_message_never_mixes_with_what_is_public() -> None:
    private = inbound(post(direct=True, followers=9), "x", US, NOW, "en", None, {})
    assert not private.public
    assert private.reach == 0
    assert private.provider_id == "dm:100"
    assert private.id != inbound(post(), "x", US, NOW, "en", None, {}).id
    assert private.thread.conversation != inbound(post(), "x", US, NOW, "en", None, {}).thread.conversation
    assert "Post" not in private.facts


def test_what_is_direct_is_recognised_in_a_ticket_that_has_both() -> None:
    assert is_direct(post(direct=True).provider_id)
    assert is_direct(post(direct=True).thread)
    assert not is_direct(post().provider_id)


def test_the_reach_of_a_public_post_is_the_number_of_followers() -> None:
    assert inbound(post(followers=2_000_000), "x", US, NOW, "en", 0.9, {}).reach == 2_000_000


@pytest.mark.parametrize(
    ("text", "called"),
    [
        *(
            ("@acme my parcel", True),
            ("hey @ACME!", True),
            ("(@acme)", True),
            ("@bob @acme", True),
            ("@acme님 안녕", False),
        ),
        *(("Acme sold me a broken kettle", False), ("@acmeshop", False), ("mail me@acme.example", False), ("", False)),
        ("look https://x.com/acme/status/12 awful", True),
        ("look https://x.com/bob/status/12 awful", False),
    ],
)
def test_only_who_mentioned_or_quoted_us_may_be_answered_on_a_self_serve_plan(text: str, called: bool) -> None:
    assert summoned(post(text=text), US) is called


def test_what_we_wrote_ourselves_and_reposts_open_nothing() -> None:
    assert ignored(post(author=US.id), US) == "own"
    assert ignored(post(repost=True), US) == "repost"
    assert ignored(post(text="  "), US) == "empty"
    assert ignored(post(text="", media=("https://example.org/a.png",)), US) == ""
    assert ignored(post(), US) == ""


def test_an_edited_post_is_told_to_be_one() -> None:
    edited = post(id="103", versions=("100", "103"))
    assert inbound(edited, "x", US, NOW, "en", None, {}).facts["Edited"] == "version 2"
    assert "Edited" not in inbound(post(versions=("100",)), "x", US, NOW, "en", None, {}).facts


def test_a_text_is_read_as_its_writer_meant_it() -> None:
    assert clean("Fish &amp; chips https://t.co/a", [("https://t.co/a", "https://example.org/menu")]) == (
        "Fish & chips https://example.org/menu"
    )


def test_ids_know_their_time() -> None:
    moment = id_at(NOW)
    assert earlier(moment, 60) == id_at(NOW - timedelta(minutes=1))
    assert earlier(5, 60) == 0
    assert id_at(NOW.replace(year=1999)) == 0


def test_the_search_finds_every_name_but_not_our_own_words() -> None:
    assert query(["acme", "Acme Shoes"], US) == '(acme OR "Acme Shoes") -is:retweet -from:acme'
    assert query([], US) == ""
    assert query(['a" OR "b'], US) == '("a OR b") -is:retweet -from:acme'
