"""What happened at the desk: one struct a kind. On the wire its tag is `DeskEvent.kind`, and its
fields are `data`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self, TypeAlias, get_args

import msgspec

from shared.events.base import Event


class Change(Event, frozen=True, kw_only=True, tag_field="kind"):
    """One kind of change. All values are text, and readers take any field to be missing: what is
    None is not written."""


class TicketOpened(Change, frozen=True, kw_only=True, tag="ticket.opened"):
    """A message began a ticket."""

    channel: str = ""
    level: str = ""
    linked: str | None = None
    """The earlier ticket's id."""
    why: str | None = None
    """Why it is not that one: `closed` or `stranger`."""


class TicketRouted(Change, frozen=True, kw_only=True, tag="ticket.routed"):
    """The router's decision about a message of the ticket."""

    rule: str = ""
    evidence: str = ""
    score: str = ""
    policy: str = ""
    level: str = ""
    team: str = ""
    message_id: str = ""


class TicketReopened(Change, frozen=True, kw_only=True, tag="ticket.reopened"):
    """By a message, or because a reply did not arrive."""

    before: str = msgspec.field(default="", name="from")
    why: str = ""
    """`message`, `delivery-failed` or `delivery-uncertain`."""
    message_id: str | None = None
    """The reply that did not arrive."""


class TicketStatusChanged(Change, frozen=True, kw_only=True, tag="ticket.status"):
    """An agent or a message gave the ticket another status."""

    before: str = msgspec.field(default="", name="from")
    to: str = ""
    version: str | None = None
    """Of a ticket settled unanswered, to take it back: its version, its messages and its clock."""
    messages: str | None = None
    undelivered: str | None = None
    waiting_since: str | None = None
    due_at: str | None = None


class TicketPrioritised(Change, frozen=True, kw_only=True, tag="ticket.prioritised"):
    """An agent gave the ticket another priority, or said what it is really about."""

    before: str = msgspec.field(default="", name="from")
    to: str = ""
    """Level."""
    about: str | None = None
    """One of `learning.KINDS`."""


class TicketAssigned(Change, frozen=True, kw_only=True, tag="ticket.assigned"):
    """An agent or a team was given the ticket."""

    assignee: str | None = None
    """E-mail address; empty: nobody any more."""
    assignee_name: str | None = None
    team: str | None = None
    disabled: str | None = None
    """Who had it and may not sign in any more."""
    why: str | None = None
    """Of what nobody did by hand: `pushed`, `accepted`, or why it went back to its team: `away`,
    `off-hours`. `released`: a supervisor put all work of somebody back into the queues."""
    had: str | None = None
    """E-mail address of whose it was before."""
    note: str | None = None
    """A note for whoever gets it: the message's id."""


class TicketOffered(Change, frozen=True, kw_only=True, tag="ticket.offered"):
    """An agent is asked to take the ticket, or said no, or nothing in time."""

    agent: str = ""
    """E-mail address."""
    state: str = ""
    """`offered`, `declined`, `missed` or `withdrawn`."""
    until: str | None = None


class TicketAnswered(Change, frozen=True, kw_only=True, tag="ticket.answered"):
    """The customer was reached by a call."""

    why: str = ""
    due_at: str | None = None
    """When the answer was due."""


class TicketWidened(Change, frozen=True, kw_only=True, tag="ticket.widened"):
    """A skill is no longer asked for, because nobody got to the ticket in time."""

    skill: str = ""
    after: str = ""
    """Seconds."""


class TicketOverflowed(Change, frozen=True, kw_only=True, tag="ticket.overflowed"):
    """The ticket went to another team, because nobody got to it in time."""

    before: str = msgspec.field(default="", name="from")
    team: str = ""
    after: str = ""
    """Seconds."""


class MessageAdded(Change, frozen=True, kw_only=True, tag="message.added"):
    """A customer's message."""

    message_id: str = ""
    channel: str = ""
    author: str = ""
    """The contact point."""


class ReplyAdded(Change, frozen=True, kw_only=True, tag="reply.added"):
    """A reply, on its way."""

    message_id: str = ""
    channel: str = ""
    to: str = ""
    """The contact point."""
    due_at: str | None = None
    """When it was due, if the customer waited and there was a target."""


class AutoReplied(Change, frozen=True, kw_only=True, tag="ticket.autoreplied"):
    """The first message of a ticket was answered automatically, or not."""

    why: str = ""
    """`sent`, or why nothing was: `ours`, `doubt`, `spam`, `automatic`, `old`, `opted-out`,
    `undelivered`, `echo`, `often`, `no-text` or `paused`."""
    channel: str = ""
    to: str = ""
    """The contact point."""
    message_id: str = ""
    """Of what was sent."""
    language: str | None = None
    closed: str | None = None
    """`true` where it says that nobody is there."""


class SlaWarned(Change, frozen=True, kw_only=True, tag="sla.warned"):
    """A target of a ticket is due soon. Once for each target."""

    target: str = ""
    """`first-reply`, `next-reply` or `solution`."""
    policy: str = ""
    """Its name."""
    due_at: str = ""
    notify: str | None = None
    """Who is to hear of it, by comma: `assignee`, `team`, `supervisors`."""


class SlaBreached(Change, frozen=True, kw_only=True, tag="sla.breached"):
    """A target of a ticket was missed. Once for each target."""

    target: str = ""
    policy: str = ""
    due_at: str = ""
    notify: str | None = None
    """As of a warning."""


