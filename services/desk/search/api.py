"""Lists of tickets over HTTP: filtered, in order, or found by words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from services.desk.search import finding
from services.desk.security import Reader, TheDesk
from services.desk.tickets.schemas import TicketPage, TicketQuery

router = APIRouter(tags=["tickets"])


@router.get("/tickets", summary="List tickets")
async def list_tickets(
    desk: TheDesk,
    _: Reader,
    status: Annotated[list[str], Query(description="`open`, `pending`, `solved`, `closed`; may be repeated")] = [],  # noqa: B006
    level: Annotated[list[str], Query(description="`urgent`, `high`, `normal`, `low`; may be repeated")] = [],  # noqa: B006
    team: str = "",
    assignee: Annotated[str, Query(description="An agent's e-mail address, or `none`")] = "",
    channel: str = "",
    language: Annotated[str, Query(description="ISO 639-1")] = "",
    customer: Annotated[str, Query(description="A customer's id")] = "",
    due: Annotated[str, Query(description="`overdue`, or `soon` for those that will be within half an hour")] = "",
    waiting: Annotated[bool, Query(description="Only those whose customer waits for an answer")] = False,
    grouped: Annotated[
        bool, Query(description="False leaves out tickets that show under another one about the same")
    ] = True,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="Words of messages, names, addresses, facts and files; a telephone number in any notation; #number; and the "
            "filters `status:` `level:` `assignee:` `team:` `channel:` `language:` `from:` `has:file` `older:2d` `newer:2d`. "
            "With `order=newest` a common word is answered in time too: `searched_back_to` then says how far",
        ),
    ] = "",
    order: Annotated[
        str, Query(description="`priority`: most urgent first, then longest waiting; or `newest`")
    ] = "priority",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str, Query(max_length=500, description="`next` of the page before")] = "",
) -> TicketPage:
    """Lists a page of tickets. Paging is by keyset: tickets that arrive meanwhile neither repeat
    nor hide others."""
    query = TicketQuery(
        status=tuple(status),
        level=tuple(level),
        team=team,
        assignee=assignee,
        channel=channel,
        language=language,
        customer=customer,
        due=due,
        waiting=waiting,
        grouped=grouped,
        q=q,
        order=order,
        limit=limit,
        cursor=cursor,
    )
    return await finding.list_tickets(desk, query)
