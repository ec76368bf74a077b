"""From what happened to a ticket to the facts that reports count, and from counts to figures. Pure:
values in, values out.

A fact is what one number counts: a first reply, a resolution, a due time. All facts of a ticket
follow from its timeline, so they can be made anew at any time, and what is learned later corrects
what came before: a reply that did not arrive was none, and a resolution that was taken back at once
was none either. `docs/reference/report-definitions.md` says the same in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.desk.actors import Kind, actor_of
from services.desk.reports.schemas import Figures, Times
from services.desk.tickets.domain import NOT_ARRIVED, SETTLED
from services.desk.timeline import EventView
from shared.events import DeliveryState
from shared.events.desk import (
    AnyChange,
    DeliveryChanged,
    MessageAdded,
    ReplyAdded,
    TicketAnswered,
    TicketAssigned,
    TicketOpened,
    TicketOverflowed,
    TicketReopened,
    TicketRouted,
    TicketStatusChanged,
)
from shared.hours import Hours

OPENED, FIRST, NEXT, MORE, SOLVED, DUE, OPEN, WORK = (
    "opened",
    "first",
    "next",
    "more",
    "solved",
    "due",
    "open",
    "work",
)
"""Kinds of facts. `opened`: a ticket began. `first`, `next`: a reply to somebody who waited;
`more`: a reply to somebody who did not. `solved`: a resolution, `until` when it was reopened.
`due`: an answer that was due, when it came or its time ran out, whatever was first; `until` when
the wait ended. `open`: a time in which a ticket was unsolved and one team's and agent's. `work`: a
time in which somebody waited for this agent."""
SLIP = timedelta(minutes=1)
"""A resolution that an agent takes back within this was none."""


@dataclass(slots=True, kw_only=True)
class Fact:
    """What one number counts."""

    kind: str
    at: datetime
    """When it counts."""
    until: datetime | None = None
    since: datetime | None = None
    """When what it measures began."""
    seconds: int | None = None
    """From `since` to `at`."""
    work_seconds: int | None = None
    """The same, of business hours."""
    met: bool | None = None
    """Of a due time: whether the answer came before it; None while it is awaited."""
    team: str = ""
    agent: str = ""
    """A mail address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a ticket's timeline does not tell."""

    machines: frozenset[str] = frozenset()
    """Messages that no person wrote."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Mails that repeat a reply nobody had read, each with that reply."""
    due: Mapping[str, datetime] = field(default_factory=dict)
    """By reply: when the wait that it ended had been due."""
    due_now: datetime | None = None
    """When an answer is due to the customer who waits now."""


@dataclass(slots=True)
class _Wait:
    since: datetime
    due: datetime | None = None


@dataclass(slots=True)
class _Stopped:
    """A wait that ended because the ticket was settled."""

    wait: _Wait
    writes: int
    missed: Fact | None


def facts(events: Iterable[EventView], known: Known, hours: Hours) -> list[Fact]:
    """Returns all facts of one ticket. events: its timeline, in the order of `seq`."""
    told = [(event, change) for event in events if (change := event.change)]
    ticket = _Ticket(known, _lost([change for _, change in told], known))
    for event, change in told:
        ticket.take(event, change)
    return [_timed(fact, hours) for fact in ticket.standing()]


def _lost(changes: Sequence[AnyChange], known: Known) -> frozenset[str]:
    """Returns the replies that did not reach the customer, or may not have."""
    states = {change.message_id: change.state for change in changes if isinstance(change, DeliveryChanged)}
    lost = {reply for reply, state in states.items() if state in NOT_ARRIVED}
    for copy, reply in known.copies.items():
        read = states.get(reply) == DeliveryState.DELIVERED.value
        lost -= {reply}
        lost |= {reply} if copy in lost and not read else set()
    return frozenset(lost)


