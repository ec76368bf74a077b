"""What commands do to a ticket: since when its customer waits, who has it, where it stands in the
queue.

Pure: a ticket, a command and the time give the ticket afterwards and what has to follow. A reply
that did not arrive is no reply: the wait that it ended is kept with it, and goes on as though it
had never been written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from msgspec import structs

from services.desk.actors import DESK, Actor
from services.desk.tickets.domain import (
    SETTLED,
    Promise,
    Ticket,
    Wait,
    due_at_level,
    is_late,
    rank,
    resumed,
    snippet,
)
from services.desk.tickets.escalation import elsewhere, widened
from shared.events.desk import (
    Change,
    NoteAdded,
    ReplyAdded,
    TicketAnswered,
    TicketAssigned,
    TicketOverflowed,
    TicketPrioritised,
    TicketReopened,
    TicketStatusChanged,
    TicketUngrouped,
    TicketWidened,
)


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
    actor: Actor
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
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStatus:
    """Somebody says where the ticket stands."""

    status: str
    actor: Actor
    stopped: TicketStatusChanged = field(default_factory=TicketStatusChanged)
    """Of a settled ticket: the change that settled it, which keeps the clock that was stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """Somebody gives the ticket to an agent, to a team, or back to its queue. None leaves that as
    it is."""

    actor: Actor
    assignee: Assignee | None = None
    team: str | None = None
    why: str = ""
    """Of what nobody did by hand: `pushed`, `accepted`, or why it went back to its team: `away`,
    `off-hours`; `released`: with all other work of whoever had it."""
    had: str = ""
    """E-mail address of who has it."""
    note: str = ""
    """Id of a note for whoever gets it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prioritise:
    """Somebody says how urgent the ticket is, or what it is really about."""

    level: str
    about: str
    actor: Actor
    said: str = ""
    """What the same person said last that it is about: no opinion takes that back."""
    waiting: tuple[Promise, ...] = ()
    """What the router promised with each message since the customer waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered:
    """Somebody spoke with the customer at this moment."""

    at: datetime
    actor: Actor
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

    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalate:
    """Time has passed: skills are no longer asked for, or the next team gets the ticket."""


Command: TypeAlias = (
    Reply | Note | SetStatus | Assign | Prioritise | CallAnswered | DeliveryFailed | DeliveryArrived | Leave | Escalate
)

# Events


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry of the timeline."""

    change: Change
    at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class AnsweredLate:
    """The customer was kept waiting beyond what they were promised, until this moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The router has to know."""


@dataclass(frozen=True, slots=True)
class WaitKept:
    """The wait that a reply ended is kept with it; None where it ended none, or no longer
    matters."""

    message: str
    wait: Wait | None


@dataclass(frozen=True, slots=True)
class RepliesStand:
    """Replies written until this moment ended their waits for good."""

    until: datetime


@dataclass(frozen=True, slots=True)
class LeadPassed:
    """An open ticket was answered alone or is open no more: what stands under it needs another
    leader."""

    actor: Actor


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """The leaders of its group may have to rise."""


Event: TypeAlias = Recorded | AnsweredLate | ProfileChanged | WaitKept | RepliesStand | LeadPassed | PriorityChanged
Outcome: TypeAlias = tuple[Ticket, tuple[Event, ...]]


def apply(ticket: Ticket, command: Command, now: datetime) -> Outcome:  # noqa: C901, PLR0911 - a command each
    """Decides what a command does to a ticket at this moment."""
    match command:
        case Reply():
            return _replied(ticket, command, now)
        case Note():
            noted = Recorded(NoteAdded(message_id=command.message), now, command.actor)
            return replace(ticket, version=ticket.version + 1), (noted,)
        case SetStatus():
            after, events = _moved(ticket, command, now)
            return after, (*events, *((ProfileChanged(),) if events else ()))
        case Assign():
            return _assigned(ticket, command, now)
        case Prioritise():
            return _prioritised(ticket, command, now)
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
    """Returns the wait of a ticket's customer; None if nobody waits."""
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
    added = ReplyAdded(message_id=reply.message, channel=reply.channel, to=reply.to, due_at=_written(ticket.due_at))
    events: list[Event] = [Recorded(added, now, reply.actor)]
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
    moved = TicketStatusChanged(before=ticket.status, to=command.status)
    if command.status in SETTLED:
        after = replace(after, solved_at=ticket.solved_at or now, waiting_since=None, due_at=None, undelivered="")
        moved = _clock_kept(ticket, command.stopped, moved)
        if ticket.status == "open" and is_late(ticket.due_at, now):
            events.append(AnsweredLate(now))
    elif ticket.status in SETTLED:
        after = _clock_goes_on(after, command.stopped)
    events.append(Recorded(moved, now, command.actor))
    if ticket.status == "open":
        events.append(LeadPassed(command.actor))
    return after, events


