"""When X is asked again, and what fits into a post."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.social.domain import pace
from services.social.networks.x.network import XNetwork
from services.social.networks.x.text import problem, same, weighted_length
from tests.unit.social.makers import NOW, access


def test_a_rate_limit_is_obeyed_until_its_reset() -> None:
    reset = NOW + timedelta(minutes=9)
    assert 540 < pace.after_failure(1, reset, NOW, 0.5) < 545
    assert pace.after_success(60, reset, NOW) > 540
    assert pace.after_success(60, None, NOW) == 60
    assert pace.after_success(60, NOW + timedelta(seconds=5), NOW) == 60


def test_a_reset_in_the_past_or_far_away_is_a_broken_header() -> None:
    assert pace.after_failure(1, NOW - timedelta(hours=1), NOW, 0) == 1
    assert pace.after_failure(1, NOW + timedelta(days=900), NOW, 0) <= 24 * 3600 + 1


@given(some.integers(1, 10_000), some.floats(0, 0.999))
def test_after_an_outage_we_are_back_within_two_minutes(attempt: int, random: float) -> None:
    seconds = pace.after_failure(attempt, None, NOW, random)
    assert 1 <= seconds <= pace.LONGEST
    assert pace.after_failure(attempt + 1, None, NOW, random) >= seconds


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("hello", 5),
        ("안녕하세요", 10),
        ("日本", 4),
        ("see https://example.org/a/very/long/path?with=everything#and-more now", 31),
        ("👍", 2),
        ("👩‍👩‍👧‍👦", 2),
        ("👍🏽 ok", 5),
        ("🇰🇷", 2),
        ("e\u0301", 1),
        ("“quoted” – dash", 15),
    ],
)
def test_characters_are_counted_as_x_counts_them(text: str, length: int) -> None:
    assert weighted_length(text) == length


def test_an_agent_is_told_by_how_much_an_answer_is_too_long() -> None:
    assert problem("a" * 280, 280) == ""
    assert "shorten it by 1" in problem("a" * 281, 280)
    assert "shorten it by 2" in problem("가" * 141, 280)
    assert problem("가" * 141, 25_000) == ""
    assert problem(" ", 280)


def test_our_answer_is_recognised_when_it_is_read_back() -> None:
    assert same("Sorry, Ann! See https://example.org/a", "@ann @bob Sorry, Ann!  See https://t.co/xyz")
    assert not same("Sorry, Ann!", "Sorry, Bob!")


def test_whoever_writes_a_public_answer_is_told_how_long_it_may_be() -> None:
    told = XNetwork(access(), longest=25_000).channel.length
    assert told is not None
    assert (told.longest, told.link) == (25_000, weighted_length("https://example.org/a-way"))
    light = {text for text in ("a", "é", "’", "가", "語", "🙂") if any(a <= ord(text) <= b for a, b in told.light)}
    assert light == {text for text in ("a", "é", "’", "가", "語", "🙂") if weighted_length(text) == 1}
