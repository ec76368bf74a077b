"""What commands do to a ticket: since when its customer waits, who has it, where it stands in the queue.

Pure: a ticket, a command and the time give the ticket afterwards and what has to follow. A reply that did not arrive is no reply: the
wait that it ended is kept with it, and goes on as though it had never been written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from services.desk.tickets.domain import SETTLED, Ticket, Wait, is_late, resumed, snippet
from services.desk.tickets.escalation import elsewhere, widened

DESK = "desk"
"""The actor of what nobody did by hand."""
_CLOCK = ("waiting_since", "due_at")


@dataclass(frozen=True, slots=True)
class Assignee:
    """An agent, or nobody."""

    id: str | None = None
    email: str = ""
    name: str = ""


# Commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An agent, or a program, answers the customer."""

    message: str
    text: str
    actor: str
    channel: str
    to: str
    status: str
    """Afterwards."""
    taker: Assignee | None = None
    """Who has the ticket from now on if nobody has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Somebody writes for the team."""

    message: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Somebody says where the ticket stands."""

    status: str
    actor: str
    stopped: Mapping[str, str] = field(default_factory=dict)
    """Of a settled ticket: the data of the event that settled it, which keeps the clock that was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Somebody gives the ticket to an agent, to a team, or back to its queue. None leaves that as it is."""

    actor: str
    assignee: Assignee | None = None
    team: str | None = None
    why: Mapping[str, str] = field(default_factory=dict)
    """What else the event says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """Somebody spoke with the customer at this moment."""

    at: datetime
    actor: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailed:
    """A reply did not reach the customer, or may not have."""

    message: str
    at: datetime
    """When it was written."""
    state: str
    ended: Wait | None = None
    """The wait that it ended."""
    later: str = ""
    """The newest reply after it that is not known to have failed; empty where there is none."""
    later_ended: Wait | None = None
    """The wait that that one ended."""
    first: datetime | None = None
    """When the first of the other replies was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryArrived:
    """A reply of which that was not known has reached the customer after all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The ticket goes its own way, and is never grouped again."""

    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Time has passed: skills are no longer asked for, or the next team gets the ticket."""


Command: TypeAlias = (
    Reply | Note | SetStatus | Assign | CallAnswered | DeliveryFailed | DeliveryArrived | Leave | Escalate
)

# Events


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry of the timeline."""

    kind: str
    at: datetime
    actor: str
    data: dict[str, str]


@dataclass(frozen=True, slots=True)
class AnsweredLate:
    """The customer was kept waiting beyond what they were promised, until this moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The router has to know."""


@dataclass(frozen=True, slots=True)
class WaitKept:
    """The wait that a reply ended is kept with it; None where it ended none, or no longer matters."""

    message: str
    wait: Wait | None


@dataclass(frozen=True, slots=True)
class RepliesStand:
    """Replies written until this moment ended their waits for good."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LeadPassed:
    """An open ticket was answered alone or is open no more: what stands under it needs another leader."""

    actor: str


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """The leaders of its group may have to rise."""


Event: TypeAlias = Recorded | AnsweredLate | ProfileChanged | WaitKept | RepliesStand | LeadPassed | PriorityChanged
Outcome: TypeAlias = tuple[Ticket, tuple[Event, ...]]


def apply(ticket: Ticket, command: Command, now: datetime) -> Outcome:  # noqa: PLR0911 - a command each
    """Decide what a command does to a ticket at this moment."""
    match command:
        case Reply():
            return _replied(ticket, command, now)
        case Note():
            noted = Recorded("note.added", now, command.actor, {"message_id": command.message})
            return replace(ticket, version=ticket.version + 1), (noted,)
        case SetStatus():
            after, events = _moved(ticket, command, now)
            return after, (*events, *((ProfileChanged(),) if events else ()))
        case Assign():
            return _assigned(ticket, command, now)
        case CallAnswered():
            return _spoken_with(ticket, command)
        case DeliveryFailed():
            return _not_delivered(ticket, command, now)
        case DeliveryArrived():
            return replace(ticket, undelivered=""), ()
        case Leave():
            return _left(ticket, command, now)
        case Escalate():
            return _escalated(ticket, now)


