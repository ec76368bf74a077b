"""The wallboard's figures from the database: a few statements, each answered from an index or a
handful of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, bindparam, func, select, text

from services.desk.tickets import grouping, repository
from services.desk.tickets.models import TICKETS
from services.desk.tickets.teams import team_names
from services.desk.wallboard.domain import MINUTE, REPLIES_OVER, Counted, paces, per_minute, queues, trailing
from services.desk.wallboard.schemas import History, Line, Mood, Staff, Times, Work
from shared.db import Database

HOUR = timedelta(hours=1)
_MOST_TEAMS = 30
_MOST_REPLIES = 50_000
"""First replies of an hour that are looked at; bounds memory after an import."""
_MOST_TIMES = 20_000
"""Newest messages whose times are looked at; bounds the work in a flood."""
_WAITING = (
    select(
        TICKETS.c.team,
        repository.still_asked(bindparam("now")).label("asked"),
        func.count().label("waiting"),
        func.min(TICKETS.c.waiting_since).label("oldest"),
        func.count(TICKETS.c.due_at).label("aimed"),
        func.count().filter(TICKETS.c.due_at <= bindparam("now")).label("late"),
    )
    .where(*repository.waits(), ~grouping.stands_under_its_leader())
    .group_by(TICKETS.c.team, "asked")
)
"""As the lists behind the numbers have it: tickets about the same that stand under one are one."""
_NOW = text(
    """
    SELECT
        (SELECT max(at) FROM (SELECT at FROM desk.ticket_events ORDER BY seq DESC LIMIT 50) AS newest) AS last_event,
        calls.waiting, calls.longest, calls.talking, replies.took
    FROM
        (SELECT count(*) FILTER (WHERE state IN ('queued', 'offered') AND direction = 'in') AS waiting,
            min(waiting_since) FILTER (WHERE state IN ('queued', 'offered') AND direction = 'in') AS longest,
            count(*) FILTER (WHERE state IN ('bridging', 'connected')) AS talking
         FROM desk.calls WHERE state IN ('queued', 'offered', 'bridging', 'connected', 'wrap-up')) AS calls,
        (SELECT percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM first_reply_at - created_at)) AS took
         FROM desk.tickets WHERE first_reply_at > :recently) AS replies
    """
)
_AGENTS = text("SELECT presence, skills, count(*) AS agents FROM desk.agents WHERE active GROUP BY presence, skills")
_MESSAGES = text(
    """
    SELECT channel, count(*) AS messages FROM desk.messages
    WHERE direction = 'in' AND at > :since AND at <= :now GROUP BY channel
    """
)
_MOOD = text(
    """
    SELECT count(*) FILTER (WHERE post ->> 'sounds' = 'complaint') AS complaints,
        count(*) FILTER (WHERE post ->> 'sounds' = 'question') AS questions, count(*) AS all
    FROM desk.messages WHERE direction = 'in' AND at > :since AND (public OR account <> '')
    """
)
_CAME = text(
    """
    SELECT channel,
        percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM taken_at - at)::float8) AS received,
        percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM routed_at - taken_at)::float8) AS router,
        percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM applied_at - routed_at)::float8) AS desk,
        percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM applied_at - at)::float8) AS arrival
    FROM (
        SELECT channel, at, taken_at, routed_at, applied_at FROM desk.messages
        WHERE applied_at > :since ORDER BY applied_at DESC LIMIT :most
    ) AS newest GROUP BY GROUPING SETS ((channel), ())
    """
)
_WENT = text(
    """
    SELECT channel, percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM sent_at - at)::float8) AS delivery
    FROM (SELECT channel, at, sent_at FROM desk.messages WHERE sent_at > :since ORDER BY sent_at DESC LIMIT :most) AS newest
    GROUP BY GROUPING SETS ((channel), ())
    """
)
_ANSWERED = text(
    """
    SELECT channel,
        percentile_disc(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY extract(epoch FROM first_reply_at - created_at)::float8) AS reply
    FROM (
        SELECT channel, created_at, first_reply_at FROM desk.tickets
        WHERE first_reply_at > :since ORDER BY first_reply_at DESC LIMIT :most
    ) AS newest GROUP BY GROUPING SETS ((channel), ())
    """
)
"""Rows without a channel are about all of them. Times that are not known are left out by
PostgreSQL."""
_BY_MINUTE = text(
    """
    SELECT date_bin('1 minute', at, :since) AS begin, channel, count(*) AS messages FROM desk.messages
    WHERE direction = 'in' AND at >= :since AND at < :now GROUP BY 1, 2
    """
)
_REPLIES = text(
    """
    SELECT first_reply_at AS at, extract(epoch FROM first_reply_at - created_at)::float8 AS took FROM desk.tickets
    WHERE first_reply_at > :since ORDER BY first_reply_at LIMIT :most
    """
)


async def work(database: Database, now: datetime) -> Work:
    """Reads the current figures of queues, telephone line, agents and messages. Raises
    Unavailable."""
    async with database.transaction() as session:

        async def rows(statement: Executable, **values: Any) -> Sequence[Any]:
            return (await session.execute(statement, values)).all()

        counted = await rows(_WAITING, now=now)
        (one,) = await rows(_NOW, recently=now - REPLIES_OVER)
        agents = await rows(_AGENTS)
        messages = await rows(_MESSAGES, since=now - MINUTE, now=now)
        teams = await team_names(session, _MOST_TEAMS)
    ready = [frozenset(row.skills) for row in agents if row.presence == "ready" for _ in range(row.agents)]
    return Work(
        last_event=one.last_event,
        queues=queues(
            [Counted(r.team, frozenset(r.asked), r.waiting, r.oldest, r.aimed, r.late) for r in counted], teams, ready
        ),
        line=Line(waiting=one.waiting, longest=one.longest),
        staff=Staff(
            all=sum(row.agents for row in agents),
            ready=len(ready),
            on_call=one.talking,
            busy=max(0, sum(row.agents for row in agents if row.presence in ("busy", "wrap-up")) - one.talking),
            away=sum(row.agents for row in agents if row.presence == "away"),
        ),
        messages={row.channel: row.messages for row in messages},
        first_reply_half=None if one.took is None else float(one.took[0]),
        first_reply=None if one.took is None else float(one.took[1]),
    )


async def mood(database: Database, now: datetime) -> Mood:
    """Reads the complaints, questions and other posts of the last hour. Raises Unavailable."""
    async with database.transaction() as session:
        row = (await session.execute(_MOOD, {"since": now - HOUR})).one()
    return Mood(complaints=row.complaints, questions=row.questions, other=row.all - row.complaints - row.questions)


async def times(database: Database, now: datetime) -> Times:
    """Reads how long each stage took in the last five minutes. Raises Unavailable."""
    values = {"since": now - REPLIES_OVER, "most": _MOST_TIMES}
    async with database.transaction() as session:
        rows = [row for look in (_CAME, _WENT, _ANSWERED) for row in (await session.execute(look, values)).mappings()]
    return paces((row["channel"], {stage: took for stage, took in row.items() if stage != "channel"}) for row in rows)


async def history(database: Database, now: datetime, channels: Sequence[str]) -> History:
    """Reads the hour before `now`, with a line for each of `channels` and for any other that was
    used. Raises Unavailable."""
    since = now - HOUR
    async with database.transaction() as session:
        counts = (await session.execute(_BY_MINUTE, {"since": since, "now": now})).all()
        values = {"since": since - REPLIES_OVER, "most": _MOST_REPLIES}
        replies = [(row.at, row.took) for row in await session.execute(_REPLIES, values)]
    times = [since + MINUTE * number for number in range(1, 61)]
    return History(
        times=tuple(times),
        messages=per_minute([(row.begin, row.channel, row.messages) for row in counts], times, channels),
        first_reply=trailing(replies, times),
    )
