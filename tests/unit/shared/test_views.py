"""What a view keeps of a million customers: all that was told of each, in little memory."""

from __future__ import annotations

import random
import tracemalloc
from datetime import timedelta

import msgspec
import pytest

from shared.bus.entries import RECENT, Entries
from shared.events import Profile
from shared.events.codec import encode
from shared.topics import CUSTOMERS_UPDATED
from tests.benchmarks.views import profile

MANY = RECENT + 500


@pytest.fixture(scope="module")
def profiles() -> list[Profile]:
    chance = random.Random(1)
    return [profile(number, chance) for number in range(MANY)]


@pytest.fixture
def entries(profiles: list[Profile]) -> Entries[Profile]:
    kept = Entries(CUSTOMERS_UPDATED)
    for found in profiles:
        kept.take(found.contact_point.encode(), encode(found))
    return kept


def test_whoever_is_one_of_many_is_known_as_they_were_told(entries: Entries[Profile], profiles: list[Profile]) -> None:
    assert [entries.get(found.contact_point) for found in profiles] == profiles
    assert entries.values() == profiles
    assert len(entries) == MANY


def test_the_newest_that_was_told_of_a_customer_holds(entries: Entries[Profile], profiles: list[Profile]) -> None:
    before = profiles[-1]
    assert entries.get(before.contact_point) == before
    after = msgspec.structs.replace(before, name="Somebody Else")
    entries.take(before.contact_point.encode(), encode(after))
    assert entries.get(before.contact_point) == after
    entries.take(before.contact_point.encode(), b'{"of": "a version that we cannot read"}')
    assert entries.get(before.contact_point) == after
    assert len(entries) == MANY


def test_an_older_word_about_a_customer_that_comes_late_does_not_count(
    entries: Entries[Profile], profiles: list[Profile]
) -> None:
    before = profiles[-1]
    after = msgspec.structs.replace(before, version=before.version + 1, tier="business")
    restored = msgspec.structs.replace(before, updated_at=after.updated_at + timedelta(days=1))
    another = msgspec.structs.replace(before, customer_id="another", version=0)
    for told, holds in ((after, after), (before, after), (restored, restored), (another, another)):
        entries.take(before.contact_point.encode(), encode(told))
        assert entries.get(before.contact_point) == holds


def test_who_writes_again_is_not_decoded_again(entries: Entries[Profile], profiles: list[Profile]) -> None:
    point = profiles[0].contact_point
    assert entries.get(point) is entries.get(point)


def test_somebody_who_is_deleted_is_forgotten_and_takes_no_memory(
    entries: Entries[Profile], profiles: list[Profile]
) -> None:
    told, stranger = entries.held, b"email:stranger@example.org"
    entries.take(stranger, None)
    assert entries.held == told
    entries.take(stranger, encode(profiles[0]))
    entries.take(stranger, encode(profiles[1]))
    assert entries.held > told
    entries.take(stranger, None)
    assert entries.get(stranger.decode()) is None
    assert entries.held == told


def test_the_memory_that_is_told_is_the_memory_that_a_million_take(profiles: list[Profile]) -> None:
    records = [(found.contact_point.encode(), encode(found)) for found in profiles]
    tracemalloc.start()
    try:
        kept, before = Entries(CUSTOMERS_UPDATED), tracemalloc.get_traced_memory()[0]
        for key, value in records:
            kept.take(key, bytes(bytearray(value)))  # as they come from a socket: bytes of their own
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept.held == pytest.approx(taken, rel=0.1)
    assert taken / MANY * 1_000_000 < 750e6, "no room is left for the rest of a router in 1 GB"
