"""A limit on tries, in memory: each desk process counts for itself, which only makes an attacker's life a little easier."""

from __future__ import annotations

from collections import OrderedDict

WINDOW = 15 * 60.0
"""Seconds after which a failed try is forgotten."""
_MOST_KEYS = 50_000
"""Bounds memory under an attack from many addresses; the oldest are forgotten first."""


class Limiter:
    """Counts failures per key. `now`: monotonic seconds."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until this key may try again; 0 when it may now."""
        recent = [at for at in self._failures.get(key, ()) if at > now - WINDOW]
        return 0.0 if len(recent) < self._tries else recent[-self._tries] + WINDOW - now

    def fail(self, key: str, now: float) -> None:
        """Note a failure."""
        recent = [at for at in self._failures.pop(key, ()) if at > now - WINDOW]
        self._failures[key] = [*recent, now][-self._tries :]
        while len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)

    def take_back(self, key: str, at: float) -> None:
        """The try noted at `at` was no failure."""
        self._failures[key] = [other for other in self._failures.get(key, ()) if other != at]

    def forget(self, key: str) -> None:
        """A success clears the failures."""
        self._failures.pop(key, None)