class SlaChanged(Change, frozen=True, kw_only=True, tag="sla.changed"):
    """Another time is due, as somebody changed policies or calendars."""

    policy: str | None = None
    """The name of the one that is for the ticket now."""


class NoteAdded(Change, frozen=True, kw_only=True, tag="note.added"):
    """A note for the team."""

    message_id: str = ""


class DeliveryChanged(Change, frozen=True, kw_only=True, tag="delivery.changed"):
    """What became of a reply."""

    message_id: str = ""
    state: str = ""
    detail: str = ""
    channel: str = ""


class CustomerChanged(Change, frozen=True, kw_only=True, tag="customer.changed"):
    """What is known of a customer; where they said so in a message themselves, also which."""

    customer_id: str = ""
    fields: str = ""
    """By comma."""
    contact_point: str | None = None
    message_id: str | None = None
    consent: str | None = None
    channel: str | None = None


class CallMoved(Change, frozen=True, kw_only=True, tag="call.changed"):
    """How far a call is."""

    call_id: str = ""
    state: str = ""
    agent: str = ""
    offered_to: str = ""
    version: str = ""
    outcome: str | None = None
    why: str | None = None


class CallOffered(Change, frozen=True, kw_only=True, tag="call.offered"):
    """An agent is asked to answer a call."""

    call_id: str = ""
    agent: str = ""
    until: str = ""


class AgentPresenceChanged(Change, frozen=True, kw_only=True, tag="agent.presence"):
    """An agent is ready, busy or away."""

    agent: str = ""
    presence: str = ""
    reason: str = ""
    paused: str | None = None
    """Kinds of work that they do not take from now on, by comma; None: as before."""


class AgentSignedOut(Change, frozen=True, kw_only=True, tag="agent.signed-out"):
    """A session of the actor ended."""


class PostLabelled(Change, frozen=True, kw_only=True, tag="post.judged"):
    """An agent said what a post of a ticket is."""

    message_id: str = ""
    label: str = ""
    before: str = ""


class AgentCalled(Change, frozen=True, kw_only=True, tag="agent.called"):
    """An agent who is not there is asked to come in."""

    agent: str = ""
    """E-mail address."""
    by: str = ""
    """The name of who asks."""
    reason: str = ""


class TicketGrouped(Change, frozen=True, kw_only=True, tag="ticket.grouped"):
    """The ticket went under a leader; or, of a leader, others joined or left it."""

    leader: str | None = None
    joined: str | None = None
    left: str | None = None
    after: str | None = None
    """The leader before it."""


class TicketUngrouped(Change, frozen=True, kw_only=True, tag="ticket.ungrouped"):
    """An agent took the ticket out of its group."""

    leader: str = ""


class MentionsAdded(Change, frozen=True, kw_only=True, tag="mentions.added"):
    """Posts that opened no ticket."""

    count: str = ""


class MentionLabelled(Change, frozen=True, kw_only=True, tag="mention.judged"):
    """An agent said what a mention is, or it became a ticket."""

    mention_id: str = ""
    label: str = ""


AnyChange: TypeAlias = (
    TicketOpened
    | TicketRouted
    | TicketReopened
    | TicketStatusChanged
    | TicketPrioritised
    | TicketAssigned
    | TicketOffered
    | TicketAnswered
    | TicketWidened
    | TicketOverflowed
    | MessageAdded
    | ReplyAdded
    | AutoReplied
    | SlaWarned
    | SlaBreached
    | SlaChanged
    | NoteAdded
    | DeliveryChanged
    | CustomerChanged
    | CallMoved
    | CallOffered
    | AgentPresenceChanged
    | AgentCalled
    | AgentSignedOut
    | PostLabelled
    | TicketGrouped
    | TicketUngrouped
    | MentionsAdded
    | MentionLabelled
)
CHANGES: tuple[type[Change], ...] = get_args(AnyChange)


def kind_of(change: Change | type[Change]) -> str:
    """Returns the tag of a change, such as `ticket.opened`."""
    return str(change.__struct_config__.tag)


def change_of(kind: str, data: Mapping[str, str]) -> AnyChange | None:
    """Returns the change of this kind with this data; None for a kind that only a newer desk
    knows."""
    try:
        return msgspec.convert({**data, "kind": kind}, AnyChange)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        return None


def data_of(change: Change) -> dict[str, str]:
    """Returns the fields of a change as they are written, without its kind."""
    values = zip(change.__struct_encode_fields__, msgspec.structs.astuple(change), strict=True)
    return {name: value for name, value in values if value is not None}


class DeskEvent(Event, frozen=True, kw_only=True):
    """One change of one ticket."""

    id: str
    ticket_id: str
    kind: str
    """The tag of a `Change`."""
    at: datetime
    actor: str = ""
    """The agent's e-mail address, or the service that did it."""
    data: dict[str, str] = {}
    """The fields of that `Change`."""

    @classmethod
    def of(cls, change: Change, **fields: object) -> Self:
        """Makes the event of a change. `fields`: all but `kind` and `data`."""
        return cls(kind=kind_of(change), data=data_of(change), **fields)  # type: ignore[arg-type]

    @property
    def change(self) -> AnyChange | None:
        """What happened; None where only a newer desk knows it."""
        return change_of(self.kind, self.data)
