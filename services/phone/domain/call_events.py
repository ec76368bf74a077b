"""Events of a call. Each is true for ever, so it does not matter when, or how often, it is
received."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import get_args

from shared.events import CallOutcome, CallRequested
from shared.kernel import ContactPoint


class Stage(IntEnum):
    """How far an attempt to bring an agent and a customer together came."""

    OFFERED = 0
    RINGING = 1
    """The agent's telephone is being called."""
    AGENT_READY = 2
    """In a callback: the agent has pressed 1, the customer's telephone is being called."""
    CONNECTED = 3


@dataclass(frozen=True, slots=True)
class Begun:
    """A call exists."""

    customer: ContactPoint
    ours: str
    """Our number, E.164."""
    language: str
    at: datetime
    outgoing: bool = False
    verified: bool = False
    """The network vouches for the caller's number."""
    ticket_id: str = ""
    about: str = ""
    """The call that a callback answers."""


@dataclass(frozen=True, slots=True)
class MenuHeard:
    """The caller has heard the menu."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LanguageChosen:
    """The caller chose a language. `step` counts the choices: the later one counts, whichever is
    received first."""

    language: str
    step: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The caller waits for a person."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Attempted:
    """An attempt for an agent came so far."""

    request_id: str
    stage: Stage
    at: datetime
    asked_at: datetime
    """When the desk asked: of two attempts the later one counts."""
    agent: str = ""
    until: datetime | None = None
    """When an offer lapses."""


@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """An attempt is over."""

    request_id: str
    outcome: CallOutcome
    at: datetime
    asked_at: datetime
    agent: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CallbackAsked:
    """The caller wants to be called back."""

    at: datetime


@dataclass(frozen=True, slots=True)
class VoicemailBegun:
    """The caller is leaving a message."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Recorded:
    """There is a recording."""

    sid: str
    url: str
    seconds: int


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """There is none, or none came in time."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Over:
    """The caller's line, or the agent's in a callback, is closed. `status`: the provider's word."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class NotesWritten:
    """The agent's work after the call is done."""

    at: datetime


@dataclass(frozen=True, slots=True)
class CalledBack:
    """An agent has spoken to this caller in another call."""

    at: datetime


CallEvent = (
    Begun
    | MenuHeard
    | LanguageChosen
    | Waiting
    | Attempted
    | AttemptEnded
    | CallbackAsked
    | VoicemailBegun
    | Recorded
    | NotRecorded
    | Over
    | NotesWritten
    | CalledBack
)
KINDS: dict[str, type[CallEvent]] = {kind.__name__: kind for kind in get_args(CallEvent)}


def attempted(request: CallRequested, stage: Stage, at: datetime) -> tuple[str, CallEvent]:
    """Makes the event, with its key, that the attempt of a request came so far."""
    event = Attempted(request.id, stage, at, request.requested_at, request.agent)
    return f"attempt:{request.id}:{stage.name.lower()}", event


def ended(request: CallRequested, outcome: CallOutcome, at: datetime, detail: str = "") -> tuple[str, CallEvent]:
    """Makes the event, with its key, that the attempt of a request is over."""
    event = AttemptEnded(request.id, outcome, at, request.requested_at, request.agent, detail)
    return f"attempt:{request.id}:{outcome}", event
