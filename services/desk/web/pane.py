"""What the conversation pane shows: the timeline, the composer and the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from services.desk.tickets.views import ChannelChoiceView, EventView, MessageView, TicketView
from services.desk.web import words
from services.desk.web.words import Gettext
from shared.events import Channel

SHOWN_EVENTS = ("ticket.status", "ticket.assigned", "ticket.reopened")


@dataclass(frozen=True, slots=True)
class Line:
    """A change of the ticket in the timeline."""

    id: str
    ticket_id: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Route:
    """A channel that an answer can take."""

    channel: str
    line: str
    """Who gets it and how."""
    available: bool
    chosen: bool


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
    mode: str = "reply"
    text: str = ""
    key: str = field(default_factory=lambda: uuid4().hex)
    """One for each form: sending it twice sends it once."""
    problem: Problem | None = None

    @property
    def recipient(self) -> str:
        """The line of the chosen route."""
        return next((route.line for route in self.routes if route.chosen), "")


def line(event: EventView, agents: Mapping[str, str], _: Gettext) -> Line | None:
    """An event for the timeline; None for what shows otherwise."""
    text = words.event(event, agents, _) if event.kind in SHOWN_EVENTS else ""
    return Line(event.id, event.ticket_id, event.at, text) if text else None


def timeline(ticket: TicketView, agents: Mapping[str, str], _: Gettext) -> list[tuple[str, MessageView | Line]]:
    """Messages and changes, oldest first; changes from before the first message shown are left to earlier pages."""
    first = ticket.messages[0].at if ticket.messages and ticket.earlier else None
    items: list[tuple[str, MessageView | Line]] = [("message", message) for message in ticket.messages]
    for event in ticket.events:
        shown = line(event, agents, _)
        if shown and (first is None or shown.at >= first):
            items.append(("event", shown))
    return sorted(items, key=lambda item: item[1].at)


def routes(ticket: TicketView, channels: Mapping[str, Channel], chosen: str, render_line: Gettext) -> list[Route]:
    """How this customer can be answered, best first. `chosen`: what the agent picked before, or empty."""
    possible = [(choice, _open(choice, channels)) for choice in ticket.channels]
    if not possible:
        return [
            Route(
                ticket.row.channel,
                render_line(ticket.row.channel, ticket.row.customer_name),
                available=True,
                chosen=True,
            )
        ]
    names = {choice.channel for choice, available in possible if available}
    pick = (
        chosen
        if chosen in names
        else next((choice.channel for choice, available in possible if available), possible[0][0].channel)
    )
    return [
        Route(
            choice.channel, render_line(choice.channel, _who(choice, ticket)), available, chosen=choice.channel == pick
        )
        for choice, available in possible
    ]


def hint(ticket: TicketView, found: Sequence[Route], label: Gettext, reason: Gettext, _: Gettext) -> str:
    """Why this channel is preset, and what the customer would rather have where that is not possible."""
    if not ticket.channels:
        return ""
    best = ticket.channels[0]
    why = "; ".join(reason(item) for item in best.reasons)
    route = next((route for route in found if route.chosen), None)
    if route is None or not route.available:
        return _("No channel to this customer is open now. You can still write a note.")
    if route.channel != best.channel:
        return _(
            "Would rather be answered by: %(best)s (%(why)s). That is not possible now, so this goes by: %(channel)s.",
            best=label(best.channel),
            why=why,
            channel=label(route.channel),
        )
    return _("Why %(channel)s: %(why)s", channel=label(route.channel), why=why) if why else ""


def _open(choice: ChannelChoiceView, channels: Mapping[str, Channel]) -> bool:
    known = channels.get(choice.channel)
    return choice.available and (known is None or known.enabled)


def _who(choice: ChannelChoiceView, ticket: TicketView) -> str:
    """An address where people know it as theirs; their name where it is only our number for them."""
    kind, _, address = (choice.contact_point or "").partition(":")
    return address if kind in ("email", "tel") else ticket.row.customer_name
