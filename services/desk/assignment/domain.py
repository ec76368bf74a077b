"""Who gets which conversation, and why nobody else does. Pure: a snapshot goes in, decisions come
out, and the same snapshot gives the same decisions again.

Conversations are given in the order of priority, then age. Of a team's members who accept this kind
of work, have the skills that are still asked for, speak the language and have room, the one with
the most spare share gets it, then who has the higher levels, then who was given something longest
ago; or, where the team goes round, who was given something longest ago.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heapreplace

import msgspec

from services.desk.people.domain import CAPACITY, USUAL_LEVEL, Standing, refusal

PULL, PUSH = "pull", "push"
"""`pull`: members take from the queue; `push`: conversations are given to them."""
SPARE, ROUND = "spare", "round"
ACCEPTED_FIRST = ("chat",)
"""Kinds of work that somebody has to accept in time, as somebody is there and waits."""
RAMP_FOR, RAMP_MOST, RAMP_PER = timedelta(minutes=5), 2, timedelta(minutes=1)
"""Whoever became ready just now is given this many in each minute: the night's backlog does not
fall on the first to come."""
_LEFT = ("away", "off-hours")
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """How a team gets its work."""

    name: str
    delivery: str = PULL
    turn: str = SPARE
    weight: int = 1
    """Of its conversations, in what somebody has at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An open ticket whose customer waits."""

    id: str
    team: str
    kind: str = "mail"
    language: str = ""
    skills: tuple[str, ...] = ()
    """Still asked for."""
    rank: int = 0
    """The smaller, the more urgent."""
    queue_at: datetime
    asked: Mapping[str, datetime] = field(default_factory=dict)
    """Agents who were offered it in vain, and until when they are not asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """Somebody who may get work."""

    id: str
    standing: Standing
    since: datetime
    """Since when they have their presence."""
    teams: frozenset[str] = frozenset()
    skills: Mapping[str, int] = field(default_factory=dict)
    """Levels; empty: all."""
    languages: frozenset[str] = frozenset()
    """Empty: all."""
    capacity: Mapping[str, int] = field(default_factory=lambda: CAPACITY)
    load: Mapping[str, int] = field(default_factory=dict)
    """Weight of what they have, by kind of work, with what they are being offered."""
    assigned_at: datetime | None = None
    """When they were last given something."""
    recent: int = 0
    """What they were given within the last `RAMP_PER`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A decision: this agent gets, or is offered, this conversation."""

    conversation: str
    worker: str
    offered: bool
    share: float
    """Of their capacity that was taken before."""
    able: int
    """How many could have got it."""
    foreign: bool
    """Nobody there speaks its language."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a pass was decided on."""

    at: datetime
    conversations: tuple[Conversation, ...]
    workers: tuple[Worker, ...]
    teams: tuple[Team, ...]

    def decided(self) -> list[Given]:
        """Decides once more."""
        return decide(self.conversations, self.workers, self.teams, self.at)

    def verdicts(self, conversation: str) -> dict[str, str]:
        """Returns why each agent did not get this conversation, when it was its turn; empty for
        one that is not here."""
        deal = Deal(self.workers, self.teams, self.at)
        for each in in_order(self.conversations):
            if each.id == conversation:
                return deal.verdicts(each)
            deal.give(each)
        return {}


def in_order(conversations: Iterable[Conversation]) -> list[Conversation]:
    """Sorts conversations into the order in which they are given."""
    return sorted(conversations, key=lambda each: (each.rank, each.queue_at, each.id))


def decide(
    conversations: Iterable[Conversation], workers: Iterable[Worker], teams: Iterable[Team], now: datetime
) -> list[Given]:
    """Decides for all of these at once, in order."""
    deal = Deal(workers, teams, now)
    return [given for each in in_order(conversations) if (given := deal.give(each))]


def has_left(
    owner: Standing, since: datetime, kind: str, given_at: datetime | None, waiting_since: datetime, now: datetime
) -> str:
    """Returns why a conversation goes back to its team, whose owner does not accept work any more:
    `away`, `off-hours`; empty where it stays. `since`: when they got the presence that they have.
    What was given by hand to somebody who was not there stays theirs until the customer waits
    anew."""
    why = refusal(owner, kind, now)
    if why not in _LEFT:
        return ""
    given = given_at or _NEVER
    if waiting_since > given:
        return why
    if why == "away":
        return why if since > given else ""
    return why if refusal(owner, kind, given) != why else ""


class Deal:
    """Gives one conversation after another; each that is given counts for the next ones."""

    def __init__(self, workers: Iterable[Worker], teams: Iterable[Team], now: datetime) -> None:
        self._now = now
        self._teams = {team.name: team for team in teams}
        self._hands = [_Hand(worker) for worker in workers]
        self._lines: dict[tuple[str, str, str, tuple[str, ...]], _Line] = {}
        self._count = 0
        self._free = Counter(name for hand in self._hands if hand.is_free(now) for name in hand.worker.teams)

    def give(self, conversation: Conversation) -> Given | None:
        """Gives a conversation to somebody; None where nobody can get it now."""
        team = self._teams.get(conversation.team) or Team(name=conversation.team)
        key = (conversation.team, conversation.kind, conversation.language, conversation.skills)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line(self._hands, conversation, team, self._now)
        hand = line.next(conversation.asked, self._now)
        if hand is None:
            return None
        given = Given(
            conversation=conversation.id,
            worker=hand.worker.id,
            offered=conversation.kind in ACCEPTED_FIRST,
            share=round(hand.share, 4),
            able=line.able,
            foreign=line.foreign,
        )
        self._count += 1
        was_free = hand.is_free(self._now)
        hand.take(conversation.kind, team.weight, self._now + timedelta(microseconds=self._count))
        if was_free and not hand.is_free(self._now):
            self._free.subtract(hand.worker.teams)
        return given

    def verdicts(self, conversation: Conversation) -> dict[str, str]:
        """Returns why each agent does not get this conversation now, by id: `team`, what `refusal`
        says, `skills`, `language`, `asked`, `full`, `ramp`; empty: they could get it."""
        team = self._teams.get(conversation.team) or Team(name=conversation.team)
        line = _Line(self._hands, conversation, team, self._now)
        return {hand.worker.id: line.why_not(hand, conversation.asked, self._now) for hand in self._hands}

    @property
    def staffed(self) -> frozenset[str]:
        """Teams of which somebody accepts work, though they may have no room."""
        there = (each.worker for each in self._hands if any(not each.refuses(kind, self._now) for kind in CAPACITY))
        return frozenset(team for worker in there for team in worker.teams)

    @property
    def with_room(self) -> frozenset[str]:
        """Teams of which somebody could get anything at all."""
        return frozenset(name for name, hands in self._free.items() if hands)


