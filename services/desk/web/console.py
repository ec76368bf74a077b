"""Builds pages and parts of pages from what the desk knows."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from services.desk.actors import Permission
from services.desk.calls import service as calls
from services.desk.context import Desk
from services.desk.customers.schemas import CustomerView
from services.desk.dead_letters.service import DeadLetterList
from services.desk.live import Live
from services.desk.people import service as people
from services.desk.people.limits import Limiter
from services.desk.profiles import service as customers
from services.desk.tickets import service as tickets
from services.desk.tickets.domain import telephone
from services.desk.tickets.schemas import ChannelChoiceView, MessageView, TicketPage, TicketRow, TicketView
from services.desk.timeline import EventView
from services.desk.wallboard.service import Wallboard
from services.desk.web import words
from services.desk.web.calls.line import Line, Lookout
from services.desk.web.conversation import pane
from services.desk.web.conversation import words as conversation
from services.desk.web.conversation.reasons import reason
from services.desk.web.inbox import lists
from services.desk.web.render import gettext, label_of, line_of, render
from services.desk.web.viewer import Viewer
from shared.bus import View
from shared.errors import Rejected
from shared.events import Channel, ModelLearned

_NAMES_KEPT = 30.0
"""Seconds that agents' names are kept: new colleagues are rare, events are not."""


@dataclass(frozen=True, slots=True)
class Undo:
    """The form behind an Undo button."""

    url: str
    fields: Mapping[str, str]
    label: str = ""
    """What else may be done, where it is not taking it back."""


