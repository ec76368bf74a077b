"""Browsers tell who looks at which ticket and who writes there, and hear who else does."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import JSONResponse

from services.desk import watchers
from services.desk.cursors import as_uuid
from services.desk.live import Live
from services.desk.security import desk_of
from services.desk.watchers import Look
from services.desk.web.answers import HEADERS, ConsoleRoute
from services.desk.web.pages.inbox import console_of
from services.desk.web.viewer import Viewer, writer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.post("/c/{ticket}/looks")
async def look(
    request: Request,
    ticket: str,
    who: Annotated[Viewer, Depends(writer)],
    tab: Annotated[str, Form(min_length=1, max_length=40)],
    state: Annotated[Literal["viewing", "typing", "gone"], Form()],
) -> Response:
    """Reports that an agent looks at a ticket; each tab that shows it repeats this every 20
    seconds. Returns who else does."""
    desk, agent = desk_of(request), who.agent
    said = Look(as_uuid(ticket, "ticket"), agent.email, (agent.name or agent.email)[:100], tab, state)
    await watchers.publish(desk.database, said)
    return JSONResponse(on(console_of(request).live, said.ticket), headers=HEADERS)


def on(live: Live, ticket: str) -> dict[str, Any]:
    """Lists who looks at a ticket, for browsers: each shows all but its own agent."""
    found = live.watchers.on(ticket, time.monotonic())
    people = [{"agent": each.agent, "name": each.name, "typing": each.typing} for each in found]
    return {"ticket": ticket, "people": people}
