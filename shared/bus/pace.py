"""How fast work in bulk may go on while somebody is served live: the machine's cores are for them
first, and for all that serves them elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable

FEW = 25
"""Records at a time while somebody was served lately."""
_LATELY = 10.0
"""Seconds: a caller who pressed a key presses the next one by then."""
_SHARE, _MOST = 2.0, 0.5
"""Rests are twice as long as the work before, and of half a second at most. Measured by
`make bench SECTION=calls`: a call's way to an agent took 2.8 times as long in a flood as without
one, 1.5 with rests as long as the work, and 1.2 with these."""


class Pace:
    """Who was served when, in one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._last = clock, float("-inf")

    def served(self) -> None:
        """Notes that somebody is served live, or just was."""
        self._last = self._clock()

    @property
    def lately(self) -> bool:
        """Whether that was so lately: whatever is begun should be short."""
        return self._clock() - self._last < _LATELY

    def rest(self, worked: float) -> float:
        """Returns the seconds to rest after so many seconds of work in bulk."""
        return min(_SHARE * worked, _MOST) if self.lately else 0.0
