"""The telephone line as pages show it: one look at it for everybody, and each agent's own part of
it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import datetime

from services.desk.actors import DESK
from services.desk.assignment import offers
from services.desk.assignment.offers import OfferView
from services.desk.calls import service as calls
from services.desk.calls.schemas import CallbackView, CallView
from services.desk.context import Desk
from services.desk.live import Live
from services.desk.people import presence
from services.desk.people.presence import AgentState
from services.desk.web.calls.words import MISSED
from shared.clock import utc_now

FRESH = 0.2
"""Seconds that one look at the line is good for, where nothing says that it has changed."""
_LISTED = 2.0
"""Seconds after which customers' messages may have added callbacks. What anybody else does is seen
with the next look."""


@dataclass(frozen=True, slots=True)
class ToCall:
    """Somebody to call back, and all that waits for it, in the order of work."""

    todos: tuple[CallbackView, ...]

    @property
    def first(self) -> CallbackView:
        """What they are called about: the first for which there is a number."""
        return next((todo for todo in self.todos if todo.number), self.todos[0])

    @property
    def others(self) -> tuple[CallbackView, ...]:
        """What else there is to speak about."""
        return tuple(todo for todo in self.todos if todo is not self.first)

    @property
    def since(self) -> datetime:
        """Since when they wait."""
        return min(todo.since for todo in self.todos)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Everything on the line now: the same for every viewer."""

    waiting: tuple[CallView, ...] = ()
    ongoing: tuple[CallView, ...] = ()
    callbacks: tuple[CallbackView, ...] = ()
    team: tuple[AgentState, ...] = ()

    def callback(self, ticket: str) -> CallbackView | None:
        """Returns the callback to make about this ticket; None if there is none."""
        return next((found for found in self.callbacks if found.ticket.id == ticket), None)

    @property
    def people(self) -> tuple[ToCall, ...]:
        """Who is to be called back: everybody once."""
        found: dict[str, list[CallbackView]] = {}
        for todo in self.callbacks:
            found.setdefault(todo.ticket.customer_id, []).append(todo)
        return tuple(ToCall(tuple(todos)) for todos in found.values())

    def call(self, ticket: str) -> CallView | None:
        """Returns the call that is in progress about this ticket, or the caller who waits; None
        if there is neither."""
        return next((call for call in (*self.ongoing, *self.waiting) if call.ticket_id == ticket), None)

    @property
    def on_duty(self) -> tuple[AgentState, ...]:
        """Agents who are there for calls, ready ones first."""
        order = ("ready", "busy", "wrap-up")
        there = (agent for agent in self.team if agent.presence in order)
        return tuple(sorted(there, key=lambda agent: order.index(agent.presence)))


NOBODY = Board()


@dataclass(frozen=True, slots=True)
class Line:
    """One agent's own part: their presence, and the call that they are offered or have."""

    state: AgentState
    call: CallView | None
    waiting: int
    """How many callers are in line."""
    offers: tuple[OfferView, ...] = ()
    """Conversations that they are asked to accept."""

    @property
    def phase(self) -> str:
        """`offered`, `bridging`, `connected` or `wrap-up`; `missed` where an offer lapsed; else
        empty."""
        if self.call is not None:
            return self.call.state
        return "missed" if self.state.presence == "away" and self.state.reason in MISSED else ""

    def left(self, now: datetime | None = None) -> float:
        """Returns the seconds in which the offered call can still be answered."""
        until = self.call.offered_until if self.call else None
        return max(0.0, (until - (now or utc_now())).total_seconds()) if until else 0.0


class Lookout:
    """Looks at the line, and not again within `FRESH` seconds for the same. One per process."""

    def __init__(self, desk: Desk, live: Live) -> None:
        self._desk, self._live = desk, live
        self._lock = asyncio.Lock()
        self._looked = self._listed = 0.0
        self._newest = 0
        """The newest event when callbacks were listed."""
        self.board = NOBODY
        """As it was at the last look."""

    async def look(self, *, since: float = 0.0) -> Board:
        """Returns the current state of the line. `since`: what was read before this moment
        (`time.monotonic`) is too old."""
        async with self._lock:
            if self._looked < max(since, time.monotonic() - FRESH):
                looked = time.monotonic()
                self.board = replace(
                    self.board,
                    waiting=await calls.waiting(self._desk),
                    ongoing=await calls.ongoing(self._desk),
                    team=await presence.states(self._desk),
                )
                if self._listed < max(since, looked - _LISTED) or self._somebody_did():
                    newest = self._live.newest
                    self.board = replace(self.board, callbacks=await calls.callbacks(self._desk))
                    self._listed, self._newest = looked, newest
                self._looked = looked
        return self.board

    def _somebody_did(self) -> bool:
        events = self._live.since(self._newest)
        return events is None or any(event.actor != DESK.stored for event in events)


async def line(desk: Desk, agent: str) -> Line:
    """Reads one agent's own part of the line."""
    return Line(
        await presence.state(desk, agent),
        await calls.current(desk, agent),
        len(await calls.waiting(desk)),
        await offers.of_agent(desk, agent),
    )
