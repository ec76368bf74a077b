"""Facts are made of what the timeline has new, soon after it was committed.

What is to be done is a place in the timeline and, where all is counted anew, a place among the
tickets; both move on in the transaction that writes the facts. So any number of processes do this,
one at a time, and one that is killed leaves nothing undone and nothing counted twice.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.desk.bulk import among, document
from services.desk.context import Desk
from services.desk.reports.domain import Fact, Known, facts
from services.desk.schema import EVENTS
from services.desk.tickets.domain import MACHINES
from services.desk.timeline import EventView, event_view
from shared.clock import utc_now
from shared.db import Database
from shared.events.desk import (
    AgentPresenceChanged,
    Change,
    DeliveryChanged,
    MessageAdded,
    ReplyAdded,
    TicketAnswered,
    TicketAssigned,
    TicketOpened,
    TicketOverflowed,
    TicketReopened,
    TicketRouted,
    TicketStatusChanged,
    kind_of,
)
from shared.hours import Hours
from shared.loops import forever
from shared.statements import fetch

EVERY = 3.0
"""Seconds between two looks: figures are of minutes at least."""
_SHORTEST = 0.05
_EVENTS = 2000
"""Of one transaction."""
_TICKETS = 300
_BEGINNING = "00000000-0000-0000-0000-000000000000"
_COUNTED: tuple[type[Change], ...] = (
    TicketOpened, TicketRouted, TicketReopened, TicketStatusChanged, TicketAssigned, TicketAnswered, TicketOverflowed,
    MessageAdded, ReplyAdded, DeliveryChanged,
)  # fmt: skip
_KINDS = tuple(kind_of(change) for change in _COUNTED)
_PRESENCE = kind_of(AgentPresenceChanged)
_DIMENSIONS = ("channel", "team", "agent", "language", "tier")

_PROGRESS = text("SELECT seq, rebuilt, hours FROM desk.report_progress FOR UPDATE SKIP LOCKED")
_NEW = """
    SELECT seq, ticket_id::text AS ticket, kind, at, data ->> 'agent' AS agent, data ->> 'presence' AS presence
    FROM desk.ticket_events WHERE seq > $1 ORDER BY seq LIMIT $2
"""
_MESSAGES = """
    SELECT ticket_id::text AS ticket, id::text, automatic, copy_of::text, ended_wait ->> 'due_at' AS due
    FROM desk.messages WHERE ticket_id = ANY($1::uuid[])
        AND (automatic = ANY($2::text[]) OR copy_of IS NOT NULL OR ended_wait IS NOT NULL)
"""
_OF_WHOM = """
    SELECT t.id::text, t.channel, t.language, c.tier, CASE WHEN t.waiting_since IS NOT NULL THEN t.due_at END AS due_at
    FROM desk.tickets AS t JOIN desk.customers AS c ON c.id = t.customer_id WHERE t.id = ANY($1::uuid[])
"""
_FORGET = "DELETE FROM desk.report_facts WHERE ticket_id = ANY($1::uuid[])"
_WRITE = """
    INSERT INTO desk.report_facts
    SELECT f.* FROM json_populate_recordset(NULL::desk.report_facts, $1::json) AS f
    WHERE EXISTS (SELECT FROM desk.tickets WHERE id = f.ticket_id)
"""
_CHOICES = """
    INSERT INTO desk.report_values SELECT v.* FROM json_populate_recordset(NULL::desk.report_values, $1::json) AS v
    ON CONFLICT DO NOTHING
"""
_AFTER = "SELECT id::text FROM desk.tickets WHERE id > $1::uuid ORDER BY id LIMIT $2"
_ORPHANS = "DELETE FROM desk.report_facts AS f WHERE NOT EXISTS (SELECT FROM desk.tickets WHERE id = f.ticket_id)"
_LEFT = """
    UPDATE desk.report_presence SET until = greatest(at, $2::timestamptz) WHERE agent = $1 AND until IS NULL
"""
_CAME = "INSERT INTO desk.report_presence (seq, agent, at, presence) VALUES ($1, $2, $3, $4)"
_PRESENT_AGAIN = """
    INSERT INTO desk.report_presence (seq, agent, at, until, presence)
    SELECT seq, agent, at, CASE WHEN until IS NOT NULL THEN greatest(at, until) END, presence FROM (
        SELECT seq, data ->> 'agent' AS agent, at, data ->> 'presence' AS presence,
            lead(at) OVER (PARTITION BY data ->> 'agent' ORDER BY seq) AS until
        FROM desk.ticket_events WHERE ticket_id IS NULL AND kind = $1 AND seq <= $2
    ) AS told WHERE presence <> 'away'
