"""What the router is told of a customer."""

from __future__ import annotations

from services.desk.profiles.publishing import observed


def test_of_the_many_channels_that_somebody_tried_those_are_told_that_they_use() -> None:
    stored = {f"channel-{n}": {"messages": n, "last_at": "2026-05-03T12:00:00+00:00"} for n in range(1, 31)}
    assert list(observed(stored)) == [f"channel-{n}" for n in range(30, 10, -1)]
