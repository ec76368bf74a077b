"""Folds a call from its events.

Webhooks come late, twice and out of order. So a call is no state machine that steps from state to
state: each event is merged into the call (`apply`), merging is commutative, associative and
idempotent, and the state is read off the result. Whatever the order, the same events end in the
same state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any

from services.phone.domain.call_events import (
    Attempted,
    AttemptEnded,
    Begun,
    CallbackAsked,
    CalledBack,
    CallEvent,
    LanguageChosen,
    MenuHeard,
    NotesWritten,
    NotRecorded,
    Over,
    Recorded,
    Stage,
    VoicemailBegun,
    Waiting,
)
from shared.events import CallOutcome, CallState

_OUTCOMES = tuple(CallOutcome)
"""Of two words about one attempt the later in this order counts."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to put an agent on the line, as far as it is known."""

    id: str
    asked_at: datetime
    agent: str = ""
    stage: Stage = Stage.OFFERED
    until: datetime | None = None
    rung_at: datetime | None = None
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    end: CallOutcome | None = None
    detail: str = ""

    @property
    def connected(self) -> bool:
        """Whether agent and customer spoke; no later word of a failure changes that."""
        return self.stage is Stage.CONNECTED

    @property
    def open(self) -> bool:
        """Whether it still goes on, as far as this attempt itself tells."""
        return self.end is None

    @property
    def rings(self) -> bool:
        """Whether a telephone is being called for it."""
        return self.open and self.stage >= Stage.RINGING


@dataclass(frozen=True, slots=True)
class Call:
    """A call, as far as it is known."""

    id: str
    begun: Begun | None = None
    menu_at: datetime | None = None
    chosen: LanguageChosen | None = None
    waiting_since: datetime | None = None
    attempts: dict[str, Attempt] = field(default_factory=dict)
    callback_at: datetime | None = None
    voicemail_at: datetime | None = None
    recording: Recorded | None = None
    not_recorded_at: datetime | None = None
    over: Over | None = None
    notes_at: datetime | None = None
    called_back_at: datetime | None = None

    @property
    def outgoing(self) -> bool:
        """Whether it is a callback."""
        return self.begun is not None and self.begun.outgoing

    @property
    def language(self) -> str:
        """What the caller chose, or else what was guessed; empty while nothing is known."""
        if self.chosen is not None:
            return self.chosen.language
        return self.begun.language if self.begun else ""

    @property
    def newest(self) -> Attempt | None:
        """The attempt that counts: the one that connected, or else rings, or else was asked for
        last."""
        return max(self.attempts.values(), key=lambda a: (a.connected, a.rings, a.asked_at, a.id), default=None)

    @property
    def connected_at(self) -> datetime | None:
        """When agent and customer first spoke."""
        return min((a.connected_at for a in self.attempts.values() if a.connected_at), default=None)

    @property
    def state(self) -> CallState:
        """Where the call stands."""
        return _over(self) if self.over else _going_on(self)

    @property
    def waits(self) -> bool:
        """Whether the caller can be put through to an agent now."""
        return self.state in (CallState.QUEUED, CallState.OFFERED)


_MOMENTS: dict[type[CallEvent], str] = {
    MenuHeard: "menu_at",
    Waiting: "waiting_since",
    CallbackAsked: "callback_at",
    VoicemailBegun: "voicemail_at",
    NotRecorded: "not_recorded_at",
    NotesWritten: "notes_at",
    CalledBack: "called_back_at",
}
"""Facts that are a moment: the earliest one counts."""