class _Ticket:
    """A ticket as its timeline is read."""

    def __init__(self, known: Known, lost: frozenset[str]) -> None:
        self._known, self._lost = known, lost
        self._facts: list[Fact] = []
        self._void: list[Fact] = []
        self._opened: Fact | None = None
        self._team, self._agent, self._routed = "", "", False
        self._since: datetime | None = None
        """Since when it is unsolved."""
        self._solved: Fact | None = None
        self._wait: _Wait | None = None
        self._stopped: _Stopped | None = None
        self._answered = False
        self._writes = 0
        """Messages and replies so far."""
        self._lost_at: datetime | None = None
        """When the last reply was written, if it did not arrive."""
        self._open: Fact | None = None
        self._work: Fact | None = None

    def take(self, event: EventView, change: AnyChange) -> None:  # noqa: C901, PLR0912 - a change each
        """Reads the next event."""
        at = event.at
        match change:
            case TicketOpened():
                self._opened = self._add(OPENED, at)
                self._since = at
            case TicketRouted() if not self._routed:
                self._moved(change.team)
                self._routed = True
            case TicketAssigned():
                if change.team is not None:
                    self._moved(change.team)
                if change.assignee is not None:
                    self._agent = change.assignee
                    if self._opened and not self._opened.agent:
                        self._opened.agent = self._agent
            case TicketOverflowed():
                self._moved(change.team)
            case MessageAdded():
                self._wrote(change, at)
            case ReplyAdded() if change.message_id not in self._known.copies:
                self._replied(change, at, event.actor)
            case TicketAnswered():
                self._answer(at, event.actor, _time(change.due_at))
            case TicketReopened():
                self._reopened(at, slip=False, goes_on=change.why != "message")
            case TicketStatusChanged() if change.to not in SETTLED:
                self._reopened(at, slip=True, goes_on=True)
            case TicketStatusChanged():
                self._settled(change, at, event.actor)
        self._hold(at)

    def standing(self) -> list[Fact]:
        """Returns the facts that count in the end."""
        if self._known.due_now:
            self._add(DUE, self._known.due_now)
        void = {id(fact) for fact in self._void}
        return [fact for fact in self._facts if id(fact) not in void]

    def _add(self, kind: str, at: datetime, agent: str | None = None, since: datetime | None = None) -> Fact:
        who = self._agent if agent is None else agent
        fact = Fact(kind=kind, at=at, team=self._team, agent=who, since=since)
        self._facts.append(fact)
        return fact

    def _moved(self, team: str) -> None:
        self._team = team
        if self._opened and not self._routed:
            self._opened.team = team

    def _wrote(self, message: MessageAdded, at: datetime) -> None:
        first = self._opened is not None and not self._writes
        self._writes += 1
        if message.message_id in self._known.machines and not first:
            return
        if self._wait is None:
            self._wait = _Wait(at)
        self._wait.since = min(self._wait.since, at)

    def _replied(self, reply: ReplyAdded, at: datetime, actor: str) -> None:
        self._writes += 1
        due = _time(reply.due_at) or self._known.due.get(reply.message_id)
        if reply.message_id not in self._lost:
            self._lost_at = None
            self._answer(at, actor, due)
        else:
            self._lost_at = at
            if self._wait:
                self._wait.due = _earliest(self._wait.due, due)

    def _answer(self, at: datetime, actor: str, due: datetime | None) -> None:
        who, waited = _person(actor), self._wait
        if self._opened and not self._answered:
            self._add(FIRST, at, who, self._opened.at)
        elif waited:
            self._add(NEXT, at, who, waited.since)
        else:
            self._add(MORE, at, who)
        self._answered = True
        if waited:
            self._ended(at, _earliest(waited.due, due), who)
        self._wait = self._stopped = None

    def _ended(self, at: datetime, due: datetime | None, who: str | None = None) -> Fact | None:
        """Keeps what became of a due time. who: answered; None: nobody did, and before it was due
        nobody had to any more, which says nothing."""
        if due is None or (due > at and who is None):
            return None
        fact = self._add(DUE, min(due, at), who)
        fact.until, fact.met = at, due > at
        return fact

    def _settled(self, change: TicketStatusChanged, at: datetime, actor: str) -> None:
        if change.before in SETTLED or self._since is None or at == self._lost_at:
            return
        who = self._agent or _person(actor)
        self._solved = self._add(SOLVED, at, who, self._since)
        if self._wait and change.waiting_since:  # else it was settled in the belief that a reply had arrived
            self._wait.due = _earliest(self._wait.due, _time(change.due_at))
            self._stopped = _Stopped(self._wait, self._writes, self._ended(at, self._wait.due))
            self._wait = None
        self._since = None

    def _reopened(self, at: datetime, *, slip: bool, goes_on: bool) -> None:
        """Opens it again. slip: by an agent, who may have solved it by mistake; goes_on: the wait
        that was stopped was never over."""
        if self._since is not None:
            return
        solved, self._solved, self._since = self._solved, None, at
        if solved:
            if slip and at - solved.at <= SLIP:
                self._void.append(solved)
                self._since = solved.since
            else:
                solved.until = max(at, solved.at)
        stopped, self._stopped = self._stopped, None
        if goes_on and stopped and stopped.writes == self._writes:
            self._wait = stopped.wait
            if stopped.missed:
                self._void.append(stopped.missed)

    def _hold(self, at: datetime) -> None:
        """Keeps in whose hands it is, and for whom somebody waits."""
        here = self._since is not None
        if self._open and (not here or (self._open.team, self._open.agent) != (self._team, self._agent)):
            self._close(self._open, at)
            self._open = None
        if here and not self._open:
            self._open = self._add(OPEN, at, since=self._since)
        waits = here and self._wait is not None and bool(self._agent)
        if self._work and (not waits or self._work.agent != self._agent):
            self._close(self._work, at)
            self._work = None
        if waits and not self._work:
            self._work = self._add(WORK, at)

    def _close(self, fact: Fact, at: datetime) -> None:
        fact.until = max(at, fact.at)
        if fact.until == fact.at:
            self._void.append(fact)


