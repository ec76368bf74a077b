"""Reads facts: a few statements for a report, each answered from an index over its period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.reports.domain import DUE, FIRST, MORE, NEXT, OPEN, OPENED, SOLVED
from services.desk.reports.models import FACTS, PROGRESS, VALUES
from services.desk.reports.periods import Period
from services.desk.tickets.models import TICKETS

DIMENSIONS = ("channel", "team", "agent", "language", "tier")
_TIMED, _UNTIMED = (FIRST, NEXT, SOLVED), (OPENED, MORE, DUE)
_COUNTED = _TIMED + _UNTIMED
METRICS: Mapping[str, tuple[str, ...]] = {
    "new": (OPENED,),
    "replies": (FIRST, NEXT, MORE),
    "first-reply": (FIRST,),
    "next-reply": (NEXT,),
    "resolution": (SOLVED,),
    "reopened": (SOLVED,),
    "due": (DUE,),
    "missed": (DUE,),
    "backlog": (OPEN,),
}
"""Numbers that have tickets behind them, and their facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a report is about."""

    period: Period
    business: bool = False
    """Whether times are of business hours."""
    by: str = "team"
    """One of `DIMENSIONS`: what its lines are of."""
    only: Mapping[str, str]
    """By dimension: nothing but this value."""


_FIGURES = """
    count(*) AS many,
    count(*) FILTER (WHERE CASE WHEN fact.kind = 'solved' THEN fact.until IS NOT NULL ELSE fact.met END) AS told,
    {times} AS times
"""
_TIMES = "percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY fact.{})"
_RANGES = f"""
    SELECT part.no, counted.kind, figures.* FROM
        unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) WITH ORDINALITY AS part (since, until, no)
        CROSS JOIN unnest(CAST(:kinds AS text[])) AS counted (kind)
        CROSS JOIN LATERAL (
            SELECT {_FIGURES} FROM desk.report_facts AS fact
            WHERE fact.kind = counted.kind AND fact.at >= part.since AND fact.at < part.until {{only}}
        ) AS figures
"""  # noqa: S608 - names of our own columns
_LINES = f"""
    SELECT fact.{{by}} COLLATE "C" AS value, fact.kind COLLATE "C" AS kind, {_FIGURES} FROM desk.report_facts AS fact
    WHERE fact.kind = ANY(:kinds) AND fact.at >= :since AND fact.at < :until {{only}} GROUP BY 1, 2
