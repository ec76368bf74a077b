"""`/styleguide`: every colour and every part of the console in all its states. Tests take its
picture and check it with axe."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.desk.web import static
from services.desk.web.answers import ConsoleRoute, html
from services.desk.web.calls import samples as call_samples
from services.desk.web.conversation import pane, samples
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext, render
from services.desk.web.viewer import Viewer, viewer

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.get("/styleguide")
async def styleguide(request: Request, who: Annotated[Viewer, Depends(viewer)]) -> Response:
    """Shows the page of the style guide."""
    console, ticket = console_of(request), samples.ticket()
    problem = pane.Problem(
        "Not sent. Your text is saved.", "A new message arrived while you were writing.", ticket.messages[:1]
    )
    tokens = re.findall(
        r"^  --([\w-]+): light-dark\((#\w+), (#\w+)\)", static.files()["css/tokens.css"].data.decode(), re.MULTILINE
    )
    body = render(
        "styleguide.html",
        who.language,
        samples.CHANNELS,
        viewer=who,
        theme=who.theme,
        section="",
        back="/styleguide",
        after=console.live.newest,
        tokens=tokens,
        rows=samples.rows(),
        lines=call_samples.lines(),
        sample_board=call_samples.board(),
        talks=call_samples.talks(),
        ticket=ticket,
        event=samples.event(),
        draft=console.draft(
            ticket, samples.customer(), who.language, problem=problem, text=gettext(who.language)("Write here")
        ),
        **console.customer_context(
            samples.customer(), ticket.row.id, ticket.channels, "Enter a four-digit year, such as 1954.", "19544"
        ),
    )
    return html(body)
