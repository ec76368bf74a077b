"""What agents do with a conversation. Each answer is the parts that changed; without JavaScript,
the way back to the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.assignment import service as assignment
from services.desk.tickets import corrections, group_commands
from services.desk.tickets import service as tickets
from services.desk.tickets.domain import takes_copies
from services.desk.tickets.schemas import MessageView, TicketRow
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.console import Console, Undo
from services.desk.web.conversation.pane import Problem
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
ARRIVED = 5
"""Unseen messages that a stale reply shows: enough to see what is new, not the whole story
again."""


@router.post("/c/{ticket}/send")
async def send(
    request: Request,
    ticket: str,
    who: Annotated[Viewer, Depends(writer)],
    text: Annotated[str, Form()] = "",
    mode: Annotated[str, Form()] = "reply",
    channel: Annotated[str, Form()] = "",
    cc: Annotated[str, Form(max_length=20_000)] = "",
    bcc: Annotated[str, Form(max_length=20_000)] = "",
    seen: Annotated[int | None, Form()] = None,
    began: Annotated[str, Form(pattern=r"^\d{0,18}$")] = "",
    key: Annotated[str, Form(max_length=100)] = "",
    then: Annotated[str, Form()] = "",
) -> Response:
    """Sends a reply to the customer, or adds a note for the team."""
    console, agent = console_of(request), who.agent
    whole = tickets.Draft(text=text, author_name=agent.name, seen=seen, began=int(began) if began else None, key=key)
    try:
        if then == "ask":
            return await _ask(request, console, who, ticket, text)
        if mode == "note":
            message = await tickets.add_note(
                console.desk, ticket, text, actor=who.actor, author_name=agent.name, key=key
            )
        elif then == "all":
            return await _to_all(request, console, who, ticket, whole)
        else:
            by = console.channels.get(channel)
            copies = by is not None and takes_copies(by)  # the fields are there for other channels too, unseen
            whole = replace(
                whole,
                channel=channel,
                cc=[cc] if copies else None,
                bcc=[bcc] if copies else (),
                status=then or "pending",
            )
            message = await tickets.reply(console.desk, ticket, whole, actor=who.actor)
    except Rejected as error:
        if error.status not in (409, 422):
            raise
        draft = {"mode": mode, "text": text, "channel": channel, "cc": cc, "bcc": bcc}
        return await _not_sent(request, console, who, ticket, error, draft, whole.seen, whole.began)
    if not is_part(request):
        return redirect(f"/c/{ticket}")
    row = await console.row(message.ticket_id)
    context = await console.pane_context(who, row.id, mode=mode, channel=channel)
    body = console.render("parts/composer.html", who.language, **context) + console.ticket_parts(
        who.language, row, message
    )
    if then == "solved" and mode == "reply":
        body += _resolved(console, who, row, "open")
    return html(body)


async def _ask(request: Request, console: Console, who: Viewer, ticket: str, text: str) -> Response:
    """Asks, without JavaScript, whether the whole group is meant."""
    del request
    context = await console.pane_context(who, ticket, text=text, asking=True)
    context.pop("viewer")
    return html(await console.inbox_page(who, who.view, pane_context=context))


async def _to_all(request: Request, console: Console, who: Viewer, ticket: str, draft: tickets.Draft) -> Response:
    """Sends one answer to each customer of a group. Rejected as a reply."""
    done = await group_commands.reply_all(console.desk, ticket, draft, actor=who.actor)
    if not is_part(request):
        return redirect(f"/c/{ticket}")
    row, _ = await console.row(ticket), gettext(who.language)
    context = await console.pane_context(who, row.id)
    body = console.render("parts/composer.html", who.language, **context)
    body += console.render("parts/grouped.html", who.language, **context)
    for message in done.messages:
        if message.ticket_id == row.id:
            body += console.ticket_parts(who.language, row, message)
    said = _("Sending to each of them: %(count)s", count=len(done.messages))
    if done.left_out:
        numbers = ", ".join(f"#{left.number}" for left in done.left_out)
        said += ". " + _("Could not reply to: %(tickets)s", tickets=numbers)
    return html(body + console.toast(who.language, said, number=row.number))


@router.post("/c/{ticket}/ungroup")
async def ungroup(request: Request, ticket: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Removes a ticket from its group."""
    console, _ = console_of(request), gettext(who.language)
    row = await group_commands.ungroup(console.desk, (await console.row(ticket)).id, actor=who.actor)
    if not is_part(request):
        return redirect(f"/c/{row.id}")
    context = await console.pane_context(who, row.id)
    body = console.ticket_parts(who.language, row) + console.render("parts/grouped.html", who.language, **context)
    return html(body + console.toast(who.language, _("Removed from the group"), number=row.number))


