"""X asks for patience after a break, of another kind for each; and polling rests only where nothing
can have been missed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.social.domain.pace import Break, relieved
from services.social.networks.x.pace import before_reconnect
from tests.unit.social.makers import NOW


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Break.NETWORK, [0.25, 0.5, 0.75, 1.0]),
        (Break.HTTP, [5, 10, 20, 40]),
        (Break.LIMIT, [60, 120, 240, 480]),
    ],
)
def test_x_is_left_alone_a_little_longer_after_each_break(kind: Break, expected: list[float]) -> None:
    assert [before_reconnect(kind, attempt, None, NOW, 0) for attempt in (1, 2, 3, 4)] == expected


@given(some.sampled_from(Break), some.integers(1, 10_000), some.floats(0, 1, exclude_max=True))
def test_no_break_keeps_us_away_for_long(kind: Break, attempt: int, chance: float) -> None:
    longest = {Break.NETWORK: 16, Break.HTTP: 320, Break.LIMIT: 960}[kind]
    assert 0 < before_reconnect(kind, attempt, None, NOW, chance) <= longest * 1.25


@given(some.sampled_from(Break), some.integers(1, 50), some.integers(1, 900))
def test_a_reset_that_x_tells_is_obeyed(kind: Break, attempt: int, seconds: int) -> None:
    assert before_reconnect(kind, attempt, NOW + timedelta(seconds=seconds), NOW, 0) >= seconds


def test_polling_rests_only_after_a_look_that_was_made_while_the_stream_was_heard() -> None:
    looked, later = NOW, NOW + timedelta(seconds=60)
    before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    assert relieved(looked, before, later, 600)
    assert not relieved(looked, None, later, 600), "the stream is down"
    assert not relieved(looked, after, later, 600), "it came up after the look: something may lie between"
    assert not relieved(looked, before, NOW + timedelta(seconds=600), 600), "now and then we look all the same"
