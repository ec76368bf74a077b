"""When something that went wrong at somebody else's server is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from shared.attempts import RetryPolicy, next_attempt

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


def test_pauses_double_with_jitter_and_end_after_a_day() -> None:
    patience = RetryPolicy(first=timedelta(seconds=30), longest=timedelta(hours=1), give_up=timedelta(hours=24))
    waits = [next_attempt(n, NOW, NOW, patience, 0.999999) for n in (1, 2, 3, 12, 99)]
    assert [round((at - NOW).total_seconds()) for at in waits if at] == [30, 60, 120, 3600, 3600]
    first = next_attempt(1, NOW, NOW, patience, 0.0)
    assert first == NOW + timedelta(seconds=15)
    assert next_attempt(30, NOW, NOW + timedelta(hours=24), patience, 0.5) is None


def test_attempts_come_slower_and_slower_and_end() -> None:
    patience = RetryPolicy(first=timedelta(seconds=2), longest=timedelta(seconds=60), give_up=timedelta(hours=1))
    pauses = []
    for attempt in range(1, 9):
        due = next_attempt(attempt, NOW, NOW, patience, 0.999)
        assert due
        pauses.append((due - NOW).total_seconds())
    assert pauses == sorted(pauses)
    assert pauses[-1] <= 60
    assert next_attempt(1, NOW, NOW + timedelta(hours=1), patience, 0.5) is None