"""  # noqa: S608 - likewise
"""Of ranges of time, each is a range of the index; of values, sorting by bytes is the cheapest, and
what is only counted is not sorted."""


def _seconds(asked: Asked) -> str:
    return "work_seconds" if asked.business else "seconds"


def _written(only: Mapping[str, str]) -> str:
    return "".join(f" AND fact.{name} = :only_{name}" for name in DIMENSIONS if name in only)


def _values(only: Mapping[str, str]) -> dict[str, str]:
    return {f"only_{name}": value for name, value in only.items()}


def shown(seconds: ColumnElement[int]) -> ColumnElement[int]:
    """Rounds as `domain.shown` does."""
    return case((seconds < 3600, seconds), (seconds < 86_400, seconds - seconds % 60), else_=seconds - seconds % 3600)


async def progress(session: AsyncSession) -> Any:
    """Returns since when all is counted, and whether it is being counted anew."""
    return (await session.execute(select(PROGRESS.c.at, PROGRESS.c.rebuilt))).one()


async def choices(session: AsyncSession) -> dict[str, list[str]]:
    """Returns the values of each dimension that ever counted."""
    found: dict[str, list[str]] = {name: [] for name in DIMENSIONS}
    for row in await session.execute(select(VALUES).order_by(VALUES.c.dimension, VALUES.c.value)):
        found[row.dimension].append(row.value)
    return found


async def counts(session: AsyncSession, asked: Asked) -> Sequence[Any]:
    """Counts the facts of both periods and of each slot: rows of `no` (1: the period, 2: the one
    before, from 3 on: the slots), `kind`, `many`, `told` and `times` (median and 90th percentile by
    nearest rank, NULL where there is none)."""
    period = asked.period
    starts = [period.since, period.before_since, *(max(at, period.since) for at in period.slots)]
    ends = [period.until, period.before_until, *period.slots[1:], *([period.until] if period.slots else [])]
    statement = _RANGES.format(times=_TIMES.format(_seconds(asked)), only=_written(asked.only))
    values = {"starts": starts, "ends": ends, "kinds": list(_COUNTED)}
    return (await session.execute(text(statement), values | _values(asked.only))).all()


async def lines(session: AsyncSession, asked: Asked) -> Sequence[Any]:
    """Counts the facts of the period by value: rows of `value` and as `counts`."""
    found: list[Any] = []
    for kinds, times in ((_TIMED, _TIMES.format(_seconds(asked))), (_UNTIMED, "NULL::integer[]")):
        statement = text(_LINES.format(times=times, only=_written(asked.only), by=asked.by))
        values = {"since": asked.period.since, "until": asked.period.until, "kinds": list(kinds)}
        found += await session.execute(statement, values | _values(asked.only))
    return found


async def backlog(session: AsyncSession, asked: Asked, at: datetime) -> Sequence[Any]:
    """Counts what is unsolved at this moment, with how old half and 90 of 100 of it are at most: a
    row for each `value`, and one of all (`whole`)."""
    facts = FACTS.c
    age = shown(cast(func.floor(func.extract("epoch", bindparam("now", at) - facts.since)), Integer))
    value = facts[asked.by]
    found = (
        select(
            value.label("value"),
            func.grouping(value).label("whole"),
            func.count().label("many"),
            func.percentile_disc(text("ARRAY[0.5, 0.9]")).within_group(age).label("ages"),
        )
        .where(*_open_at(at), *_only(asked.only))
        .group_by(func.grouping_sets(tuple_(value), text("()")))
    )
    return (await session.execute(found)).all()


async def backlog_moves(session: AsyncSession, asked: Asked) -> dict[int, int]:
    """Returns, by slot from 1 on, how much more is unsolved at its end than at its beginning."""
    facts, period = FACTS.c, asked.period
    moves: dict[int, int] = {}
    for column, sign in ((facts.at, 1), (facts.until, -1)):
        slot = _slot(column, period).label("slot")
        found = select(slot, func.count().label("many")).where(
            facts.kind == OPEN, column >= period.since, column < period.until, *_only(asked.only)
        )
        for row in await session.execute(found.group_by(slot)):
            moves[row.slot] = moves.get(row.slot, 0) + sign * row.many
    return moves


_CALLS = text(
    """
    SELECT c.waiting_since >= :since AS now,
        CASE WHEN c.waiting_since >= :since THEN CASE :by WHEN 'channel' THEN coalesce(t.channel, 'phone')
            WHEN 'team' THEN coalesce(t.team, '') WHEN 'language' THEN c.language
            ELSE coalesce(p.tier, '') END END AS value,
        count(*) AS many, count(*) FILTER (WHERE c.state = 'abandoned') AS abandoned
    FROM desk.calls AS c LEFT JOIN desk.tickets AS t ON t.id = c.ticket_id
        LEFT JOIN desk.customers AS p ON p.id = t.customer_id
    WHERE c.direction = 'in' AND c.waiting_since >= :first AND c.waiting_since < :until
        AND (c.waiting_since >= :since OR c.waiting_since < :before_until)
        AND (CAST(:channel AS text) IS NULL OR coalesce(t.channel, 'phone') = :channel)
        AND (CAST(:team AS text) IS NULL OR coalesce(t.team, '') = :team)
        AND (CAST(:language AS text) IS NULL OR c.language = :language)
        AND (CAST(:tier AS text) IS NULL OR coalesce(p.tier, '') = :tier)
    GROUP BY 1, 2
    """
)


async def calls(session: AsyncSession, asked: Asked) -> Sequence[Any]:
    """Counts who waited on the telephone, in both periods: `now`, `value`, `many`,
    `abandoned`."""
    period = asked.period
    values = {name: asked.only.get(name) for name in ("channel", "team", "language", "tier")}
    times = {"since": period.since, "until": period.until, "before_until": period.before_until}
    more = {"first": min(period.before_since, period.since), "by": asked.by}
    return (await session.execute(_CALLS, values | times | more)).all()


_OCCUPIED = text(
    """
    WITH there AS (
        SELECT agent, range_agg(tstzrange(greatest(at, :since), least(coalesce(until, :until), :until))) AS times
        FROM desk.report_presence
        WHERE at < :until AND (until > :since OR until IS NULL) AND (CAST(:agent AS text) IS NULL OR agent = :agent)
        GROUP BY agent
    ), busy AS (
        SELECT agent, range_agg(tstzrange(greatest(at, :since), least(coalesce(until, :until), :until))) AS times
        FROM (
            SELECT agent, at, until FROM desk.report_presence
            WHERE presence IN ('busy', 'wrap-up') AND at < :until AND (until > :since OR until IS NULL)
            UNION ALL
            SELECT agent, at, until FROM desk.report_facts
            WHERE kind = 'work' AND at < :until AND (until > :since OR until IS NULL)
        ) AS all_of_it WHERE CAST(:agent AS text) IS NULL OR agent = :agent
        GROUP BY agent
    )
    SELECT agent, lasting.there, coalesce(working.occupied, 0) AS occupied
    FROM there LEFT JOIN busy USING (agent)
        CROSS JOIN LATERAL (
            SELECT sum(extract(epoch FROM upper(r) - lower(r)))::bigint AS there FROM unnest(there.times) AS r
        ) AS lasting
        CROSS JOIN LATERAL (
            SELECT sum(extract(epoch FROM upper(r) - lower(r)))::bigint AS occupied FROM unnest(there.times * busy.times) AS r
        ) AS working
    """
)


async def occupied(session: AsyncSession, since: datetime, until: datetime, agent: str | None) -> Sequence[Any]:
    """Returns for each agent, or this one, the seconds that they were there (`there`) and in which
    of these they had work (`occupied`)."""
    return (await session.execute(_OCCUPIED, {"since": since, "until": until, "agent": agent})).all()


async def behind(
    session: AsyncSession,
    asked: Asked,
    metric: str,
    *,
    longest: bool,
    after: tuple[datetime, str, int] | None,
    most: int,
) -> Sequence[Any]:
    """Lists what counts in a number, the newest first, or the longest. after: time, ticket and
    number of the last row of the page before."""
    facts = FACTS.c
    when: Iterable[ColumnElement[bool]]
    if metric == "backlog":
        when = _open_at(asked.period.until)
        seconds: ColumnElement[Any] = func.extract("epoch", asked.period.until - facts.since)
        at: ColumnElement[Any] = facts.since
    else:
        when = (facts.kind.in_(METRICS[metric]), facts.at >= asked.period.since, facts.at < asked.period.until)
        seconds = facts.work_seconds if asked.business else facts.seconds
        at = facts.at
    more = {
        "reopened": facts.until.is_not(None),
        "missed": func.coalesce(facts.met, false()).is_(false()),
    }
    place = tuple_(at, facts.ticket_id, facts.no)
    found = (
        select(
            TICKETS.c.number,
            TICKETS.c.subject,
            TICKETS.c.status,
            facts.ticket_id,
            facts.no,
            at.label("at"),
            cast(func.floor(seconds), Integer).label("took"),
            facts.seconds,
            facts.work_seconds,
            *(facts[name] for name in DIMENSIONS),
        )
        .join(TICKETS, TICKETS.c.id == facts.ticket_id)
        .where(*when, *_only(asked.only))
        .limit(most)
    )
    if metric in more:
        found = found.where(more[metric])
    if after is not None:
        found = found.where(place < tuple_(after[0], literal(after[1], facts.ticket_id.type), after[2]))
    order = (at.desc(), facts.ticket_id.desc(), facts.no.desc())
    found = found.order_by(seconds.desc().nulls_last(), *order) if longest else found.order_by(*order)
    return (await session.execute(found)).all()


def _slot(at: ColumnElement[datetime], period: Period) -> ColumnElement[int]:
    return func.width_bucket(at, literal(list(period.slots), ARRAY(DateTime(timezone=True))))


def _open_at(at: datetime) -> tuple[ColumnElement[bool], ...]:
    facts = FACTS.c
    return facts.kind == OPEN, facts.at < at, or_(facts.until >= at, facts.until.is_(None))


def _only(only: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [FACTS.c[name] == value for name, value in only.items()]