@dataclass(slots=True)
class _Hand:
    """What somebody has while conversations are given."""

    worker: Worker
    load: dict[str, int] = field(init=False)
    share: float = field(init=False)
    assigned_at: datetime = field(init=False)
    recent: int = field(init=False)

    def __post_init__(self) -> None:
        self.load = dict(self.worker.load)
        self.assigned_at = self.worker.assigned_at or _NEVER
        self.recent = self.worker.recent
        self._weigh()

    def _weigh(self) -> None:
        most = self.worker.capacity
        self.share = sum(self.load.get(kind, 0) / most[kind] for kind in CAPACITY if most.get(kind))

    def take(self, kind: str, weight: int, at: datetime) -> None:
        self.load[kind] = self.load.get(kind, 0) + weight
        self.assigned_at, self.recent = at, self.recent + 1
        self._weigh()

    def has_room(self, kind: str, weight: int) -> bool:
        """Whether something of this weight goes in; what is heavier than all that they can have
        does where they have nothing."""
        most, has = self.worker.capacity.get(kind, 0), self.load.get(kind, 0)
        return has + weight <= most or (has == 0 and most > 0)

    def is_ramped(self, now: datetime) -> bool:
        return self.recent >= RAMP_MOST and self.worker.since > now - RAMP_FOR

    def refuses(self, kind: str, now: datetime) -> str:
        return refusal(self.worker.standing, kind, now)

    def is_free(self, now: datetime) -> bool:
        """Whether they could get anything at all."""
        if self.is_ramped(now):
            return False
        return any(self.has_room(kind, 1) and not self.refuses(kind, now) for kind in CAPACITY)


class _Line:
    """Those who may get conversations that ask for the same, the next one first. Nobody's place
    gets better while conversations are given: an entry that is out of date is put right when it
    comes up."""

    def __init__(self, hands: Sequence[_Hand], asks: Conversation, team: Team, now: datetime) -> None:
        self._asks, self._team = asks, team
        there = [hand for hand in hands if not self._lacks(hand, now)]
        speaking = [hand for hand in there if self._speaks(hand)]
        self.foreign = bool(there) and not speaking
        chosen = there if self.foreign else speaking
        self.able = len(chosen)
        self._heap = [(self._place(hand), hand.worker.id, hand) for hand in chosen]
        heapify(self._heap)

    def next(self, asked: Mapping[str, datetime], now: datetime) -> _Hand | None:
        """Returns who gets the next one; of those who let it go before, nobody too soon, and
        nobody while there is another one."""
        if asked:
            may = [entry for entry in self._heap if not self._why_full(entry[2], asked, now)]
            return min(may, key=lambda each: (asked.get(each[1], _NEVER), self._place(each[2])), default=(0, 0, None))[
                2
            ]
        while self._heap:
            place, _, hand = self._heap[0]
            if self._why_full(hand, asked, now):
                heappop(self._heap)
            elif (current := self._place(hand)) != place:
                heapreplace(self._heap, (current, hand.worker.id, hand))
            else:
                return hand
        return None

    def why_not(self, hand: _Hand, asked: Mapping[str, datetime], now: datetime) -> str:
        """Returns why somebody does not get it; empty where they could."""
        if lacks := self._lacks(hand, now):
            return lacks
        if not self._speaks(hand) and not self.foreign:
            return "language"
        return self._why_full(hand, asked, now)

    def _lacks(self, hand: _Hand, now: datetime) -> str:
        who = hand.worker
        if self._team.name not in who.teams:
            return "team"
        if why := hand.refuses(self._asks.kind, now):
            return why
        return "skills" if who.skills and not set(self._asks.skills) <= set(who.skills) else ""

    def _speaks(self, hand: _Hand) -> bool:
        spoken, asked = hand.worker.languages, self._asks.language
        return not asked or not spoken or asked in spoken

    def _why_full(self, hand: _Hand, asked: Mapping[str, datetime], now: datetime) -> str:
        if asked.get(hand.worker.id, _NEVER) > now:
            return "asked"
        if not hand.has_room(self._asks.kind, self._team.weight):
            return "full"
        return "ramp" if hand.is_ramped(now) else ""

    def _place(self, hand: _Hand) -> tuple[float, int, datetime]:
        if self._team.turn == ROUND:
            return 0.0, 0, hand.assigned_at
        levels = sum(hand.worker.skills.get(skill, USUAL_LEVEL) for skill in self._asks.skills)
        return hand.share, -levels, hand.assigned_at
