"""What the conversation pane shows: the timeline, the composer and the customer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from services.desk.calls.schemas import CallView
from services.desk.customers.schemas import ContactPointView
from services.desk.tickets import domain
from services.desk.tickets.schemas import ChannelChoiceView, MessageView, TicketView
from services.desk.timeline import EventView
from services.desk.web import words
from services.desk.web.conversation import words as said
from services.desk.web.service_levels import words as levels
from services.desk.web.social import words as posts
from services.desk.web.words import Gettext
from shared.events import Channel, DeliveryState, Length
from shared.events.desk import (
    AutoReplied,
    CallMoved,
    PostLabelled,
    ReplyAdded,
    SlaBreached,
    SlaWarned,
    TicketAssigned,
    TicketGrouped,
    TicketOffered,
    TicketOverflowed,
    TicketPrioritised,
    TicketReopened,
    TicketStatusChanged,
    TicketUngrouped,
    TicketWidened,
)
from shared.kernel import stable_id

SHOWN_EVENTS = (
    AutoReplied,
    SlaWarned,
    SlaBreached,
    TicketStatusChanged,
    TicketAssigned,
    TicketOffered,
    TicketPrioritised,
    TicketReopened,
    TicketWidened,
    TicketOverflowed,
    PostLabelled,
    TicketGrouped,
    TicketUngrouped,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A change of the ticket in the timeline."""

    id: str
    ticket_id: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """A call in the timeline."""

    call: CallView
    at: datetime
    """When it was first heard of."""


@dataclass(frozen=True, slots=True)
class Route:
    """A channel that an answer can take."""

    channel: str
    line: str
    """Who gets it and how."""
    available: bool
    chosen: bool
    length: Length | None = None
    """How long it may be, where everybody will read it."""
    closed: str = ""
    """Why nothing can be sent there for good; empty where it can, or only not now."""
    copies: bool = False
    """Whether it can go to others too."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not sent, and what had arrived meanwhile."""

    title: str
    text: str
    arrived: Sequence[MessageView] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The composer's state."""

    seen: int
    routes: Sequence[Route]
    hint: str = ""
    doubt: str = ""
    """What is to be known of whom the newest message is from."""
    call: bool = False
    """Whether a call would be the better answer, and there is a number."""
    mode: str = "reply"
    text: str = ""
    cc: str = ""
    bcc: str = ""
    began: int = 0
    """The newest event that the agent has read, where something came since they began to write;
    else 0."""
    asking: bool = False
    """Whether to ask if all of a group are meant, where no script can."""
    key: str = field(default_factory=lambda: uuid4().hex)
    """One for each form: sending it twice sends it once."""
    problem: Problem | None = None

    @property
    def recipient(self) -> str:
        """The line of the chosen route."""
        return next((route.line for route in self.routes if route.chosen), "")

    @property
    def length(self) -> Length | None:
        """How long an answer on the chosen route may be, where there is something to tell."""
        return next((route.length for route in self.routes if route.chosen), None)


def line(event: EventView, agents: Mapping[str, str], _: Gettext) -> Line | None:
    """Returns an event for the timeline; None for what is shown otherwise."""
    text = (
        (
            said.event(event, agents, _)
            or said.prioritised(event, agents, _)
            or said.autoreplied(event, _)
            or levels.event(event, _)
            or posts.event(event, agents, _)
        )
        if isinstance(event.change, SHOWN_EVENTS)
        else ""
    )
    return Line(event.id, event.ticket_id, event.at, text) if text else None


def call_notes(talks: Iterable[CallView]) -> set[str]:
    """Ids of the notes by which the desk tells of these calls: here the calls show themselves, in
    the reader's language."""
    return {stable_id("call-note", call.ticket_id, call.call_id) for call in talks}


def talk(call: CallView, heard: datetime) -> Talk:
    """Places a call in the timeline: a caller from when they began to wait, which no later news
    changes."""
    return Talk(call, call.waiting_since or heard)


