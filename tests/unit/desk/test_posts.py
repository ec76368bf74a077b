"""What becomes of posts: groups, words for agents, and links that can be trusted."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from services.desk.customers.domain import learn
from services.desk.mentions import domain as mentions
from services.desk.tickets.domain import Head, addressed, burst_first, burst_of, grouped
from services.desk.tickets.schemas import PostView
from services.desk.web import render
from services.desk.web.conversation import samples
from services.desk.web.social import words as posts
from shared.errors import Rejected
from shared.events.older import typed
from tests.unit.desk.examples import NOON, routed


def head(name: str, minute: int, *, usable: bool = True, in_hand: bool = False) -> Head:
    return Head(name, NOON + timedelta(minutes=minute), usable, in_hand)


def test_the_oldest_open_ticket_leads_its_burst() -> None:
    assert grouped([head("b", 2), head("a", 1), head("c", 3)]) == ("a", ("b", "c"))


def test_what_an_agent_has_in_hand_goes_on_leading() -> None:
    assert grouped([head("a", 1), head("b", 2, in_hand=True)]) == ("b", ("a",))


def test_two_groups_that_agents_have_in_hand_stay_two() -> None:
    assert grouped([head("a", 1, in_hand=True), head("b", 2, in_hand=True), head("c", 3)]) == ("a", ("c",))


def test_what_is_answered_or_taken_out_neither_leads_nor_joins() -> None:
    assert grouped([head("a", 1, usable=False), head("b", 2)]) == ("b", ())
    assert grouped([head("a", 1, usable=False)]) == ("", ())


def test_a_customer_s_own_facts_cannot_group_their_mail_with_others() -> None:
    facts = {"Burst id": "b-1", "Burst first": "1, 2,,3"}
    assert burst_of(typed(routed(facts=facts).message)) == ""
    post = typed(routed(facts=facts, public=True, channel="x").message)
    assert burst_of(post) == "b-1"
    assert burst_first(post) == ("1", "2", "3")


def test_a_public_answer_names_whom_it_answers() -> None:
    assert addressed("It works again.", "@ann") == "@ann It works again."
    assert addressed("@ann it works again.", "@ann") == "@ann it works again."
    assert addressed("It works again.", "") == "It works again."


def test_what_a_post_tells_is_about_the_post_and_not_about_its_author() -> None:
    customer = {
        "name": "",
        "facts": {"Site": "https://shop.example"},
        "birth_year": None,
        "language": "",
        "stated": None,
        "observed": {},
    }
    customer["recent_contacts"] = []
    learn(
        customer,
        routed(public=True, channel="x", account="@ann", facts={"Burst": "3 people", "Post": "https://…"}).message,
    )
    assert customer["facts"] == {"Site": "https://shop.example", "Account": "@ann"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//x.com/a", "https://", "http://[", ""])
def test_only_web_addresses_become_links(url: str) -> None:
    assert mentions.link(url) == ""
    assert mentions.link("https://x.com/a/status/1") == "https://x.com/a/status/1"


def test_a_label_is_one_of_three() -> None:
    assert mentions.known("question") == "question"
    with pytest.raises(Rejected, match="complaint, question, other"):
        mentions.known("angry")


@pytest.mark.parametrize(
    ("score", "post", "words"),
    [
        (
            0.91,
            PostView(sounds="complaint", words=("crashing", "refund")),
            ["Sounds like a complaint: 0.91 — crashing, refund"],
        ),
        (0.3, PostView(), ["May be a complaint: 0.30"]),
        (0.0, None, ["Does not sound like a complaint: 0.00"]),
        (
            0.1,
            PostView(sounds="question", words=("how", "open")),
            ["Does not sound like a complaint: 0.10", "Sounds like a question — how, open"],
        ),
        (None, PostView(), []),
    ],
)
def test_a_score_is_said_in_words(score: float | None, post: PostView | None, words: list[str]) -> None:
    message = dataclasses.replace(samples.messages()[0], complaint=score, post=post)
    assert posts.sounds(message, "en", render.gettext("en")) == words


def test_the_words_for_no_words_are_translated() -> None:
    message = dataclasses.replace(samples.messages()[0], complaint=0.9, post=PostView(sounds="complaint"))
    assert posts.sounds(message, "fr", render.gettext("fr")) == [
        "Ressemble à une réclamation : 0,90 — par l’ensemble du texte"
    ]
