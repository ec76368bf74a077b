"""What an agent learns about a customer: how they want to be answered, and when they were born."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from services.desk.profiles import service as customers
from services.desk.web.answers import ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext
from services.desk.web.viewer import Viewer, is_part, writer
from shared.errors import Rejected

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)


@router.post("/customers/{customer}")
async def change(
    request: Request,
    customer: str,
    who: Annotated[Viewer, Depends(writer)],
    ticket: Annotated[str, Form()],
    preferred: Annotated[str | None, Form()] = None,
    source: Annotated[str, Form()] = "agent",
    birth_year: Annotated[str | None, Form()] = None,
) -> Response:
    """Changes what we know of a customer, but only what the form has. An empty field clears what
    was known."""
    console, _ = console_of(request), gettext(who.language)
    row = await console.row(ticket)
    form = await request.form()
    problem = ""
    changes: dict[str, str | None] = {}
    if "preferred" in form:
        changes |= {"preferred_channel": preferred or None, "source": source}
    if "birth_year" in form:
        changes |= {"birth_year": (birth_year or "").strip() or None}
    try:
        year = changes.pop("birth_year", customers.KEEP)
        await customers.update_customer(
            console.desk,
            customer,
            actor=who.actor,
            birth_year=int(year) if year and year != customers.KEEP else year,
            preferred_channel=changes.get("preferred_channel", customers.KEEP),
            source=changes.get("source") or "agent",
        )
    except ValueError:
        problem = _("Enter a four-digit year, such as 1954.")
    except Rejected as error:
        if error.status != 422:
            raise
        problem = _("Enter a four-digit year, such as 1954.") if "birth_year" in form else error.message
    if not is_part(request):
        return redirect(f"/c/{row.id}")
    body = await console.customer_part(who, who.language, row, problem, birth_year or "")
    if not problem:
        body += console.toast(who.language, _("Saved"))
    return html(body, 422 if problem else 200)
