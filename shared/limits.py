"""How often somebody may write, how many may be there at once, and who is somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network


def origin(address: str) -> str:
    """Returns what identifies the owner of an address: an IPv4 address itself, or the whole /64
    of an IPv6 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, 64), strict=False))


@dataclass
class RateLimit:
    """A bucket that fills steadily, so that a burst is fine and a flood is not.

    `per_minute` tokens flow into each key's bucket, which holds that many. 0 sets no limit.

    Times are seconds of any steady clock. Kept in the process: several processes allow several
    times as much.
    """

    per_minute: int
    most_keys: int = 50_000
    """Beyond this those used longest ago are forgotten; about 10 MB."""
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, key: str, now: float) -> float:
        """Takes a token: returns 0 where there was one, else the seconds until there is one."""
        if not self.per_minute:
            return 0
        rate = self.per_minute / 60
        level, then = self._buckets.pop(key, (float(self.per_minute), now))
        level = min(self.per_minute, level + (now - then) * rate)
        short = 0 if level >= 1 else (1 - level) / rate
        self._buckets[key] = (level if short else level - 1, now)
        while len(self._buckets) > self.most_keys:  # in order of last use: the first has drained the longest
            del self._buckets[next(iter(self._buckets))]
        return short


@dataclass
class Seats:
    """How many may be there at once for each key. 0 sets no limit. Kept in the process."""

    most: int
    _taken: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def seat(self, key: str) -> Iterator[bool]:
        """Yields True with a seat taken until the end of the block, or False where there was
        none."""
        if self.most and self._taken[key] >= self.most:
            yield False
            return
        self._taken[key] += 1
        try:
            yield True
        finally:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