def wait_of(ticket: Ticket) -> Wait | None:
    """Take the wait of a ticket's customer; None where nobody waits."""
    if ticket.waiting_since is None:
        return None
    return Wait(
        since=ticket.waiting_since,
        due_at=ticket.due_at,
        team=ticket.team,
        level=ticket.level,
        score=ticket.score,
        rank=ticket.rank,
        reasons=ticket.reasons,
        skills=ticket.skills,
        patience=ticket.patience,
    )


def _replied(ticket: Ticket, reply: Reply, now: datetime) -> Outcome:
    data = {"message_id": reply.message, "channel": reply.channel, "to": reply.to}
    events: list[Event] = [Recorded("reply.added", now, reply.actor, data)]
    if is_late(ticket.due_at, now):
        events.append(AnsweredLate(now))
    after = replace(
        ticket,
        waiting_since=None,
        due_at=None,
        queue_at=now,
        messages=ticket.messages + 1,
        undelivered="",
        first_reply_at=ticket.first_reply_at or now,
        version=ticket.version + 1,
        snippet=snippet(reply.text),
        last_message_at=now,
    )
    if reply.taker and ticket.assignee_id is None:
        after, assigned = _assigned(after, Assign(actor=reply.actor, assignee=reply.taker), now)
        events += assigned
    after, moved = _moved(after, SetStatus(status=reply.status, actor=reply.actor), now)
    events += moved
    if ticket.status == after.status == "open":
        events.append(LeadPassed(reply.actor))
    return after, (*events, ProfileChanged())


def _moved(ticket: Ticket, command: SetStatus, now: datetime) -> tuple[Ticket, list[Event]]:
    if ticket.status == command.status:
        return ticket, []
    after = replace(ticket, status=command.status, solved_at=None)
    events: list[Event] = []
    kept: dict[str, str] = {}
    if command.status in SETTLED:
        after = replace(after, solved_at=ticket.solved_at or now, waiting_since=None, due_at=None, undelivered="")
        kept = _clock_kept(ticket, command.stopped)
        if ticket.status == "open" and is_late(ticket.due_at, now):
            events.append(AnsweredLate(now))
    elif ticket.status in SETTLED:
        after = _clock_goes_on(after, command.stopped)
    data = {"from": ticket.status, "to": command.status, **kept}
    events.append(Recorded("ticket.status", now, command.actor, data))
    if ticket.status == "open":
        events.append(LeadPassed(command.actor))
    return after, events


def _clock_kept(ticket: Ticket, stopped: Mapping[str, str]) -> dict[str, str]:
    """Keep with the event since when the customer of a ticket that is settled unanswered has waited, and when an answer was due.
    From `solved` to `closed` it is what was kept before."""
    if ticket.status in SETTLED:
        return {name: value for name, value in stopped.items() if name not in ("from", "to")}
    times = {name: at.isoformat() for name in _CLOCK if (at := getattr(ticket, name))}
    if not times:
        return {}
    return {
        "version": str(ticket.version),
        "messages": str(ticket.messages),
        "undelivered": ticket.undelivered,
        **times,
    }


def _clock_goes_on(ticket: Ticket, stopped: Mapping[str, str]) -> Ticket:
    """What settling stopped goes on where it is taken back: the customer has waited all the time, unless they or we wrote since.
    Before there were counts of messages in the event, a note counted too."""
    counted = "messages" if "messages" in stopped else "version"
    if stopped.get(counted) != str(getattr(ticket, counted)):
        return ticket
    times = {name: datetime.fromisoformat(stopped[name]) for name in _CLOCK if name in stopped}
    return replace(
        ticket,
        undelivered=stopped["undelivered"],
        waiting_since=times.get("waiting_since"),
        due_at=times.get("due_at"),
    )