class Console:
    """One per process."""

    def __init__(
        self,
        desk: Desk,
        live: Live,
        wallboard: Wallboard,
        dead_letters: DeadLetterList,
        sign_ins: Limiter,
        learned: View[ModelLearned],
    ) -> None:
        self.desk, self.live, self.wallboard = desk, live, wallboard
        self.dead_letters, self.sign_ins, self.learned = dead_letters, sign_ins, learned
        self.lookout = Lookout(desk, live)
        self._names: tuple[float, dict[str, str]] = (0.0, {})

    @property
    def channels(self) -> dict[str, Channel]:
        """Announced channels by name."""
        return {channel.name: channel for channel in self.desk.channels.values()}

    async def agents(self) -> dict[str, str]:
        """Returns agents' names by e-mail address, including those of disabled agents."""
        expires, names = self._names
        if time.monotonic() > expires:
            names = await people.names(self.desk)
            self._names = (time.monotonic() + _NAMES_KEPT, names)
        return names

    def render(self, template: str, language: str, **context: Any) -> str:
        """Renders a template with the announced channels."""
        context = {"board": self.lookout.board, "names": self._names[1]} | context
        return render(template, language, self.channels, **context)

    async def inbox_page(
        self, viewer: Viewer, view: str, search: str = "", pane_context: dict[str, Any] | None = None
    ) -> str:
        """Renders the whole page: views, list, and a conversation if one is open."""
        after = self.live.newest
        await self.lookout.look()
        entry = lists.view_of(view) or lists.VIEWS["all"]
        counts = await lists.counts(self.desk, viewer.agent.email)
        asked = lists.query(entry.name, viewer.agent.email, search)
        problem_found = ""
        try:
            rows = await lists.page(self.desk, entry.name, viewer.agent.email, search)
        except Rejected as error:
            if error.code not in words.IN_A_SEARCH or not search:
                raise
            rows, problem_found = TicketPage(items=(), next=""), words.problem(error, gettext(viewer.language))
        context = {"ticket": None} | (pane_context or {}) | {"after": after}
        return self.render(
            "inbox.html",
            viewer.language,
            viewer=viewer,
            theme=viewer.theme,
            section="inbox",
            back=f"/c/{context['ticket'].row.id}" if context["ticket"] else entry.url,
            view=entry,
            views=lists.VIEWS.values(),
            queues=lists.queues(counts),
            elsewhere=lists.VIEWS["all" if search else entry.next],
            counts=counts,
            words=search,
            sort=asked.order,
            rows=rows,
            problem_found=problem_found,
            more=more_url(entry, rows.next, search),
            **context,
        )

    async def rows(self, viewer: Viewer, view: lists.View, cursor: str, search: str) -> str:
        """Renders the next rows of a view."""
        await self.lookout.look()
        rows = await lists.page(self.desk, view.name, viewer.agent.email, search, cursor)
        return self.render(
            "parts/rows.html", viewer.language, rows=rows, ticket=None, more=more_url(view, rows.next, search)
        )

    async def pane_context(self, viewer: Viewer, ticket_id: str, before: str = "", **draft: Any) -> dict[str, Any]:
        """Builds what the conversation pane needs. `draft`: the composer's state if it is not
        fresh. Raises Rejected 404."""
        after = self.live.newest
        await self.lookout.look()
        ticket = await tickets.get_ticket(self.desk, ticket_id, before=before)
        talks = await calls.of_tickets(self.desk, [ticket.row.id])
        customer = await customers.get_customer(self.desk, ticket.row.customer_id)
        translate = gettext(viewer.language)
        if not viewer.actor.may(Permission.REPLY):
            draft = {"mode": "note"} | draft
        return {
            "viewer": viewer,
            "ticket": ticket,
            "timeline": pane.timeline(ticket, talks, await self.agents(), translate),
            "first": pane.first_unread(ticket.messages),
            "handed": pane.handed(ticket, await self.agents()),
            "draft": self.draft(ticket, customer, viewer.language, **draft),
            "after": after,
            **self.customer_context(customer, ticket.row.id, ticket.channels),
        }

    def draft(
        self, ticket: TicketView, customer: CustomerView, language: str, channel: str = "", **state: Any
    ) -> pane.Draft:
        """Builds the composer for a ticket."""
        channels, translate = self.channels, gettext(language)
        label = partial(label_of, channels, translate)
        opted_out = {point.point for point in customer.contact_points if point.opted_out}

        def closed(channel: str, point: str) -> str:
            return conversation.closed(label(channel), point, translate) if point in opted_out else ""

        found = pane.routes(
            ticket, channels, channel, partial(line_of, channels, translate), closed, customer.contact_points
        )
        call = pane.may_call(ticket, channels, closed)
        if not any(route.available for route in found):
            state = {"mode": "note"} | state
        heard = tuple(choice for choice in ticket.channels if choice.contact_point not in opted_out)
        ticket = dataclasses.replace(ticket, channels=heard)
        hint = pane.hint(ticket, found, label, lambda item: reason(item, translate), translate, call=call)
        state = {"cc": pane.copies(ticket, channels)} | state
        doubt = pane.doubt(ticket, found, translate)
        return pane.Draft(seen=ticket.row.version, routes=found, hint=hint, doubt=doubt, call=call, **state)

    def customer_context(
        self,
        customer: CustomerView,
        ticket_id: str,
        choices: tuple[ChannelChoiceView, ...],
        problem: str = "",
        typed: str = "",
    ) -> dict[str, Any]:
        """Builds what the customer panel needs. The guessed channel is one that they have not
        opted out of."""
        opted_out = {point.point for point in customer.contact_points if point.opted_out}
        best = next((choice for choice in choices if choice.contact_point not in opted_out), None)
        return {
            "customer": customer,
            "guess": best if best and best.tells else None,
            "ticket_id": ticket_id,
            "channel_names": sorted({*self.channels, *(choice.channel for choice in choices)}),
            "problem": problem,
            "typed": typed,
        }

    async def customer_part(
        self, viewer: Viewer | None, language: str, row: TicketRow, problem: str = "", typed: str = ""
    ) -> str:
        """Renders the customer panel beside a ticket."""
        ticket = await tickets.get_ticket(self.desk, row.id, messages=1)
        customer = await customers.get_customer(self.desk, row.customer_id)
        context = self.customer_context(customer, row.id, ticket.channels, problem, typed)
        return self.render("parts/customer.html", language, viewer=viewer, **context)

    async def customer_parts(self, language: str, customer_id: str) -> str:
        """Renders what shows a customer, for every viewer: the rows of their tickets and the
        panel."""
        customer = await customers.get_customer(self.desk, customer_id)
        rows = await tickets.get_rows(self.desk, [ticket.id for ticket in customer.tickets])
        html = self.render("parts/row-list.html", language, items=list(rows.values()), viewer=None)
        newest = next(iter(customer.tickets), None)
        if newest is None:
            return html
        ticket = await tickets.get_ticket(self.desk, newest.id)
        draft = self.draft(ticket, customer, language)
        html += self.render("parts/addressed.html", language, ticket=ticket, draft=draft, viewer=None)
        return html + await self.customer_part(None, language, rows[newest.id])

    def ticket_parts(
        self,
        language: str,
        row: TicketRow,
        message: MessageView | None = None,
        change: pane.Line | None = None,
        talk: pane.Talk | None = None,
    ) -> str:
        """Renders the row, the head, and a new piece of the timeline: the same bytes for every
        viewer of a language."""
        return self.render(
            "parts/changed.html", language, row=row, message=message, change=change, talk=talk, viewer=None
        )

    def my_line(self, viewer: Viewer, line: Line, problem: str = "", typed: str = "") -> str:
        """Renders the agent's own part of the telephone line, wherever pages show it. `problem`:
        with the number that was `typed`."""
        context = {"viewer": viewer, "line": line, "problem": problem, "typed": typed}
        return self.render("parts/my-line.html", viewer.language, **context)

    async def calls_page(self, viewer: Viewer, line: Line, problem: str = "", typed: str = "") -> str:
        """Renders the page of who waits on the telephone, who talks, and who is to be called
        back."""
        after = self.live.newest
        await self.lookout.look()
        await self.agents()
        phone, _ = telephone(self.channels.values()), gettext(viewer.language)
        off = phone is None or not phone.enabled
        why = (phone.why_off if phone else "") or _("its service is not running")
        return self.render(
            "calls.html",
            viewer.language,
            viewer=viewer,
            theme=viewer.theme,
            section="calls",
            back="/calls",
            after=after,
            line=line,
            problem=problem,
            typed=typed,
            phone_off=_("The phone line is turned off: %(why)s", why=why) if off else None,
        )

    def toast(self, language: str, text: str, undo: Undo | None = None, *, number: int = 0) -> str:
        """Renders what was done, to the ticket of this number, and how to undo it."""
        return self.render("parts/toast.html", language, text=f"#{number}: {text}" if number else text, undo=undo)

    async def row(self, ticket_id: str) -> TicketRow:
        """Returns one ticket's row. Raises Rejected 404."""
        found = (await tickets.get_rows(self.desk, [ticket_id])).get(ticket_id)
        if found is None:
            raise Rejected(404, "no-such-ticket", "Conversation not found.")
        return found

    def line(self, event: EventView, agents: Mapping[str, str], language: str) -> pane.Line | None:
        """Returns an event as the timeline shows it; None for what is shown otherwise."""
        return pane.line(event, agents, gettext(language))


def more_url(view: lists.View, cursor: str, search: str) -> str:
    """Builds the address of the next rows."""
    return f"{view.url}/rows?" + urlencode({"cursor": cursor} | ({"q": search} if search else {}))