def _person(actor: str) -> str:
    """Returns the mail address of an agent; empty for programs and services."""
    found = actor_of(actor)
    return found.id if found.kind is Kind.AGENT else ""


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _earliest(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time), default=None)


def _timed(fact: Fact, hours: Hours) -> Fact:
    if fact.kind in (FIRST, NEXT, SOLVED) and fact.since:
        fact.seconds = max(0, int((fact.at - fact.since).total_seconds()))
        fact.work_seconds = int(hours.between(fact.since, fact.at).total_seconds())
    return fact


# From counts to figures


def shown(seconds: int) -> int:
    """Rounds a duration down to what people are shown of it: seconds below an hour, then minutes,
    from a day on hours. `repository.shown` is the same for PostgreSQL."""
    step = 1 if seconds < 3600 else 60 if seconds < 86_400 else 3600
    return seconds - seconds % step


def figures_of(rows: Mapping[str, Any]) -> Figures:
    """Returns what follows from counts by kind of fact, each with `many`, `told` (resolutions that
    were reopened, due times that were kept) and `times` (median and 90th percentile)."""

    def many(*kinds: str) -> int:
        return sum(rows[kind].many for kind in kinds if kind in rows)

    def took(kind: str) -> Times:
        half, most = (rows[kind].times if kind in rows else None) or (None, None)
        if half is None or most is None:
            return Times(count=many(kind))
        return Times(count=many(kind), half=shown(half), most=shown(most))

    return Figures(
        new=many(OPENED),
        replies=many(FIRST, NEXT, MORE),
        first_reply=took(FIRST),
        next_reply=took(NEXT),
        resolution=took(SOLVED),
        reopened=rows[SOLVED].told if SOLVED in rows else 0,
        due=many(DUE),
        met=rows[DUE].told if DUE in rows else 0,
    )
