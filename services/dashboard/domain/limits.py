"""How often somebody may write: a bucket that fills steadily, so that a burst is fine and a flood is not."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class RateLimit:
    """`per_minute` tokens flow into each key's bucket, which holds that many. 0 sets no limit.

    Times are seconds of any steady clock. Kept in the process: several processes allow several times as much.
    """

    per_minute: int
    most_keys: int = 50_000
    """Full buckets are forgotten beyond this, about 10 MB."""
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, key: str, now: float) -> float:
        """Take a token: 0 where there was one, else the seconds until there is."""
        if not self.per_minute:
            return 0
        rate = self.per_minute / 60
        level, then = self._buckets.pop(key, (float(self.per_minute), now))
        level = min(self.per_minute, level + (now - then) * rate)
        short = 0 if level >= 1 else (1 - level) / rate
        self._buckets[key] = (level if short else level - 1, now)
        if len(self._buckets) > self.most_keys:
            self._forget(now)
        return short

    def _forget(self, now: float) -> None:
        """Buckets are in order of last use: those untouched for a minute are full, and as good as new."""
        for key, (_, then) in list(self._buckets.items()):
            if now - then < 60 and len(self._buckets) <= self.most_keys:  # noqa: PLR2004 - the minute of `per_minute`
                break
            del self._buckets[key]
