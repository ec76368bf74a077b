"""Reports over HTTP, for machines with the scope `admin`."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse

from services.desk.actors import Actor, Permission
from services.desk.reports import export, mails, periods, repository
from services.desk.reports import service as reports
from services.desk.reports.mails import Wanted
from services.desk.reports.schemas import CountedPage, ReportView
from services.desk.security import TheDesk, allowed

router = APIRouter(tags=["reports"])
Reader = Annotated[Actor, Depends(allowed(Permission.READ_REPORTS))]
Only = Annotated[str | None, Query(max_length=200, description="Nothing but this; empty: of those without any")]
CSV = "text/csv; charset=utf-8"
Metric = Annotated[str, Query(max_length=30, description=f"One of {', '.join(repository.METRICS)}")]


def asked(
    period: Annotated[str, Query(max_length=20, description=f"One of {', '.join(periods.NAMES)}")] = "28-days",
    first: Annotated[date | None, Query(description="First day of `own`")] = None,
    last: Annotated[date | None, Query(description="Last day of `own`, included")] = None,
    clock: Annotated[
        str, Query(max_length=20, description="`wall`, or `business` for times in business hours only")
    ] = "wall",
    by: Annotated[str, Query(max_length=20, description=f"One of {', '.join(repository.DIMENSIONS)}")] = "team",
    channel: Only = None,
    team: Only = None,
    agent: Only = None,
    language: Only = None,
    tier: Only = None,
) -> reports.Query:
    """Reads what is asked for."""
    of_whom = {"channel": channel, "team": team, "agent": agent, "language": language, "tier": tier}
    only = {name: value for name, value in of_whom.items() if value is not None}
    return reports.Query(period=period, first=first, last=last, clock=clock, by=by, only=only)


Asked = Annotated[reports.Query, Depends(asked)]


@router.get("/reports", summary="Count a report")
async def get_report(desk: TheDesk, actor: Reader, query: Asked) -> ReportView:
    """Returns the figures of a period, with those of the period before. Responds 422
    `report-period`, `report-days`, `report-long`, `report-by` or `report-clock`."""
    return await reports.report(desk, query, actor=actor)


@router.get("/reports/figures.csv", summary="Count a report, as CSV", response_class=Response)
async def get_table(desk: TheDesk, actor: Reader, query: Asked) -> Response:
    """Returns the same as a table. Durations are seconds."""
    report = await reports.report(desk, query, actor=actor)
    return Response(export.figures(report, query.by), media_type=CSV)


@router.get("/reports/conversations", summary="List what is behind a number")
async def list_behind(
    desk: TheDesk,
    actor: Reader,
    query: Asked,
    metric: Metric,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(max_length=500, description="`next` of the page before")] = "",
) -> CountedPage:
    """Lists tickets, the newest first, once for each time that they count. Responds 422
    `report-metric`."""
    return await reports.page(desk, query, metric, actor=actor, after=cursor, most=limit)


@router.get("/reports/conversations.csv", summary="List what is behind a number, as CSV", response_class=Response)
async def list_all_behind(desk: TheDesk, actor: Reader, query: Asked, metric: Metric) -> StreamingResponse:
    """Streams all of them. A cell that a spreadsheet would calculate has an apostrophe before
    it."""
    await reports.page(desk, query, metric, actor=actor, most=1)
    return StreamingResponse(export.conversations(reports.everything(desk, query, metric, actor=actor)), media_type=CSV)


@router.get("/reports/mails/{agent}", summary="What report somebody gets by mail")
async def get_mail(desk: TheDesk, actor: Reader, agent: str) -> Wanted:
    """Returns it; `every` is empty where they get none."""
    return await mails.chosen(desk, agent, actor=actor)


@router.put("/reports/mails/{agent}", summary="Mail somebody a report, or no more")
async def put_mail(desk: TheDesk, actor: Reader, agent: str, body: Wanted) -> Wanted:
    """Mails the report of the week before on Mondays, or of the month before on its first day, if
    they may read everybody's figures. Responds 422 `report-every`, `report-by` or
    `report-clock`."""
    return await mails.choose(desk, agent, body, actor=actor)
