"""Many people, one cause. Complaints are compared by the words that can name a cause; nobody's text or ticket is joined
with another's: a burst is a count that an agent sees on each of its tickets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.social.domain.words import content
from shared.kernel import stable_id

_IN_COMMON = 2
"""Words that two complaints must share: one alone is chance."""
_MOST = 24
"""Words of one post that are compared: those that come first name the cause."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint, as far as it is compared."""

    id: str
    author: str
    causes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Burst:
    """`people`: how many complained, this one included; `id`: the same for all of them while the oldest is in the window."""

    id: str
    people: int
    words: tuple[str, ...]


def causes(text: str, ordinary: AbstractSet[str], names: Iterable[str] = ()) -> frozenset[str]:
    """Stems that can name the cause of this complaint: neither ordinary words nor the brand's own names."""
    own = {stem for name in names for stem in content(name)}
    return frozenset([stem for stem in content(text) if stem not in ordinary and stem not in own][:_MOST])


def burst(new: Complaint, earlier: Sequence[Complaint], at_least: int) -> Burst | None:
    """The burst that a complaint belongs to, given those of the window, oldest first; None where there is none."""
    alike = [other for other in earlier if len(new.causes & other.causes) >= _IN_COMMON]
    people = {other.author for other in alike} | {new.author}
    if len(people) < at_least:
        return None
    shared = Counter(word for other in alike for word in new.causes & other.causes)
    words = tuple(word for word, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:3])
    return Burst(stable_id("burst", alike[0].id), len(people), words)
