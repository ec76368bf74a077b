"""Reports: figures of a period, the conversations behind them, and both as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.desk.actors import Permission
from services.desk.reports import export, mails, periods, repository
from services.desk.reports import service as reports
from services.desk.reports.mails import Wanted
from services.desk.reports.schemas import Figures, ReportView
from services.desk.web import words
from services.desk.web.answers import HEADERS, ConsoleRoute, html, redirect
from services.desk.web.pages.inbox import console_of
from services.desk.web.render import gettext, label_of
from services.desk.web.reports import words as own
from services.desk.web.viewer import Viewer, viewer, writer
from services.desk.web.wallboard.figures import span
from shared.clock import utc_now
from shared.errors import Rejected, Unavailable
from shared.i18n import locale, time_of_day

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
_NONE = "-"
"""In an address: those without any."""
_PATIENCE = 15.0
"""Seconds for all statements of a report; a browser gives up after 20."""
_STALE = 120
"""Seconds after which the page says until when all is counted."""


class Asked:
    """What is asked for, as the address has it."""

    def __init__(
        self,
        period: Annotated[str, Query(max_length=20)] = "28-days",
        first: Annotated[str, Query(max_length=10)] = "",
        last: Annotated[str, Query(max_length=10)] = "",
        clock: Annotated[str, Query(max_length=20)] = "wall",
        by: Annotated[str, Query(max_length=20)] = "",
        channel: Annotated[str, Query(max_length=200)] = "",
        team: Annotated[str, Query(max_length=200)] = "",
        agent: Annotated[str, Query(max_length=200)] = "",
        language: Annotated[str, Query(max_length=200)] = "",
        tier: Annotated[str, Query(max_length=200)] = "",
    ) -> None:
        self.period, self.first, self.last, self.clock, self.by = period, first, last, clock, by or "team"
        self.only = {"channel": channel, "team": team, "agent": agent, "language": language, "tier": tier}

    @property
    def query(self) -> reports.Query:
        """The query of the service. Rejected 422."""
        return reports.Query(
            period=self.period,
            first=_day(self.first),
            last=_day(self.last),
            clock=self.clock,
            by=self.by,
            only={name: "" if value == _NONE else value for name, value in self.only.items() if value},
        )

    def address(self, **other: str) -> str:
        """Returns the query of an address, with something else in it."""
        mine = {"period": self.period, "first": self.first, "last": self.last, "clock": self.clock, "by": self.by}
        return urlencode({name: value for name, value in (mine | self.only | other).items() if value})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Rejected(422, "report-days", f"{text!r} is not a date; write 2026-11-30.") from None


@router.get("/reports")
async def reports_page(
    request: Request, who: Annotated[Viewer, Depends(viewer)], asked: Annotated[Asked, Depends()]
) -> Response:
    """Shows what may be asked for; the figures come as soon as they are counted."""
    mail = None
    if who.actor.may(Permission.READ_REPORTS):
        mail = await mails.chosen(console_of(request).desk, who.agent.email, actor=who.actor)
    saved = "saved" in request.query_params
    return await _page(request, who, asked, "reports.html", mail=mail, saved=saved, rhythms=own.RHYTHMS)


@router.post("/reports/mail")
async def set_mail(
    request: Request, who: Annotated[Viewer, Depends(writer)], asked: Annotated[Asked, Depends()]
) -> Response:
    """Mails the viewer this report from now on, or no more."""
    every = str((await request.form()).get("every", ""))
    query = asked.query
    wanted = Wanted(every=every, by=query.by, clock=query.clock, only=dict(query.only))
    await mails.choose(console_of(request).desk, who.agent.email, wanted, actor=who.actor)
    return redirect(f"/reports?{asked.address(saved='on')}#mail")


@router.get("/reports/figures")
async def figures_part(
    request: Request, who: Annotated[Viewer, Depends(viewer)], asked: Annotated[Asked, Depends()]
) -> Response:
    """Shows the figures, or why there are none."""
    console, translate = console_of(request), gettext(who.language)
    context: dict[str, Any] = {"report": None, "problem": ""}
    try:
        async with asyncio.timeout(_PATIENCE):
            context["report"] = await reports.report(console.desk, asked.query, actor=who.actor)
    except Rejected as error:
        if error.status == 403:
            raise
        context["problem"] = words.problem(error, translate)
    except TimeoutError:
        context["problem"] = translate(words.PROBLEMS["too-slow"])
    except Unavailable:
        context["problem"] = translate("Temporarily unavailable. Nothing was changed; please try again.")
    shown = _shown(request, who, asked, await console.agents())
    if report := context["report"]:
        context |= {
            "charts": _charts(report),
            "stale": (utc_now() - report.counted_at).total_seconds() > _STALE,
            "day_name": partial(_day_name, report, who.language),
            "point_name": partial(_point_name, report, who.language),
        }
    return html(console.render("parts/report.html", who.language, **(shown | context)))


@router.get("/reports/conversations")
async def behind(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    asked: Annotated[Asked, Depends()],
    metric: Annotated[str, Query(max_length=30)] = "new",
) -> Response:
    """Shows the conversations behind a number."""
    found = await reports.behind(console_of(request).desk, asked.query, metric, actor=who.actor)
    return await _page(request, who, asked, "report_behind.html", metric=metric, found=found, most=reports.PAGE)


@router.get("/reports/figures.csv")
async def figures_csv(
    request: Request, who: Annotated[Viewer, Depends(viewer)], asked: Annotated[Asked, Depends()]
) -> Response:
    """Sends the figures as CSV."""
    report = await reports.report(console_of(request).desk, asked.query, actor=who.actor)
    return Response(export.figures(report, asked.by), media_type="text/csv; charset=utf-8", headers=_as_file("report"))


@router.get("/reports/conversations.csv")
async def behind_csv(
    request: Request,
    who: Annotated[Viewer, Depends(viewer)],
    asked: Annotated[Asked, Depends()],
    metric: Annotated[str, Query(max_length=30)] = "new",
) -> Response:
    """Sends all conversations behind a number as CSV."""
    desk = console_of(request).desk
    await reports.page(desk, asked.query, metric, actor=who.actor, most=1)
    found = reports.everything(desk, asked.query, metric, actor=who.actor)
    return StreamingResponse(
        export.conversations(found), media_type="text/csv; charset=utf-8", headers=_as_file(f"report-{metric}")
    )


def _as_file(name: str) -> dict[str, str]:
    return HEADERS | {"Content-Disposition": f'attachment; filename="{name}.csv"'}


async def _page(request: Request, who: Viewer, asked: Asked, template: str, **more: Any) -> Response:
    console = console_of(request)
    choices = await reports.choices(console.desk, actor=who.actor)
    context = {
        "viewer": who,
        "theme": who.theme,
        "section": "reports",
        "back": f"{request.url.path}?{request.url.query}".rstrip("?"),
        "after": console.live.newest,
        "choices": choices,
        "periods": periods.NAMES,
        "today": utc_now().astimezone(console.desk.settings.opening.zone).date(),
        "meanings": own.MEANINGS,
        **_shown(request, who, asked, await console.agents()),
    }
    return html(console.render(template, who.language, **(context | more)))


def _shown(request: Request, who: Viewer, asked: Asked, names: Mapping[str, str]) -> dict[str, Any]:
    """Builds what templates of reports need of what is asked for, and how they write it."""
    channels, translate = console_of(request).channels, gettext(who.language)
    everybody = who.actor.may(Permission.READ_REPORTS)

    def value_label(dimension: str, value: str) -> str:
        if value in ("", _NONE):
            return translate("None")
        if dimension == "channel":
            return label_of(channels, translate, value)
        return names.get(value, value) if dimension == "agent" else value

    return {
        "asked": asked,
        "everybody": everybody,
        "dimensions": [name for name in repository.DIMENSIONS if name != "agent" or everybody],
        "filtered": any(asked.only.values()),
        "value_label": value_label,
        "took": lambda seconds: "–" if seconds is None else span(seconds, translate),
        "none_": _NONE,
        "period_name": lambda name: words.name(own.PERIODS, name, translate),
        "dimension_name": lambda name: words.name(own.DIMENSIONS, name, translate),
        "clock_name": lambda name: words.name(own.CLOCKS, name, translate),
        "metric_name": lambda name: words.name(own.METRICS, name, translate),
        "clocks": tuple(own.CLOCKS),
    }


def _day_name(report: ReportView, language: str, at: datetime, *, last: bool = False) -> str:
    """Formats a day of the report's own zone. last: the one that ends then."""
    inside = at - timedelta(microseconds=1) if last else at
    return format_date(inside.astimezone(ZoneInfo(report.zone)).date(), "medium", locale=locale(language))


def _point_name(report: ReportView, language: str, at: datetime) -> str:
    if report.unit != "hour":
        return _day_name(report, language, at)
    local = at.astimezone(ZoneInfo(report.zone))
    return f"{format_skeleton('MMMd', local, locale=locale(language))}, {time_of_day(local, language)}"


def _charts(report: ReportView) -> dict[str, Any]:
    """Returns what the charts draw: seconds since 1970, and a row of values for each line."""
    points = [point.figures for point in report.points]

    def row(value: Any) -> list[Any]:
        return [value(each) for each in points]

    def kept(each: Figures) -> float | None:
        return None if each.kept is None else round(100 * each.kept, 1)

    times = [point.at.timestamp() for point in report.points]
    lines = {
        "work": [row(lambda each: each.new), row(lambda each: each.resolution.count)],
        "reply": [row(lambda each: each.first_reply.half), row(lambda each: each.first_reply.most)],
        "backlog": [row(lambda each: each.backlog)],
        "kept": [row(kept)],
    }
    return {name: {"times": times, "rows": rows} for name, rows in lines.items()}