def _assigned(ticket: Ticket, command: Assign, now: datetime) -> Outcome:
    after, data = ticket, {}
    if command.team is not None:
        data["team"] = command.team
        if command.team != ticket.team:
            after = replace(after, team=command.team, patience=elsewhere(ticket.patience))
    if command.assignee is not None:
        data |= {"assignee": command.assignee.email, "assignee_name": command.assignee.name}
        after = replace(after, assignee_id=command.assignee.id)
    if after == ticket:
        return ticket, ()
    return after, (Recorded("ticket.assigned", now, command.actor, data | dict(command.why)),)


def _spoken_with(ticket: Ticket, call: CallAnswered) -> Outcome:
    """Who had waited since before it waits no more."""
    at, events = call.at, [RepliesStand(call.at)]
    after = replace(ticket, undelivered="", first_reply_at=ticket.first_reply_at or at)
    if ticket.waiting_since is None or ticket.waiting_since > at:
        return after, tuple(events)
    after = replace(after, waiting_since=None, due_at=None, queue_at=at)
    late = (AnsweredLate(at), ProfileChanged()) if is_late(ticket.due_at, at) else ()
    return after, (Recorded("ticket.answered", at, call.actor, {"why": call.why}), *events, *late)


def _not_delivered(ticket: Ticket, reply: DeliveryFailed, now: datetime) -> Outcome:
    """The ticket is open, and the wait that the reply ended goes on. Where a later reply stands, that one ended it. Whoever waited
    for nothing waits since the reply, for no promised time."""
    wait, events = wait_of(ticket), list[Event]()
    if reply.ended and reply.later:
        events.append(WaitKept(reply.later, resumed(reply.ended, reply.later_ended)))
    elif reply.ended:
        wait = resumed(reply.ended, wait)
    since = wait.since if wait else reply.at
    after = replace(ticket, status="open", solved_at=None, undelivered=reply.state, waiting_since=since, queue_at=since)
    if wait:
        after = replace(
            after,
            due_at=wait.due_at,
            level=wait.level,
            score=wait.score,
            rank=wait.rank,
            reasons=wait.reasons,
            skills=wait.skills,
            patience=wait.patience,
        )
    if ticket.first_reply_at == reply.at:
        after = replace(after, first_reply_at=reply.first)
    events += [WaitKept(reply.message, None), PriorityChanged()]
    if ticket.status != "open":
        data = {"from": ticket.status, "why": f"delivery-{reply.state}", "message_id": reply.message}
        events.append(Recorded("ticket.reopened", now, DESK, data))
    return after, (*events, ProfileChanged())


def _left(ticket: Ticket, command: Leave, now: datetime) -> Outcome:
    left = Recorded("ticket.ungrouped", now, command.actor, {"leader": ticket.group_id or ""})
    return replace(ticket, group_id=None, alone=True), (LeadPassed(command.actor), left)


def _escalated(ticket: Ticket, now: datetime) -> Outcome:
    found, patience, events = widened(ticket.patience, now), ticket.patience, list[Event]()
    for skill in found.skills:
        data = {"skill": skill, "after": _waited(ticket, patience.skills[skill])}
        events.append(Recorded("ticket.widened", now, DESK, data))
    after = replace(ticket, patience=found.after)
    if found.overflow and patience.overflow_at:
        data = {"from": ticket.team, "team": found.overflow.team, "after": _waited(ticket, patience.overflow_at)}
        events.append(Recorded("ticket.overflowed", now, DESK, data))
        after = replace(after, team=found.overflow.team)
    return after, tuple(events)


def _waited(ticket: Ticket, until: datetime) -> str:
    """Count the seconds that the customer had waited by then."""
    return str(max(0, round((until - (ticket.waiting_since or until)).total_seconds())))
