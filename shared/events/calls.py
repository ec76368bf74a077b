"""A telephone call: how far it is, and what the desk asks the phone service to do with it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from shared.events.base import Event
from shared.kernel import ContactPoint


class CallState(StrEnum):
    """How far a call is."""

    GREETING = "greeting"
    MENU = "menu"
    QUEUED = "queued"
    """The caller waits and hears the position."""
    OFFERED = "offered"
    """The caller waits, and the desk shows the call to an agent."""
    BRIDGING = "bridging"
    """An agent's telephone rings; it counts as answered only when the agent has pressed 1."""
    CONNECTED = "connected"
    WRAP_UP = "wrap-up"
    """They have spoken; the agent's notes are left."""
    VOICEMAIL = "voicemail"
    CALLBACK_REQUESTED = "callback-requested"
    ABANDONED = "abandoned"
    """The caller hung up before anybody spoke to them: there is a callback to make."""
    ENDED = "ended"


class CallAction(StrEnum):
    """What the desk asks for."""

    OFFER = "offer"
    """Note that `agent` is being shown this call. Nothing rings yet."""
    PLACE = "place"
    """Tell the caller `position` and `expected_wait` from now on: the desk knows the order in which
    calls are served."""
    CONNECT = "connect"
    """`agent` has accepted: put the caller through to `agent_at`."""
    CALL_BACK = "call-back"
    """Call `agent_at`, and when the agent has pressed 1, call `customer`."""
    HANG_UP = "hang-up"
    FINISH = "finish"
    """The agent's notes are written: the call is ended."""


class CallRequested(Event, frozen=True, kw_only=True):
    """On `calls-requested`, from the desk."""

    id: str
    """Its answer carries it as `request_id`; the same id again does nothing."""
    action: CallAction
    call_id: str
    """As in `CallChanged`. For a callback: a new id that the desk makes; or empty, then the
    request's own id is taken."""
    requested_at: datetime
    expires_at: datetime | None = None
    """After this it is not begun any more; none: the phone service's own patience (20 s for
    `connect`)."""
    agent: str = ""
    """Mail address of the agent, as shown in `CallChanged`."""
    agent_at: ContactPoint | None = None
    """Where the agent answers: `tel:+33…` (their own telephone, with press 1) or
    `client:<identity>` (softphone)."""
    ticket_id: str = ""
    customer: ContactPoint | None = None
    """For a callback: whom to call."""
    language: str = ""
    about: str = ""
    """For a callback: the call that it answers, where there was one."""
    position: int = 0
    expected_wait: int = 0
    """Seconds; 0 where nobody knows."""


class CallOutcome(StrEnum):
    """What became of a request."""

    ACCEPTED = "accepted"
    """Done, or on its way: for `connect` and `call-back` the agent's telephone rings."""
    CONNECTED = "connected"
    """Agent and customer speak."""
    COMPLETED = "completed"
    """They spoke, and it is over."""
    AGENT_NO_ANSWER = "agent-no-answer"
    """No answer in time, busy, or nobody pressed 1: a voicemail, perhaps. An incoming caller is
    back in the queue."""
    CUSTOMER_NO_ANSWER = "customer-no-answer"
    CALLER_GONE = "caller-gone"
    TOO_LATE = "too-late"
    """It had expired, or another agent was faster."""
    FAILED = "failed"
    """`detail` says why."""
    UNCERTAIN = "uncertain"
    """A crash came between asking the provider and its answer; it is not tried again by itself."""


class CallChanged(Event, frozen=True, kw_only=True):
    """On `calls-changed`: where a call stands now. Each is complete by itself; one with a lower
    `version` is older."""

    id: str
    call_id: str
    """`InboundMessage.thread.conversation` of its ticket: the provider's CallSid, or the id that a
    callback was asked with."""
    version: int
    """Grows by one with each change of this call."""
    state: CallState
    at: datetime
    direction: str = "in"
    """`in`, or `out` for a callback."""
    customer: ContactPoint | None = None
    """`call:<call id>` where the number was withheld."""
    recipient: str = ""
    """Our number, E.164."""
    language: str = ""
    ticket_id: str = ""
    """Set for callbacks; otherwise the router's decision on the call's message tells."""
    message_id: str = ""
    """The `InboundMessage` with which the caller began to wait; empty before."""
    waiting_since: datetime | None = None
    """The caller's place in the queue; a callback that was asked for keeps it."""
    connected_at: datetime | None = None
    ended_at: datetime | None = None
    agent: str = ""
    """Who is offered it, is rung, or speaks."""
    request_id: str = ""
    """The newest request about an agent, and below what became of it."""
    outcome: CallOutcome | None = None
    detail: str = ""
    """For people."""
