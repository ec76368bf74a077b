"""The telephone line: who waits and who is to be called back, the agent's own call, and whether
they take any."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.calls import service as calls
from services.desk.notifications import service as notifications
from services.desk.notifications.domain import CALLED_IN
from services.desk.people import presence as people
from services.desk.people.domain import KINDS
from services.desk.security import desk_of
from services.desk.tickets import service as tickets
from services.desk.web import words
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.calls import line as calling
from services.desk.web.calls.line import Line
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, keep_session, viewer, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/calls")
async def page(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the line, with what the agent can do."""
    console = console_of(request)
    await notifications.opened(console.desk, who.agent.id, kind=CALLED_IN)
    answer = html(await console.calls_page(who, await _line(request, who)))
    keep_session(answer, console.desk, who.token)
    return answer


@router.get("/calls/mine")
async def mine(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Renders the agent's own part of the line, which a tab requests after an event that may
    have changed it."""
    return html(console_of(request).my_line(who, await _line(request, who)))


@router.post("/calls/{call}/answer")
async def answer(request: Request, call: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Takes a call; the agent's telephone rings."""
    found = await calls.answer(desk_of(request), call, actor=who.actor)
    return await _done(request, who, f"/c/{found.ticket_id}" if found.ticket_id else "/calls")


@router.post("/calls/{call}/decline")
async def decline(request: Request, call: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Passes an offered call on to a colleague."""
    await calls.decline(desk_of(request), call, actor=who.actor)
    return await _done(request, who)


@router.post("/calls/{call}/hang-up")
async def hang_up(request: Request, call: str, who: Annotated[Viewer, Depends(writer)]) -> Response:
    """Ends the agent's call."""
    await calls.hang_up(desk_of(request), call, actor=who.actor)
    return await _done(request, who)


@router.post("/calls/{call}/finish")
async def finish(
    request: Request,
    call: str,
    who: Annotated[Viewer, Depends(writer)],
    text: Annotated[str, Form()] = "",
) -> Response:
    """Stores in the conversation what was noted; then the agent is free again."""
    desk = desk_of(request)
    if text.strip():
        found = await calls.get_call(desk, call)
        if not found.ticket_id:
            raise Rejected(409, "no-ticket-yet", "Its conversation is still being created. Try again in a moment.")
        await tickets.add_note(
            desk, found.ticket_id, text, actor=who.actor, author_name=who.agent.name, key=f"call:{call}:{text}"
        )
    await calls.finish(desk, call, actor=who.actor)
    return await _done(request, who)


@router.post("/c/{ticket}/call")
async def call_back(
    request: Request, ticket: str, who: Annotated[Viewer, Depends(writer)], number: Annotated[str, Form()] = ""
) -> Response:
    """Rings the agent, then the customer."""
    await calls.call_back(desk_of(request), ticket, actor=who.actor, number=number)
    return await _done(request, who, f"/c/{ticket}")


@router.post("/c/{ticket}/callback-done")
async def callback_done(
    request: Request,
    ticket: str,
    who: Annotated[Viewer, Depends(writer)],
    also: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Removes a callback, as the customer was reached in another way. `also`: their other
    tickets on the list."""
    console, _ = console_of(request), gettext(who.language)
    for each in (ticket, *also):
        await calls.callback_done(console.desk, each, actor=who.actor)
    if not is_part(request):
        return redirect("/calls#callbacks")
    number = (await console.row(ticket)).number
    return html(console.toast(who.language, _("Removed from callbacks"), number=number))


@router.post("/presence")
async def presence(
    request: Request,
    who: Annotated[Viewer, Depends(writer)],
    presence: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Whether the agent gets work. A reason is only asked for where somebody is away."""
    why = reason if presence == "away" else ""
    await people.set_presence(desk_of(request), who.agent.email, presence, why, actor=who.actor)
    return await _done(request, who)


@router.post("/presence/takes")
async def takes(
    request: Request, who: Annotated[Viewer, Depends(writer)], take: Annotated[tuple[str, ...], Form()] = ()
) -> Response:
    """Sets which kinds of work the agent takes while ready."""
    _ = gettext(who.language)
    paused = [kind for kind in KINDS if kind not in take]
    await people.set_paused(desk_of(request), who.agent.email, paused, actor=who.actor)
    return await _done(request, who, said=_("Saved"))


@router.post("/phone-number")
async def phone_number(
    request: Request, who: Annotated[Viewer, Depends(writer)], number: Annotated[str, Form(max_length=100)] = ""
) -> Response:
    """Sets the number at which calls reach the agent; a wrong number is reported beside the
    field."""
    console, _ = console_of(request), gettext(who.language)
    try:
        await people.set_phone(console.desk, who.agent.email, number, actor=who.actor)
    except Rejected as error:
        if error.status != 422:
            raise
        line, problem = await _line(request, who), words.problem(error, _)
        if is_part(request):
            return html(console.my_line(who, line, problem, number), 422)
        return html(await console.calls_page(who, line, problem, number), 422)
    return await _done(request, who, said=_("Saved"))


async def _line(request: Request, who: Viewer) -> Line:
    return await calling.line(desk_of(request), who.agent.email)


async def _done(request: Request, who: Viewer, back: str = "/calls", said: str = "") -> Response:
    """Renders the agent's own part anew; without JavaScript, redirects to the page that shows
    it."""
    if not is_part(request):
        return redirect(back)
    console = console_of(request)
    body = console.my_line(who, await _line(request, who))
    return html(body + (console.toast(who.language, said) if said else ""))
