"""An agent's word on a post is followed, or a person learns why it was not."""

from __future__ import annotations

from datetime import timedelta

from services.social.domain.labels import Unknown, unknown, wrong
from services.social.networks.x.posts import id_at
from shared.events import PostJudged
from tests.unit.social.makers import NOW

OLDEST = id_at(NOW - timedelta(days=90))


def word(
    post: str = "100", label: str = "", *, ticket: bool = False, channel: str = "x", ago: float = 3600
) -> PostJudged:
    at = NOW - timedelta(seconds=ago)
    return PostJudged(
        id="1", channel=channel, provider_id=post, at=at, agent="ann@example.org", label=label, open_ticket=ticket
    )


def test_a_label_that_does_not_exist_is_named_with_those_that_do() -> None:
    assert "complaint, question, other" in wrong(word(label="rant"))
    assert wrong(word(label="question")) == ""
    assert wrong(word(ticket=True)) == ""


def test_what_a_customer_wrote_in_private_teaches_nobody() -> None:
    assert "not kept" in wrong(word("dm:100", "complaint"))


def test_an_agent_who_is_quicker_than_our_notes_is_asked_to_wait_a_moment() -> None:
    assert unknown(word(label="other", ago=2), NOW, OLDEST) is Unknown.SOON
    assert unknown(word(str(id_at(NOW)), "other", ago=120), NOW, OLDEST) is Unknown.NEVER


def test_nobody_waits_for_a_label_of_a_forgotten_post_but_somebody_waits_for_its_ticket() -> None:
    old = str(id_at(NOW - timedelta(days=100)))
    assert unknown(word(old, "other"), NOW, OLDEST) is Unknown.FORGOTTEN
    assert unknown(word(old, ticket=True), NOW, OLDEST) is Unknown.NEVER
    assert unknown(word("not-a-number", "other"), NOW, OLDEST) is Unknown.NEVER
