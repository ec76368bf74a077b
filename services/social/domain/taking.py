"""Whether a model made from corrections is put to use."""

from __future__ import annotations

from math import sqrt

_CHANCE = 2.0
"""Standard deviations: a difference below is chance (McNemar, "Note on the sampling error of the
difference between correlated proportions", 1947)."""


def taken(before: float, after: float, put_right: int, put_wrong: int) -> tuple[bool, str]:
    """Decides whether a new model replaces the old one, and why. `before`, `after`: F1 of both on
    the company's own corrections, which neither has seen: these decide. `put_right`, `put_wrong`:
    posts of others on which the models differ, which may refuse it only where the new one is
    clearly worse: they are few, and not the company's."""
    if after <= before:
        return False, "does not do better on held-back corrections"
    if put_wrong - put_right > _CHANCE * sqrt(put_wrong + put_right):
        return False, "does better on held-back corrections, but is clearly worse in general"
    return True, "does better on held-back corrections"
