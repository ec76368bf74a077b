"""What the urgency model learned from agents, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.desk.actors import Permission
from services.desk.tickets import service as tickets
from services.desk.web.answers import ConsoleRoute, html
from services.desk.web.learning import report
from services.desk.web.pages.inbox import console_of
from services.desk.web.viewer import Viewer, viewer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/learning")
async def learning_page(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    version: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Shows which urgency model is in use, what became of each that was learned, and what one of
    them judges differently: the newest, unless another version is asked for."""
    who.actor.require(Permission.READ_AUDIT)
    console = console_of(request)
    known = tuple(console.learned.values())
    models = report.newest(known)
    shown = next((one for one in models if one.version == version), models[0] if models else None)
    ids = [one.message_id for one in shown.examples] if shown else []
    messages = await tickets.get_messages(console.desk, ids) if ids else {}
    await console.agents()
    body = console.render(
        "learning.html",
        who.language,
        viewer=who,
        theme=who.theme,
        section="people",
        back="/learning",
        after=console.live.newest,
        used=report.used(known),
        models=models,
        shown=shown,
        examples=report.examples(shown, messages) if shown else [],
    )
    return html(body)
