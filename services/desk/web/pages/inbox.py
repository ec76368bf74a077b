"""The inbox and the conversation in it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import escape

from services.desk.notifications import service as notifications
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.console import Console
from services.desk.web.inbox import lists
from services.desk.web.viewer import VIEW, Viewer, is_part, keep, keep_session, viewer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


def console_of(request: Request) -> Console:
    """Returns this process's console."""
    found: Console = request.app.state.console
    return found


@router.get("/")
async def home(who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Redirects to the list that the agent looked at last."""
    return redirect((lists.view_of(who.view) or lists.VIEWS["all"]).url)


@router.get("/inbox/{view:path}/rows")
async def more_rows(
    request: Request, view: str, who: Annotated[Viewer, Depends(viewer)], cursor: str = "", q: str = ""
) -> Response:
    """Renders the next rows of a view."""
    return html(await console_of(request).rows(who, known(view), cursor, q.strip()[:200]))


@router.get("/inbox/{view:path}")
async def list_page(request: Request, view: str, who: Annotated[Viewer, Depends(viewer)], q: str = "") -> Response:
    """Shows a view, or what a search found."""
    known(view)
    if team := lists.team_of(view):
        await notifications.opened(console_of(request).desk, who.agent.id, team)
    answer = html(await console_of(request).inbox_page(who, view, q.strip()[:200]))
    keep_session(answer, console_of(request).desk, who.token)
    keep(answer, console_of(request).desk, VIEW, quote(view))
    return answer


@router.get("/c/{ticket}")
async def conversation(
    request: Request, ticket: str, who: Annotated[Viewer, Depends(viewer)], before: str = ""
) -> Response:
    """Shows a conversation, as a pane for htmx and as a page for everybody else."""
    console = console_of(request)
    context = await console.pane_context(who, ticket, before)
    await notifications.opened(console.desk, who.agent.id, context["ticket"].row.id)
    if is_part(request):
        title = f"<title>{escape(context['ticket'].row.subject or '#' + str(context['ticket'].row.number))} · Switchboard</title>"
        return html(title + console.render("parts/pane.html", who.language, **context))
    context.pop("viewer")
    return html(await console.inbox_page(who, who.view, pane_context=context))


def known(name: str) -> lists.View:
    """Returns the view of this name. Raises Rejected 404 if there is none."""
    if not (view := lists.view_of(name)):
        raise Rejected(
            404, "no-such-view", f"There is no view called {name[:40]!r}. Choose one of: {', '.join(lists.VIEWS)}."
        )
    return view
