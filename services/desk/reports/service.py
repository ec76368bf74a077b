"""Reports, for those who may read them: everybody's figures, or one's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import text

from services.desk.actors import Actor, Permission
from services.desk.context import Desk
from services.desk.cursors import read_cursor, read_time, write_cursor
from services.desk.reports import repository
from services.desk.reports.domain import figures_of
from services.desk.reports.periods import period
from services.desk.reports.repository import DIMENSIONS, METRICS, Asked
from services.desk.reports.schemas import Counted, CountedPage, Figures, Line, Point, ReportView, Times
from shared.clock import utc_now
from shared.errors import Rejected

PAGE = 100
_MOST_LINES = 500
_CURSOR = "r"
_MEMORY = text("SET LOCAL work_mem = '32MB'")
"""To sort the durations of a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A report as it is asked for."""

    period: str = "28-days"
    first: date | None = None
    last: date | None = None
    clock: str = "wall"
    """`wall`, or `business` for times in business hours only."""
    by: str = "team"
    only: Mapping[str, str]
    """By dimension: nothing but this value; empty for those of none."""


async def report(desk: Desk, query: Query, *, actor: Actor) -> ReportView:
    """Counts a report. Who may not read everybody's figures gets their own. Rejected 422
    `report-period`, `report-days`, `report-long`, `report-by`, `report-clock`; 503 `too-slow`."""
    asked, own = _asked(desk, query, actor), _own(actor)
    during = asked.period
    async with desk.database.snapshot() as session:
        await session.execute(_MEMORY)
        known = await repository.progress(session)
        counted = await repository.counts(session, asked)
        of_lines = await repository.lines(session, asked)
        moments = (during.until, during.before_until, during.since)
        unsolved = {at: await repository.backlog(session, asked, at) for at in dict.fromkeys(moments)}
        moves = await repository.backlog_moves(session, asked)
        spoken = None if "agent" in asked.only or asked.by == "agent" else await repository.calls(session, asked)
        worked = None
        if set(asked.only) <= {"agent"}:
            who = asked.only.get("agent")
            worked = (
                await repository.occupied(session, during.since, during.until, who),
                await repository.occupied(session, during.before_since, during.before_until, who),
            )
    parts, lines = defaultdict[int, dict[str, Any]](dict), defaultdict[str, dict[str, Any]](dict)
    for row in counted:
        parts[row.no][row.kind] = row
    for row in of_lines:
        lines[row.value][row.kind] = row
    old = _of_all(unsolved[during.since])
    points = []
    for number, at in enumerate(during.slots, 1):
        old = replace(old, backlog=(old.backlog or 0) + moves.get(number, 0))
        points.append(Point(at=at, figures=replace(figures_of(parts[number + 2]), backlog=old.backlog)))
    by_line = _with(
        {value: figures_of(rows) for value, rows in lines.items()},
        {row.value: _aged(row) for row in unsolved[during.until] if not row.whole},
    )
    if spoken is not None:
        by_line = _with(by_line, _calls_by_line(spoken))
    if worked is not None and asked.by == "agent":
        by_line = _with(by_line, {row.agent: {"there": row.there, "occupied": row.occupied} for row in worked[0]})
    figures = replace(figures_of(parts[1]), **_all_of(unsolved[during.until]), **_calls(spoken, now=True))
    earlier = replace(figures_of(parts[2]), **_all_of(unsolved[during.before_until]), **_calls(spoken, now=False))
    if worked is not None:
        figures, earlier = replace(figures, **_worked(worked[0])), replace(earlier, **_worked(worked[1]))
    return ReportView(
        since=during.since,
        until=during.until,
        before_since=during.before_since,
        before_until=during.before_until,
        unit=during.unit,
        zone=during.zone,
        counted_at=known.at,
        rebuilding=known.rebuilt is not None,
        figures=figures,
        before=earlier,
        points=tuple(points),
        lines=tuple(
            Line(value=value, figures=by_line[value])
            for value in sorted(by_line, key=lambda value: (-by_line[value].new, value))
            if not own or asked.by != "agent" or value == own
        )[:_MOST_LINES],
    )


async def choices(desk: Desk, *, actor: Actor) -> dict[str, list[str]]:
    """Returns what there is to choose from in each dimension."""
    async with desk.database.statements() as session:
        found = await repository.choices(session)
    return found if actor.may(Permission.READ_REPORTS) else found | {"agent": [actor.id]}


async def behind(desk: Desk, query: Query, metric: str, *, actor: Actor) -> tuple[Counted, ...]:
    """Lists the tickets behind a number that took longest, or the newest; at most `PAGE`. Rejected
    as `report`; 422 `report-metric`."""
    asked = _asked(desk, query, actor)
    async with desk.database.snapshot() as session:
        rows = await repository.behind(session, asked, _metric(metric), longest=True, after=None, most=PAGE)
    return tuple(_counted(row) for row in rows)


async def page(
    desk: Desk, query: Query, metric: str, *, actor: Actor, after: str = "", most: int = PAGE
) -> CountedPage:
    """Lists all tickets behind a number, a page at a time. after: the cursor of the page before.
    Rejected as `behind`."""
    asked, place = _asked(desk, query, actor), None
    if after:
        at, number, ticket = read_cursor(after, _CURSOR, 3)
        if not number.isdecimal() or len(number) > 9:
            raise Rejected(422, "cursor", "Invalid cursor. Start again without it.")
        place = read_time(at), ticket, int(number)
    async with desk.database.snapshot() as session:
        rows = await repository.behind(session, asked, _metric(metric), longest=False, after=place, most=most + 1)
    last = rows[most - 1] if len(rows) > most else None
    following = write_cursor(_CURSOR, last.at.isoformat(), str(last.no), last.ticket_id) if last else ""
    return CountedPage(items=tuple(_counted(row) for row in rows[:most]), next=following)


async def everything(desk: Desk, query: Query, metric: str, *, actor: Actor) -> AsyncIterator[Counted]:
    """Yields all tickets behind a number, the newest first, with no connection held between two
    pages. Rejected as `behind`."""
    after = ""
    while True:
        found = await page(desk, query, metric, actor=actor, after=after, most=1000)
        for each in found.items:
            yield each
        after = found.next
        if not after:
            return


def check(query: Query) -> None:
    """Rejects 422 `report-by` or `report-clock` what is none."""
    if query.by not in DIMENSIONS:
        raise Rejected(422, "report-by", f"Figures are told by one of {', '.join(DIMENSIONS)}.")
    if query.clock not in ("wall", "business"):
        raise Rejected(422, "report-clock", "The clock is one of wall, business.")


def _asked(desk: Desk, query: Query, actor: Actor) -> Asked:
    check(query)
    only = {name: value for name, value in query.only.items() if name in DIMENSIONS}
    if own := _own(actor):
        only["agent"] = own
    return Asked(
        period=period(query.period, utc_now(), desk.settings.opening.zone, query.first, query.last),
        business=query.clock == "business",
        by=query.by,
        only=only,
    )


def _own(actor: Actor) -> str:
    """Returns whose figures alone somebody may read; empty: everybody's. A program may read all or
    nothing."""
    if actor.may(Permission.READ_REPORTS):
        return ""
    actor.require_for(actor.id, Permission.READ_REPORTS)
    return actor.id


def _metric(metric: str) -> str:
    if metric not in METRICS:
        raise Rejected(422, "report-metric", f"There are tickets behind each of {', '.join(METRICS)}.")
    return metric


def _with(lines: Mapping[str, Figures], more: Mapping[str, Mapping[str, Any]]) -> dict[str, Figures]:
    """Adds to the figures of lines, of which some had none yet."""
    added = {value: replace(lines.get(value, Figures()), **more[value]) for value in more}
    return {**lines, **added}


def _of_all(rows: Any) -> Figures:
    return replace(Figures(), **_all_of(rows))


def _all_of(rows: Any) -> dict[str, Any]:
    return next((_aged(row) for row in rows if row.whole), {"backlog": 0})


def _aged(row: Any) -> dict[str, Any]:
    half, most = row.ages or (None, None)
    return {"backlog": row.many, "age": Times(count=row.many, half=half, most=most)}


def _calls(rows: Any, *, now: bool) -> dict[str, Any]:
    if rows is None:
        return {}
    mine = [row for row in rows if row.now == now]
    return {"calls": sum(row.many for row in mine), "abandoned": sum(row.abandoned for row in mine)}


def _calls_by_line(rows: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.now:
            line = found.setdefault(row.value, {"calls": 0, "abandoned": 0})
            line["calls"] += row.many
            line["abandoned"] += row.abandoned
    return found


def _worked(rows: Any) -> dict[str, Any]:
    return {"there": sum(row.there for row in rows), "occupied": sum(row.occupied for row in rows)}


def _counted(row: Any) -> Counted:
    took = None if row.took is None else int(row.took)
    return Counted(
        ticket_id=row.ticket_id,
        number=row.number,
        subject=row.subject,
        status=row.status,
        at=row.at,
        seconds=took if row.seconds is None else row.seconds,
        work_seconds=row.work_seconds,
        **{name: getattr(row, name) for name in DIMENSIONS},
    )