def apply(call: Call, event: CallEvent) -> Call:
    """Merges an event into a call."""
    match event:
        case Begun():
            return replace(call, begun=max(call.begun or event, event, key=_begun_order))
        case LanguageChosen():
            return replace(call, chosen=max(call.chosen or event, event, key=lambda one: (one.step, one.language)))
        case Attempted() | AttemptEnded():
            attempt = call.attempts.get(event.request_id) or Attempt(event.request_id, event.asked_at)
            return replace(call, attempts={**call.attempts, attempt.id: _attempt(attempt, event)})
        case Recorded():
            longer = max(call.recording or event, event, key=lambda one: (one.seconds, one.sid, one.url))
            return replace(call, recording=longer)
        case Over():
            known = call.over or event
            return replace(call, over=Over(max(known.status, event.status), min(known.at, event.at)))
        case _:
            name = _MOMENTS[type(event)]
            moments: dict[str, Any] = {name: _earlier(getattr(call, name), event.at)}
            return replace(call, **moments)


def fold(call_id: str, events: Iterable[CallEvent]) -> Call:
    """Folds a call from all its events."""
    return reduce(apply, events, Call(call_id))


def outcome(call: Call, attempt: Attempt) -> CallOutcome | None:
    """Returns the outcome of an attempt, seen from the whole call; None for an offer that nobody
    has answered yet."""
    if attempt.connected:
        return CallOutcome.CONNECTED if attempt.open and not call.over else CallOutcome.COMPLETED
    if attempt.end:
        return attempt.end
    if call.over and not call.outgoing:
        return CallOutcome.CALLER_GONE
    if call.over:
        ready = attempt.stage is Stage.AGENT_READY
        return CallOutcome.CUSTOMER_NO_ANSWER if ready else CallOutcome.AGENT_NO_ANSWER
    return None if attempt.stage is Stage.OFFERED else CallOutcome.ACCEPTED


def _over(call: Call) -> CallState:
    if call.connected_at:
        return CallState.ENDED if call.notes_at else CallState.WRAP_UP
    if call.outgoing or call.called_back_at:
        return CallState.ENDED
    if call.recording:
        return CallState.VOICEMAIL
    if call.callback_at:
        return CallState.CALLBACK_REQUESTED
    if call.voicemail_at and not call.not_recorded_at:
        return CallState.VOICEMAIL
    return CallState.ABANDONED


def _going_on(call: Call) -> CallState:  # noqa: PLR0911 - one line a state
    newest = call.newest
    if newest and newest.connected:
        return CallState.CONNECTED if newest.open else CallState.WRAP_UP
    if call.outgoing:
        return CallState.BRIDGING if newest is None or newest.open else CallState.ENDED
    if newest and newest.rings:
        return CallState.BRIDGING
    if call.voicemail_at:
        return CallState.VOICEMAIL
    if call.callback_at:
        return CallState.CALLBACK_REQUESTED
    if call.waiting_since:
        return CallState.OFFERED if newest and newest.open else CallState.QUEUED
    return CallState.MENU if call.menu_at else CallState.GREETING


def _attempt(known: Attempt, event: Attempted | AttemptEnded) -> Attempt:
    both = replace(known, asked_at=min(known.asked_at, event.asked_at), agent=max(known.agent, event.agent))
    if isinstance(event, AttemptEnded):
        end = max((known.end, known.detail), (event.outcome, event.detail), key=_end_order)
        return replace(both, end=end[0], detail=end[1], ended_at=_earlier(known.ended_at, event.at))
    return replace(
        both,
        stage=max(known.stage, event.stage),
        until=_earlier(known.until, event.until) if event.until else known.until,
        rung_at=_earlier(known.rung_at, event.at) if event.stage is Stage.RINGING else known.rung_at,
        connected_at=_earlier(known.connected_at, event.at) if event.stage is Stage.CONNECTED else known.connected_at,
    )


def _end_order(end: tuple[CallOutcome | None, str]) -> tuple[int, str]:
    return (_OUTCOMES.index(end[0]) if end[0] else -1, end[1])


def _begun_order(begun: Begun) -> tuple[object, ...]:
    """Orders accounts of how a call began: the fuller one counts, the earlier of two equals. A
    status webhook may be the first to tell of a call."""
    fuller = (begun.outgoing, bool(begun.language), begun.verified, begun.ticket_id, begun.about)
    return (*fuller, -begun.at.timestamp(), begun.customer, begun.ours, begun.language)


def _earlier(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else min(known, at)
