"""A week at a desk of three teams, 40 agents and 20,000 conversations, through the decisions that
the desk makes: at no moment is anything lost, given to who is not there, or more than somebody has
at once."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.desk.assignment.domain import Conversation, Deal, Team, Worker, has_left, in_order
from services.desk.people.domain import CAPACITY, Schedule, Standing, refusal

MONDAY = datetime(2026, 11, 30, 7, tzinfo=UTC)
STEP = timedelta(minutes=5)
TEAMS = (
    Team(name="shop", delivery="push"),
    Team(name="tech", delivery="push", turn="round"),
    Team(name="vip", delivery="push", weight=2),
)
KINDS = (("mail", 0.6, 12), ("chat", 0.2, 8), ("text", 0.12, 4), ("post", 0.08, 5))
"""Share of each kind, and minutes that one takes."""
MOST = 20_000


@dataclass
class Agent:
    """Somebody who comes and goes."""

    worker: Worker
    has: dict[str, Conversation] = field(default_factory=dict)
    given: list[datetime] = field(default_factory=list)

    def now(self, at: datetime) -> Worker:
        load = Counter[str]()
        for each in self.has.values():
            load[each.kind] += next(team.weight for team in TEAMS if team.name == each.team)
        self.given = [when for when in self.given if when > at - timedelta(minutes=1)]
        last = self.given[-1] if self.given else self.worker.assigned_at
        return replace(self.worker, load=load, assigned_at=last, recent=len(self.given))


class Week:
    """Five minutes after five minutes."""

    def __init__(self) -> None:
        self.chance = random.Random(20261130)
        self.agents = {f"a{number:02}": self._agent(f"a{number:02}", number) for number in range(40)}
        self.waiting: dict[str, Conversation] = {}
        self.given_at: dict[str, datetime] = {}
        self.ends: list[tuple[datetime, str, str]] = []
        self.done = Counter[str]()
        self.came = self.back = self.most_waiting = 0

    def _agent(self, own: str, number: int) -> Agent:
        hours = "mon-fri 08:00-12:00,13:00-16:30" if number % 2 else "mon-sun 10:00-14:00,14:30-19:00"
        schedule = Schedule(hours=hours, timezone="Europe/Paris", time_off="2026-12-03" if number % 7 == 0 else "")
        teams = {TEAMS[number % 3].name, *(["tech"] if number % 5 == 0 else [])}
        return Agent(
            Worker(
                id=own,
                standing=Standing(presence="away", schedule=schedule),
                since=MONDAY,
                teams=frozenset(teams),
                languages=frozenset({"en", ("fr", "ko", "de")[number % 3]}) if number % 4 else frozenset(),
                skills={} if number % 3 else {"refunds": 1 + number % 5},
            )
        )

    def step(self, at: datetime) -> None:
        self._presences(at)
        self._ended(at)
        self._arrive(at)
        self._go_back(at)
        self._give(at)

    def _presences(self, at: datetime) -> None:
        for agent in self.agents.values():
            here, works = agent.worker.standing.presence, agent.worker.standing.schedule.works_at(at)
            wants = here
            if here == "away" and works and self.chance.random() < 0.7:
                wants = "ready"
            elif here == "ready" and self.chance.random() < (0.01 if works else 0.4):
                wants = "away"
            if wants != here:
                agent.worker = replace(agent.worker, standing=replace(agent.worker.standing, presence=wants), since=at)

    def _ended(self, at: datetime) -> None:
        while self.ends and self.ends[0][0] <= at:
            _, own, who = heapq.heappop(self.ends)
            if self.agents[who].has.pop(own, None):
                self.done[who] += 1

    def _arrive(self, at: datetime) -> None:
        hour = (at.hour + 1) % 24
        rate = MOST / (timedelta(days=7) * 16 / 24 / STEP) * (1.0 if 6 <= hour < 22 else 0.02)
        for _ in range(min(int(rate * 2 * self.chance.random() + 0.5), MOST - self.came)):
            self.came += 1
            own = f"c{self.came:05}"
            (kind, _, _) = self.chance.choices(KINDS, [share for _, share, _ in KINDS])[0]
            self.waiting[own] = Conversation(
                id=own,
                team=self.chance.choice(TEAMS).name,
                kind=kind,
                language=self.chance.choice(("en", "fr", "ko", "de", "")),
                skills=("refunds",) if self.chance.random() < 0.1 else (),
                rank=self.chance.choice((10, 150, 250, 350)),
                queue_at=at,
            )

    def _go_back(self, at: datetime) -> None:
        for agent in self.agents.values():
            for own, each in list(agent.has.items()):
                who = agent.worker
                if has_left(who.standing, who.since, each.kind, self.given_at[own], each.queue_at, at):
                    self.waiting[own] = agent.has.pop(own)
                    self.back += 1

    def _give(self, at: datetime) -> None:
        self.most_waiting = max(self.most_waiting, len(self.waiting))
        if not self.waiting:
            return
        before = [agent.now(at) for agent in self.agents.values()]
        deal = Deal(before, TEAMS, at)
        room = deal.with_room
        for each in in_order(each for each in self.waiting.values() if each.team in room):
            decision = deal.give(each)
            if decision is None:
                continue
            agent = self.agents[decision.worker]
            assert not refusal(agent.worker.standing, each.kind, at)
            assert each.team in agent.worker.teams
            agent.has[each.id] = self.waiting.pop(each.id)
            agent.given.append(at)
            self.given_at[each.id] = at
            minutes = next(minutes for kind, _, minutes in KINDS if kind == each.kind)
            heapq.heappush(
                self.ends, (at + timedelta(minutes=minutes * (0.5 + self.chance.random())), each.id, agent.worker.id)
            )
        self._holds(at)

    def _holds(self, at: datetime) -> None:
        """The invariant: every open conversation is owned by somebody who accepts work, or in a
        queue; and nobody has more than they can."""
        owned = 0
        for agent in self.agents.values():
            owned += len(agent.has)
            assert not agent.has or not refusal(agent.worker.standing, "mail", at)
            load = agent.now(at).load
            for kind, most in CAPACITY.items():
                assert load.get(kind, 0) <= most
            assert len([when for when in agent.given if when == at]) <= 2 or agent.worker.since <= at - timedelta(
                minutes=5
            )
        assert owned + len(self.waiting) + sum(self.done.values()) == self.came


def test_in_a_whole_week_nothing_is_lost_nor_given_to_who_does_not_accept_it() -> None:
    week = Week()
    for number in range(timedelta(days=7) // STEP):
        week.step(MONDAY + number * STEP)
    assert week.came > MOST * 0.9
    assert sum(week.done.values()) > week.came * 0.9
    assert week.back > 100, "people left in the middle of their work"
    assert week.most_waiting > 50, "and nights had backlogs"
    assert len(week.done) == 40
