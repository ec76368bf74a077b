"""The inbox and the conversation in it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import escape

from services.desk.web import lists
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.console import Console
from services.desk.web.viewer import VIEW, Viewer, is_part, is_secure, keep_session, viewer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


def console_of(request: Request) -> Console:
    """This process's console."""
    found: Console = request.app.state.console
    return found


@router.get("/")
async def home(who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """The list that the agent looked at last."""
    return redirect(f"/inbox/{who.view if who.view in lists.VIEWS else 'all'}")


@router.get("/inbox/{view}")
async def list_page(request: Request, view: str, who: Annotated[Viewer, Depends(viewer)], q: str = "") -> Response:
    """A view, or what a search found."""
    known(view)
    answer = html(await console_of(request).inbox_page(who, view, q.strip()[:200]))
    keep_session(answer, console_of(request).desk, who.token)
    answer.set_cookie(VIEW, view, samesite="lax", secure=is_secure(console_of(request).desk))
    return answer


@router.get("/inbox/{view}/rows")
async def more_rows(
    request: Request, view: str, who: Annotated[Viewer, Depends(viewer)], cursor: str = "", q: str = ""
) -> Response:
    """The next rows of a view."""
    known(view)
    return html(await console_of(request).rows(who, view, cursor, q.strip()[:200]))


@router.get("/c/{ticket}")
async def conversation(
    request: Request, ticket: str, who: Annotated[Viewer, Depends(viewer)], before: str = ""
) -> Response:
    """A conversation, as a pane for htmx and as a page for everybody else."""
    console = console_of(request)
    context = await console.pane_context(who, ticket, before)
    if is_part(request):
        title = f"<title>{escape(context['ticket'].row.subject or '#' + str(context['ticket'].row.number))} · Switchboard</title>"
        return html(title + console.render("parts/pane.html", who.language, **context))
    context.pop("viewer")
    return html(await console.inbox_page(who, who.view if who.view in lists.VIEWS else "all", pane_context=context))


def known(view: str) -> None:
    """Rejected 404 for a view that does not exist."""
    if view not in lists.VIEWS:
        raise Rejected(
            404, "no-such-view", f"There is no view called {view[:40]!r}. Choose one of: {', '.join(lists.VIEWS)}."
        )
