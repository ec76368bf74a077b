"""Handing conversations over: to somebody, to a team or back to the queue, with a note, one or
many."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from services.desk.actors import Permission
from services.desk.assignment import service as assignment
from services.desk.assignment.choices import choices
from services.desk.assignment.handing import Asked, HandedOver, Handover
from services.desk.tickets import service as tickets
from services.desk.tickets.schemas import TicketRow
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.console import Console, Undo
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, viewer, writer
from services.desk.web.words import N_
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Tickets = Annotated[list[str], Query(max_length=200)]
WHY = {
    "settled": N_("is solved"),
    "no-such-ticket": N_("no longer exists"),
}
"""Why one was left out; `taken` names who has it."""


@router.get("/hand-over")
async def choose(request: Request, who: Annotated[Viewer, Depends(viewer)], ticket: Tickets = []) -> Response:  # noqa: B006 - FastAPI's
    """Shows to whom these conversations can be given."""
    who.actor.require(Permission.CHANGE_TICKETS)
    console = console_of(request)
    found = await choices(console.desk, ticket)
    context = {"viewer": who, "found": found, "key": uuid4().hex}
    if is_part(request):
        return html(console.render("parts/hand-over.html", who.language, **context))
    context |= {"section": "inbox", "back": "/", "after": console.live.newest, "theme": who.theme}
    return html(console.render("hand-over.html", who.language, **context))


@router.post("/hand-over")
async def hand_over(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    ticket: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI's
    was: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI's
    to: Annotated[str, Form(max_length=400)] = "",
    team: Annotated[str | None, Form(max_length=100)] = None,
    note: Annotated[str, Form(max_length=20_000)] = "",
    key: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Gives them away. `to`: `agent:<mail address>`, `team:<name>` or `queue`; `was`: who had each
    of them when the page was made."""
    who.actor.require(Permission.CHANGE_TICKETS)
    console = console_of(request)
    kind, _, name = to.partition(":")
    if kind not in ("agent", "team", "queue"):
        raise Rejected(422, "no-choice", "Choose a person, a team or the queue.")
    target = Handover(
        assignee=name if kind == "agent" else "",
        team=name if kind == "team" else team,
        note=note,
    )
    asked = [Asked(own, was[place] if place < len(was) else None) for place, own in enumerate(ticket)]
    before = await tickets.get_rows(console.desk, ticket)
    done = await assignment.assign_all(console.desk, asked, target, actor=who.actor, key=key)
    lines = await _left_out(console, who.language, done)
    if not is_part(request):
        if not lines and len(ticket) == 1:
            return redirect(f"/c/{ticket[0]}")
        context = {"section": "inbox", "back": "/", "after": console.live.newest, "theme": who.theme, "viewer": who}
        context |= {"found": None, "done": len(done.done), "lines": lines}
        return html(console.render("hand-over.html", who.language, **context), 409 if lines else 200)
    body = "".join(console.ticket_parts(who.language, row) for row in done.done)
    body += _said(console, who, done, before, lines, target)
    if lines:
        body += console.render("parts/handed-over.html", who.language, done=len(done.done), lines=lines, viewer=who)
    return html(body, 409 if lines else 200)


def _said(
    console: Console, who: Viewer, done: HandedOver, before: dict[str, TicketRow], lines: list[str], to: Handover
) -> str:
    _ = gettext(who.language)
    row = done.done[0] if done.done else None
    if lines or row is None or len(done.done) > 1:
        text = _("Handed over: %(count)s", count=len(done.done))
        if lines:
            text += ". " + _("Not handed over: %(which)s", which="; ".join(lines))
        return console.toast(who.language, text)
    name = row.assignee_name or row.assignee
    if name:
        text = _("Assigned to %(name)s", name=name)
    elif to.team is not None:
        text = _("In the queue: %(team)s", team=words.team(row.team))
    else:
        text = _("Back in the queue")
    old = before.get(row.id)
    undo = None
    if old:
        back = f"agent:{old.assignee}" if old.assignee else "queue"
        undo = Undo("/hand-over", {"ticket": row.id, "was": row.assignee, "to": back, "team": old.team})
    return console.toast(who.language, text, undo, number=row.number)


async def _left_out(console: Console, language: str, done: HandedOver) -> list[str]:
    """Says of each that was left out why."""
    _ = gettext(language)
    rows = await tickets.get_rows(console.desk, [each.ticket_id for each in done.left_out])
    lines = []
    for each in done.left_out:
        row = rows.get(each.ticket_id)
        holder = (row.assignee_name or row.assignee) if row else ""
        if each.code != "taken":
            why = words.name(WHY, each.code, _)
        elif holder:
            why = _("%(who)s has it now", who=holder)
        else:
            why = _("is back in its queue")
        lines.append(f"#{each.number} {why}" if each.number else why)
    return lines
