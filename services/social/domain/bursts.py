"""Many people, one cause. Complaints are compared by the words that can name a cause; nobody's text
or ticket is joined with another's: a burst is a count that an agent sees on each of its tickets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from services.social.domain.words import content
from shared.kernel import stable_id

_IN_COMMON = 2
"""Words that two complaints must share: one alone is chance."""
_MOST = 24
"""Words of one post that are compared: those that come first name the cause."""
_NAMED = 20
"""Earlier posts of a burst that are named on each later one."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One complaint, as far as it is compared. `burst`: the id of its burst where it is known."""

    id: str
    author: str
    causes: frozenset[str]
    burst: str = ""


@dataclass(frozen=True, slots=True)
class Burst:
    """What one complaint shares with earlier ones. The first of them were told to nobody as a
    burst, so each later one names them."""

    id: str
    """The same for all posts of a burst, also once its first are out of the window."""
    people: int
    """How many complained, this one included."""
    words: tuple[str, ...]
    first: tuple[str, ...]
    """Ids of its earliest posts, oldest first, at most 20."""
    joined: frozenset[str]
    """Ids of earlier posts that are known only now to belong to it."""


def causes(text: str, ordinary: AbstractSet[str], names: Iterable[str] = ()) -> frozenset[str]:
    """Returns the stems that can name a complaint's cause: no ordinary words, no brand's names."""
    own = {stem for name in names for stem in content(name)}
    return frozenset([stem for stem in content(text) if stem not in ordinary and stem not in own][:_MOST])


def burst(new: Complaint, earlier: Sequence[Complaint], at_least: int) -> Burst | None:
    """Returns a complaint's burst, if any. `earlier`: those of the window, oldest first."""
    alike = [other for other in earlier if len(new.causes & other.causes) >= _IN_COMMON]
    people = {other.author for other in alike} | {new.author}
    if len(people) < at_least:
        return None
    known = Counter(other.burst for other in alike if other.burst)
    name = known.most_common(1)[0][0] if known else stable_id("burst", alike[0].id)
    joined = frozenset(other.id for other in alike if not other.burst)
    members = [other.id for other in earlier if other.burst == name or other.id in joined]
    shared = Counter(word for other in alike for word in new.causes & other.causes)
    words = tuple(word for word, _ in sorted(shared.items(), key=lambda item: (-item[1], item[0]))[:3])
    return Burst(name, len(people), words, tuple(members[:_NAMED]), joined)


class Window:
    """The complaints of some time, oldest first, to which new ones are added. `joined`: burst by
    earlier complaint, where that became known only by a later one."""

    def __init__(self, complaints: Sequence[Complaint], at_least: int) -> None:
        self._complaints, self._at_least = list(complaints), at_least
        self.joined: dict[str, str] = {}

    def add(self, new: Complaint) -> Burst | None:
        """Adds a complaint; returns the burst that it belongs to; None where there is none."""
        found = burst(new, self._complaints, self._at_least)
        if found:
            self.joined |= dict.fromkeys(found.joined, found.id)
            self._complaints = [replace(one, burst=self.joined.get(one.id, one.burst)) for one in self._complaints]
        self._complaints.append(replace(new, burst=found.id if found else ""))
        return found