def timeline(
    ticket: TicketView, talks: Sequence[CallView], agents: Mapping[str, str], _: Gettext
) -> list[tuple[str, MessageView | Line | Talk]]:
    """Returns messages, calls and changes, oldest first; what is from before the first message
    shown is left to earlier pages."""
    first = ticket.messages[0].at if ticket.messages and ticket.earlier else None
    told = call_notes(talks)
    items: list[tuple[str, MessageView | Line | Talk]] = [
        ("message", message) for message in ticket.messages if message.id not in told
    ]
    begun: dict[str, datetime] = {}
    for event in ticket.events:
        if isinstance(event.change, CallMoved):
            begun.setdefault(event.change.call_id, event.at)
    for call in talks:
        at = begun.get(call.call_id)
        if at and (first is None or at >= first):
            items.append(("call", talk(call, at)))
    for event in ticket.events:
        shown = line(event, agents, _)
        if shown and (first is None or shown.at >= first):
            items.append(("event", shown))
    return sorted(items, key=lambda item: item[1].at)


@dataclass(frozen=True, slots=True)
class Handed:
    """What somebody wrote for whoever got this from them."""

    by: str
    to: str
    """A person's or a team's name."""
    text: str
    at: datetime


def handed(ticket: TicketView, agents: Mapping[str, str]) -> Handed | None:
    """Returns the note with which a ticket was handed over last, until somebody has answered the
    customer; None where there is none."""
    note = None
    for event in ticket.events:
        match event.change:
            case ReplyAdded():
                note = None
            case TicketAssigned(note=note_id, assignee=assignee, team=team):
                texts = {message.id: message.text for message in ticket.messages}
                to = agents.get(assignee or "", assignee or "") or words.team(team or ticket.row.team)
                by = agents.get(event.actor, event.actor)
                note = Handed(by, to, texts[note_id], event.at) if note_id in texts else None
    return note if ticket.row.status not in ("solved", "closed") else None


def first_unread(messages: Sequence[MessageView]) -> str:
    """Returns where the reading begins: the element id of the first message of the customer
    since our last reply; else empty."""
    first = ""
    for message in reversed(messages):
        if message.direction == "out" and not message.automatic:
            break
        first = f"message-{message.id}" if message.direction == "in" else first
    return first


def routes(
    ticket: TicketView,
    channels: Mapping[str, Channel],
    chosen: str,
    render_line: Gettext,
    closed: Callable[[str, str], str] = lambda *_: "",
    points: Sequence[ContactPointView] = (),
) -> list[Route]:
    """Lists how this customer can be answered, best first. `chosen`: what the agent picked
    before, or empty. `closed`: why nothing can be sent on a channel to a contact point.
    `points`: the customer's."""
    written = [choice for choice in ticket.channels if not is_spoken(choice.channel, channels)]
    possible = [(choice, _open(choice, channels, closed)) for choice in written]

    def route(channel: str, who: str, point: str, *, available: bool, chosen: bool) -> Route:
        public, known = _in_public(channel, ticket), channels.get(channel)
        line = render_line(channel, who, public=public)
        length = known.length if public and known else None
        copies = bool(known and domain.takes_copies(known))
        return Route(channel, line, available, chosen, length, closed(channel, point), copies)

    if not possible:
        name, point = words.person(ticket.row.customer_name), _wrote_from(ticket)
        available = not is_spoken(ticket.row.channel, channels) and not closed(ticket.row.channel, point)
        return [route(ticket.row.channel, name, point, available=available, chosen=True)]
    names = {choice.channel for choice, available in possible if available}
    pick = (
        chosen
        if chosen in names
        else next((choice.channel for choice, available in possible if available), possible[0][0].channel)
    )
    return [
        route(
            choice.channel,
            _who(choice, ticket, points),
            choice.contact_point or "",
            available=available,
            chosen=choice.channel == pick,
        )
        for choice, available in possible
    ]


def is_spoken(channel: str, channels: Mapping[str, Channel]) -> bool:
    """Whether nothing can be written there: people are called on it."""
    known = channels.get(channel)
    return known is not None and domain.is_spoken(known)


def may_call(
    ticket: TicketView, channels: Mapping[str, Channel], closed: Callable[[str, str], str] = lambda *_: ""
) -> bool:
    """Whether the customer would rather be called, and that is possible."""
    best = next(iter(ticket.channels), None)
    return bool(best and ticket.row.telephone and is_spoken(best.channel, channels) and _open(best, channels, closed))


