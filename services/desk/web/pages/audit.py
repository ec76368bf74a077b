"""Who did what, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from services.desk.actors import Permission
from services.desk.people import audit
from services.desk.web.admin.words import AUDIT_GROUPS
from services.desk.web.answers import ConsoleRoute, html
from services.desk.web.pages.inbox import console_of
from services.desk.web.viewer import Viewer, viewer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_PAGE = 50


@router.get("/audit")
async def audit_page(
    request: Request,
    who_asks: Annotated[Viewer, Depends(viewer)],
    kind: Annotated[str, Query(max_length=40)] = "",
    who: Annotated[str, Query(max_length=320)] = "",
    before: Annotated[int, Query(ge=0, le=2**62)] = 0,
) -> Response:
    """Shows the newest entries of the audit log, or those before."""
    who_asks.actor.require(Permission.READ_AUDIT)
    console, who = console_of(request), who.strip()
    database = console.desk.database
    found = await audit.entries(database, kind=kind, who=who, before=before, limit=_PAGE + 1)
    await audit.noted(database, "audit.read", who_asks.actor, who, kinds=kind)
    body = console.render(
        "audit.html",
        who_asks.language,
        viewer=who_asks,
        theme=who_asks.theme,
        section="people",
        back="/audit",
        after=console.live.newest,
        entries=found[:_PAGE],
        older=found[_PAGE - 1].id if len(found) > _PAGE else 0,
        groups=AUDIT_GROUPS,
        names=await console.agents(),
        kind=kind,
        who=who,
        before=before,
    )
    return html(body)
