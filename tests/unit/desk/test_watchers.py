"""Who looks at a ticket: as long as a browser says so, and each person once."""

from __future__ import annotations

from typing import Literal

import pytest

from services.desk.watchers import TYPING, VIEWING, Look, Watcher, Watchers

TICKET = "t"


def look(state: Literal["viewing", "typing", "gone"], agent: str = "kim", tab: str = "1") -> Look:
    return Look(TICKET, agent, agent.title(), tab, state)


def test_somebody_who_looks_is_shown_until_nothing_is_heard_of_them() -> None:
    watchers = Watchers()
    assert watchers.hear(look("viewing"), 0)
    assert not watchers.hear(look("viewing"), 20), "nobody has to be told again what they know"
    assert watchers.on(TICKET, 20 + VIEWING - 1) == [Watcher("kim", "Kim", typing=False)]
    assert watchers.expire(20 + VIEWING, before=20) == {TICKET}
    assert watchers.on(TICKET, 20 + VIEWING) == []


def test_somebody_who_stopped_writing_is_told_of_too() -> None:
    watchers = Watchers()
    watchers.hear(look("typing"), 0)
    assert watchers.on(TICKET, TYPING - 1) == [Watcher("kim", "Kim", typing=True)]
    assert watchers.expire(5, before=0) == set()
    assert watchers.expire(TYPING + 1, before=5) == {TICKET}
    assert watchers.on(TICKET, TYPING + 1) == [Watcher("kim", "Kim", typing=False)]


def test_two_tabs_are_one_person_who_is_there_until_the_last_is_closed() -> None:
    watchers = Watchers()
    watchers.hear(look("viewing", tab="1"), 0)
    assert not watchers.hear(look("viewing", tab="2"), 0)
    assert not watchers.hear(look("gone", tab="1"), 1)
    assert watchers.hear(look("gone", tab="2"), 2)
    assert watchers.on(TICKET, 3) == []


@pytest.mark.slow
def test_a_browser_that_invents_tabs_does_not_fill_the_memory() -> None:
    watchers = Watchers()
    for number in range(12_000):
        watchers.hear(Look(str(number), "kim", "Kim", "1", "viewing"), 0)
    assert len(watchers._seen) == 10_000