def _clock_kept(ticket: Ticket, stopped: TicketStatusChanged, moved: TicketStatusChanged) -> TicketStatusChanged:
    """Stores with the change since when the customer of a ticket that is settled unanswered has
    waited, and when an answer was due. From `solved` to `closed` it is what was stored before."""
    if ticket.status in SETTLED:
        return structs.replace(stopped, before=moved.before, to=moved.to)
    if ticket.waiting_since is None and ticket.due_at is None:
        return moved
    return structs.replace(
        moved,
        version=str(ticket.version),
        messages=str(ticket.messages),
        undelivered=ticket.undelivered,
        waiting_since=_written(ticket.waiting_since),
        due_at=_written(ticket.due_at),
    )


def _clock_goes_on(ticket: Ticket, stopped: TicketStatusChanged) -> Ticket:
    """Resumes what settling stopped, if that is undone: the customer has waited all the time,
    unless they or we wrote since. Before there were counts of messages in the event, a note
    counted too."""
    counted, now = stopped.messages, ticket.messages
    if counted is None:
        counted, now = stopped.version, ticket.version
    if counted != str(now):
        return ticket
    return replace(
        ticket,
        undelivered=stopped.undelivered or "",
        waiting_since=_read(stopped.waiting_since),
        due_at=_read(stopped.due_at),
    )


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _read(at: str | None) -> datetime | None:
    return datetime.fromisoformat(at) if at else None


def _assigned(ticket: Ticket, command: Assign, now: datetime) -> Outcome:
    after, who = ticket, command.assignee
    if command.team is not None and command.team != ticket.team:
        after = replace(after, team=command.team, patience=elsewhere(ticket.patience))
    if who is not None and who.id != ticket.assignee_id:
        after = replace(after, assignee_id=who.id, given_at=now if who.id else None)
    if after == ticket and not command.note:
        return ticket, ()
    assigned = TicketAssigned(
        assignee=who.email if who else None,
        assignee_name=who.name if who else None,
        team=command.team,
        why=command.why or None,
        had=command.had or None,
        note=command.note or None,
    )
    return after, (Recorded(assigned, now, command.actor),)


def _prioritised(ticket: Ticket, command: Prioritise, now: datetime) -> Outcome:
    """Moves the ticket to another level, and when an answer is due with it; within the level, its
    score stays. What the customer adds counts again where that is more urgent."""
    if command.level == ticket.level and not command.about and not command.said:
        return ticket, ()
    told = TicketPrioritised(before=ticket.level, to=command.level, about=command.about or None)
    recorded = Recorded(told, now, command.actor)
    if command.level == ticket.level:
        return ticket, (recorded,)
    after = replace(
        ticket,
        level=command.level,
        rank=rank(command.level, ticket.score),
        due_at=due_at_level(ticket, command.level, command.waiting),
        version=ticket.version + 1,
    )
    return after, (recorded, PriorityChanged())


def _spoken_with(ticket: Ticket, call: CallAnswered) -> Outcome:
    """Ends the wait of a customer who had waited since before the call."""
    at, events = call.at, [RepliesStand(call.at)]
    after = replace(ticket, undelivered="", first_reply_at=ticket.first_reply_at or at)
    if ticket.waiting_since is None or ticket.waiting_since > at:
        return after, tuple(events)
    after = replace(after, waiting_since=None, due_at=None, queue_at=at)
    answered = TicketAnswered(why=call.why, due_at=_written(ticket.due_at))
    late = (AnsweredLate(at), ProfileChanged()) if is_late(ticket.due_at, at) else ()
    return after, (Recorded(answered, at, call.actor), *events, *late)


def _not_delivered(ticket: Ticket, reply: DeliveryFailed, now: datetime) -> Outcome:
    """Opens the ticket and resumes the wait that the reply ended. If a later reply stands, that
    one ended it. A customer who waited for nothing waits since the reply, with no promised time."""
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
        reopened = TicketReopened(before=ticket.status, why=f"delivery-{reply.state}", message_id=reply.message)
        events.append(Recorded(reopened, now, DESK))
    return after, (*events, ProfileChanged())


def _left(ticket: Ticket, command: Leave, now: datetime) -> Outcome:
    left = Recorded(TicketUngrouped(leader=ticket.group_id or ""), now, command.actor)
    return replace(ticket, group_id=None, alone=True), (LeadPassed(command.actor), left)


def _escalated(ticket: Ticket, now: datetime) -> Outcome:
    found, patience, events = widened(ticket.patience, now), ticket.patience, list[Event]()
    for skill in found.skills:
        dropped = TicketWidened(skill=skill, after=_waited(ticket, patience.skills[skill]))
        events.append(Recorded(dropped, now, DESK))
    after = replace(ticket, patience=found.after)
    if found.overflow and patience.overflow_at:
        waited = _waited(ticket, patience.overflow_at)
        overflowed = TicketOverflowed(before=ticket.team, team=found.overflow.team, after=waited)
        events.append(Recorded(overflowed, now, DESK))
        after = replace(after, team=found.overflow.team)
    return after, tuple(events)


def _waited(ticket: Ticket, until: datetime) -> str:
    """Returns the seconds that the customer had waited at that time."""
    return str(max(0, round((until - (ticket.waiting_since or until)).total_seconds())))
