"""Whoever is served live has the machine; work in bulk goes on slowly meanwhile, and never
stops."""

from __future__ import annotations

from shared.bus.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_bulk_rests_twice_as_long_as_it_worked_while_somebody_was_served_lately() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert (pace.lately, pace.rest(0.02)) == (False, 0.0), "nobody was served yet"
    pace.served()
    clock.now += 9.9
    assert (pace.lately, pace.rest(0.02)) == (True, 0.04)
    clock.now += 0.2
    assert (pace.lately, pace.rest(0.02)) == (False, 0.0), "who was served ten seconds ago has hung up"


def test_a_long_step_is_followed_by_half_a_second_at_most() -> None:
    pace = Pace(Clock())
    pace.served()
    assert pace.rest(30) == 0.5