async def _not_sent(
    request: Request,
    console: Console,
    who: Viewer,
    ticket: str,
    error: Rejected,
    draft: Mapping[str, str],
    seen: int | None,
    began: int | None,
) -> Response:
    """Renders the composer again, with the text and what is wrong. What arrived unseen, or since
    the agent began, counts as read from now on."""
    _ = gettext(who.language)
    text = words.problem(error, _)
    context = await console.pane_context(who, ticket)
    arrived: list[MessageView] = []
    if error.code == "stale" and seen is not None:
        unseen = min(context["ticket"].row.version - seen, ARRIVED)
        arrived = [
            message
            for message in context["ticket"].messages
            if message.direction != "note" or message.author != who.agent.email
        ]
        arrived = arrived[-unseen:] if unseen > 0 else []
    if error.code == "overtaken" and began is not None:
        events = [event for event in context["ticket"].events if event.seq > began and event.actor != who.agent.email]
        ids = {event.data.get("message_id", "") for event in events}
        arrived = [message for message in context["ticket"].messages if message.id in ids][-ARRIVED:]
    problem = Problem(_("Not sent. Your text is saved."), text, arrived)
    now = max((event.seq for event in context["ticket"].events), default=0)
    context["draft"] = console.draft(
        context["ticket"], context["customer"], who.language, problem=problem, began=now, **draft
    )
    if not is_part(request):
        context.pop("viewer")
        return html(await console.inbox_page(who, "all", pane_context=context), error.status)
    body = console.render("parts/composer.html", who.language, **context)
    body += "".join(console.ticket_parts(who.language, context["ticket"].row, message) for message in arrived)
    return html(body, error.status)


@router.post("/c/{ticket}/assign")
async def assign(
    request: Request,
    ticket: str,
    who: Annotated[Viewer, Depends(writer)],
    to: Annotated[str, Form()] = "me",
    was: Annotated[str | None, Form()] = None,
) -> Response:
    """Assigns a ticket to the agent who presses the button (`me`), to a colleague by address, or
    to `none`: back to the queue. `was`: who had it on the page (`none`: nobody); where somebody
    else was quicker, the page says who."""
    console, _ = console_of(request), gettext(who.language)
    before = await console.row(ticket)
    assignee = {"me": who.agent.email, "none": ""}.get(to, to)
    seen = "" if was == "none" else was
    try:
        row = await assignment.assign(console.desk, before.id, actor=who.actor, assignee=assignee, was=seen)
    except Rejected as error:
        if error.code != "taken" or not is_part(request):
            raise
        row = await console.row(ticket)
        name = row.assignee_name or row.assignee
        text = _("%(who)s has it now", who=name) if name else _("Back in the queue")
        return html(console.ticket_parts(who.language, row) + console.toast(who.language, text, number=row.number), 409)
    if not is_part(request):
        return redirect(f"/c/{row.id}")
    undo = Undo(f"/c/{row.id}/assign", {"to": before.assignee or "none"})
    name = row.assignee_name or row.assignee
    text = _("Assigned to %(name)s", name=name) if name else _("Assignment removed")
    return html(console.ticket_parts(who.language, row) + console.toast(who.language, text, undo, number=row.number))


@router.post("/c/{ticket}/priority")
async def prioritise(
    request: Request,
    ticket: str,
    who: Annotated[Viewer, Depends(writer)],
    level: Annotated[str, Form(max_length=20)],
    about: Annotated[str, Form(max_length=40)] = "",
) -> Response:
    """Gives a ticket another level, and keeps what it is really about."""
    console = console_of(request)
    before = await console.row(ticket)
    row = await corrections.prioritise(console.desk, before.id, level, about, actor=who.actor)
    if not is_part(request):
        return redirect(f"/c/{row.id}")
    _ = gettext(who.language)
    undo = Undo(f"/c/{row.id}/priority", {"level": before.level}) if before.level != row.level or about else None
    text = _("Priority: %(level)s", level=words.name(words.LEVELS, row.level, _))
    return html(console.ticket_parts(who.language, row) + console.toast(who.language, text, undo, number=row.number))


@router.post("/c/{ticket}/status")
async def status(
    request: Request, ticket: str, who: Annotated[Viewer, Depends(writer)], status: Annotated[str, Form()]
) -> Response:
    """Resolves a ticket, opens it again, or undoes either."""
    console = console_of(request)
    before = await console.row(ticket)
    row = await tickets.set_status(console.desk, before.id, status, actor=who.actor)
    if not is_part(request):
        return redirect(f"/c/{row.id}")
    return html(console.ticket_parts(who.language, row) + _resolved(console, who, row, before.status))


def _resolved(console: Console, who: Viewer, row: TicketRow, before: str) -> str:
    _ = gettext(who.language)
    undo = Undo(f"/c/{row.id}/status", {"status": before}) if before != row.status else None
    return console.toast(who.language, words.name(words.STATUSES, row.status, _), undo, number=row.number)