def hint(
    ticket: TicketView, found: Sequence[Route], label: Gettext, reason: Gettext, _: Gettext, *, call: bool = False
) -> str:
    """Explains why this channel is preset, and what the customer would rather have if that is
    not possible. `call`: the result of `may_call`."""
    best = next(iter(ticket.channels), None)
    why = "; ".join(reason(item) for item in best.reasons) if best and best.tells else ""
    if call:
        rather = _("Prefers a call: %(why)s.", why=why) if why else _("Prefers a call.")
        written = any(route.available for route in found)
        return rather if written else f"{rather} {_('No address to write to: call, or add a note.')}"
    route = next((route for route in found if route.chosen), None)
    if route is None or not route.available:
        if not best and not (route and route.closed):
            return ""
        return _("No channel to this customer is available right now. You can still add a note.")
    if best and route.channel != best.channel and best.tells:
        return _(
            "Preferred channel: %(best)s (%(why)s). It is unavailable right now, so this reply goes by: %(channel)s.",
            best=label(best.channel),
            why=why,
            channel=label(route.channel),
        )
    return _("Why %(channel)s: %(why)s", channel=label(route.channel), why=why) if why else ""


def _open(choice: ChannelChoiceView, channels: Mapping[str, Channel], closed: Callable[[str, str], str]) -> bool:
    known = channels.get(choice.channel)
    usable = known is None or known.enabled
    return choice.available and usable and not closed(choice.channel, choice.contact_point or "")


def _wrote_from(ticket: TicketView) -> str:
    return next((message.author for message in reversed(ticket.messages) if message.direction == "in"), "")


def _in_public(channel: str, ticket: TicketView) -> bool:
    """Whether an answer there goes where the customer wrote last: to everybody. What was private
    stays so."""
    here = [message for message in ticket.messages if message.direction == "in" and message.channel == channel]
    return bool(here) and here[-1].public


def copies(ticket: TicketView, channels: Mapping[str, Channel]) -> str:
    """Returns who gets a copy of a mail if the agent changes nothing, in the form of the field."""
    mail = next((choice for choice in ticket.channels if _takes_copies(choice.channel, channels)), None)
    own = [m for m in ticket.messages if m.delivery != DeliveryState.FAILED.value and not m.doubt]
    mails = [
        message
        for message in own
        if mail and message.channel == mail.channel and message.automatic not in domain.MACHINES
    ]
    if mail is None or not mails:
        return ""
    return ", ".join(domain.others(domain.addressed_by(mails[-1]), _point(mail, ticket).partition(":")[2]))


def _takes_copies(channel: str, channels: Mapping[str, Channel]) -> bool:
    known = channels.get(channel)
    return known is not None and domain.takes_copies(known)


def _point(choice: ChannelChoiceView, ticket: TicketView, points: Sequence[ContactPointView] = ()) -> str:
    """Returns where an answer goes: to the customer, even if somebody else whom they let in
    wrote last."""
    here = [m for m in reversed(ticket.messages) if m.direction == "in" and m.channel == choice.channel]
    authors = [(m.author, m.doubt) for m in here if not m.other_address]
    kind = (choice.contact_point or "").partition(":")[0]
    proven = sorted((p for p in points if p.kind == kind and not p.opted_out), key=lambda p: not p.verified)
    found = domain.reachable(authors, [choice.contact_point], [p.point for p in proven])
    refused = {p.point for p in points if p.opted_out}
    return next((point for point in found if point not in refused), next(iter(found), ""))


def doubt(ticket: TicketView, found: Sequence[Route], _: Gettext) -> str:
    """Warns the agent, before they answer the newest message, that it may be by somebody else;
    empty if there is no doubt."""
    newest = next((message for message in reversed(ticket.messages) if message.direction == "in"), None)
    route = next((route for route in found if route.chosen), None)
    if newest is None or not newest.doubt or route is None:
        return ""
    sender = words.address(newest.author)
    if newest.doubt == "junk":
        return _("The newest message was in the junk folder: it may not be from %(sender)s.", sender=sender)
    if newest.doubt == "spam":
        return _("Your mail server calls the newest message spam: it may not be from %(sender)s.", sender=sender)
    return _("The newest message may not be from %(sender)s: its domain failed the DMARC check.", sender=sender)


def _who(choice: ChannelChoiceView, ticket: TicketView, points: Sequence[ContactPointView]) -> str:
    """Returns an address if people know it as theirs; their name if it is only our number for
    them."""
    point = _point(choice, ticket, points)
    return words.address(point) if point.startswith(("email:", "tel:")) else words.person(ticket.row.customer_name)