"""
_MOVE_ON = text(
    "UPDATE desk.report_progress SET seq = :seq, rebuilt = :rebuilt, hours = :hours, at = coalesce(:at, at)"
)


async def run(desk: Desk, stop: asyncio.Event) -> None:
    """Counts what is new until `stop`; waits for PostgreSQL while it is unavailable."""

    async def look() -> float:
        return _SHORTEST if await advance(desk) else EVERY

    await forever("reports", look, stop)


async def rebuild(database: Database) -> None:
    """Has everything counted anew, by this or any other process. Raises Unavailable."""
    async with database.transaction() as session:
        await session.execute(text("UPDATE desk.report_progress SET rebuilt = :first"), {"first": _BEGINNING})


async def advance(desk: Desk) -> bool:
    """Counts the next events, and the next tickets where all is counted anew. Returns whether there
    is more. Raises Unavailable with nothing done."""
    now, hours = utc_now(), _written(desk)
    async with desk.database.transaction() as session:
        progress = (await session.execute(_PROGRESS)).one_or_none()
        if progress is None:
            return False  # another process counts
        rebuilt = progress.rebuilt and str(progress.rebuilt)
        if progress.hours != hours:
            rebuilt = _BEGINNING
        events = await fetch(session, _NEW, progress.seq, _EVENTS)
        seq = events[-1]["seq"] if events else progress.seq
        touched = sorted({event["ticket"] for event in events if event["ticket"]})
        for start in range(0, len(touched), _TICKETS):
            await _count(session, touched[start : start + _TICKETS], desk.settings.opening)
        for event in events:
            if event["kind"] == _PRESENCE and event["agent"]:
                await _present(session, event)
        more = len(events) == _EVENTS
        if rebuilt and not more:
            rebuilt = await _again(session, rebuilt, seq, desk.settings.opening)
        at = None if more else now
        values = {"seq": seq, "rebuilt": rebuilt or None, "hours": hours, "at": at}
        await session.execute(_MOVE_ON, values)
    return more or bool(rebuilt)


def _written(desk: Desk) -> str:
    own = desk.settings
    return f"{own.business_hours}|{own.business_zone}|{own.business_holidays}"


async def _again(session: AsyncSession, after: str, seq: int, hours: Hours) -> str:
    """Counts the next tickets anew. Returns the last of them; empty where there are no more."""
    if after == _BEGINNING:
        await session.execute(text("DELETE FROM desk.report_presence"))
        await fetch(session, _PRESENT_AGAIN, _PRESENCE, seq)
    found = [row["id"] for row in await fetch(session, _AFTER, after, _TICKETS)]
    if not found:
        await fetch(session, _ORPHANS)
        return ""
    await _count(session, found, hours)
    return str(found[-1])


async def _present(session: AsyncSession, event: Any) -> None:
    await fetch(session, _LEFT, event["agent"], event["at"])
    if event["presence"] != "away":
        await fetch(session, _CAME, event["seq"], event["agent"], event["at"], event["presence"])


async def _count(session: AsyncSession, tickets: Sequence[str], hours: Hours) -> None:
    """Writes the facts of these tickets in place of those that there were."""
    of_whom = {row["id"]: row for row in await fetch(session, _OF_WHOM, tickets)}
    timelines = defaultdict[str, list[EventView]](list)
    told = select(EVENTS).where(among(EVENTS.c.ticket_id, tickets), EVENTS.c.kind.in_(_KINDS))
    for event in await session.execute(told.order_by(EVENTS.c.seq)):
        timelines[event.ticket_id].append(event_view(event))
    known = await _known(session, tickets, {own: row["due_at"] for own, row in of_whom.items()})
    rows, choices = list[dict[str, Any]](), set[tuple[str, str]]()
    for ticket, whose in of_whom.items():
        of_all = {name: whose[name] for name in ("channel", "language", "tier")}
        for number, fact in enumerate(facts(timelines[ticket], known[ticket], hours)):
            row = _stored(fact) | of_all | {"ticket_id": ticket, "no": number}
            rows.append(row)
            choices |= {(name, row[name]) for name in _DIMENSIONS if row[name]}
    await fetch(session, _FORGET, tickets)
    if rows:
        await fetch(session, _WRITE, document(rows))
        await fetch(session, _CHOICES, document([{"dimension": d, "value": v} for d, v in sorted(choices)]))


async def _known(
    session: AsyncSession, tickets: Collection[str], due_now: dict[str, datetime | None]
) -> dict[str, Known]:
    machines, copies, due = (defaultdict[str, dict[str, Any]](dict) for _ in range(3))
    for row in await fetch(session, _MESSAGES, tickets, MACHINES):
        if row["automatic"]:
            machines[row["ticket"]][row["id"]] = True
        if row["copy_of"]:
            copies[row["ticket"]][row["id"]] = row["copy_of"]
        if row["due"]:
            due[row["ticket"]][row["id"]] = datetime.fromisoformat(row["due"])
    return {
        ticket: Known(
            machines=frozenset(machines[ticket]), copies=copies[ticket], due=due[ticket], due_now=due_now.get(ticket)
        )
        for ticket in tickets
    }


def _stored(fact: Fact) -> dict[str, Any]:
    return {
        "kind": fact.kind,
        "at": fact.at,
        "until": fact.until,
        "since": fact.since,
        "seconds": fact.seconds,
        "work_seconds": fact.work_seconds,
        "met": fact.met,
        "team": fact.team,
        "agent": fact.agent,
    }
